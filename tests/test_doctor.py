"""What the doctor says of a machine: true, in words that say what to do, and without asking the network."""

import socket
from importlib.metadata import PackageNotFoundError, version

import pytest
import torch

from vae_tutorial import __version__, data, doctor


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def asked(*args, **kwargs):
        raise AssertionError(f"the network was asked: {args}")

    monkeypatch.setattr(socket.socket, "connect", asked)
    monkeypatch.setattr(socket, "getaddrinfo", asked)
    monkeypatch.setattr(data.archives.download, "fetch", asked)


@pytest.fixture
def empty(tmp_path, monkeypatch):
    monkeypatch.setenv("VAE_TUTORIAL_DATA", str(tmp_path / "not there yet"))
    return tmp_path / "not there yet"


def test_every_finding_is_one_line(empty):
    findings = doctor.examine()
    assert {"Python", "device", "data folder", "disk", "one decode", *doctor.PACKAGES, *data.NAMES} <= set(findings)
    assert all(finding and "\n" not in finding for finding in findings.values())
    assert findings["vae_tutorial"] == __version__
    assert findings["torch"] == version("torch")
    assert findings["data folder"] == str(empty)
    assert not empty.exists()


def test_versions_of_the_package_and_its_installation_agree():
    assert version("vae-tutorial") == __version__


def test_a_package_that_is_not_installed_is_missing_and_the_rest_is_still_said(empty, monkeypatch):
    def found(name: str) -> str:
        if name == "anywidget":
            raise PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(doctor, "version", found)
    findings = doctor.examine()
    assert findings["anywidget"] == "missing: run `make lab` again"
    assert [name for name, finding in findings.items() if finding.startswith("missing")] == ["anywidget"]


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_a_set_that_is_not_there_comes_with_the_command_that_fetches_it(name, empty):
    words = doctor.describe_data(name)
    assert words.startswith(f"not ready: {empty}")
    assert words.endswith(f"is missing; `vae-tutorial data {name}` fetches it")


def test_a_set_of_which_only_one_split_is_there_is_not_ready(monkeypatch):
    monkeypatch.setattr(data, "problems", lambda name, split: ["t10k is missing"] if split == "test" else [])
    assert doctor.describe_data("mnist") == "not ready: t10k is missing; `vae-tutorial data mnist` fetches it"


def test_digits_need_nothing(empty):
    assert doctor.describe_data("digits") == "ready"


@pytest.mark.mnist
def test_mnist_that_is_there_is_ready(mnist):
    if not data.problems("mnist", "train"):
        assert doctor.describe_data("mnist") == "ready"


def test_the_device_is_the_one_that_training_would_choose(monkeypatch):
    monkeypatch.setattr(doctor, "pick_device", lambda: torch.device("cpu"))
    assert doctor.describe_device() == f"cpu: {torch.get_num_threads()} threads"
    monkeypatch.setattr(doctor, "pick_device", lambda: torch.device("mps"))
    assert doctor.describe_device() == "mps"
    monkeypatch.setattr(doctor, "pick_device", lambda: torch.device("cuda"))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"card of {device}")
    assert doctor.describe_device() == "cuda: card of cuda"


def test_the_time_of_a_decode_is_the_median(monkeypatch):
    clock = iter([0.0, 9.0, 10.0, 10.5, 20.0, 21.0])  # 9, 0.5 and 1 second
    monkeypatch.setattr(doctor.time, "perf_counter", lambda: next(clock))
    assert doctor.decode_seconds(repeats=3) == 1.0
