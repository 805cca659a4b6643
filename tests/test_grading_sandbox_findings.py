"""Which sandbox is chosen, what is said where there is none, what the doctor reports."""

from pathlib import Path

import pytest
from grading_sandboxes import bubblewrap

from vae_tutorial.grading.sandbox import SandboxUnavailable, choose, choosing, findings, mending, staging
from vae_tutorial.grading.sandbox.findings import _lines


@pytest.fixture
def without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without bubblewrap and without a container engine; the folder that is all of its PATH."""
    monkeypatch.setattr(staging, "PATH", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(choosing, "_best", choosing._best.__wrapped__)
    return tmp_path


def test_a_sandbox_is_chosen_once() -> None:
    assert choose() is bubblewrap()


def test_trusted_code_needs_none(without: Path) -> None:
    assert choose(trusted=True).name == "trusted"


def test_without_any_the_sentence_says_what_to_do(without: Path) -> None:
    with pytest.raises(SandboxUnavailable) as error:
        choose()
    for part in ("apt-get install bubblewrap", "neither docker nor podman answers", "--trusted"):
        assert part in str(error.value)
    assert findings() == {"sandbox": f"not ready: {error.value}"}


def test_a_bubblewrap_that_does_not_work_is_not_chosen(without: Path) -> None:
    for name in ("unshare", "setpriv", "prlimit", "choom"):
        (without / name).symlink_to(f"/usr/bin/{name}")
    (without / "bwrap").write_text("#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n")
    (without / "bwrap").chmod(0o755)
    without.chmod(0o755)
    with pytest.raises(SandboxUnavailable, match="bubblewrap does not work here"):
        choose()


@pytest.mark.parametrize(
    ("complaint", "part"),
    [
        ("bwrap: setting up uid map: Permission denied", "AppArmor"),
        ("bwrap: No permissions to create new namespace, likely because the kernel", "sysctl"),
        ("unshare: unshare failed: Operation not permitted", "--privileged"),
        ("prlimit: failed to execute /root/python: Permission denied", "chmod -R go+rX"),
        ("something new", "user, mount and process namespaces"),
    ],
)
def test_advice(complaint: str, part: str) -> None:
    sentence = mending.advice(complaint)
    assert part in sentence
    assert sentence.endswith(".")


def test_findings_tell_what_was_tried() -> None:
    bubblewrap()
    assert findings() == {
        "sandbox": "bubblewrap",
        "network": "none inside",
        "system": "read-only",
        "scratch": "full at 16 MB, as told",
        "processes": "no more than 24, as told",
        "end": "takes every process along",
    }


def test_findings_tell_what_does_not_hold() -> None:
    seen = {"interfaces": ["lo", "eth0"], "reached": True, "written": ["/usr/bin"], "filled": 2**40, "children": 96}
    lines = _lines(seen, False)
    assert all(line.startswith("not ready: ") for line in lines.values())
    assert "eth0" in lines["network"]
    assert "/usr/bin" in lines["system"]
