"""What students get: enough to work with, the same bytes each time, and nothing of the solutions."""

import argparse
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
from exercise_runs import EXERCISES, LESSONS, ROOT, SOLUTIONS
from test_exercises import secrets

from vae_tutorial.grading.releasing import command as release_command
from vae_tutorial.grading.releasing import release as module
from vae_tutorial.grading.releasing.leaks import Secrets, leaks, secrets_of
from vae_tutorial.grading.releasing.release import NEEDED, TOP, release

FIRST, SECOND = LESSONS[:2]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("released") / "course.zip"
    names = release(ROOT, target)
    with zipfile.ZipFile(target) as opened:
        assert opened.namelist() == names == sorted(set(names))
    return target


@pytest.fixture(scope="module")
def unpacked(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("a learner's")
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(folder)
    return folder / TOP


def small(folder: Path) -> Path:
    """A checkout with two exercises and little else."""
    for name in (*NEEDED, "nbgrader_config.py", "docs/lesson.png", "docs/map.png", "vae_tutorial/gaussian.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    for lesson in (FIRST, SECOND):
        for place in (SOLUTIONS, EXERCISES):
            shutil.copytree(place / lesson, folder / place.name / lesson, ignore=shutil.ignore_patterns(".*"))
    (folder / "notebooks").mkdir()
    shutil.copy(ROOT / "notebooks" / f"{FIRST}.ipynb", folder / "notebooks")
    (folder / "results").mkdir()
    (folder / "results" / "some.json").write_text("{}")
    return folder


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small one whose exercises are taken for generated; the whole one's are generated above."""

    def copied(course: Path, exercises: Path) -> None:
        for lesson in (FIRST, SECOND):
            shutil.copytree(EXERCISES / lesson, exercises / lesson, ignore=shutil.ignore_patterns(".*"))

    monkeypatch.setattr(module, "generate", copied)
    return small(tmp_path / "checkout")


def run(command: list[str], folder: Path) -> str:
    environment = os.environ | {"PYTHONPATH": str(folder)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


# What is in it


def test_it_has_what_learners_need_and_nothing_else(unpacked):
    top = {path.name for path in unpacked.iterdir()}
    files = {"LICENSE", "Makefile", "README.md", "environment.yml", "pyproject.toml", "requirements.lock"}
    assert top == files | {"docs", "exercises", "notebooks", "results", "scripts", "vae_tutorial"}
    assert {path.name for path in (unpacked / "scripts").iterdir()} == {"preflight.py", "set_up.sh"}
    names = [path.relative_to(unpacked) for path in unpacked.rglob("*")]
    assert not [name for name in names if name.name.startswith(".") or "__pycache__" in name.parts]
    package = [path.relative_to(ROOT) for path in (ROOT / "vae_tutorial").rglob("*") if path.is_file()]
    left = (".pyc", ".checkpoint", ".partial")
    assert [name for name in package if name not in names and not name.name.endswith(left)] == []


def test_everything_is_as_in_the_checkout(unpacked):
    for path in unpacked.rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (ROOT / path.relative_to(unpacked)).read_bytes()


def test_lessons_have_their_findings_and_the_readme_its_pictures(unpacked):
    text = "".join(path.read_text(encoding="utf-8") for path in (unpacked / "notebooks").glob("*.ipynb"))
    read = set(re.findall(r'findings\(\\?"(\w+)\\?"\)', text))
    assert len(read) > 10
    assert read <= {path.stem for path in (unpacked / "results").iterdir()}
    shown = re.findall(r"!\[.*?\]\((.*?)\)", (unpacked / "README.md").read_text(encoding="utf-8"))
    assert shown
    assert all((unpacked / name).is_file() for name in shown)


def test_no_secret_of_any_solution_is_in_any_exercise_and_no_hidden_check_anywhere(unpacked):
    for lesson in LESSONS:
        hidden = secrets(nbformat.read(SOLUTIONS / lesson / f"{lesson}.ipynb", as_version=4))
        own = (unpacked / "exercises" / lesson / f"{lesson}.ipynb").read_text(encoding="utf-8")
        assert [line for line in hidden if json.dumps(line, ensure_ascii=False)[1:-1] in own] == []
    everything = b"".join(path.read_bytes() for path in unpacked.rglob("*") if path.is_file())
    assert b"item.hidden(" not in everything.replace(b"`item.hidden(", b"")
    assert b"**Rubric" not in everything


def test_the_package_the_exercises_and_make_work_where_it_is_unpacked(unpacked):
    code = (
        "import vae_tutorial, pathlib; from vae_tutorial.course import Exercise; from vae_tutorial import lesson;"
        "from vae_tutorial.course.assign import assign, exercises;"
        "assert pathlib.Path(vae_tutorial.__file__).parents[1] == pathlib.Path.cwd(), vae_tutorial.__file__;"
        f"assert Exercise({FIRST!r}).learner == '';"
        "print(len(exercises()), lesson.findings('dip_vae').keys() >= {'rows'});"
        f"print(assign({FIRST!r}, 'a', pathlib.Path('../handed out')))"
    )
    said = run([sys.executable, "-c", code], unpacked).splitlines()
    assert said[0] == f"{len(LESSONS)} True"
    assert 'learner=\\"a\\"' in (unpacked / said[1]).read_text(encoding="utf-8")
    plan = run(["make", "-n", "lab"], unpacked)
    named = re.findall(r"(?:scripts|notebooks)/[\w./]+", plan)
    assert len(named) == 2
    assert all((unpacked / name).is_file() for name in named)
    assert run([sys.executable, "-c", "import sys; sys.path.insert(0, 'scripts'); import preflight"], unpacked) == ""


# The archive itself


def test_the_same_files_give_the_same_bytes(checkout, tmp_path):
    release(checkout, tmp_path / "one.zip")
    for path in checkout.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    release(shutil.move(checkout, tmp_path / "elsewhere"), tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.zip") as opened:
        for member in opened.infolist():
            assert (member.date_time, member.external_attr >> 16) == ((1980, 1, 1, 0, 0, 0), stat.S_IFREG | 0o644)
            assert member.filename.startswith(f"{TOP}/")


def test_exercises_can_be_chosen(checkout, tmp_path):
    names = release(checkout, tmp_path / "x.zip", [SECOND])
    assert [name for name in names if "exercises" in name] == [f"{TOP}/exercises/{SECOND}/{SECOND}.ipynb"]
    assert f"{TOP}/notebooks/{FIRST}.ipynb" in names
    with pytest.raises(ValueError, match=f"assignments must be of {FIRST}, {SECOND}, got 99_nothing"):
        release(checkout, tmp_path / "y.zip", ["99_nothing", SECOND])


def test_what_learners_and_runs_leave_in_a_checkout_stays_there(checkout, tmp_path):
    before = release(checkout, tmp_path / "x.zip")
    for name in (
        f"exercises/{FIRST}/capstone.safetensors",
        f"exercises/{FIRST}/.ipynb_checkpoints/{FIRST}-checkpoint.ipynb",
        "notebooks/before.json",
        "notebooks/.ipynb_checkpoints/x.ipynb",
        "vae_tutorial/__pycache__/gaussian.cpython-311.pyc",
        "vae_tutorial/.hidden/x.py",
        f"solutions/{FIRST}/key.json",
        "grading/gradebook.db",
        "assigned/a/x.ipynb",
    ):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).write_text("of somebody")
    assert release(checkout, tmp_path / "y.zip") == before
    assert (tmp_path / "x.zip").read_bytes() == (tmp_path / "y.zip").read_bytes()


# What it refuses


def refused(checkout: Path, reason: str) -> None:
    """Nothing is written, and what was there before stays."""
    target = checkout.parent / "out" / "course.zip"
    target.parent.mkdir()
    target.write_text("the one from before")
    with pytest.raises(ValueError, match=reason):
        release(checkout, target)
    assert [(path.name, path.read_text()) for path in target.parent.iterdir()] == [(target.name, "the one from before")]


@pytest.mark.parametrize("name", ["vae_tutorial/more.py", "results/more.json", "README.md", "Makefile"])
def test_a_hidden_check_or_a_rubric_in_any_text_is_refused_with_its_line(checkout, name):
    secret = secrets_of(checkout / "solutions").alone
    line = next(line for line in sorted(secret) if line.startswith("item.hidden(") and '"' in line)
    lines = ["first", f"    {line}  # taken over", "last"]
    text = json.dumps(lines, indent=1) if name.endswith("json") else "\n".join(lines)
    before = (checkout / name).read_text() + "\n" if (checkout / name).exists() else ""
    (checkout / name).write_text(before + text)
    number = before.count("\n") + (3 if name.endswith("json") else 2)
    refused(
        checkout, rf"{TOP}/{name}, line {number}, has what only solutions/{secret[line]} may have: {re.escape(line)}"
    )


def test_a_rubric_in_a_lessons_output_is_refused(checkout):
    path = checkout / "notebooks" / f"{FIRST}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    rubric = next(line for line in secrets_of(SOLUTIONS).alone if line.startswith("**Rubric"))
    notebook.cells[1].metadata["note"] = f"to self: {rubric}"
    path.write_text(json.dumps(notebook), encoding="utf-8")  # all in one line
    refused(checkout, rf"{FIRST}\.ipynb, line 1, has what only solutions/\w+ may have: \*\*Rubric")


def test_two_lines_of_an_answer_are_refused_and_one_that_code_has_anyway_is_not(checkout, tmp_path):
    (first, second), lesson = next(iter(secrets_of(SOLUTIONS).pairs.items()))
    (checkout / "vae_tutorial" / "more.py").write_text(f"def f():\n    {first}\n    pass\n    {second}\n")
    release(checkout, tmp_path / "x.zip")
    (checkout / "vae_tutorial" / "more.py").write_text(f"def f():\n    {first}\n\n        {second}\n")
    refused(checkout, rf"more\.py, line 2, has what only solutions/{lesson} may have")


def test_every_answer_is_found_where_a_solution_stands_in_the_place_of_its_exercise():
    for lesson in LESSONS:
        content = (SOLUTIONS / lesson / f"{lesson}.ipynb").read_bytes()
        found = "\n".join(leaks([("x.ipynb", content)], secrets_of(SOLUTIONS)))
        for line in secrets(nbformat.reads(content.decode(), as_version=4)):
            assert line in found, line


def test_secrets_are_lines_that_the_solution_does_not_show():
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": "the line `shown = everywhere`"},
        {
            "cell_type": "code",
            "metadata": {},
            "source": "### BEGIN SOLUTION\nshown = everywhere\nanswer = of_two_lines\nx\n### END SOLUTION\n"
            "### BEGIN HIDDEN TESTS\nshort\nhidden = check_of_it\nshown = everywhere\n### END HIDDEN TESTS",
        },
        {
            "cell_type": "code",
            "metadata": {},
            "source": ["### BEGIN SOLUTION\n", "answer = alone\n", "### END SOLUTION"],
        },
        {"cell_type": "markdown", "metadata": {"nbgrader": {"grade": True}}, "source": "the whole rubric"},
    ]
    found = Secrets()
    found.add("x", cells)
    assert found.alone == dict.fromkeys(["hidden = check_of_it", "answer = alone", "the whole rubric"], "x")
    assert set(found.pairs) == {("shown = everywhere", "answer = of_two_lines"), ("answer = of_two_lines", "x")}
    assert list(leaks([("a.bin", b"\xffhidden = check_of_it"), ("b.md", b"hidden = check")], found)) == []


@pytest.mark.parametrize("change", ["edited", "missing", "more"])
def test_exercises_that_are_not_what_solutions_give_are_refused(checkout, change):
    path = checkout / "exercises" / FIRST / f"{FIRST}.ipynb"
    line = 1
    if change == "edited":
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        lines[6] = lines[6].replace("\n", " \n")
        path.write_text("".join(lines), encoding="utf-8")
        line = 7
    elif change == "missing":
        path.unlink()
    else:
        path = checkout / "exercises" / "99_more" / "99_more.ipynb"
        path.parent.mkdir()
        path.write_text("{}")
    name = path.relative_to(checkout).as_posix()
    refused(checkout, f"{name}, line {line}, is not what solutions/ gives: run `make exercises`")


def test_a_changed_solution_is_seen_by_really_making_its_exercise(tmp_path):
    checkout = small(tmp_path / "checkout")
    path = checkout / "solutions" / FIRST / f"{FIRST}.ipynb"
    path.write_text(path.read_text(encoding="utf-8").replace("# Exercise", "# Another exercise", 1), encoding="utf-8")
    refused(checkout, rf"exercises/{FIRST}/{FIRST}\.ipynb, line \d+, is not what solutions/ gives")


def test_links_and_missing_files_are_refused(checkout):
    (checkout / "vae_tutorial" / "linked.py").symlink_to(SOLUTIONS / FIRST / f"{FIRST}.ipynb")
    refused(checkout, r"checkout must have linked\.py as a file")
    (checkout / "vae_tutorial" / "linked.py").unlink()
    (checkout / "LICENSE").unlink()
    with pytest.raises(ValueError, match="checkout must have LICENSE as a file"):
        release(checkout, checkout.parent / "x.zip")


def test_without_solutions_there_is_no_release(checkout):
    shutil.rmtree(checkout / "solutions")
    refused(checkout, "solutions must be a folder with the course's solutions")


def test_the_command(checkout, tmp_path, monkeypatch, capsys):
    parser = argparse.ArgumentParser()
    release_command.add_options(parser)
    monkeypatch.setattr(release_command, "CHECKOUT", checkout)
    target = tmp_path / "x.zip"
    assert release_command.run(parser.parse_args(["-o", str(target), "--assignment", FIRST])) == 0
    assert re.fullmatch(
        rf"{re.escape(str(target))}: \d+ files, 1 exercise, [\d.]+ MB, nothing of solutions/ in it\n",
        capsys.readouterr().out,
    )
    assert release_command.run(parser.parse_args(["-o", str(tmp_path / "none" / "x.zip")])) == 2
    assert "target must be a file in a folder that exists" in capsys.readouterr().err
