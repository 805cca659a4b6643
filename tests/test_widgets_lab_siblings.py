"""Every widget in JupyterLab, and the explorer in Notebook 7 too: shown, used, asking other machines for nothing."""

import json
import re

import pytest
import torch
from accessibility import violations
from browser import chromium
from lab_server import jupyterlab, write_notebook
from playwright.sync_api import expect
from torch import nn

from vae_tutorial.networks import Decoder, mlp
from vae_tutorial.vae import VAE, ConditionalVAE

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(180)]

SET_UP = """
import torch
from torch import nn
from types import SimpleNamespace
from vae_tutorial.networks import Decoder, mlp
from vae_tutorial.vae import VAE, ConditionalVAE
from vae_tutorial.widgets import BetaDial, Compare, CovarianceDial, DrawDigit, KernelLab, LatentExplorer, LossLab
from vae_tutorial.widgets import ManifoldPad, Quiz, RunDial

torch.manual_seed(0)
covariances = [dict(k=k, covariance=[[k, 0.5], [0.5, 1]]) for k in (1, 3)]
images = SimpleNamespace(x=torch.rand(60, 1, 12, 12), y=torch.arange(60) % 10)

def model(z_dim):
    return VAE(*mlp((1, 12, 12), (16,), z_dim))

conditional = ConditionalVAE(*mlp((1, 12, 12), (16,), 4, n_classes=10), 10)
odd = VAE(mlp((1, 12, 12), (16,), 3)[0], Decoder(nn.Sequential(nn.Linear(3, 144), nn.GELU()), (1, 12, 12), 3))
torch.save([conditional.state_dict(), odd.state_dict()], "models.pt")
"""
CELLS = {
    "Map of two latents": "ManifoldPad(model(2), images)",
    "Dial through models": "BetaDial({0.25: model(4), 1: model(4), 4: model(4)}, images)",
    "Models side by side": 'Compare({"small": model(2), "large": model(6)}, images)',
    "Loss laboratory": "LossLab()",
    "Kernel laboratory": "KernelLab()",
    "Dial through training runs": 'RunDial([dict(k=k, a=[k]) for k in (1, 3)], {"k": "k"}, {"a": "a"}, steps=[1, 2])',
    "Dial through covariances": 'CovarianceDial(covariances, {"k": "k"})',
    "Concept questions": 'Quiz("before_and_after", record="before.json")',
    "Draw a digit": "DrawDigit(conditional, images)",
    "Latent explorer": "explorer = LatentExplorer(conditional, images)\nexplorer",
    "Explorer whose decoder needs the kernel": "LatentExplorer(odd, images)",
}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    write_notebook(home / "lesson.ipynb", SET_UP, *CELLS.values())
    return home


@pytest.fixture(scope="module")
def server(home, tmp_path_factory):
    fresh = tmp_path_factory.mktemp("fresh")
    with chromium(fresh) as browser, jupyterlab(home, fresh) as url:
        yield browser, url
        assert browser.strangers == []


@pytest.fixture(scope="module")
def lab(server):
    browser, url = server
    lab = browser.open_notebook(url, "lesson.ipynb")
    failures = []
    lab.page.on("pageerror", lambda error: failures.append(error))
    lab.run_all()
    assert lab.errors() == []
    yield lab
    assert failures == []


def widget(lab, name):
    root = lab.page.get_by_role("group", name=name, exact=True)
    root.wait_for(timeout=15_000)
    root.scroll_into_view_if_needed()
    return root


def picture(root, nth=0):
    """The bytes of one canvas."""
    return root.locator("canvas").nth(nth).evaluate("canvas => canvas.toDataURL()")


def changes(root, before, look):
    """Wait until what `look` gives differs from `before`."""
    for _ in range(50):
        if (after := look()) != before:
            return after
        root.page.wait_for_timeout(100)
    raise AssertionError("nothing has changed within 5 seconds")


def test_the_map_follows_keys(lab):
    root = widget(lab, "Map of two latents")
    large = root.locator("canvas.vx-picture")
    before = large.evaluate("canvas => canvas.toDataURL()")
    root.get_by_role("application").focus()
    for key in ("PageUp", "ArrowRight", "ArrowRight"):
        lab.page.keyboard.press(key)
    changes(root, before, lambda: large.evaluate("canvas => canvas.toDataURL()"))
    assert float(root.get_by_label("z[0]", exact=True).input_value()) == pytest.approx(0.2)
    assert float(root.get_by_label("z[1]", exact=True).input_value()) == pytest.approx(0.5)


def test_the_dial_turns_by_keys_from_stop_to_stop(lab):
    root, cells = widget(lab, "Dial through models"), lab.cells()
    slider = root.get_by_role("slider").first
    slider.focus()
    lab.page.keyboard.press("Home")
    before = root.inner_text()
    lab.page.keyboard.press("End")
    changes(root, before, root.inner_text)
    assert slider.get_attribute("aria-valuetext") == "beta = 4"
    for key in ("d", "d", "0", "0"):
        lab.page.keyboard.press(key)
    assert lab.cells() == cells
    assert lab.page.locator(".jp-Dialog").count() == 0


def test_compare_sends_one_image_and_one_code_through_all_models(lab):
    root = widget(lab, "Models side by side")
    cards = root.locator(".vx-card")
    pictures = [picture(cards.nth(nth)) for nth in range(3)]
    root.get_by_role("button", name="image 9, class", exact=False).first.click()
    for nth in range(3):
        changes(root, pictures[nth], lambda nth=nth: picture(cards.nth(nth)))
    root.get_by_text("Same z", exact=True).click()
    slider = root.get_by_label("z[1]", exact=True)
    slider.focus()
    lab.page.keyboard.press("End")
    assert float(slider.input_value()) == 3


def test_the_loss_laboratory_follows_its_sliders(lab):
    root = widget(lab, "Loss laboratory")
    before = root.inner_text()
    root.get_by_label("pixel x").focus()
    lab.page.keyboard.press("Home")
    assert "0.00" in changes(root, before, root.inner_text)


def test_the_kernel_laboratory_follows_its_sliders_and_menu(lab):
    root = widget(lab, "Kernel laboratory")
    told = root.locator("p[role=status]")
    before = told.inner_text()
    root.get_by_label("distance", exact=True).focus()
    lab.page.keyboard.press("End")
    before = changes(root, before, told.inner_text)
    root.get_by_role("combobox").select_option(index=1)
    assert "IMQ" in changes(root, before, told.inner_text)


def test_the_dial_through_runs_follows_keys(lab):
    root = widget(lab, "Dial through training runs")
    root.get_by_label("k", exact=True).press("End")
    expect(root.locator("p[role=status]")).to_contain_text("k = 3: diverged; its last finite numbers, at step 1: a 3")


def test_the_dial_through_covariances_follows_keys(lab):
    root, cells = widget(lab, "Dial through covariances"), lab.cells()
    root.get_by_label("k", exact=True).press("End")
    expect(root.get_by_role("gridcell").first).to_have_text("3.00")
    root.get_by_role("gridcell").first.focus()
    for key in ("ArrowRight", "d", "d"):
        lab.page.keyboard.press(key)
    expect(root.locator("p[role=status]").first).to_have_text("z[0] and z[1]: covariance 0.500, correlation 0.289.")
    assert lab.cells() == cells


def test_answers_to_concept_questions_are_stored_by_the_kernel(lab, home):
    root, cells = widget(lab, "Concept questions"), lab.cells()
    root.get_by_role("spinbutton").first.focus()
    lab.page.keyboard.type("1.25")
    for key in ("d", "d"):
        lab.page.keyboard.press(key)
    root.get_by_role("radio").first.focus()
    for key in ("Space", "Enter"):
        lab.page.keyboard.press(key)
    assert lab.cells() == cells
    root.get_by_role("button", name="Store answers").press("Enter")
    expect(root.get_by_role("status")).to_contain_text("2 of 12 questions answered, stored in", timeout=15_000)
    answers = json.loads((home / "before.json").read_text())["answers"]
    assert answers["dropout-variance"] == 1.25
    assert len(answers) == 2


def test_a_digit_is_drawn_with_the_mouse_and_encoded(lab):
    root = widget(lab, "Draw a digit")
    told = root.locator("p[role=status]")
    before = told.inner_text()
    box = root.locator("canvas").first.bounding_box()
    lab.page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.2)
    lab.page.mouse.down()
    lab.page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.8, steps=10)
    lab.page.mouse.up()
    assert "KL" in changes(root, before, told.inner_text)
    root.get_by_role("button", name="Clear").click()


@pytest.fixture(scope="module")
def models(lab, home):
    """The conditional model of the notebook, and the one whose decoder the browser does not know."""
    conditional = ConditionalVAE(*mlp((1, 12, 12), (16,), 4, n_classes=10), 10)
    decoder = Decoder(nn.Sequential(nn.Linear(3, 144), nn.GELU()), (1, 12, 12), 3)
    odd = VAE(mlp((1, 12, 12), (16,), 3)[0], decoder)
    for model, state in zip((conditional, odd), torch.load(home / "models.pt"), strict=True):
        model.load_state_dict(state)
    return conditional, odd


def assert_shows(explorer, images):
    assert (torch.tensor(explorer.pixels()) - images.clamp(0, 1).flatten() * 255).abs().max() < 1.5


def test_every_control_of_the_explorer(server, lab, models, home):
    browser, url = server
    browser.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=url)
    explorer, model = lab.explorer(len(CELLS) - 2), models[0]
    root, page = explorer.root, lab.page

    def press(name):
        root.get_by_role("button", name=name, exact=True).click()

    def told(words):
        root.locator("p[role=status]").filter(has_text=words).wait_for(timeout=5_000)

    press("Class 3")
    told("Class 3.")
    assert_shows(explorer, model.decode(torch.tensor([explorer.code()]), 3))
    press("Random z")
    told("Drawn from the prior")
    drawn = explorer.code()
    press("Reset")
    told("All latents at 0")
    press("Undo")
    told("Undone")
    assert explorer.code() == drawn
    press("image 5, class 2")
    told("The code of image 5, class 2")
    assert_shows(explorer, model.decode(torch.tensor([explorer.code()]), 2))
    start = explorer.code()
    press("Blend with…")
    press("image 9, class 4")
    told("50 % of the way")
    root.get_by_label("Blend", exact=True).press("End")
    told("100 % of the way")
    end = explorer.code()
    root.get_by_label("Blend", exact=True).press("Home")
    told(re.compile("^0 % of the way"))
    assert explorer.code() == start != end
    root.locator(".vx-strip .vx-tile").nth(5).click()
    told("= 2.00")
    root.get_by_text("Map of two latents").click()
    root.get_by_label("Across").select_option("1")
    root.get_by_role("application").press("Home")
    told("z[1] = 0.00")
    assert explorer.code()[1] == 0
    root.get_by_role("button", name=re.compile("^Play")).click()
    page.wait_for_timeout(300)
    press("Stop")
    told("swings")
    root.get_by_label("Colours").select_option("inverted")
    told("Colours: inverted")
    inverted = 1 - model.decode(torch.tensor([explorer.code()]), 2).clamp(0, 1)
    assert_shows(explorer, inverted)
    press("Copy z")
    told("Copied")
    names = {"torch": torch}
    exec(page.evaluate("navigator.clipboard.readText()"), names)
    assert names["z"].tolist() == [pytest.approx(explorer.code())]
    with page.expect_download() as download:
        press("Save picture")
    assert download.value.suggested_filename == "picture.png"
    page.wait_for_timeout(500)  # until hand and kernel have rested
    lab.ask("torch.save([explorer.z, explorer.label, explorer.image], 'pose.pt'); explorer.z = torch.ones(4)")
    z, label, image = torch.load(home / "pose.pt")
    assert z.tolist() == names["z"][0].tolist()
    assert label == 2
    torch.testing.assert_close(image, model.decode(z[None], 2)[0])
    told("Moved from elsewhere")
    assert explorer.code() == [1, 1, 1, 1]


def test_a_decoder_that_only_torch_knows_is_asked_of_the_kernel(lab, models):
    explorer = lab.explorer(len(CELLS) - 1)
    explorer.slider(1).focus()
    for _ in range(4):
        lab.page.keyboard.press("PageUp")
    explorer.wait_for(1, 2)
    assert_shows(explorer, models[1].decode(torch.tensor([explorer.code()])))


def test_axe_finds_nothing_in_any_widget(lab):
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        lab.theme(theme)
        lab.page.wait_for_timeout(300)
        assert violations(lab.page, ".vx") == []


def test_the_explorer_in_notebook_7(server):
    browser, url = server
    notebook = browser.open_notebook(url, "lesson.ipynb", in_notebook_7=True)
    notebook.run_all()
    assert notebook.errors() == []
    explorer = notebook.explorer(len(CELLS) - 2)
    before, cells = explorer.pixels(), notebook.cells()
    assert explorer.drag(0, to=2) == pytest.approx(2, abs=0.05)
    assert explorer.pixels() != before
    for key in ("d", "d"):
        notebook.page.keyboard.press(key)
    assert notebook.cells() == cells
