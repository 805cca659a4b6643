"""A machine on which the set-up cannot work gets one sentence that says what to do."""

import importlib.util
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

SCRIPTS = Path(__file__).parents[1] / "scripts"


@pytest.fixture
def preflight(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("preflight", SCRIPTS / "preflight.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=100e9))
    return module


def interpreter(path: Path, change: str) -> None:
    """Put a Python there that differs from this one by one statement."""
    code = f"import runpy, sys; {change}; runpy.run_path(sys.argv[1], run_name='__main__')"
    path.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -c {shlex.quote(code)} "$@"\n')
    path.chmod(0o755)


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A course in a folder with a space, and a bin folder that has no Python."""
    (tmp_path / "my course").mkdir()
    shutil.copytree(SCRIPTS, tmp_path / "my course" / "scripts")
    (tmp_path / "bin").mkdir()
    for tool in ("cat", "dirname", "head", "mkdir", "rm"):
        (tmp_path / "bin" / tool).symlink_to(str(shutil.which(tool)))
    return tmp_path


def set_up(machine: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = ["/bin/sh", str(machine / "my course" / "scripts" / "set_up.sh")]
    return subprocess.run(command, capture_output=True, text=True, env={"PATH": str(machine / "bin"), **environment})


def said(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one sentence of a set-up that refused."""
    assert done.returncode != 0
    sentence = done.stderr.removesuffix("\n")
    assert "\n" not in sentence
    assert sentence.endswith("then run the same command again.")
    return sentence


def test_this_python_will_do(preflight: ModuleType) -> None:
    assert preflight.complaint() == ""


def test_full_disk(preflight: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1.26e9))
    assert "GB of free disk space and this disk has 1.3 GB" in preflight.complaint()


def test_no_python(machine: Path) -> None:
    assert "No Python was found: install Python 3.11 or newer" in said(set_up(machine))


def test_old_python(machine: Path) -> None:
    interpreter(machine / "bin" / "python3", "sys.version_info = (3, 8, 10)")
    assert "is Python 3.8: install a newer one" in said(set_up(machine))


@pytest.mark.parametrize("module", ["venv", "ensurepip"])
def test_no_venv(machine: Path, module: str) -> None:
    interpreter(machine / "bin" / "python3", f"sys.modules['{module}'] = None")
    sentence = said(set_up(machine))
    assert f"python{sys.version_info[0]}.{sys.version_info[1]}-venv" in sentence


def test_small_disk(machine: Path) -> None:
    interpreter(machine / "bin" / "python3", "import shutil; shutil.disk_usage = lambda p: type('', (), {'free': 2e9})")
    assert "this disk has 2.0 GB" in said(set_up(machine))


def test_the_chosen_python_alone_is_asked(machine: Path) -> None:
    interpreter(machine / "bin" / "python3", "sys.exit(0)")
    interpreter(machine / "my python", "sys.version_info = (2, 7, 18)")
    assert "is Python 2.7" in said(set_up(machine, PYTHON=str(machine / "my python")))


def test_a_python_that_does_not_start_is_passed_over(machine: Path) -> None:
    broken = machine / "bin" / "python3.13"
    broken.write_text("#!/bin/sh\necho 'not installed' >&2\nexit 127\n")
    broken.chmod(0o755)
    interpreter(machine / "bin" / "python3", "sys.version_info = (3, 9, 2)")
    assert "is Python 3.9" in said(set_up(machine))
