"""benchmarks/newcomer.py tells the phases of a set-up apart by what pip prints, and no second falls between them."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SOURCE = Path(__file__).parents[1] / "benchmarks" / "_newcomer_lines.py"
PRINTED = [
    (1, "Setting up .venv with Python 3.11.7, once: this downloads up to 3 GB and takes some minutes."),
    (9, "Collecting hatchling"),
    (10, "  Downloading hatchling-1.33.0-py3-none-any.whl (78 kB)"),
    (12, "     ━━━━━━━━━━━━━━━━━ 78.0/78.0 kB 9.9 MB/s eta 0:00:00"),
    (13, "Installing collected packages: hatchling"),
    (16, "Successfully installed hatchling-1.33.0"),
    (18, "Obtaining file:///home/me/course"),
    (19, "  Preparing editable metadata (pyproject.toml): started"),
    (23, "Collecting torch>=2.9 (from vae-tutorial==0.1.0)"),
    (24, "  Downloading torch-2.15.0-cp311-cp311-manylinux_2_28_x86_64.whl.metadata (30 kB)"),
    (25, "Downloading torch-2.15.0-cp311-cp311-manylinux_2_28_x86_64.whl (539.1 MB)"),
    (65, "Building wheels for collected packages: vae-tutorial"),
    (66, "Installing collected packages: torch, vae-tutorial"),
    (98, "Successfully installed torch-2.15.0 vae-tutorial-0.1.0"),
    (99, "[I ServerApp] jupyterlab | extension was successfully linked."),
]


@pytest.fixture(scope="module")
def reading() -> ModuleType:
    spec = importlib.util.spec_from_file_location("_newcomer_lines", SOURCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_phases_follow_each_other_and_sum_to_the_whole(reading: ModuleType) -> None:
    lines = [reading.Line(float(time), text) for time, text in PRINTED]
    spans = reading.spans(lines, began=0.0, ended=103.0)
    assert spans == {"venv": 9, "resolve": 6, "download": 43, "build": 5, "install": 35, "lab": 5}
    assert sum(spans.values()) == 103


def test_an_environment_that_is_there_needs_no_pip(reading: ModuleType) -> None:
    lines = [reading.Line(2.0, "[I ServerApp] jupyterlab | extension was successfully linked.")]
    assert {name: seconds for name, seconds in reading.spans(lines, 0.0, 3.0).items() if seconds} == {"venv": 3.0}


def test_megabytes_over_the_network_and_from_files(reading: ModuleType, tmp_path: Path) -> None:
    wheel = tmp_path / "einops-0.8.2-py3-none-any.whl"
    wheel.write_bytes(bytes(2_000_000))
    lines = [reading.Line(float(time), text) for time, text in PRINTED]
    lines.append(reading.Line(30.0, f"Processing {wheel} (from vae-tutorial==0.1.0)"))
    assert reading.megabytes(lines) == (539, 2)
