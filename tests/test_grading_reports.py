"""The class's table, CSV and page, read back with the standard library's own readers."""

import csv
import io
import re
import struct
import subprocess
import sys
from dataclasses import replace

import pytest
from grading_reports import HOSTILE, Document, a_class, a_verdict, decoded
from rich.console import Console

from vae_tutorial import figures
from vae_tutorial.grading.records import Line, Mark
from vae_tutorial.grading.reports.class_report import class_page
from vae_tutorial.grading.reports.slips import kind, slips, without_details
from vae_tutorial.grading.reports.standing import standings
from vae_tutorial.grading.reports.table import COLUMNS, print_table, write_csv
from vae_tutorial.grading.words import count, duration, moment, plain, put_in_place, shortened

HANDS = {"a": {"words": 2.5}}


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def printed(verdicts, hand_marks=None, encoding="utf-8", **settings) -> str:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    print_table(verdicts, hand_marks or {}, Console(file=file, width=80, legacy_windows=False, **settings))
    file.flush()
    return file.buffer.getvalue().decode(encoding)


# Words


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "1 s"), (59, "59 s"), (60, "1 min"), (7500, "2 h 5 min"), (86_400 + 300, "1 d"), (180_000, "2 d 2 h")],
)
def test_a_time_is_said_in_its_two_largest_units(seconds, said):
    assert duration(seconds) == said


def test_numbers_and_times_are_said_as_people_write_them():
    assert [count(1, "point"), count(2.5, "point"), count(0, "point")] == ["1 point", "2.5 points", "0 points"]
    assert count(0.1 + 0.2, "point") == "0.3 points"
    assert moment("2026-11-20T18:04:09+01:00") == "20 November 2026, 18:04 (UTC+01:00)"
    assert moment("2026-11-20T18:04:09") == "20 November 2026, 18:04"
    assert moment("yesterday") == "yesterday"
    assert shortened("x" * 12, most=10) == "x" * 10 + " … (2 letters more)"


def test_what_a_terminal_or_a_page_could_trip_over_is_replaced():
    assert plain("a\x00b\x1b[31mc\u202ed\u2066e\ud800f\x9bg") == "a�b�[31mc�d�e�f�g"
    assert plain("σ² − ½\t\n\r 日本 שלום") == "σ² − ½\t\n\r 日本 שלום"


def test_a_file_is_put_in_place_whole_or_not_at_all(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("before")
    with pytest.raises(UnicodeEncodeError):
        put_in_place(path, "half \ud800")
    assert path.read_text() == "before"
    put_in_place(path, "a\r\n½")
    assert path.read_bytes() == "a\r\n½".encode()
    assert list(tmp_path.iterdir()) == [path]


# Points


def test_a_mark_by_hand_for_what_has_changed_since_waits_for_another():
    first = a_verdict("a", marks=(Mark("kl", "KL", 3.0, points=3.0), Mark("words", "Words", 2.0, by_hand=True)))
    hands = {"a": {"kl": 1.0, "words": None}}
    assert printed([first], hands).splitlines()[2].split() == ["a", "1", "/", "5", "2"]
    assert printed([first], {"a": {"kl": None}}).splitlines()[2].split() == ["a", "0", "/", "5", "5"]
    assert "what was marked by hand has changed since" in class_page([first], hands)


def test_marks_by_hand_count_and_stand_in_the_place_of_what_checks_gave():
    first = a_verdict("a", marks=(Mark("kl", "KL", 3.0, points=0.0), Mark("words", "Words", 3.0, by_hand=True)))
    (plainly,) = standings([first], {})
    assert (plainly.points, plainly.open_points, [mark.id for mark in plainly.waiting]) == (0.0, 3.0, ["words"])
    (marked,) = standings([first], {"a": {"words": 2.5, "kl": 1.0}, "b": {"words": 3.0}})
    assert (marked.points, marked.open_points, marked.waiting) == (3.5, 0, ())


def test_learners_come_in_order_of_their_names():
    assert [s.verdict.learner for s in standings(map(a_verdict, ["zoe", "B", "a", "b"]), {})] == ["a", "B", "b", "zoe"]


# Slips


def test_the_same_slip_with_other_numbers_counts_once():
    told = [
        ("a", "every number is 2 times what it should be: yours 8.4, expected 4.2"),
        ("b", "every number is 0.5 times what it should be: yours -1.2e-05, expected -2.4e-05"),
        ("b", "every number is 0.5 times what it should be: yours nan, expected 3"),
        ("c", "is the ½ there?"),
    ]
    most, other = slips(told)
    assert most.sentence == "every number is … times what it should be: yours …, expected …"
    assert most.learners == ("a", "b")
    assert (other.sentence, other.learners) == ("is the ½ there?", ("c",))


def test_details_are_left_out_and_numbers_that_all_share_are_kept():
    told = [
        (learner, f"the prior is N(0, I): add it {factor} times (yours {learner})") for learner, factor in ("a3", "b4")
    ]
    (slip,) = slips(told)
    assert slip.sentence == "the prior is N(0, I): add it … times"
    (slip,) = slips([("a", "needs 2 of 3 (got (1, 4))"), ("b", "needs 2 of 5 (got 7)")])
    assert slip.sentence == "needs 2 of …"
    assert without_details("the prior is N(0, I)") == "the prior is N(0, I)"
    assert without_details("unbalanced)") == "unbalanced)"


def test_long_sentences_are_looked_at_in_their_beginning_alone():
    assert len(kind("()" * 100_000 + ")")) == 1000
    assert slips([("a", "(" * 100_000 + "1"), ("b", "(" * 100_000 + "2")])[0].learners == ("a", "b")


# CSV


def test_every_item_of_every_learner_has_its_row(tmp_path):
    verdicts = a_class(5)
    write_csv(verdicts, HANDS, tmp_path / "x.csv")
    found = rows(tmp_path / "x.csv")
    assert tuple(found[0]) == COLUMNS
    assert [(row["learner"], row["item"]) for row in found] == [(v.learner, m.id) for v in verdicts for m in v.marks]
    for row, (verdict, mark) in zip(found, [(v, m) for v in verdicts for m in v.marks], strict=True):
        assert row["points"] == ("" if mark.points is None else f"{mark.points:g}")
        assert float(row["most"]) == mark.most
        assert row["failed"].split(" | ") == ([line.text for line in mark.lines if not line.good] or [""])
        reason = "marked by a person" if mark.id in HANDS.get(verdict.learner, {}) else mark.reason
        assert (row["title"], row["key"], row["reason"]) == (mark.title, verdict.key[:12], reason)
        assert (row["late_seconds"], row["handed_in"]) == (f"{verdict.late:.0f}", verdict.handed_in)
        assert row["remarks"].split(" | ") == [*verdict.remarks] or not verdict.remarks
    words = {row["learner"]: (row["hand_mark"], row["needs_marking"]) for row in found if row["item"] == "words"}
    assert words == {"a": ("2.5", "no"), **dict.fromkeys("bcde", ("", "yes"))}


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝"])
def test_a_learners_text_is_no_formula(start, tmp_path):
    text = f'{start}HYPERLINK("http://x.example","a")'
    lines = (Line(False, text),)
    mark = Mark("kl", text, 3.0, points=0.0, lines=lines, reason=text)
    write_csv([a_verdict(text, marks=(mark,), remarks=(text,))], {}, tmp_path / "x.csv")
    (row,) = rows(tmp_path / "x.csv")
    for column in ("learner", "title", "failed", "reason", "remarks"):
        assert row[column] == f"'{text}", column
    assert row["points"] == "0"


def test_hostile_texts_stay_in_their_cells(tmp_path):
    text = 'a","b\n"c\x00\u202e' + "x" * 10_000
    mark = Mark("kl", "KL", 3.0, points=0.0, lines=(Line(False, text), Line(True, "held"), Line(False, "=1")))
    write_csv([a_verdict("a", marks=(mark,)), a_verdict("b", marks=())], {}, tmp_path / "x.csv")
    first, second = rows(tmp_path / "x.csv")
    assert first["failed"].startswith('a","b\n"c��xxx')
    assert first["failed"].endswith(" letters more) | =1")
    assert len(first["failed"]) < 1100
    assert (second["learner"], second["item"], second["points"]) == ("b", "", "")


def test_no_submission_gives_a_head_alone(tmp_path):
    write_csv([], {}, tmp_path / "x.csv")
    assert (tmp_path / "x.csv").read_text() == ",".join(COLUMNS) + "\n"


# The terminal


def test_the_table_has_a_row_for_each_learner_with_points_open_and_late():
    lines = printed(a_class(3), HANDS).splitlines()
    by_name = {line.split()[0]: line for line in lines if line.split()}
    assert re.search(r"a +7\.5 / 8 *$", by_name["a"])
    assert re.search(r"b +0 / 8 +3 +2 h 5 min +1 *$", by_name["b"])
    assert "to mark: points that wait for a person" in " ".join(lines)


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "cp1252"])
def test_the_table_fits_80_columns_and_any_terminal(encoding, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    hostile = ["x" * 500, "日本" * 100, "[red]a[/red]", "a\x1b[31m\nb\u202e", "[/]", ":smile:"]
    late = [replace(a_verdict(learner), late=1e7, remarks=("odd",)) for learner in hostile]
    text = printed(late, encoding=encoding, force_terminal=True)
    assert all(len(line) <= 80 for line in text.splitlines())
    assert "\x1b[31m" not in text
    assert all(part in text for part in ("[red]a[/red]", ":smile:", "115 d 17 h", "2 / 8"))
    assert len(re.findall("2 / 8", text)) == len(hostile)


def test_no_submission_and_many_print_too():
    assert "No submission was judged." in printed([])
    assert len(re.findall(r" / 8", printed(a_class(300)))) == 300


# The page


def tables(page: Document) -> dict[str, list[list[str]]]:
    return {table[0][0]: table[1:] for table in page.tables}


def test_the_page_says_how_many_wait_and_why():
    verdicts = a_class(6)
    stopped = Mark("kl", "The price of a cloud", 3.0, reason="the check stopped")
    verdicts[4] = replace(verdicts[4], marks=(verdicts[4].marks[0], stopped, verdicts[4].marks[2]))
    page = Document(class_page(verdicts, HANDS))
    waiting = tables(page)["What waits for a person, and why"]
    assert waiting[0] == ["reason", "items", "learners"]
    assert waiting[1:] == [
        ["a written answer", "In your own words", "5: b, c, d, e, f"],
        ["the check stopped", "The price of a cloud", "1: e"],
    ]
    facts = dict(zip(page.texts["dt"], page.texts["dd"], strict=True))
    assert (facts["submissions"], facts["with something to mark"], facts["late"]) == ("6", "5", "3")


def test_the_page_counts_passes_and_means_by_item():
    # Of five learners, a, c and e have the KL right; a's words have 2.5 points.
    found = tables(Document(class_page(a_class(5), HANDS)))["How many of those that are decided"]
    assert found[1:] == [
        ["Draw with a gradient", "3 of 5 (60%)", "1.20 of 2", ""],
        ["The price of a cloud", "3 of 5 (60%)", "1.80 of 3", ""],
        ["In your own words", "0 of 1 (0%)", "2.50 of 3", "4"],
    ]


def test_the_page_has_each_slip_once_with_three_of_its_learners():
    page = Document(class_page(a_class(12), {}))
    (told,) = [text for text in page.texts["li"] if "is the ½ there?" in text]
    assert told == "is the KL of each image: is the ½ there?6 learners: b, d, f and 3 more"
    assert sum("every number" in text for text in page.texts["li"]) == 1


def test_rare_slips_are_counted_behind_the_common_ones():
    different = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta"]
    marks = [Mark("kl", "KL", 3.0, points=0.0, lines=(Line(False, word),)) for word in different]
    page = Document(class_page([a_verdict(f"l{i}", marks=(mark,)) for i, mark in enumerate(marks)], {}))
    assert len(page.texts["li"]) == 5
    assert "And 2 more, of 1 learner at most." in page.texts["p"]


def test_the_page_lists_late_ones_oddities_and_everyone():
    found = tables(Document(class_page(a_class(4), HANDS)))
    assert found["The latest first"][1:] == [
        ["d", "6 h 15 min", "20 November 2026, 18:04 (UTC+01:00)"],
        ["b", "2 h 5 min", "20 November 2026, 18:04 (UTC+01:00)"],
    ]
    assert found["What was odd in the files"][1:] == [["the cell kl-checks was put back", "2: b, d"]]
    assert found["By name"][1:] == [
        ["a", "7.5", "", "", ""],
        ["b", "0", "3", "2 h 5 min", "1"],
        ["c", "5", "3", "", ""],
        ["d", "0", "3", "6 h 15 min", "1"],
    ]


def test_points_lost_without_a_failed_check_are_told_apart():
    mark = Mark("kl", "KL", 3.0, points=0.0, reason="your code took longer than 300 s")
    other = Mark("grid", "Grid", 2.0, points=0.0, reason="your code took longer than 300 s")
    found = tables(Document(class_page([a_verdict("a", marks=(mark, other))], {})))
    assert found["Decided; worth a look where the reason does not lie with the learner"][1:] == [
        ["your code took longer than 300 s", "KL, Grid", "1: a"]
    ]


@pytest.mark.parametrize("number", [0, 1, 300])
def test_a_class_of_any_size_has_a_page(number):
    markup = class_page(a_class(number), HANDS)
    page = Document(markup)
    assert len(page.images) == (2 if number else 0)
    assert page.problems == []
    if number:
        assert len(tables(page)["By name"]) == number + 1
        assert len(markup) < 400_000
        assert page.texts["dt"][0] == ("submission" if number == 1 else "submissions")
    else:
        assert "No submission was judged." in page.texts["p"]


def test_pictures_are_within_the_page_and_said_in_words():
    for source, alt in Document(class_page(a_class(12), {})).images:
        content = decoded(source)
        assert content.startswith(b"\x89PNG")
        width, height = struct.unpack(">II", content[16:24])
        assert width == 960
        assert height > 200
        assert re.search(r"12 submissions, from 0 to 5 of 8|The price of a cloud: 6, 6, 0", alt)


def test_a_submission_without_items_and_one_with_odd_titles_have_a_page():
    marks = (Mark("a", "$\\frac{$ 日本 \x00" + "y" * 100, 0.0, points=0.0),)
    page = Document(class_page([a_verdict("a", marks=()), a_verdict("b", marks=marks)], {}))
    assert page.problems == []
    assert class_page([a_verdict("a", marks=())], {})


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_stay_texts(text):
    mark = Mark(text, text, 3.0, points=0.0, lines=(Line(False, text),), reason=text)
    waiting = Mark("w", text, 3.0, reason=text)
    page = Document(class_page([replace(a_verdict(text, marks=(mark, waiting), remarks=(text,)), assignment=text)], {}))
    assert page.problems == []
    assert page.scripts == 0
    assert len(page.texts["style"]) == 1


# Figures


def test_the_histogram_counts_submissions_by_points():
    ax = figures.histogram([0, 0, 2.5, 16.9, 17, 18], 17).axes[0]
    heights = {round(bar.get_x() + bar.get_width() / 2): bar.get_height() for bar in ax.patches}
    assert {place: height for place, height in heights.items() if height} == {0: 2, 2: 1, 16: 1, 17: 2}
    assert len(heights) == 18


def test_a_histogram_of_many_points_has_wider_bars():
    ax = figures.histogram([0, 9, 10, 100], 100).axes[0]
    first = ax.patches[0]
    assert first.get_x() < 0 < 4 < first.get_x() + first.get_width()
    assert first.get_height() == 1
    assert sum(bar.get_height() for bar in ax.patches) == 4
    assert len(ax.patches) == 21
    assert ax.get_xlabel() == "points, in steps of 5"


def test_pass_rates_are_bars_of_all_submissions():
    ax = figures.pass_rates([("a", 3, 1, 0), ("$b_{", 0, 2, 2)]).axes[0]
    widths = [[bar.get_width() for bar in container] for container in ax.containers]
    assert widths == [[3, 0], [1, 2], [0, 2]]
    assert [bar.get_x() for bar in ax.containers[2]] == [4, 2]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "$b_{"]


# Modules


def test_reports_are_made_without_torch():
    names = ("standing", "slips", "page", "feedback", "table", "class_report")
    imports = "; ".join(f"import vae_tutorial.grading.reports.{name}" for name in names)
    code = f"import sys; {imports}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
