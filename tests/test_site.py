"""The web site, built from two small lessons and read in a real browser."""

import importlib
import json
import re
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType, SimpleNamespace

import nbformat
import pytest
import torch
from browser import Explorer, chromium, need_chromium

ROOT = Path(__file__).parents[1]
README = """# A course

## Two commands

```
make lab      # to learn
make test     # to be sure
```

## Lessons

| Lesson | Question | You need | Minutes |
|---|---|---|---|
| [00 · First](notebooks/00_first.ipynb) | What is an earwig? | nothing | 10 |
| [01 · Second](notebooks/01_second.ipynb) | And what is not, however long the question may be? | 00 | 35 |

## The end
"""
FIRST = r"""# 00 · First

A mean $\mu$, a [picture](../docs/dot.png), some [code](../vae_tutorial/vae.py).

$$\mathbb E_{z \sim q(z \mid x)}\left[\log p(x \mid z)\right] \le \log p(x) + \text{wider than a phone, in words}$$

**Next:** [01 · Second](01_second.ipynb#about-zebrafish)
"""
CELL = """\
import torch
from vae_tutorial.networks import mlp
from vae_tutorial.vae import VAE
from vae_tutorial.widgets import LatentExplorer

print("a line that is wider than any phone " * 5)
torch.manual_seed(0)
LatentExplorer(VAE(*mlp((1, 6, 6), (16,), 3)))
"""
SECOND = "# 01 · Second\n\n## About zebrafish\n\nBack to [00](00_first.ipynb). $\\sigma^2$\n"

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(120)]


def lesson(path: Path, text: str, *code: str) -> Path:
    cells = [nbformat.v4.new_markdown_cell(text), *map(nbformat.v4.new_code_cell, code)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


@pytest.fixture(scope="module")
def tool(tmp_path_factory) -> ModuleType:
    """scripts/build_site.py, on a machine without MNIST."""
    need_chromium()
    pytest.importorskip("sphinx", reason="make set-up-site installs what builds the site")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VAE_TUTORIAL_DATA", str(tmp_path_factory.mktemp("no data")))
        patch.setenv("TQDM_DISABLE", "1")
        patch.delenv("GITHUB_REPOSITORY", raising=False)
        patch.syspath_prepend(ROOT / "scripts")
        yield importlib.import_module("build_site")


@pytest.fixture(scope="module")
def built(tool, tmp_path_factory) -> SimpleNamespace:
    """The course in the folder `course`, its site in `site`, what is kept for the next build in `work`."""
    folder = tmp_path_factory.mktemp("a course")
    course, site, work = folder / "course", folder / "site", folder / "work"
    (course / "notebooks").mkdir(parents=True)
    (course / "docs").mkdir()
    (course / "docs" / "dot.png").write_bytes(b"")
    (course / "README.md").write_text(README)
    lesson(course / "notebooks" / "00_first.ipynb", FIRST, CELL)
    lesson(course / "notebooks" / "01_second.ipynb", SECOND)
    tool.build(course, site, work)
    return SimpleNamespace(course=course, site=site, work=work)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def visit(built, browser):
    """Open a page of the site; in the end nothing has gone wrong in it, and nothing been asked of other machines."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=built.site))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    page = browser.context.new_page()
    wrong = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)

    def open_(name: str, width: int = 1280, scheme: str = "light"):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        page.goto(f"http://127.0.0.1:{server.server_port}/{name}")
        return page

    yield open_
    page.evaluate("localStorage.clear()")
    page.close()
    server.shutdown()
    server.server_close()
    assert wrong == []
    assert browser.strangers == []


def background(page, selector: str) -> int:
    """How bright the background of an element is, 0 to 255."""
    colour = page.locator(selector).first.evaluate("element => getComputedStyle(element).backgroundColor")
    return max(map(int, re.findall(r"\d+", colour)[:3]))


def test_the_front_page_has_an_explorer_the_readmes_lessons_and_its_commands(visit):
    page = visit("index.html")
    explorer = Explorer(page.locator(".vx"))
    explorer.wait_for(0, 0)
    before = explorer.pixels()
    explorer.drag(0, to=1.5)
    assert explorer.pixels() != before
    rows = page.locator("#lessons tbody tr")
    assert rows.nth(1).locator("td").all_inner_texts() == [
        "01 · Second", "And what is not, however long the question may be?", "00", "35",
    ]  # fmt: skip
    assert "make lab      # to learn" in page.locator("pre").inner_text()
    rows.nth(0).get_by_role("link").click()
    page.wait_for_url("**/notebooks/00_first.html")


def test_a_lesson_has_a_live_explorer_with_its_own_weights(visit):
    explorer = Explorer(visit("notebooks/00_first.html").locator(".vx"))
    explorer.wait_for(2, 0)
    assert len(explorer.code()) == 3
    assert len(explorer.pixels()) == 36
    explorer.drag(1, to=-2)


def test_a_lesson_says_below_its_title_that_it_is_a_web_page(visit):
    title, word = visit("notebooks/00_first.html").locator("article :is(h1, p)").all()[:2]
    assert title.inner_text().startswith("00 · First")
    assert word.inner_text() == (
        "You are reading this lesson as a web page: its widgets work, its code runs with make lab in a checkout."
    )


def test_only_pages_with_widgets_load_what_draws_them(built):
    def links(name: str) -> int:
        return (built.site / name).read_text().count("_static/widgets.")

    assert [links(name) for name in ("index.html", "notebooks/00_first.html")] == [2, 2]
    assert [links(name) for name in ("notebooks/01_second.html", "search.html")] == [0, 0]


def test_a_link_leads_to_the_other_lesson_and_none_to_what_is_not_on_the_site(visit):
    page = visit("notebooks/00_first.html")
    links = page.locator("article").get_by_role("link")
    assert links.filter(has_text="picture").count() == 1
    assert links.filter(has_text="code").count() == 0
    links.filter(has_text="01 · Second").first.click()
    page.wait_for_url("**/01_second.html#about-zebrafish")


def test_equations_are_drawn_with_the_sites_font(visit):
    page = visit("notebooks/00_first.html")
    page.evaluate("document.fonts.ready")
    fonts = page.evaluate("[...document.fonts].map(font => [font.family.replaceAll('\"', ''), font.status])")
    assert fonts == [["Mathematics", "loaded"]]
    assert page.locator("math").count() == 2
    small, large = (box.bounding_box() for box in page.locator("math").all())
    assert small["height"] > 8
    assert small["width"] > 5
    assert large["width"] > 300
    assert "$" not in page.locator("article").inner_text()


def test_search_finds_a_word(visit):
    page = visit("index.html")
    page.get_by_role("searchbox").or_(page.locator("input[name=q]")).first.fill("zebrafish")
    page.keyboard.press("Enter")
    page.locator("#search-results").get_by_text("01 · Second").first.click()
    page.wait_for_url("**/01_second.html**")


def test_words_that_were_searched_for_are_marked_in_the_text_and_widgets_stay_whole(visit):
    page = visit("search.html")
    page.evaluate("localStorage.setItem('sphinx_highlight_terms', 'picture image latent 1')")
    page = visit("notebooks/00_first.html")
    page.locator("article .highlighted", has_text="picture").wait_for()
    assert page.locator(".vx .highlighted, style .highlighted, script .highlighted").count() == 0
    explorer = Explorer(page.locator(".vx"))
    explorer.wait_for(2, 0)
    assert explorer.canvas.bounding_box()["width"] == pytest.approx(280, abs=5)
    explorer.drag(1, to=-2)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_theme_follows_the_system_and_the_toggle_and_takes_the_explorer_along(visit, scheme):
    page = visit("notebooks/00_first.html", scheme=scheme)
    places = ("body", ".vx-stage", ".cell_input .highlight")

    def dark() -> set[bool]:
        return {background(page, place) < 128 for place in places}

    assert dark() == {scheme == "dark"}
    other = {"light": "dark", "dark": "light"}[scheme]
    for _ in range(3):
        page.locator(".theme-toggle:visible").first.click()
        if page.evaluate("document.body.dataset.theme") == other:
            break
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == other
    assert dark() == {other == "dark"}
    page.reload()
    assert dark() == {other == "dark"}


@pytest.mark.parametrize("name", ["index", "notebooks/00_first", "notebooks/01_second", "search"])
def test_no_page_scrolls_sideways(visit, name):
    page = visit(f"{name}.html", width=390)
    page.wait_for_load_state()
    hidden = []
    for width in (390, 800, 1024, 1320):
        page.set_viewport_size({"width": width, "height": 900})
        boxes = "[document.documentElement, document.querySelector('.content')]"
        hidden.append((width, page.evaluate(f"{boxes}.map(box => box.scrollWidth - box.clientWidth)")))
    assert [found for found in hidden if found[1] != [0, 0]] == []


def test_the_site_works_from_the_disk(built, browser):
    page = browser.context.new_page()
    page.route("file://**", lambda route: route.continue_())
    page.goto((built.site / "notebooks" / "00_first.html").as_uri())
    Explorer(page.locator(".vx")).wait_for(2, 0)
    page.goto((built.site / "search.html").as_uri() + "?q=zebrafish")
    page.locator("#search-results").get_by_text("01 · Second").first.wait_for()
    page.close()
    assert browser.strangers == []


def test_only_a_changed_lesson_is_executed_again(tool, built, capsys):
    path, cache = built.course / "notebooks" / "01_second.ipynb", built.work / "executed"
    before = tool.execute(path, cache)
    capsys.readouterr()
    assert tool.execute(path, cache) == before
    assert capsys.readouterr().out == "01_second.ipynb: unchanged, not executed again\n"
    lesson(path, SECOND, "1 + 1")
    after = tool.execute(path, cache)
    assert "executed in" in capsys.readouterr().out
    assert not before.exists()
    assert nbformat.read(after, as_version=4).cells[1].outputs[0].data == {"text/plain": "2"}


def test_a_lesson_with_an_error_is_named(tool, tmp_path):
    broken = lesson(tmp_path / "07_broken.ipynb", "# 07 · Broken", "1 / 0")
    with pytest.raises(SystemExit, match=r"07_broken\.ipynb stopped with an error(?s:.*)ZeroDivisionError"):
        tool.execute(broken, tmp_path / "executed")
    assert not (tmp_path / "executed").exists()


def test_a_warning_of_sphinx_is_an_error(tool, tmp_path, capfd):
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "index.md").write_text("# A page\n\n$\\nonsense$\n")
    with pytest.raises(SystemExit, match="there is no site"):
        tool.sphinx(tmp_path / "pages", tmp_path / "site", tmp_path / "work")
    assert re.search(r"index\.md:3: WARNING: equation .*nonsense", capfd.readouterr().err)


def test_links_lead_to_the_public_repository_where_there_is_one(tool, tmp_path, monkeypatch):
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.com")
    monkeypatch.setenv("GITHUB_REPOSITORY", "someone/course")
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "01.ipynb").touch()
    page = tmp_path / "notebooks" / "00.ipynb"
    text = "[a](01.ipynb#x) [b](../results/b.py) [c](https://x.org) ![d](../d.png) [e](#there)"
    moved = tool.LINK.sub(lambda link: tool.on_site(link, page, tmp_path), text)
    assert moved == text.replace("../results/b.py", "https://github.com/someone/course/blob/HEAD/results/b.py")


def test_a_link_to_the_public_repository_stands_in_a_lessons_first_words(tool, monkeypatch):
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.com")
    monkeypatch.setenv("GITHUB_REPOSITORY", "someone/course")
    title, _, kind, words, rest = tool.with_a_word("# A title\nA text.").split("\n")
    assert (title, kind, rest) == ("# A title", "{.on-the-web}", "A text.")
    assert words.endswith("in a [checkout](https://github.com/someone/course).")


def test_the_front_page_offers_images_where_there_are_some(tool, monkeypatch):
    def scene() -> dict:
        return json.loads(re.search(r'<script type="application/json">(.*?)</script>', tool.explorer())[1])

    assert scene()["examples"] is None
    monkeypatch.setattr(tool.data, "problems", lambda *_: [])
    monkeypatch.setattr(tool.data, "load", lambda *_: torch.rand(30, 1, 28, 28))
    assert len(scene()["examples"]["mu"]) == 20


def test_the_readmes_commands_fit_on_a_phone(tool):
    commands = tool.found(r"^## Two commands\n.*?^```\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert "make lab\n" in commands
    assert max(map(len, commands.splitlines())) <= 40


def test_a_readme_without_lessons_is_complained_about(tool):
    with pytest.raises(SystemExit, match="Lessons"):
        tool.found(r"^## Lessons\n", "# A course\n")
