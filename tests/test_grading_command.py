"""`vae-tutorial grade` and `doctor --grading` as they are typed."""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from adversarial.small_key import KEY, RIGHT, WRONG, notebook

from vae_tutorial import cli
from vae_tutorial.grading.sandbox import SandboxUnavailable

pytestmark = pytest.mark.usefixtures("a_sandbox")

SLOW = "import time\ntime.sleep(20)\n" + RIGHT["double"]


@pytest.fixture
def typed(tmp_path: Path, empty_book: Path) -> list[str]:
    """The command for a class of two."""
    for learner, answers in (("a", RIGHT), ("b", WRONG)):
        (tmp_path / "class").mkdir(exist_ok=True)
        (tmp_path / "class" / f"{learner}.ipynb").write_text(json.dumps(notebook(answers)))
    (tmp_path / "key.ipynb").write_bytes(KEY.notebook)
    (tmp_path / "grading").mkdir()
    shutil.copy(empty_book, tmp_path / "grading")
    places = {"--key": "key.ipynb", "--submissions": "class", "-o": "grading"}
    return ["grade", "small", *(word for option, name in places.items() for word in (option, str(tmp_path / name)))]


def test_a_class_ends_with_a_table_and_the_key_is_looked_at(typed, tmp_path, capsys):
    assert cli.main(typed) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:4] for line in lines if line.startswith(("a ", "b "))] == [
        ["a", "10", "/", "12"],
        ["b", "2", "/", "12"],
    ]
    assert "the key's own answers earn all 10 points that are checked" in lines
    assert cli.main(typed) == 0
    again = capsys.readouterr().out
    assert "the key's own answers" not in again, "nothing was marked"
    assert [line for line in again.splitlines() if line.startswith("a ")]


def test_a_key_that_its_own_answers_do_not_meet_is_told(typed, tmp_path, capsys):
    (tmp_path / "key.ipynb").write_bytes(KEY.notebook.replace(b"== 42", b"== 43"))
    assert cli.main(typed) == 0
    assert "look at the key: its own answers do not earn" in capsys.readouterr().out


def test_trusted_is_typed_in_full(typed, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main([*typed, "--trust"])
    assert stop.value.code == 2
    assert "unrecognized arguments: --trust" in capsys.readouterr().err


def test_without_a_sandbox_nothing_is_run_and_the_way_out_is_told(typed, tmp_path, capsys, monkeypatch):
    from vae_tutorial.grading import session

    def none(trusted: bool):
        raise SandboxUnavailable("no sandbox works here: install bubblewrap, or type --trusted")

    monkeypatch.setattr(session, "choose", none)
    assert cli.main(typed) == 1
    assert "install bubblewrap, or type --trusted" in capsys.readouterr().err
    assert not (tmp_path / "grading" / "verdicts").exists()


def test_without_the_instructors_packages_it_says_what_to_install(typed, capsys, monkeypatch):
    monkeypatch.delitem(sys.modules, "vae_tutorial.grading.session", raising=False)
    monkeypatch.delattr("vae_tutorial.grading.session", raising=False)
    monkeypatch.setitem(sys.modules, "rich.console", None)
    assert cli.main(typed) == 1
    assert "grading needs rich" in capsys.readouterr().err


def test_ctrl_c_ends_at_once_and_the_same_command_goes_on(typed, tmp_path):
    (tmp_path / "class" / "b.ipynb").write_text(json.dumps(notebook({**RIGHT, "double": SLOW})))
    command = [sys.executable, "-m", "vae_tutorial.cli", *typed, "--jobs", "1"]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    journal = tmp_path / "grading" / "verdicts" / "small.jsonl"
    while not (journal.exists() and journal.read_bytes().count(b"\n") == 1):
        assert run.poll() is None
        time.sleep(0.05)
    time.sleep(1)
    run.send_signal(signal.SIGINT)
    began = time.monotonic()
    _, said = run.communicate(timeout=15)
    assert run.returncode == 130
    assert time.monotonic() - began < 10
    assert "stopped; the verdicts that are there are stored, the same command goes on with the others" in said
    assert "Traceback" not in said
    assert journal.read_bytes().count(b"\n") == 1


def test_the_doctor_tells_what_holds_and_its_status_follows(capsys, monkeypatch):
    assert cli.main(["doctor", "--grading"]) == 0
    said = capsys.readouterr().out
    for line in ("nbgrader", "rich", "sandbox    bubblewrap", "network    none inside", "system     read-only"):
        assert line in said
    monkeypatch.setattr(cli, "findings", lambda: {"sandbox": "not ready: no sandbox works here"})
    assert cli.main(["doctor", "--grading"]) == 1
