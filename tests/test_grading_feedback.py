"""The page that a learner gets back, read by a parser and, with a browser, by axe."""

import hashlib
import re
from base64 import b64encode
from dataclasses import replace

import pytest
from accessibility import violations
from browser import Browser, chromium
from grading_reports import HOSTILE, Document, a_class, a_verdict
from playwright.sync_api import Page

from vae_tutorial.grading.records import Line, Mark
from vae_tutorial.grading.reports.class_report import class_page
from vae_tutorial.grading.reports.feedback import feedback_page, write_feedback
from vae_tutorial.grading.words import WITHHELD


def read(*marks: Mark, **changes: object) -> Document:
    return Document(feedback_page(replace(a_verdict("a", marks=marks), **changes)))


def a_mark(*lines: Line, points: float | None = 0.0, **changes: object) -> Mark:
    return replace(Mark("kl", "The price of a cloud", 3.0, points=points, lines=lines), **changes)


# What it says


def test_points_and_what_is_still_to_be_marked_stand_on_top():
    page = Document(feedback_page(a_verdict("zoe-7")))
    assert page.texts["h1"] == ["01_autoencoder_to_vae"]
    assert page.texts["title"] == ["01_autoencoder_to_vae: feedback for zoe-7"]
    assert {"Feedback for zoe-7", "2 of 8 points so far", "3 points are still to be marked."} <= set(page.texts["p"])
    assert page.texts["h2"] == ["1. Draw with a gradient", "2. The price of a cloud", "3. In your own words"]
    assert [text for text in page.texts["p"] if re.match(r"\d of|\d points, to", text)][1:] == [
        "2 of 2 points",
        "0 of 3 points",
        "3 points, to be marked",
    ]


def test_one_point_is_one_point_and_nothing_waits_where_all_is_decided():
    page = read(a_mark(points=3.0), Mark("words", "Words", 1.0, by_hand=True))
    assert "1 point is still to be marked." in page.texts["p"]
    page = read(a_mark(points=2.5))
    assert "2.5 of 3 points" in page.texts["p"]
    assert not any("still to be marked" in text or "so far" in text for text in page.texts["p"])


def test_each_check_says_in_a_sign_and_in_words_whether_it_holds():
    page = read(a_mark(Line(True, "costs nothing at the prior"), Line(False, "is the KL: is the ½ there?")))
    assert page.texts["li"] == ["✓Holds: costs nothing at the prior", "✗Not yet: is the KL: is the ½ there?"]


def test_a_hidden_check_that_fails_is_marked_as_one_of_marking():
    page = read(a_mark(Line(True, "is the KL"), Line(False, "is the KL: is the ½ there?", hidden=True)))
    assert page.texts["li"][1] == "✗Not yet: is the KL: is the ½ there?checked at marking"


def test_hidden_checks_that_hold_are_counted():
    lines = [Line(True, "is the KL"), *[Line(True, "secret", hidden=True)] * 2, Line(False, "no: a", hidden=True)]
    page = read(a_mark(*lines))
    assert page.texts["li"][-1] == "✓Holds: 2 more checks, run at marking"
    assert not any("secret" in text for text in page.texts["li"])


def test_the_same_slip_found_again_at_marking_is_said_in_a_word():
    told = "is the KL: is the ½ there? (every number is 2 times what it should be: yours {}, expected 4 at [0])"
    lines = [Line(False, told.format(8)), Line(False, told.format(9), hidden=True), Line(False, "b: c", hidden=True)]
    page = read(a_mark(*lines, Line(False, told.format(7.5), hidden=True)))
    assert page.texts["li"] == [
        f"✗Not yet: {told.format(8)}Found again by 2 checks at marking.",
        "✗Not yet: b: cchecked at marking",
    ]


def test_the_same_error_found_again_at_marking_without_its_words_is_said_in_a_word():
    told = "is the KL: kl stops with OSError: {}"
    lines = [Line(False, told.format("a\x00b")), Line(False, told.format(WITHHELD), hidden=True)]
    page = read(a_mark(*lines, Line(False, told.format(WITHHELD).replace("OSError", "KeyError"), hidden=True)))
    assert len(page.texts["li"]) == 2
    assert page.texts["li"][0].endswith("Found again by 1 check at marking.")
    assert page.texts["li"][1].startswith("✗Not yet: is the KL: kl stops with KeyError")


def test_what_a_person_gave_and_wrote_stands_in_the_page():
    marks = (a_mark(Line(False, "is the KL"), points=0.0), Mark("words", "Words", 2.0, by_hand=True, answer="So."))
    verdict = a_verdict("a", marks=marks)
    page = Document(feedback_page(verdict, {"kl": 1.0, "words": 1.5}, {"words": "Half a point for <b>"}))
    assert {"2.5 of 5 points", "1 of 3 points", "1.5 of 2 points", "marked by a person"} <= set(page.texts["p"])
    assert page.texts["blockquote"] == ["So.", "Half a point for <b>"]
    page = Document(feedback_page(verdict, {"kl": None, "words": 2.0}))
    assert {"2 of 5 points so far", "3 points, to be marked"} <= set(page.texts["p"])


def test_visible_checks_all_stand_even_if_they_say_the_same():
    page = read(a_mark(Line(False, "a: 1"), Line(False, "a: 2")))
    assert page.texts["li"] == ["✗Not yet: a: 1", "✗Not yet: a: 2"]


def test_reasons_are_told_and_an_answer_is_shown_as_received():
    page = read(a_mark(reason="your code took longer than 300 s"))
    assert "your code took longer than 300 s" in page.texts["p"]
    page = read(a_mark(points=None, reason="no verdict: the check stopped"))
    assert "no verdict: the check stopped" in page.texts["p"]
    answer = "Two lines,\n  <b>as</b> they are."
    page = read(Mark("words", "Words", 3.0, by_hand=True, reason="to be marked by hand", answer=answer))
    assert page.texts["blockquote"] == [answer]
    assert "Your answer is read by a person; the points come with their marks." in page.texts["p"]
    assert "to be marked by hand" not in page.texts["p"]


def test_lateness_remarks_and_what_was_judged_are_told():
    when = "2026-11-20T18:04:00+01:00"
    page = read(a_mark(), handed_in=when, late=7500.0, remarks=("edited: checks of kl",), graded=when)
    assert "Handed in on 20 November 2026, 18:04 (UTC+01:00), 2 h 5 min behind the deadline." in page.texts["p"]
    assert page.texts["li"] == ["edited: checks of kl"]
    assert "your file 555555555555, the checks 0123456789ab" in page.texts["p"][-1]
    assert "Handed in on 20 November 2026, 18:04 (UTC+01:00)." in read(a_mark(), handed_in=when).texts["p"]
    assert "Handed in 2 h 5 min behind the deadline." in read(a_mark(), late=7500.0).texts["p"]
    assert not any("Handed in" in text for text in read(a_mark()).texts["p"])


def test_a_submission_of_which_no_item_is_known_has_a_page():
    page = read(remarks=("the file is no notebook",))
    assert "0 of 0 points" in page.texts["p"]
    assert page.problems == []


# What it is


def test_the_page_stands_alone_and_forbids_scripts():
    page = Document(feedback_page(a_class(2)[1]))
    assert page.problems == []
    assert page.lang == "en"
    assert page.headings == [1, 2, 2, 2, 2]
    rules = dict(rule.split(" ", 1) for rule in page.metas["Content-Security-Policy"].split("; "))
    style = b64encode(hashlib.sha256(page.texts["style"][0].encode()).digest()).decode()
    assert rules == {
        "default-src": "'none'",
        "img-src": "data:",
        "style-src": f"'sha256-{style}'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert "prefers-color-scheme: dark" in page.texts["style"][0]
    assert not re.search(r"url\(|@import|https?:", page.texts["style"][0])


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_stay_texts(text):
    lines = (Line(False, text), Line(True, text), Line(False, text, hidden=True))
    marks = (Mark("a", text, 3.0, points=0.0, lines=lines), Mark("b", text, 3.0, reason=text), a_mark(answer=text))
    verdict = replace(a_verdict(text, marks=marks, remarks=(text,)), assignment=text, handed_in=text, graded=text)
    markup = feedback_page(verdict)
    page = Document(markup)
    assert page.problems == []
    assert page.scripts == 0
    assert len(page.texts["h2"]) == 4
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", markup)
    markup.encode()
    (said,) = [line for line in page.texts["li"] if line.startswith("✓")]
    harmless = re.sub("[\x00\x07\x1b\u202e\u2066\ud800]", "�", text)
    assert said.removeprefix("✓Holds: ") == (harmless if len(text) <= 1000 else f"{'x' * 1000} … (9000 letters more)")


def test_the_file_lies_in_the_learners_folder(tmp_path):
    path = write_feedback(a_verdict("Zoë 7"), tmp_path / "feedback")
    assert path == tmp_path / "feedback" / "Zoë 7" / "01_autoencoder_to_vae.html"
    assert path.read_text(encoding="utf-8") == feedback_page(a_verdict("Zoë 7"))
    write_feedback(a_verdict("Zoë 7", marks=()), tmp_path / "feedback")
    assert path.read_text(encoding="utf-8") == feedback_page(a_verdict("Zoë 7", marks=()))
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("name", ["", ".", "..", "../a", "a/b", "/a", "a\\b", "a\0b"])
def test_a_name_that_leads_out_of_the_folder_is_refused(name, tmp_path):
    with pytest.raises(ValueError, match=r"verdict.learner must be a text that can name a file, got"):
        write_feedback(a_verdict(name), tmp_path)
    with pytest.raises(ValueError, match=r"verdict.assignment must be"):
        write_feedback(replace(a_verdict("a"), assignment=name), tmp_path)
    assert list(tmp_path.iterdir()) == []


# In a browser

ADDRESS = "http://127.0.0.1:1/page.html"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory):
    with chromium(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


def serve(page: Page, markup: str) -> None:
    """Give a page out at ADDRESS, where no server is."""
    page.unroute(ADDRESS)
    page.route(ADDRESS, lambda route: route.fulfill(body=markup, content_type="text/html"))


def pages() -> dict[str, str]:
    text = "".join(HOSTILE[:5])
    lines = (Line(False, text), Line(False, HOSTILE[8], hidden=True), Line(True, "holds"))
    marks = (a_mark(*lines), a_mark(points=None, reason=HOSTILE[8]), a_mark(*lines, points=1.5, answer=text))
    hostile = replace(a_verdict("m" * 300, marks=marks, remarks=(text, HOSTILE[8])), late=1e9)
    marked = replace(hostile, learner="a", marks=a_class(2)[1].marks)
    return {
        "feedback": feedback_page(a_class(2)[1]),
        "hostile feedback": feedback_page(hostile),
        "class": class_page(a_class(20), {"a": {"words": 3.0}}),
        "hostile class": class_page([hostile, marked], {}),
        "empty class": class_page([], {}),
    }


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["feedback", "hostile feedback", "class", "hostile class", "empty class"])
def test_the_pages_are_accessible_fit_a_phone_and_ask_for_nothing(browser: Browser, name, scheme):
    asked: list[str] = []
    page = browser.context.new_page()
    serve(page, pages()[name])
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: asked.append(dialog.message))
    page.emulate_media(color_scheme=scheme)
    for width in (1200, 320):
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(ADDRESS)
        assert violations(page, "html") == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
        assert page.evaluate("getComputedStyle(document.querySelector('.sheet')).borderTopWidth") == "1px"
    assert [url for url in asked if not url.startswith("data:image/png;base64,")] == [ADDRESS] * 2
    assert browser.strangers == []
    page.close()


@pytest.mark.browser
def test_a_script_that_got_in_would_not_run(browser: Browser):
    page = browser.context.new_page()
    for policy, runs in ((True, False), (False, True)):
        markup = feedback_page(a_verdict("a")).replace("<main>", "<main><script>window.ran = true</script>")
        if not policy:
            markup = markup.replace("Content-Security-Policy", "nothing")
        serve(page, markup)
        page.goto(ADDRESS)
        assert page.evaluate("Boolean(window.ran)") is runs
    page.close()
