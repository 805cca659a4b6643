"""Every test runs under this: checked types and shapes, the CPU, one thread, a fixed random state."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import jaxtyping
import pytest
import torch
from playwright.sync_api import Page
from torch import Tensor

# Every annotation of the package is checked while tests run. The tower lets an int pass where a float is asked for.
# Nothing above this line may import the package: what is imported before the hook goes unchecked.
CHECKER = "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))"
jaxtyping.install_import_hook("vae_tutorial", CHECKER)

# Findings and shipped models made again, processes that train; `make check` leaves them to `make test`.
LONG = {"test_results.py", "test_zoo.py", "test_sweep.py", "test_sweep_dask.py"}

# A failed assertion of the tests' own helpers shows its values too.
pytest.register_assert_rewrite(*(path.stem for path in Path(__file__).parent.iterdir() if path.stem != "conftest"))

# The same examples in every run, on every machine; a slow machine is no failure.
hypothesis.settings.register_profile("course", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("course")


def pytest_configure() -> None:
    # Tests share the machine with each other (xdist), and the order of a sum depends on the number of threads.
    torch.set_num_threads(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of marking take minutes together, because most of them start sandboxes, and others, because they train."""
    for item in items:
        if item.path.name in LONG or item.path.parent.name == "mutants":
            item.add_marker(pytest.mark.long)
        if item.path.name.startswith("test_grading") or item.path.parent.name == "adversarial":
            item.add_marker(pytest.mark.grading)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How well the exercises' checks tell right answers from wrong ones (tests/mutants)."""
    counts = {
        (kind, outcome): sum(
            f"test_a_{kind}_answer" in report.nodeid for report in terminalreporter.getreports(outcome)
        )
        for kind in ("wrong", "right")
        for outcome in ("passed", "failed")
    }
    if any(counts.values()):
        for kind, mistake in (("wrong", "passed for right or not told their slip"), ("right", "refused")):
            good, bad = counts[kind, "passed"], counts[kind, "failed"]
            terminalreporter.write_line(f"exercises: {good + bad} {kind} answers tried, {bad} {mistake}")


@pytest.fixture(scope="module", autouse=True)
def no_sandbox_outlives_its_module() -> Iterator[None]:
    """The thread that watches one calls what beartype checks with random numbers, and hypothesis sees them drawn."""
    yield
    if talking := sys.modules.get("vae_tutorial.grading.judging.talking"):
        with talking.ended():
            pass


@pytest.fixture(autouse=True)
def fixed_random_state() -> None:
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bits are compared on the CPU, also on a machine with an accelerator; tests of one name it as their device."""
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda check_available=False: None)


@pytest.fixture
def plain() -> Iterator[None]:
    """Run the package as a user does: no annotation is checked, so only its own error messages are left."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture
def exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the draw of eps by sigma points; feed batches that went through `oracles.tiled`."""
    from oracles import sigma_points

    monkeypatch.setattr(torch, "randn_like", sigma_points)


@pytest.fixture
def small() -> Callable:
    """A factory of small models for images [n, 1, 6, 6]; the same weights for the same seed."""
    from vae_tutorial.networks import mlp
    from vae_tutorial.vae import VAE

    def make(seed: int = 0, z_dim: int = 2, hidden: tuple[int, ...] = (16,), likelihood: object = None, **options):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            networks = mlp((1, 6, 6), hidden, z_dim, **options)
        return VAE(*networks) if likelihood is None else VAE(*networks, likelihood)

    return make


@pytest.fixture
def bars() -> Callable[..., Tensor]:
    """A factory of images with two causes, uint8 [n, 1, 6, 6]: a bright row and a bright column, each of any depth."""

    def make(n: int = 40, seed: int = 0) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        row, column, depth = torch.randint(6, (3, n), generator=generator)
        images = torch.zeros(n, 1, 6, 6, dtype=torch.uint8)
        images[torch.arange(n), 0, row] = (90 + 20 * depth).to(torch.uint8)[:, None]
        images[torch.arange(n), 0, :, column] = 255
        return images

    return make


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A page for one widget after the other, in a browser without JupyterLab."""
    from widget_model import widget_page

    with widget_page(tmp_path_factory.mktemp("browser")) as page:
        yield page


@pytest.fixture(scope="session")
def a_sandbox() -> None:
    """For tests that mark in one; skipped where there is none."""
    from grading_sandboxes import bubblewrap

    bubblewrap()


@pytest.fixture(scope="session")
def empty_book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gradebook without anything in it; nbgrader takes seconds to make one."""
    from vae_tutorial.grading.book.gradebook import Book

    folder = tmp_path_factory.mktemp("book")
    with Book(folder):
        return folder / "gradebook.db"


@pytest.fixture
def nothing_to_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No data and no network; digits are drawn, few of them."""

    from vae_tutorial import data
    from vae_tutorial.data import download

    def fetch(*args, **kwargs):
        raise download.DownloadError("http://mirror/: Name or service not known")

    monkeypatch.setattr(download, "fetch", fetch)
    monkeypatch.setenv("VAE_TUTORIAL_DATA", str(tmp_path / "data"))
    load = data.load
    monkeypatch.setattr(
        data, "load", lambda name, split, limit=300, **options: load(name, split, min(limit, 300), **options)
    )


@pytest.fixture(scope="session")
def mnist():
    """MNIST's test set, where its files are."""
    from vae_tutorial import data

    if missing := data.problems("mnist", "test"):
        pytest.skip(f"MNIST is not there: {missing[0]}")
    return data.load("mnist", "test", fallback=False)
