"""The container's command line, with a stand-in for docker: no engine is needed, and none was tried."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from grading_sandboxes import SHORT

import vae_tutorial
from vae_tutorial.grading.sandbox import Limits, SandboxUnavailable
from vae_tutorial.grading.sandbox.container import Container

# It notes how it was called. "run" runs what stands behind the image's name, in a folder that stands for /scratch.
# The shell starts it, since the first line of a script can name no program with a space in its path.
DOCKER = """#!/bin/sh
'''exec' "{python}" "$0" "$@"
'''
import json, os, sys
with open({log!r}, "a") as log:
    log.write(json.dumps(sys.argv[1:]) + "\\n")
if sys.argv[1] == "ps":
    sys.exit({ps})
if sys.argv[1] == "run":
    os.chdir({scratch!r})
    command = sys.argv[sys.argv.index("course:1") + 1:]
    os.environ["PATH"] = os.path.dirname({python!r}) + ":/usr/bin:/bin"
    os.execvp(command[0], command)
"""
Engine = Callable[..., Callable[[], list[list[str]]]]


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """Makes a stand-in that is alone on PATH; gives a function for its calls."""

    def make(name: str = "docker", ps: int = 0) -> Callable[[], list[list[str]]]:
        (tmp_path / "bin").mkdir()
        (tmp_path / "scratch").mkdir()
        log = tmp_path / "log"
        program = tmp_path / "bin" / name
        values = {"python": sys.executable, "log": str(log), "scratch": str(tmp_path / "scratch"), "ps": ps}
        program.write_text(DOCKER.format(**values))
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path / "bin"))
        return lambda: [json.loads(line) for line in log.read_text().splitlines()]

    return make


def ran(command: list[str], limits: Limits) -> None:
    with Container("course:1").start(command, limits=limits) as contained:
        contained.stdout.read()


def test_a_command_runs_with_its_files_and_talks(engine: Engine, tmp_path: Path) -> None:
    calls = engine()
    code = "import sys; print(open('a/b').read(), sys.stdin.readline(), sys.argv[1:], file=sys.stdout)"
    files = {"a/b": b"x", "large": bytes(300_000)}
    with Container("course:1").start([sys.executable, "-c", code, "1 2"], files=files, limits=SHORT) as contained:
        contained.stdin.write(b"hello\n")
        contained.stdin.flush()
        assert contained.stdout.read() == b"x hello\n ['1 2']\n", contained.complaint()
        assert contained.reason == "it ended by itself (exit status 0)"
    run = calls()[1]
    name = run[run.index("--name") + 1]
    assert calls()[2:] == 2 * [["rm", "--force", name]]
    assert (tmp_path / "scratch" / "large").stat().st_size == 300_000


def test_the_container_is_closed_and_bounded(engine: Engine, tmp_path: Path) -> None:
    calls = engine()
    limits = Limits(wall=90, memory=2**30, processes=20, scratch=2**20)
    ran([sys.executable, "-c", ""], limits=limits)
    run = calls()[1]
    line = " ".join(run[: run.index("course:1")])
    for option in (
        *(
            "--rm",
            "--interactive",
            "--network none",
            "--read-only",
            "--cap-drop ALL",
            "--security-opt no-new-privileges",
        ),
        *(
            f"--memory {2**30}",
            f"--memory-swap {2**30}",
            "--pids-limit 20",
            "--user 1000:1000",
            "--pull never",
            "--init",
        ),
        *(f"--tmpfs /scratch:rw,mode=1777,size={2**20}", "--workdir /scratch", "--tmpfs /home:ro"),
        f"--volume {Path(vae_tutorial.__file__).parent}:",
    ):
        assert option in line
    assert run[run.index("course:1") + 1 :][:4] == ["timeout", "--signal=KILL", "90", "python"]


def test_every_volume_is_read_only(engine: Engine, tmp_path: Path) -> None:
    calls = engine()
    ran([sys.executable, "-c", ""], limits=SHORT)
    run = calls()[1]
    volumes = [run[place + 1] for place, option in enumerate(run) if option == "--volume"]
    assert len(volumes) == 1
    assert all(volume.endswith(":ro") for volume in volumes)


def test_without_a_wall_limit_there_is_no_timeout(engine: Engine) -> None:
    calls = engine()
    ran([sys.executable, "-c", ""], limits=Limits(wall=float("inf")))
    assert "timeout" not in calls()[1]


def test_an_engine_that_fails_says_why(engine: Engine, tmp_path: Path) -> None:
    engine()
    (tmp_path / "bin" / "docker").write_text("#!/bin/sh\necho 'No such image: course:1' >&2\nexit 125\n")
    sandbox = object.__new__(Container)
    sandbox.engine, sandbox.image = str(tmp_path / "bin" / "docker"), "course:1"
    with sandbox.start([sys.executable, "-c", ""], files={"a": bytes(300_000)}) as contained:
        assert contained.stdout.read() == b""
        assert contained.reason == "it could not start: No such image: course:1"


def test_podman_does_too(engine: Engine) -> None:
    engine("podman")
    assert os.path.basename(Container("course:1").engine) == "podman"


def test_a_client_without_an_engine_is_none(engine: Engine) -> None:
    engine(ps=1)
    with pytest.raises(SandboxUnavailable, match="neither docker nor podman answers"):
        Container("course:1")


def test_without_an_image_the_sentence_says_how_to_make_one(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    engine()
    monkeypatch.delenv("VAE_TUTORIAL_GRADING_IMAGE", raising=False)
    with pytest.raises(SandboxUnavailable, match=r"repo2docker .* VAE_TUTORIAL_GRADING_IMAGE=vae-tutorial"):
        Container()
    monkeypatch.setenv("VAE_TUTORIAL_GRADING_IMAGE", "course:2")
    assert Container().image == "course:2"
