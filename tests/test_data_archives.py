"""Sets that lie in files: a bad file is named, repaired if the network allows, and never half-used."""

import gzip
import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from vae_tutorial import data
from vae_tutorial.data import archives, download

IMAGES, LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
N = 10_000
MNIST = data.folder()


def good(filename):
    """The bytes of a made-up file that passes for Fashion-MNIST's test set: class i % 10, one pixel and its label."""
    labels = (np.arange(N) % 10).astype(np.uint8)
    if filename == LABELS:
        return struct.pack(">2I", 0x801, N) + labels.tobytes()
    images = np.zeros((N, 28, 28), dtype=np.uint8)
    images[:, 0, 0], images[:, 5, 7] = 255, labels
    return struct.pack(">4I", 0x803, N, 28, 28) + images.tobytes()


def fill(root, folder="FashionMNIST", content=good):
    raw = root / folder / "raw"
    raw.mkdir(parents=True)
    for filename in (IMAGES, LABELS):
        (raw / filename).write_bytes(content(filename))
    return raw


def no_network(*args, **kwargs):
    raise download.DownloadError("http://mirror/: Name or service\n not known")


def working_network(dataset, filename, into, archive):
    assert dataset == "FashionMNIST"
    (into / filename).write_bytes(good(filename))


def load(root, **options):
    return data.load("fashion-mnist", "test", root=root, **options)


def edit(offset, values):
    def change(path):
        content = bytearray(path.read_bytes())
        content[offset : offset + len(values)] = values
        path.write_bytes(content)

    return change


def to_folder(path):
    path.unlink()
    path.mkdir()
    (path / "mine.txt").write_text("keep me")


CORRUPTIONS = {
    "missing": (IMAGES, Path.unlink, "is missing"),
    "missing labels": (LABELS, Path.unlink, "is missing"),
    "truncated": (IMAGES, lambda path: os.truncate(path, 1_000_000), "is truncated: 1,000,000 bytes, not 7,840,016"),
    "one byte short": (LABELS, lambda path: os.truncate(path, 10_007), "is truncated: 10,007 bytes, not 10,008"),
    "too long": (LABELS, lambda path: path.write_bytes(good(LABELS) + b"?"), "is too long: 10,009 bytes, not 10,008"),
    "empty": (LABELS, lambda path: os.truncate(path, 0), "is empty: 0 bytes"),
    "compressed": (IMAGES, lambda path: path.write_bytes(gzip.compress(good(IMAGES), 1)), "is still compressed"),
    "folder": (LABELS, to_folder, "is a folder, not a file"),
    "magic": (IMAGES, edit(2, b"\x0d"), "is corrupt: it starts with 00000d03, not with 00000803"),
    "count": (LABELS, edit(4, struct.pack(">I", 9_999)), "is corrupt: its header says 9,999, not 10,000"),
    "sides": (
        IMAGES,
        edit(8, struct.pack(">2I", 14, 56)),
        "is corrupt: its header says 10,000 x 14 x 56, not",
    ),
    "lost page": (IMAGES, edit(40_960, bytes(4096)), "is corrupt: 5 of its images are blank"),
    "label beyond 9": (LABELS, edit(500, b"\x0a"), "is corrupt: it holds the label 10, beyond 9"),
    "flipped label": (LABELS, edit(8, b"\x01"), "is corrupt: its classes have (999, 1001, 1000"),
}


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != ".lock"}


@pytest.fixture(params=CORRUPTIONS)
def corrupt(request, tmp_path):
    filename, damage, message = CORRUPTIONS[request.param]
    raw = fill(tmp_path)
    damage(raw / filename)
    return tmp_path, raw / filename, f"{raw / filename} {message}"


def test_good_files_become_images_and_labels(tmp_path):
    fill(tmp_path)
    images = load(tmp_path, fallback=False)
    assert repr(images) == 'Images("fashion-mnist", 10,000 images of 1x28x28)'
    assert images.x[:, 0, 5, 7].tolist() == images.y.tolist() == [i % 10 for i in range(N)]
    first = load(tmp_path, limit=3)
    assert torch.equal(first.x, images.x[:3])
    assert first.x.untyped_storage().nbytes() == 3 * 784
    assert len(load(tmp_path, limit=N + 1)) == N
    assert not data.problems("fashion-mnist", "test", tmp_path)


def test_a_bad_file_without_network_is_named_and_left_as_it_is(corrupt, monkeypatch):
    root, _, message = corrupt
    monkeypatch.setattr(download, "fetch", no_network)
    before = contents(root)
    with pytest.raises(data.DataUnavailable) as caught:
        load(root, fallback=False)
    assert str(caught.value).startswith(f"fashion-mnist cannot be read ({message}")
    assert "or downloaded (http://mirror/: Name or service not known)" in str(caught.value)
    assert contents(root) == before
    assert data.problems("fashion-mnist", "test", root)[0].startswith(message)


def test_a_bad_file_is_fetched_again_and_one_that_was_not_missing_is_named(corrupt, monkeypatch, caplog):
    root, path, message = corrupt
    monkeypatch.setattr(download, "fetch", working_network)
    assert load(root, fallback=False).y.tolist() == [i % 10 for i in range(N)]
    assert path.read_bytes() == good(path.name)
    assert not [left for left in path.parent.iterdir() if left.name.startswith(".download")]
    if message.endswith("is missing"):
        assert not caplog.records
    else:
        assert caplog.messages[0].startswith(message)
        assert caplog.messages[0].endswith("it has been fetched again")
    if "is a folder" in message:
        assert (path.parent / f"{LABELS}.moved-aside" / "mine.txt").read_text() == "keep me"


def test_a_bad_download_replaces_nothing(tmp_path, monkeypatch):
    raw = fill(tmp_path)
    (raw / LABELS).write_bytes(b"mine")
    monkeypatch.setattr(
        download, "fetch", lambda name, filename, into, archive: (into / filename).write_bytes(b"<html>")
    )
    with pytest.raises(data.DataUnavailable, match=r"is truncated: 4 bytes.*is truncated: 6 bytes"):
        load(tmp_path, fallback=False)
    assert (raw / LABELS).read_bytes() == b"mine"


def test_a_read_only_folder_is_read_and_never_written(tmp_path, monkeypatch):
    raw = fill(tmp_path)
    folders = (raw, raw.parent, tmp_path)
    try:
        for folder in folders:
            folder.chmod(0o555)
        assert len(load(tmp_path, fallback=False)) == N
        monkeypatch.setattr(download, "fetch", working_network)
        with pytest.raises(data.DataUnavailable, match=r"train-images-idx3-ubyte is missing.*read-only"):
            data.load("fashion-mnist", "train", root=tmp_path, fallback=False)
        assert sorted(path.name for path in tmp_path.rglob("*")) == sorted(["FashionMNIST", "raw", IMAGES, LABELS])
    finally:
        for folder in folders:
            folder.chmod(0o755)


def test_a_root_that_is_a_file_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(data.DataUnavailable, match="file is a file, not a folder"):
        load(tmp_path / "file", fallback=False)


RACE = """
import sys, time
sys.path.insert(0, sys.argv[1])
from test_data_archives import data, download, good, load
def fetch(dataset, filename, into, archive):
    with open(sys.argv[2] + ".log", "a") as log:
        log.write(filename + chr(10))
    with open(into / filename, "wb") as file:  # slowly, so that the other process meets a half-written file
        content = good(filename)
        file.write(content[:5000]); file.flush(); time.sleep(0.5); file.write(content[5000:])
download.fetch = fetch
print(len(load(sys.argv[2], fallback=False)))
"""


def test_two_processes_that_prepare_one_folder_fetch_each_file_once(tmp_path):
    command = [sys.executable, "-c", RACE, str(Path(__file__).parent), str(tmp_path / "root")]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [run.communicate(timeout=120)[0] for run in runs] == ["10000\n", "10000\n"]
    assert sorted((tmp_path / "root.log").read_text().split()) == sorted([IMAGES, LABELS])


mnist = [
    pytest.mark.mnist,
    pytest.mark.skipif(
        any(data.problems("mnist", split, MNIST) for split in data.SPLITS), reason=f"{MNIST} holds no MNIST to read"
    ),
]


@pytest.mark.parametrize("split", [pytest.param("train", marks=mnist), pytest.param("test", marks=mnist)])
def test_mnist_reads_as_torchvision_reads_it(split):
    from torchvision import datasets

    images, oracle = data.load("mnist", split, fallback=False), datasets.MNIST(MNIST, train=split == "train")
    assert torch.equal(images.x[:, 0], oracle.data)
    assert torch.equal(images.y, oracle.targets)


SWAPS = {"labels swapped": (LABELS, 8), "a pixel": (IMAGES, 2_000_000)}


@pytest.mark.parametrize("kind", [pytest.param(kind, marks=mnist) for kind in SWAPS])
def test_in_mnist_damage_that_keeps_every_count_is_found_by_the_checksum(kind, tmp_path, monkeypatch):
    raw = fill(tmp_path, "MNIST", lambda filename: (MNIST / "MNIST" / "raw" / filename).read_bytes())
    filename, offset = SWAPS[kind]
    content = (raw / filename).read_bytes()
    swapped = content[offset : offset + 2][::-1] if filename == LABELS else bytes([content[offset] ^ 1])
    edit(offset, swapped)(raw / filename)
    monkeypatch.setattr(download, "fetch", no_network)
    with pytest.raises(data.DataUnavailable, match=rf"{filename} is corrupt: its CRC-32 is \w+, not"):
        data.load("mnist", "test", root=tmp_path, fallback=False)


def test_the_checksums_are_of_files_that_exist():
    names = {f"{p}-{kind}-ubyte" for p in archives.PREFIXES.values() for kind in ("images-idx3", "labels-idx1")}
    assert all(set(archive.crcs) <= names for archive in archives.ARCHIVES.values())
    for archive in archives.ARCHIVES.values():
        assert {split: sum(archive.classes[split]) for split in data.SPLITS} == archives.SIZES
