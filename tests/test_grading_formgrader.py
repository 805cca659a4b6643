"""Marking by hand in nbgrader's formgrader, in a real browser, on what was handed in with ill intent."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Browser, chromium
from grading_book import KEY, LESSON, STUDENTS, again, grades, sql, verdict
from lab_server import jupyterlab
from playwright.sync_api import Page, expect

from vae_tutorial.grading.book.autograded import autograded, prepare_folder
from vae_tutorial.grading.book.gradebook import Book
from vae_tutorial.grading.records import Verdict

pytestmark = pytest.mark.browser

STEAL = "window.stolen = 1; fetch('/stolen')"
# A red pixel.
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg=="
ANSWER = f"""The model **gains** copies, and loses *samples*.

<script>{STEAL}</script><img src="/stolen" onerror="{STEAL}"> [press](javascript:{STEAL.replace(" ", "")})
![](/stolen) ![](attachment:a.png) [more][1] <a href="/stolen">here</a> $\\href{{javascript:1}}{{x}}$

[1]: /stolen
"""
OUTPUTS = [
    {"output_type": "stream", "name": "stdout", "text": f"printed <script>{STEAL}</script>"},
    *(
        {"output_type": "display_data", "metadata": {"isolated": True}, "data": data}
        for data in (
            {"text/html": f"<script>{STEAL}</script><img src=x onerror='{STEAL}'>", "text/plain": "a table"},
            {"image/svg+xml": f"<svg xmlns='http://www.w3.org/2000/svg' onload='{STEAL}'></svg>"},
            {"application/javascript": STEAL},
            {"text/markdown": f"[press](javascript:{STEAL})"},
            {"image/png": f'x" onerror="{STEAL}'},
            {"image/png": PNG},
        )
    ),
]


def handed_in(hostile: bool) -> bytes:
    content = json.loads(STUDENTS)
    for cell in content["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id")
        if name == "words":
            cell["source"] = ANSWER if hostile else "In words."
            cell["attachments"] = {"a.png": {"image/png": PNG}}
        if hostile and name in ("kl", "kl-checks"):
            cell["outputs"] = OUTPUTS
    if hostile:
        task = content["cells"][4]
        task["source"] = "".join(task["source"]) + f"\n\n<script>{STEAL}</script>"
    content["metadata"]["title"] = f"</title><script>{STEAL}</script>"
    return json.dumps(content).encode()


def write(folder: Path, verdicts: list[Verdict]) -> None:
    """What grading leaves in its folder."""
    prepare_folder(folder, LESSON)
    with Book(folder) as book:
        book.add_assignment(LESSON, KEY, "2030-02-01T00:00:00+00:00")
        for one in verdicts:
            book.record(one)
            place = folder / "autograded" / one.learner / LESSON
            place.mkdir(parents=True, exist_ok=True)
            page = autograded(handed_in(one.learner == "b"), KEY, one)
            (place / f"{LESSON}.ipynb").write_bytes(page)


VERDICTS = [verdict("a"), verdict("b", answer=ANSWER, kl_checks=0.0), verdict("c", price_checks=None)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("grading")
    write(folder, VERDICTS)
    return folder


@pytest.fixture(scope="module")
def opened(folder, tmp_path_factory) -> Iterator[tuple[Browser, str]]:
    fresh = tmp_path_factory.mktemp("fresh")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)  # formgrader reads the settings in the folder where Jupyter was started
        patch.setenv("HOME", str(fresh))
        with chromium(fresh) as browser, jupyterlab(folder, fresh) as url:
            yield browser, url
            # Formulas need MathJax, which formgrader asks a server for; nothing else is asked of others.
            assert {address.split("?")[0] for address in browser.strangers} <= {
                "https://cdnjs.cloudflare.com/ajax/libs/mathjax/2.7.7/latest.js"
            }


@pytest.fixture
def page(opened) -> Iterator[Page]:
    page = opened[0].context.new_page()
    yield page
    page.close()


def submission(folder: Path, learner: str) -> str:
    query = "select n.id from submitted_notebook n join submitted_assignment a on n.assignment_id = a.id"
    ((found,),) = sql(folder, f"{query} where a.student_id = ?", learner)
    return str(found)


def open_submission(page: Page, url: str, folder: Path, learner: str) -> None:
    page.goto(f"{url}/formgrader/submissions/{submission(folder, learner)}/?index=0")
    page.wait_for_function("() => document.querySelector('#elbo-checks')?.placeholder")


def test_the_lists_show_what_is_to_be_marked(page, opened, folder):
    url = opened[1]
    page.goto(f"{url}/formgrader/manage_assignments")
    page.get_by_role("link", name=LESSON).first.wait_for()
    page.goto(f"{url}/formgrader/gradebook/{LESSON}/{LESSON}")
    page.locator("tbody tr").nth(2).wait_for()
    rows = [row.inner_text().split() for row in page.locator("tbody tr").all()]
    assert sorted(" ".join(row[2:5]) for row in rows) == ["11 / 17", "13 / 17", "14 / 17"]


def test_marks_typed_in_formgrader_are_kept_when_the_class_is_graded_again(page, opened, folder):
    open_submission(page, opened[1], folder, "a")
    with page.expect_response("**/api/grade/*"):
        page.locator("#words").fill("2.5")
        page.locator("#words").press("Tab")
    with page.expect_response("**/api/comment/*"):
        page.locator("#words-comment").fill("Half a point for samples.")
        page.locator("#words-comment").press("Tab")
    assert grades(folder)["a", "words"] == (None, 2.5, None, False)
    with Book(folder) as book:
        assert book.hand_marks(LESSON) == {"a": {"words": 2.5}}
    write(folder, [again(one) for one in VERDICTS])
    assert grades(folder)["a", "words"] == (None, 2.5, None, False)
    open_submission(page, opened[1], folder, "a")
    expect(page.locator("#words")).to_have_value("2.5")  # marks and comments come after the page
    expect(page.locator("#words-comment")).to_have_value("Half a point for samples.")
    assert page.locator("#kl-checks").get_attribute("placeholder") == "3"


def test_nothing_of_a_learners_runs_or_is_loaded(page, opened, folder):
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    open_submission(page, opened[1], folder, "b")
    page.wait_for_timeout(500)
    assert page.evaluate("() => window.stolen") is None
    assert [url for url in asked if "stolen" in url] == []
    text = page.locator("#notebook-container").first.inner_text()
    assert "printed <script>" in text
    assert "a table" in text
    assert "The model gains copies" in text
    assert page.locator("#notebook-container .panel-body a").count() == 0
    pictures = page.locator("#notebook-container img")
    sources = [str(pictures.nth(i).get_attribute("src")) for i in range(pictures.count())]
    assert sources == [f"data:image/png;base64,{PNG}"] * 2
    assert "✗ is zero where it costs nothing" in text
