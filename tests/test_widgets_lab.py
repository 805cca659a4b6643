"""The explorer in JupyterLab as learners open it: run a notebook, drag a slider, watch the model's picture."""

import nbformat
import pytest
import torch
from browser import chromium
from lab_server import jupyterlab

from vae_tutorial.networks import mlp
from vae_tutorial.vae import VAE

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(120)]

TRAIN = """
import torch
from vae_tutorial.networks import mlp
from vae_tutorial.vae import VAE
from vae_tutorial.widgets import LatentExplorer

torch.manual_seed(0)
x = torch.zeros(200, 1, 8, 8)
x[torch.arange(200), 0, torch.randint(8, (200,))] = 1  # a bright row, anywhere
model = VAE(*mlp((1, 8, 8), (32,), z_dim=4))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for step in range(200):
    q, z, logits = model(x)
    loss = (model.likelihood.nll(logits, x) + q.kl()).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
torch.save(model.state_dict(), "model.pt")
"""
SHOW = "explorer = LatentExplorer(model, x)\nexplorer"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    cells = [nbformat.v4.new_code_cell(source) for source in (TRAIN, SHOW)]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), home / "lesson.ipynb")
    return home


@pytest.fixture(scope="module")
def lab(home, tmp_path_factory):
    fresh = tmp_path_factory.mktemp("fresh")
    with chromium(fresh) as browser, jupyterlab(home, fresh) as url:
        lab = browser.open_notebook(url, "lesson.ipynb")
        lab.run_all()
        assert lab.errors() == []
        yield lab
        assert browser.strangers == []  # nothing was asked of another machine, from first to last


@pytest.fixture(scope="module")
def model(lab, home):
    model = VAE(*mlp((1, 8, 8), (32,), z_dim=4))
    model.load_state_dict(torch.load(home / "model.pt"))
    return model


def assert_picture_of(model, explorer):
    expected = model.decode(torch.tensor([explorer.code()])).flatten() * 255
    assert torch.tensor(explorer.pixels()).sub(expected).abs().max() < 0.51


def test_a_drag_redraws_the_trained_models_picture_without_the_kernel(lab, model):
    explorer = lab.explorer()
    assert_picture_of(model, explorer)
    before, sent = explorer.pixels(), lab.messages_sent()
    latent = int(explorer.root.locator("label").first.inner_text()[2:-1])  # the most informative one
    end = explorer.drag(latent, to=1.5)
    assert explorer.code()[latent] == end == pytest.approx(1.5, abs=0.03)
    assert explorer.pixels() != before
    assert_picture_of(model, explorer)
    assert lab.messages_sent() == sent


def test_random_and_reset(lab, model):
    explorer = lab.explorer()
    explorer.root.get_by_role("button", name="Random z").click()
    lab.page.wait_for_function("canvas => /[1-9]/.test(canvas.dataset.z)", arg=explorer.canvas.element_handle())
    assert_picture_of(model, explorer)
    explorer.root.get_by_role("button", name="Reset").click()
    for latent in range(4):
        explorer.wait_for(latent, 0)
    assert_picture_of(model, explorer)


def test_the_shortcuts_of_the_notebook_do_not_fire_from_a_slider(lab, model):
    explorer, cells = lab.explorer(), lab.cells()
    explorer.slider(0).click()
    lab.page.keyboard.press("Delete")
    for key in ("d", "d", "0", "0", "x", "ArrowUp", "ArrowUp"):
        lab.page.keyboard.press(key)
    explorer.wait_for(0, 0.2)
    assert lab.cells() == cells
    assert lab.page.locator(".jp-Dialog").count() == 0
    assert lab.page.evaluate("document.activeElement.type") == "range"
    assert_picture_of(model, explorer)


def test_both_themes(lab):
    explorer, looks = lab.explorer(), {}
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        lab.theme(theme)
        colour = "stage => getComputedStyle(stage).backgroundColor"
        looks[theme] = explorer.root.locator(".vx-stage").evaluate(colour), explorer.root.screenshot()
    (light, light_shot), (dark, dark_shot) = looks.values()
    assert light == "rgb(255, 255, 255)"
    assert dark != light
    assert dark_shot != light_shot


def test_new_weights_reach_the_open_widget(lab, home):
    explorer = lab.explorer()
    before = explorer.pixels()
    lab.page.evaluate(
        "code => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.requestExecute({ code }).done",
        "torch.manual_seed(1); other = VAE(*mlp((1, 8, 8), (32,), z_dim=4)); explorer.set_model(other);"
        "torch.save(other.state_dict(), 'other.pt')",
    )
    lab.page.get_by_text("The model as it is now").wait_for()
    other = VAE(*mlp((1, 8, 8), (32,), z_dim=4))
    other.load_state_dict(torch.load(home / "other.pt"))
    assert explorer.pixels() != before
    assert_picture_of(other, explorer)
