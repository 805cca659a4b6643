"""Lesson 01 as a learner meets it: in JupyterLab as `make lab` starts it, run to its end, its sliders dragged.

Its models are trained for one epoch each; nbval trains them as long as the lesson says.
"""

import re
from pathlib import Path

import pytest
import torch
from browser import Explorer, chromium
from lab_server import jupyterlab

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

LESSON = Path(__file__).parents[1] / "notebooks" / "01_autoencoder_to_vae.ipynb"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A copy, so that the lesson itself stays as it is."""
    home = tmp_path_factory.mktemp("home")
    hurried, models = re.subn(r"epochs=\d+", "epochs=1", LESSON.read_text(encoding="utf-8"))
    assert models == 3
    (home / LESSON.name).write_text(hurried, encoding="utf-8")
    return home


@pytest.fixture(scope="module")
def lab(home, tmp_path_factory):
    fresh = tmp_path_factory.mktemp("fresh")
    with chromium(fresh) as browser, jupyterlab(home, fresh) as url:
        lab = browser.open_notebook(url, LESSON.name)
        lab.run_all()
        yield lab
        assert browser.strangers == []


def decoded_by_the_kernel(lab, home, model, code):
    """What the lesson's own model makes of a code, asked of the running kernel."""
    lab.ask(f"torch.save({model}.decode(torch.tensor([{code}])).cpu(), 'picture.pt')")
    return torch.load(home / "picture.pt").flatten() * 255


def test_every_cell_runs(lab):
    assert lab.errors() == []


def test_a_slider_moves_the_picture_of_the_model_just_trained(lab, home):
    explorer = lab.explorer(0)
    before = explorer.pixels()
    latent = int(explorer.root.locator(".vx-row label").first.inner_text()[2:-1])
    explorer.drag(latent, to=2.0)
    after = torch.tensor(explorer.pixels())
    assert (after - torch.tensor(before)).abs().max() > 50
    assert (after - decoded_by_the_kernel(lab, home, "vae", explorer.code())).abs().max() < 1.5


def test_the_map_of_two_latents_can_be_dragged_over(lab, home):
    root = lab.page.locator(".vx", has=lab.page.locator(".vx-manifold"))
    area = root.get_by_role("application")
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    lab.page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    lab.page.mouse.down()
    lab.page.mouse.move(box["x"] + 0.75 * box["width"], box["y"] + 0.25 * box["height"], steps=10)
    lab.page.mouse.up()
    large = Explorer(root)
    large.wait_for(0, float(large.slider(0).input_value()))
    assert large.code() == pytest.approx([1.5, 1.5], abs=0.05)
    picture = decoded_by_the_kernel(lab, home, "flat_vae", large.code())
    assert (torch.tensor(large.pixels()) - picture).abs().max() < 1.5
