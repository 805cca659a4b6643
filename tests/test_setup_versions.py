"""The lowest versions are those that pyproject.toml names, and a weekly workflow tests them and the newest."""

import importlib.util
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.fixture
def versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, with an empty folder for the course."""
    spec = importlib.util.spec_from_file_location("versions", ROOT / "scripts" / "versions.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "FOLDER", tmp_path / "build" / "versions")
    return module


def pyproject(*dependencies: str, **extras: list[str]) -> dict:
    return {
        "build-system": {"requires": ["builder>=1.0"]},
        "project": {"dependencies": list(dependencies), "optional-dependencies": extras},
    }


def test_each_bound_becomes_a_pin(versions: ModuleType) -> None:
    made_up = pyproject(
        "Zebra>=2.9", "under_score>=0.1.6", test=["fonts[woff]>=4.60", "zebra>=2.9"], site=["ant>=2025.1"]
    )
    assert versions.lowest(made_up) == [
        "ant==2025.1",
        "builder==1.0",
        "fonts==4.60",
        "under-score==0.1.6",
        "zebra==2.9",
    ]


def test_no_extra_is_no_error(versions: ModuleType) -> None:
    made_up = pyproject("zebra>=2")
    del made_up["project"]["optional-dependencies"]
    assert versions.lowest(made_up) == ["builder==1.0", "zebra==2"]


@pytest.mark.parametrize(
    "text", ["zebra", "zebra==2", "zebra>2", "zebra<3", "zebra>=2,<3", "zebra>=2; python_version<'4'"]
)
def test_anything_but_one_lower_bound_is_refused(versions: ModuleType, text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"'{text}'")):
        versions.lowest(pyproject("ant>=1", test=[text]))


def test_two_bounds_of_one_package_are_refused(versions: ModuleType) -> None:
    with pytest.raises(ValueError, match=r"under-score>=1 and under-score>=1\.1"):
        versions.lowest(pyproject("under_score>=1", test=["Under.Score>=1.1"]))


def test_every_dependency_of_the_course_is_pinned_at_its_bound(versions: ModuleType) -> None:
    course = tomllib.loads((ROOT / "pyproject.toml").read_text())
    pins = [Requirement(line) for line in versions.lowest(course)]
    groups = [course["build-system"]["requires"], course["project"]["dependencies"]]
    groups += course["project"]["optional-dependencies"].values()
    for requirement in (Requirement(text) for group in groups for text in group):
        (pin,) = [pin for pin in pins if pin.name == canonicalize_name(requirement.name)]
        ((bound,), (pinned,)) = requirement.specifier, pin.specifier
        assert (bound.operator, pinned.operator, pinned.version) == (">=", "==", bound.version)


class Recorder:
    """Takes the place of subprocess.run: notes commands down, and pretends that pip listed `listed`."""

    def __init__(self, fails: str = "", listed: str = "") -> None:
        self.fails, self.listed, self.commands = fails, listed, []

    def __call__(self, command: list, *, check: bool = False, **_: object) -> subprocess.CompletedProcess[str]:
        words = [str(word) for word in command]
        self.commands.append(words)
        failed = self.fails in words
        if failed and check:
            raise subprocess.CalledProcessError(1, words)
        if "venv" in words:
            Path(words[-1]).mkdir(parents=True)
        return subprocess.CompletedProcess(words, int(failed), stdout=self.listed)

    def run_with(self, word: str) -> list[list[str]]:
        return [words for words in self.commands if word in words]


def run(versions: ModuleType, monkeypatch: pytest.MonkeyPatch, recorder: Recorder, *arguments: str) -> int:
    text = '[build-system]\nrequires = ["builder>=1"]\n[project]\ndependencies = ["Under_score>=2"]\n'
    (versions.ROOT / "pyproject.toml").write_text(text + '[project.optional-dependencies]\na = ["ant>=3"]\nb = []\n')
    monkeypatch.setattr(subprocess, "run", recorder)
    monkeypatch.setattr(sys, "argv", ["versions.py", *arguments])
    return versions.main()


def test_both_are_built_noted_and_tested(
    versions: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    recorder = Recorder(listed="Under_score==2.0\nother==9\n")
    assert run(versions, monkeypatch, recorder, "both", "tests", "-n", "1") == 0
    lowest, newest = (versions.FOLDER / name for name in ("lowest", "newest"))
    assert (versions.FOLDER / "lowest-constraints.txt").read_text() == "ant==3\nbuilder==1\nunder-score==2\n"
    assert (versions.FOLDER / "newest-constraints.txt").read_text() == ""
    for folder, tested in zip((lowest, newest), recorder.run_with("pytest"), strict=True):
        assert Path(tested[0]).parents[1] == folder
        assert tested[1:] == ["-m", "pytest", "tests", "-n", "1", *versions.LEFT_OUT[folder.name]]
        assert folder.with_suffix(".txt").read_text().splitlines()[1:] == ["Under_score==2.0", "other==9"]
    for installed in recorder.run_with("install"):
        assert installed[installed.index("--constraint") + 1].endswith("-constraints.txt")
    assert [words[-1] for words in recorder.run_with("--editable")] == [".[a,b]", ".[a,b]"]
    said = capsys.readouterr().out
    assert "Under_score==2.0\n" in said
    assert "other" not in said
    assert said.endswith("lowest versions: passed\nnewest versions: passed\n")


@pytest.mark.parametrize(("step", "verdict"), [("pytest", "failed"), ("install", "no environment")])
def test_a_failure_is_told_and_the_other_versions_are_tried(
    versions: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], step: str, verdict: str
) -> None:
    assert run(versions, monkeypatch, Recorder(fails=step), "both") == 1
    said = capsys.readouterr().out
    assert f"lowest versions: {verdict}" in said
    assert f"newest versions: {verdict}" in said


def test_what_is_left_out_exists(versions: ModuleType) -> None:
    # pytest passes over a --deselect that names nothing.
    (option,) = versions.LEFT_OUT["lowest"]
    listed = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", option.removeprefix("--deselect=")],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert listed.returncode == 0, listed.stdout + listed.stderr


@pytest.mark.parametrize("arguments", [[], ["oldest"]])
def test_an_unknown_choice_is_refused(
    versions: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    recorder = Recorder()
    assert run(versions, monkeypatch, recorder, *arguments) == 2
    assert recorder.commands == []
    assert "WHICH must be one of lowest, newest, both" in capsys.readouterr().err


def made(*words: str) -> str:
    return subprocess.run(["make", "-n", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_make_runs_there_what_make_test_runs() -> None:
    (tested,) = [line for line in made("test").splitlines() if " -m pytest " in line]
    (ours,) = [line for line in made("versions", "WHICH=lowest").splitlines() if "versions.py" in line]
    assert ours.split("versions.py lowest ")[1] == tested.split("-m pytest ")[1]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflow_runs_targets_that_exist_and_may_not_last_for_ever(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text())
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] <= 120
        asked = [step["run"].split()[1] for step in job["steps"] if step.get("run", "").startswith("make ")]
        assert asked
        assert set(asked) <= targets
    assert workflow["permissions"]["contents"] == "read"
    assert "secrets." not in path.read_text()


def test_versions_are_tested_each_week(versions: ModuleType) -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "versions.yml").read_text())
    starts = workflow[True]  # YAML 1.1 reads the key `on` as true
    (schedule,) = starts["schedule"]
    assert re.fullmatch(r"\d+ \d+ \* \* [0-6]", schedule["cron"])
    assert "workflow_dispatch" in starts
    assert workflow["permissions"] == {"contents": "read"}
    (job,) = workflow["jobs"].values()
    matrix = job["strategy"]["matrix"]
    assert set(matrix["which"]) == {"lowest", "newest"} <= set(versions.CHOICES)
    required = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert f">={matrix['python'][0]}" == required
