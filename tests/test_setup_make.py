"""What `make` runs, seen from a Python that only notes down what it is asked."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYTHON = """\
#!/bin/sh
echo "$*" >>"$CALLS"
case "$*" in
    "-m venv .venv") mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
    *" pip "*) exit "$PIP_STATUS" ;;
    *" compileall "*) if [ -n "$KILL" ]; then kill -KILL $PPID; fi; exit 1 ;;
esac
"""


class Course:
    """A copy of what set-up reads, in a folder with a space."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.calls = folder, folder.parent / "calls"
        folder.mkdir()
        for name in ("Makefile", "pyproject.toml", "requirements.lock"):
            shutil.copy(ROOT / name, folder)
        shutil.copytree(ROOT / "scripts", folder / "scripts")
        self.python = folder.parent / "python"
        self.python.write_text(PYTHON)
        self.python.chmod(0o755)

    def make(self, *arguments: str, pip_status: int = 0, kill: str = "") -> subprocess.CompletedProcess[str]:
        self.calls.write_text("")
        # Nothing of a `make` that may have started these tests reaches this one.
        environment = {"PATH": os.environ["PATH"], "CALLS": str(self.calls), "PIP_STATUS": str(pip_status)}
        environment["KILL"] = kill
        command = ["make", f"PYTHON={self.python}", *arguments]
        return subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True)

    def asked(self, word: str) -> list[str]:
        return [line for line in self.calls.read_text().splitlines() if word in line]


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """A course that was set up."""
    course = Course(tmp_path / "my course")
    done = course.make("set-up")
    assert done.returncode == 0, done.stderr
    return course


def test_first_set_up_installs_locked_versions_once(course: Course) -> None:
    calls = course.calls.read_text().splitlines()
    assert calls[0] == "scripts/preflight.py"
    assert "-m venv .venv" in calls
    assert all("install --no-compile --constraint requirements.lock" in call for call in course.asked(" pip "))
    assert course.asked(" pip ")[-1].endswith("--editable .[lab]")
    assert course.make("set-up").returncode == 0
    assert course.calls.read_text() == ""
    assert {path.name for path in (course.folder / ".venv").iterdir()} == {"bin", "set-up"}


def test_what_tests_and_the_site_need_is_added_once_where_it_is_needed(course: Course) -> None:
    for target, extras in (("check", "lab,test"), ("test", "lab,test,site")):
        assert course.make(target).returncode == 0
        assert course.asked(" pip ")[-1].endswith(f"--editable .[{extras}]")
        assert not course.asked("-m venv")
    assert course.make("site").returncode == 0
    assert course.calls.read_text() == "scripts/build_site.py\n"
    for target in ("set-up", "set-up-test"):
        assert course.make(target).returncode == 0
        assert course.calls.read_text() == ""


def test_after_a_change_each_target_installs_what_it_needs(course: Course) -> None:
    assert course.make("set-up-site").returncode == 0
    with (course.folder / "requirements.lock").open("a") as file:
        file.write("# changed\n")
    for target, extras in (("lab", "lab"), ("check", "lab,test"), ("site", "lab,test,site")):
        assert course.make(target).returncode == 0
        assert course.asked(" pip ")[-1].endswith(f"--editable .[{extras}]")
        assert course.make(target).returncode == 0
        assert not course.asked(" pip ")


@pytest.mark.parametrize("target", ["check", "lessons", "exercises", "results", "bench", "peers", "lock"])
def test_contributors_targets_have_the_tests_packages(course: Course, target: str) -> None:
    first, *_ = course.make("-n", target).stdout.splitlines()
    assert first == "sh scripts/set_up.sh test"


def test_second_lab_starts_jupyterlab_and_nothing_else(course: Course) -> None:
    assert course.make("lab", "LAB_ARGS=--no-browser").returncode == 0
    (call,) = course.calls.read_text().splitlines()
    assert call.startswith("-m jupyterlab ")
    assert call.endswith(" --no-browser")
    assert "/lab/tree/notebooks/00_start_here.ipynb" in call
    assert "--LabApp.news_url=None" in call
    assert "NeverCheckForUpdate" in call


def test_test_is_one_parallel_run_over_lessons_exercises_and_tests(course: Course) -> None:
    assert course.make("set-up-site").returncode == 0
    assert course.make("test").returncode == 0
    (call,) = course.calls.read_text().splitlines()
    assert call.startswith("-m pytest --numprocesses=auto --dist=loadfile")
    assert "--nbval-lax" in call
    assert call.endswith(" notebooks solutions exercises tests")
    assert "TQDM_DISABLE=1" in course.make("-n", "test").stdout


def test_check_leaves_out_markers_that_exist(course: Course) -> None:
    # Under --strict-markers another one ends the whole run, in parallel with an internal error of pytest-xdist.
    assert course.make("set-up-test").returncode == 0
    assert course.make("check").returncode == 0
    (call,) = course.calls.read_text().splitlines()
    markers = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]["markers"]
    assert set(re.findall(r"not (\w+)", call)) <= {marker.split(":")[0] for marker in markers}


@pytest.mark.parametrize("name", ["pyproject.toml", "requirements.lock"])
def test_a_changed_file_installs_again_in_place(course: Course, name: str) -> None:
    with (course.folder / name).open("a") as file:
        file.write("# changed\n")
    assert course.make("set-up").returncode == 0
    assert course.asked(" pip ")
    assert not course.asked("-m venv")
    course.make("set-up")
    assert course.calls.read_text() == ""


def test_a_failed_pip_says_what_to_do_and_is_tried_again(course: Course) -> None:
    with (course.folder / "requirements.lock").open("a") as file:
        file.write("# changed\n")
    done = course.make("lab", pip_status=1)
    assert done.returncode != 0
    assert "without a network connect to one, then run the same command again." in done.stderr
    assert not course.asked("jupyterlab")
    assert course.make("set-up").returncode == 0
    assert course.asked(" pip ")
    assert not course.asked("-m venv")


def test_a_killed_set_up_starts_from_nothing(course: Course) -> None:
    (course.folder / ".venv" / "half-installed").touch()
    gone = subprocess.Popen(["true"])
    gone.wait()
    (course.folder / ".venv" / "set-up").unlink()
    (course.folder / ".venv" / "unfinished").write_text(f"{gone.pid}\n")
    assert course.make("set-up").returncode == 0
    assert course.asked("-m venv")
    assert not (course.folder / ".venv" / "half-installed").exists()


def test_modules_are_compiled_on_all_cores_and_may_fail(course: Course) -> None:
    # Templates of notebook extensions end in .py and are no Python.
    assert course.calls.read_text().splitlines()[-1] == "-W ignore -m compileall -qq -j 0 .venv/lib"


def test_killed_while_compiling_an_environment_is_completed(tmp_path: Path) -> None:
    course = Course(tmp_path / "my course")
    assert course.make("set-up", kill="yes").returncode != 0
    assert course.asked(" compileall ")
    assert course.make("set-up").returncode == 0
    assert course.asked(" pip ")
    assert not course.asked("-m venv")


def test_two_set_ups_do_not_mix(course: Course) -> None:
    (course.folder / ".venv" / "set-up").unlink()
    (course.folder / ".venv" / "unfinished").write_text(f"{os.getpid()}\n")
    done = course.make("lab")
    assert done.returncode != 0
    assert "Another set-up is at work" in done.stderr
    assert course.calls.read_text() == ""


def test_a_moved_course_is_set_up_anew(course: Course) -> None:
    course.folder = course.folder.rename(course.folder.parent / "moved course")
    assert course.make("set-up").returncode == 0
    assert course.asked("-m venv")


def test_a_foreign_environment_is_completed(course: Course) -> None:
    (course.folder / ".venv" / "set-up").unlink()
    (course.folder / ".venv" / "mine").touch()
    assert course.make("set-up").returncode == 0
    assert course.asked(" pip ")
    assert (course.folder / ".venv" / "mine").exists()


def test_help_names_every_target(course: Course) -> None:
    lines = course.make("help").stdout.splitlines()
    makefile = (ROOT / "Makefile").read_text()
    (targets,) = [line.split()[1:] for line in makefile.splitlines() if line.startswith(".PHONY:")]
    assert [line.split()[1] for line in lines] == targets
