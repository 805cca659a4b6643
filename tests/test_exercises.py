"""Exercises: made from their solutions and from nothing else, with nothing of an answer left in them."""

import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from exercise_runs import EXERCISES, LESSONS, ROOT, SOLUTIONS, python

from vae_tutorial import cli
from vae_tutorial.course import Exercise
from vae_tutorial.course.assign import assigned, check_learner

QUICK = "02_bce_vs_mse"  # one of those whose cells take least
# Its commands as it runs them, one after the other in one process: to start takes it seconds.
NBGRADER = """
import sys
from nbgrader.apps.nbgraderapp import NbGraderApp
for command in sys.argv[1:]:
    NbGraderApp.launch_instance(command.split())
    NbGraderApp.clear_instance()
"""
WORDS, LINES, GIVEN_LINES, WIDTH = 120, 15, 25, 120  # of text and code cells
REGION = re.compile(r"### BEGIN (SOLUTION|HIDDEN TESTS)\n(.*?)### END \1", re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")


def read(folder: Path, lesson: str) -> nbformat.NotebookNode:
    return nbformat.read(folder / lesson / f"{lesson}.ipynb", as_version=4)


def about(cell: nbformat.NotebookNode) -> dict:
    return cell.metadata.get("nbgrader", {})


def graded(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if about(cell).get("grade") and cell.cell_type == "code"]


def written(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if about(cell).get("grade") and cell.cell_type == "markdown"]


def given(cell: nbformat.NotebookNode) -> bool:
    return about(cell)["locked"] and not about(cell)["grade"]


def secrets(notebook: nbformat.NotebookNode) -> set[str]:
    """Lines of answers and hidden checks that stand nowhere else in the solution's file."""
    hidden = [found[1] for cell in notebook.cells for found in REGION.findall(cell.source)]
    hidden += [cell.source for cell in written(notebook)]
    shown = "\n".join(REGION.sub("", cell.source) for cell in notebook.cells if cell not in written(notebook))
    lines = {line.strip() for text in hidden for line in text.splitlines()}
    return {line for line in lines if len(line) > 12 and line not in shown}


@pytest.fixture(params=LESSONS)
def lesson(request: pytest.FixtureRequest) -> str:
    return request.param


def make(course: Path, exercises: Path) -> subprocess.CompletedProcess:
    call = "import exercises, pathlib, sys; exercises.make(*map(pathlib.Path, sys.argv[1:]))"
    command = [sys.executable, "-c", call, str(course), str(exercises)]
    return subprocess.run(command, cwd=ROOT / "scripts", capture_output=True, text=True)


@pytest.fixture(scope="module")
def regenerated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "exercises"
    done = make(ROOT, folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_there_is_an_exercise_for_each_lesson_but_the_first():
    lessons = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
    assert lessons[1:] == LESSONS
    assert sorted(path.name for path in EXERCISES.iterdir()) == LESSONS


def test_exercises_are_what_their_solutions_give_byte_for_byte(regenerated):
    made = {path.relative_to(regenerated): path.read_bytes() for path in regenerated.rglob("*") if path.is_file()}
    kept = {
        path.relative_to(EXERCISES): path.read_bytes()
        for path in EXERCISES.rglob("*")
        if path.is_file() and ".ipynb_checkpoints" not in path.parts
    }
    assert sorted(made) == sorted(kept), "run `make exercises`"
    assert [str(path) for path in made if made[path] != kept[path]] == [], "run `make exercises`"


def test_files_beside_a_solution_stay_there_and_old_exercises_go(tmp_path):
    course, lesson = tmp_path / "course", LESSONS[0]
    shutil.copytree(SOLUTIONS / lesson, course / "solutions" / lesson)
    shutil.copy(ROOT / "nbgrader_config.py", course)
    (course / "solutions" / lesson / "key.json").write_text("{}")
    (course / "exercises" / "00_removed").mkdir(parents=True)
    assert make(course, course / "exercises").returncode == 0
    left = [path.relative_to(course / "exercises") for path in (course / "exercises").rglob("*")]
    assert sorted(map(str, left)) == [lesson, f"{lesson}/{lesson}.ipynb"]
    (course / "solutions" / lesson / f"{lesson}.ipynb").write_text("no notebook")
    broken = make(course, course / "exercises")
    assert broken.returncode != 0
    assert "exercises.py" not in broken.stderr
    assert (EXERCISES / lesson / f"{lesson}.ipynb").read_bytes() == (
        course / "exercises" / lesson / f"{lesson}.ipynb"
    ).read_bytes()


def test_nothing_of_an_answer_is_left_in_the_exercise_or_stands_in_the_package(lesson):
    hidden = secrets(read(SOLUTIONS, lesson))
    assert len(hidden) > 10
    student = (EXERCISES / lesson / f"{lesson}.ipynb").read_text(encoding="utf-8")
    sources = "\n".join(cell.source for cell in nbformat.reads(student, as_version=4).cells)
    assert [line for line in hidden if line in sources] == []
    assert not re.search(r"BEGIN (SOLUTION|HIDDEN)|END (SOLUTION|HIDDEN)|\*\*Rubric", student)
    checks = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "vae_tutorial/checks").glob("*.py"))
    tests = {line for line in hidden if line.startswith("item.hidden")}
    assert [line for line in tests if line in checks] == []


def test_the_scan_finds_an_answer_that_is_left():
    notebook = read(SOLUTIONS, LESSONS[0])
    assert "return mu + torch.exp(logvar / 2) * eps" in secrets(notebook)
    assert any(line.startswith("item.hidden(check.kl_divergence(") for line in secrets(notebook))
    assert any(line.startswith("**Rubric.**") for line in secrets(notebook))


def test_a_stub_is_valid_python_without_outputs(lesson):
    for folder in (SOLUTIONS, EXERCISES):
        for cell in read(folder, lesson).cells:
            if cell.cell_type == "code":
                ast.parse(python(cell.source))
                assert (cell.outputs, cell.execution_count) == ([], None)
            assert not cell.get("attachments")


def test_the_file_is_as_tidy_in_every_exercise(lesson):
    notebook = read(SOLUTIONS, lesson)
    nbformat.validate(notebook)
    assert sorted(notebook.metadata) == ["kernelspec", "language_info"]
    assert notebook.metadata.language_info == {"name": "python"}
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    assert [cell.id for cell in notebook.cells if "variant" in cell.metadata.get("tags", [])] == ["variant"]
    assert f'Exercise("{lesson}")' in next(cell.source for cell in notebook.cells if cell.id == "variant")
    assert any(f'Quiz("{lesson}", where="exercise")' in cell.source for cell in notebook.cells)


def test_tasks_are_short_and_their_checks_follow_them(lesson):
    notebook = read(SOLUTIONS, lesson)
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and not about(cell):
            words = re.findall(r"\S*\w\S*", re.sub(r"\$\$.*?\$\$", "", cell.source, flags=re.DOTALL))
            assert len(words) <= WORDS, cell.source[:60]
        if cell.cell_type == "code":
            source = REGION.sub("", cell.source) if about(cell).get("solution") else cell.source
            assert all(len(line) <= WIDTH for line in source.splitlines()), cell.id
            most = GIVEN_LINES if about(cell).get("locked") or cell.id == "imports" else LINES
            assert len(source.strip().splitlines()) <= most, cell.id
    answers = [cell for cell in notebook.cells if cell.cell_type == "code" and about(cell) and not given(cell)]
    kinds = "".join("c" if about(cell)["grade"] else "t" for cell in answers)
    assert re.fullmatch(r"(tc+)+", kinds), "behind each task its checks, before the next"
    assert 4 <= kinds.count("c") <= 8
    assert all(cell.source.endswith("item.points()") and about(cell)["locked"] for cell in graded(notebook))


def test_points_add_up_and_are_said_twice_alike(lesson):
    notebook = read(SOLUTIONS, lesson)
    head = notebook.cells[0].source
    title = read_title(ROOT / "notebooks" / f"{lesson}.ipynb")
    assert head.splitlines()[0] == f"# Exercise {title}"
    (by_hand,) = written(notebook)
    total = sum(about(cell)["points"] for cell in [*graded(notebook), by_hand])
    found = re.search(r"\*\*Points:\*\* (\d+), of which (\d+) are for a written answer", head)
    assert found is not None
    assert (int(found[1]), int(found[2])) == (total, about(by_hand)["points"])
    assert "**Rubric.**" in by_hand.source
    for cell in graded(notebook):
        assert re.search(r"points=(\d+)", cell.source)[1] == str(about(cell)["points"]), cell.id
    tasks = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    said = re.findall(r"^## \d+\. .*?\((\d+) points?\)", "\n".join(tasks), re.MULTILINE)
    worth = [about(cell)["points"] for cell in [*graded(notebook), by_hand]]
    assert [int(points) for points in said] == worth


def read_title(path: Path) -> str:
    return nbformat.read(path, as_version=4).cells[0].source.splitlines()[0].removeprefix("# ")


def test_links_lead_somewhere_and_lesson_and_exercise_to_each_other(lesson):
    notebook = read(EXERCISES, lesson)
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    targets = [target.split("#")[0] for text in texts for target in LINK.findall(text) if "://" not in target]
    assert f"../../notebooks/{lesson}.ipynb" in targets
    assert [target for target in targets if not (EXERCISES / lesson / target).is_file()] == []
    of_lesson = nbformat.read(ROOT / "notebooks" / f"{lesson}.ipynb", as_version=4).cells
    assert any(f"](../exercises/{lesson}/{lesson}.ipynb)" in cell.source for cell in of_lesson)


def test_hints_that_the_text_offers_can_be_opened(lesson):
    text = "\n".join(cell.source for cell in read(EXERCISES, lesson).cells)
    offered = re.findall(r'exercise\.hint\("([\w-]+)", 1\)`(?: (?:to|and) (\d))?', text)
    assert offered
    for item, last in offered:
        assert Exercise(lesson).hint(item, int(last or 1)).steps


# Variants


def test_a_learners_file_differs_in_the_variant_alone(lesson):
    plain = (EXERCISES / lesson / f"{lesson}.ipynb").read_text(encoding="utf-8")
    named = assigned(plain, lesson, "Zoë 7")
    different = [(a, b) for a, b in zip(json.loads(plain)["cells"], json.loads(named)["cells"], strict=True) if a != b]
    assert len(different) == 1
    assert f'Exercise("{lesson}", learner="Zoë 7")' in "".join(different[0][1]["source"])
    assert assigned(plain, lesson, "Zoë 7").replace(', learner=\\"Zoë 7\\"', "") == plain


def test_the_command_writes_a_file_for_each_learner_and_leaves_what_is_there(tmp_path, capsys):
    command = ["assign", LESSONS[0], "--seed", "a", "b", "-o", str(tmp_path)]
    assert cli.main(command) == 0
    paths = [tmp_path / learner / LESSONS[0] / f"{LESSONS[0]}.ipynb" for learner in "ab"]
    assert capsys.readouterr().out.split() == [str(path) for path in paths]
    paths[0].write_text("the learner's work")
    assert cli.main(command) == 1
    assert paths[0].read_text() == "the learner's work"
    assert "left as it is" in capsys.readouterr().err


@pytest.mark.parametrize("learner", ["", "..", "a/b", "a\\b", " a", "a:b", "a\nb"])
def test_a_learner_that_names_no_folder_is_refused(learner, tmp_path, capsys):
    with pytest.raises(ValueError, match="learner must be a text that can name a folder"):
        check_learner(learner)
    assert cli.main(["assign", LESSONS[0], "--seed", learner, "-o", str(tmp_path)]) == 2
    assert list(tmp_path.rglob("*.ipynb")) == []


def test_an_unknown_exercise_is_refused_by_name(tmp_path, capsys):
    assert cli.main(["assign", "99_nothing", "--seed", "a", "-o", str(tmp_path)]) == 2
    assert "lesson must be one of" in capsys.readouterr().err


# nbgrader itself, for who trusts a class


@pytest.mark.grading
def test_plain_nbgrader_gives_all_points_to_the_solution_and_none_to_the_stub(tmp_path):
    lesson = QUICK
    (tmp_path / "nbgrader_config.py").write_text((ROOT / "nbgrader_config.py").read_text())
    (tmp_path / "solutions").mkdir()
    (tmp_path / "solutions" / lesson).symlink_to(SOLUTIONS / lesson)
    here = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(tmp_path)}
    here |= {"TQDM_DISABLE": "1", "OMP_NUM_THREADS": "1"}  # as other tests, which run at the same time
    for learner, folder in (("full", SOLUTIONS), ("empty", EXERCISES)):
        place = tmp_path / "submitted" / learner / lesson
        place.mkdir(parents=True)
        (place / f"{lesson}.ipynb").write_text((folder / lesson / f"{lesson}.ipynb").read_text())
    commands = (f"generate_assignment {lesson}", f"autograde {lesson}", "export")
    command = [sys.executable, "-c", NBGRADER, *commands]
    done = subprocess.run(command, cwd=tmp_path, env=here, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = [line.split(",") for line in (tmp_path / "grades.csv").read_text().splitlines()]
    score, student = rows[0].index("raw_score"), rows[0].index("student_id")
    by_hand = about(written(read(SOLUTIONS, lesson))[0])["points"]
    total = sum(about(cell)["points"] for cell in graded(read(SOLUTIONS, lesson)))
    assert {row[student]: float(row[score]) for row in rows[1:]} == {"full": total, "empty": 0.0}, by_hand
