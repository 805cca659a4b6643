"""The explorer in JupyterLab as learners open it: run a notebook, drag a slider, watch the model's picture."""

import pytest
import torch
from accessibility import violations
from browser import KERNEL, chromium
from lab_server import jupyterlab, write_notebook

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
FIGURES = """
import time
import matplotlib.pyplot as plt
for i in range(25):
    plt.figure(figsize=(2, 1.5))
    for k in range(4):
        plt.plot([0, 1, k])
        time.sleep(0.03)
    plt.show()
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    write_notebook(home / "lesson.ipynb", TRAIN, SHOW, FIGURES)
    return home


@pytest.fixture(scope="module")
def lab(home, tmp_path_factory):
    fresh = tmp_path_factory.mktemp("fresh")
    with chromium(fresh) as browser, jupyterlab(home, fresh) as url:
        lab = browser.open_notebook(url, "lesson.ipynb")
        lab.run(0)
        lab.run(1)
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
    assert torch.tensor(explorer.pixels()).sub(expected).abs().max() < 1.5  # its weights are 16-bit


def test_a_drag_redraws_the_trained_models_picture_without_the_kernel(lab, model, home):
    explorer = lab.explorer()
    assert_picture_of(model, explorer)
    before, sent = explorer.pixels(), lab.messages_sent()
    latent = int(explorer.root.locator(".vx-row label").first.inner_text()[2:-1])  # the most informative one
    end = explorer.drag(latent, to=1.5)
    assert explorer.code()[latent] == end == pytest.approx(1.5, abs=0.03)
    assert explorer.pixels() != before
    assert_picture_of(model, explorer)
    assert lab.messages_sent() <= sent + 5  # told where it rests, not move by move: 20 moves, on a busy machine too
    lab.ask("torch.save(explorer.z, 'z.pt')")
    assert torch.load(home / "z.pt").tolist() == pytest.approx(explorer.code())


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
    lab.ask(
        "torch.manual_seed(1); other = VAE(*mlp((1, 8, 8), (32,), z_dim=4)); explorer.set_model(other);"
        "torch.save(other.state_dict(), 'other.pt')"
    )
    lab.page.get_by_text("New weights").wait_for()
    other = VAE(*mlp((1, 8, 8), (32,), z_dim=4))
    other.load_state_dict(torch.load(home / "other.pt"))
    assert explorer.pixels() != before
    assert_picture_of(other, explorer)
    lab.ask("explorer.set_model(model)")


def test_axe_finds_nothing(lab):
    explorer = lab.explorer()
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        lab.theme(theme)
        explorer.root.get_by_role("button", name="image 3").click()
        lab.page.wait_for_timeout(300)
        assert violations(lab.page, ".vx") == []


def test_a_cell_draws_undamaged_figures_while_a_slider_is_dragged(lab, model):
    explorer = lab.explorer()
    lab.start(2)
    slider = explorer.slider(0)
    lab.page.wait_for_timeout(300)  # the notebook scrolls to the cell that runs
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    mouse, painted = lab.page.mouse, set()
    mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    mouse.down()
    moves = 0
    while lab.busy():
        mouse.move(box["x"] + 10 + (13 * moves) % (box["width"] - 20), box["y"] + box["height"] / 2)
        moves += 1
        painted.add(explorer.code()[0])
    mouse.up()
    assert moves > 20
    assert len(painted) > moves / 2  # the picture followed while the kernel was busy
    figures = [output["data"]["image/png"] for output in lab.outputs(2) if "image/png" in output.get("data", {})]
    assert len(figures) == 25
    assert len(set(figures)) == 1
    assert_picture_of(model, explorer)


def test_the_page_goes_on_when_the_kernel_is_restarted_and_when_it_is_dead(lab, model):
    explorer = lab.explorer()
    for end in ("restart", "shutdown"):
        lab.page.evaluate(f"async () => {{ await {KERNEL}.{end}(); }}")
        for to in (1.0, -1.0):
            assert explorer.drag(1, to=to) == pytest.approx(to, abs=0.05)
            assert_picture_of(model, explorer)
