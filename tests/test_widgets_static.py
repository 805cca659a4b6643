"""Widgets in pages without a kernel: saved ones, and notebooks made into web pages."""

import json
import re

import nbformat
import pytest
import torch
from accessibility import violations
from browser import Explorer, chromium
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from torch import nn

from vae_tutorial import cli, data, widgets, zoo
from vae_tutorial.networks import Decoder, mlp
from vae_tutorial.vae import VAE
from vae_tutorial.widgets import LatentExplorer, ManifoldPad, static

SHAPE = (1, 6, 5)
LESSON = """
import ipywidgets, torch
from torch import nn
from vae_tutorial.networks import Decoder, mlp
from vae_tutorial.vae import VAE
from vae_tutorial.widgets import LatentExplorer
torch.manual_seed(0)
encoder, decoder = mlp((1, 6, 5), (8,), 3)
explorer = LatentExplorer(VAE(encoder, decoder), torch.rand(30, 1, 6, 5), precision="float32")
explorer
"""
LATER = """
torch.manual_seed(1)
explorer.set_model(VAE(*mlp((1, 6, 5), (8,), 3)))
LatentExplorer(VAE(encoder, Decoder(nn.Sequential(nn.Linear(3, 30), nn.GELU()), (1, 6, 5), 3)))
"""
OTHERS = "ipywidgets.FloatSlider()"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("browser")) as browser:
        browser.context.route("file://**", lambda route: route.continue_())
        yield browser


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    cells = [nbformat.v4.new_code_cell(source) for source in (LESSON, LATER, OTHERS)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    resources = {"metadata": {"path": str(tmp_path_factory.mktemp("home"))}}
    return NotebookClient(notebook, timeout=120, resources=resources).execute()


def opened(browser, path) -> Explorer:
    page = browser.context.new_page()
    page.goto(path.as_uri())
    explorer = Explorer(page.locator(".vx").last)
    explorer.wait_for(0, 0)
    return explorer


def assert_shows(explorer, model):
    expected = model.decode(torch.tensor([explorer.code()])).flatten() * 255
    assert torch.tensor(explorer.pixels()).sub(expected).abs().max() < 1.5


@pytest.mark.browser
@pytest.mark.mnist
def test_an_exported_model_is_one_small_file_that_works_from_the_disk(browser, tmp_path, mnist):
    page = tmp_path / "page.html"
    assert cli.main(["export", "vae-mnist", "-o", str(page)]) == 0
    assert page.stat().st_size < 2_000_000
    explorer = opened(browser, page)
    explorer.drag(0, to=1.5)
    explorer.root.get_by_role("button", name="image 5").click()
    explorer.root.page.wait_for_timeout(300)
    assert_shows(explorer, zoo.load("vae-mnist"))
    assert violations(explorer.root.page, "body") == []
    assert browser.strangers == []


def test_export_without_data_has_sliders_all_the_same(tmp_path, monkeypatch, capsys):
    def nothing(*arguments, **options):
        raise data.DataUnavailable("mnist cannot be had")

    monkeypatch.setattr(data, "load", nothing)
    page = tmp_path / "page.html"
    assert cli.main(["export", "vae-mnist-2d", "-o", str(page)]) == 0
    assert "mnist cannot be had; the page has no images to start from" in capsys.readouterr().err
    scene = json.loads(re.search(r'<script type="application/json">(.*?)</script>', page.read_text())[1])
    assert scene["examples"] is None
    assert scene["decoder"]["z_dim"] == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["export", "vae", "-o", "page.html"], "name must be one of vae-mnist"),
        (["export", "missing.safetensors", "-o", "page.html"], "missing.json cannot be read"),
        (["export", "vae-mnist", "-o", "nowhere/page.html"], "--output must be a file in a folder that exists"),
    ],
)
def test_what_cannot_be_exported_is_named(tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    assert cli.main(arguments) == 2
    assert words in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_nothing_in_a_scene_can_leave_its_element(tmp_path):
    explorer = LatentExplorer(VAE(*mlp(SHAPE, (8,), 3)))
    hostile = "</script><script>alert(1)</script><!--"
    page = explorer.save(tmp_path / "page.html", title=hostile).read_text()
    assert hostile not in page
    scene = explorer.scene | {"kind": hostile}
    inside = re.search(r'<script type="application/json">(.*?)</script>', static.fragment(scene))[1]
    assert "<" not in inside
    assert json.loads(inside)["kind"] == hostile


@pytest.mark.parametrize("given", [None, "My digits"])
def test_a_saved_page_has_the_title_given_or_what_people_call_its_widget(tmp_path, given):
    explorer = LatentExplorer(VAE(*mlp(SHAPE, (8,), 3)))
    assert explorer.scene["title"] == "Latent explorer"
    title = given or "Latent explorer"
    page = explorer.save(tmp_path / "page.html", title=given).read_text()
    assert f"<title>{title}</title>" in page
    assert f"<h1>{title}</h1>" in page


def test_every_widget_has_a_name_for_people_of_its_own():
    kinds = [getattr(widgets, name) for name in widgets.__all__]
    titles = {kind.title for kind in kinds}
    assert len(titles) == len(kinds)
    assert not any(title in widgets.__all__ for title in titles)


def test_the_script_cannot_end_the_element_that_it_stands_in():
    assert "</script" not in static.script().lower()
    assert "</style" not in static.style().lower()


def test_a_page_without_a_kernel_refuses_a_decoder_that_needs_it(tmp_path):
    encoder, _ = mlp(SHAPE, (8,), 3)
    model = VAE(encoder, Decoder(nn.Sequential(nn.Linear(3, 30), nn.GELU()), SHAPE, 3))
    with pytest.raises(TypeError, match=r"cannot decode this model: body\[1\], GELU"):
        LatentExplorer(model).save(tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()


def test_widgets_of_a_notebook_come_to_life_or_keep_their_picture(executed):
    before = json.dumps(executed)
    notebook = static.enliven(executed)
    assert json.dumps(executed) == before
    assert "widgets" not in notebook.metadata
    ours, needs_kernel, others = (cell.outputs[-1].data for cell in notebook.cells)
    assert 'class="vx-scene"' in ours["text/html"]
    assert "image/png" not in ours
    assert "text/html" not in needs_kernel
    assert needs_kernel["image/png"]
    assert set(others) == {"text/plain"}
    assert not any(static.VIEW in data for data in (ours, needs_kernel, others))
    assert json.dumps(notebook).count("export default") == 1  # the script once, however many widgets


def test_style_and_script_may_be_left_to_the_page(executed):
    complete, lean = static.enliven(executed), static.enliven(executed, self_contained=False)
    ending = f'<style>{static.style()}</style><script type="module">{static.script()}</script>'
    kept = lean.cells[0].outputs[-1].data["text/html"]
    assert kept + ending == complete.cells[0].outputs[-1].data["text/html"]
    assert kept.count("<script") == 1
    assert "<style" not in kept


@pytest.mark.browser
def test_a_page_from_the_disk_may_load_the_script_from_a_file(browser, tmp_path):
    torch.manual_seed(0)
    model = VAE(*mlp(SHAPE, (8,), 3))
    (tmp_path / "widgets.js").write_text(static.classic_script())
    (tmp_path / "page.html").write_text(
        f"<!doctype html><meta charset=utf-8><script defer src=widgets.js></script><style>{static.style()}</style>"
        + static.fragment(LatentExplorer(model).scene)
    )
    explorer = opened(browser, tmp_path / "page.html")
    explorer.drag(1, to=-2)
    assert_shows(explorer, model)
    assert explorer.root.get_attribute("aria-label") == "Latent explorer"
    assert explorer.root.page.evaluate("typeof mount") == "undefined"


@pytest.mark.browser
def test_nbconvert_writes_pages_with_live_explorers(browser, executed, tmp_path):
    exporter = HTMLExporter(preprocessors=["vae_tutorial.widgets.nbconvert.LiveWidgets"])
    page = tmp_path / "lesson.html"
    page.write_text(exporter.from_notebook_node(executed)[0])
    torch.manual_seed(1)
    model = VAE(*mlp(SHAPE, (8,), 3))  # the weights that were set last
    explorer = opened(browser, page)
    assert_shows(explorer, model)
    assert explorer.drag(1, to=-2) == pytest.approx(-2, abs=0.1)
    assert_shows(explorer, model)


def test_scenes_of_other_packages_are_left_to_those_who_know_them():
    view = nbformat.v4.new_output("display_data", {static.VIEW: {"model_id": "a"}, "image/png": "cGljdHVyZQ=="})
    state = {"a": {"state": {"scene": "IPY_MODEL_b", "camera": 1}}}
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell("renderer", outputs=[view])],
        metadata={"widgets": {static.STATE: {"state": state}}},
    )
    (output,) = static.enliven(notebook).cells[0].outputs
    assert dict(output.data) == {"image/png": "cGljdHVyZQ=="}


def test_numbers_that_no_page_can_read_are_refused():
    with pytest.raises(ValueError, match="not JSON compliant"):
        static.fragment({"kind": "explorer", "kl": [float("nan")]})


@pytest.mark.browser
def test_one_broken_scene_leaves_the_others_alive_and_a_page_can_be_saved_again(browser, tmp_path):
    good = LatentExplorer(VAE(*mlp(SHAPE, (8,), 3))).scene
    body = static.fragment(good).replace('{"kind"', '{"kind":') + static.fragment(good)
    page = tmp_path / "page.html"
    style, script = f"<style>{static.style()}</style>", f"<script type='module'>{static.script()}</script>"
    page.write_text(f"<!doctype html>{style}{body}{script}")
    explorer = opened(browser, page)
    assert "cannot be drawn" in explorer.root.page.get_by_role("alert").inner_text()
    again = tmp_path / "again.html"
    again.write_text(explorer.root.page.content())
    explorer = opened(browser, again)
    assert explorer.drag(1, to=2) == pytest.approx(2, abs=0.1)
    assert explorer.root.page.locator(".vx").count() == 2


@pytest.mark.browser
def test_a_hostile_span_is_a_sentence_and_no_request(browser, tmp_path):
    for widget in (LatentExplorer(VAE(*mlp(SHAPE, (8,), 3))), ManifoldPad(VAE(*mlp(SHAPE, (8,), 2)))):
        page = tmp_path / "page.html"
        hostile = widget.scene | {"span": "3;background-image:url(http://127.0.0.1:1/stolen)"}
        page.write_text(static.page(hostile, "hostile"))
        tab = browser.context.new_page()
        asked = []
        tab.on("request", lambda request, asked=asked: asked.append(request.url))
        tab.goto(page.as_uri())
        assert "the sliders' span must be a number above 0" in tab.get_by_role("alert").inner_text()
        assert asked == [page.as_uri()]
