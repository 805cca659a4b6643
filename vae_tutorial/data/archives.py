"""MNIST and Fashion-MNIST from torchvision's folder layout: read if good, repaired by downloading if not."""

import logging
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import platformdirs
import torch
from filelock import FileLock

from vae_tutorial.data import download, idx
from vae_tutorial.data.idx import BadFile, DataUnavailable
from vae_tutorial.data.images import Images

logger = logging.getLogger("vae_tutorial")

SIZES = {"train": 60_000, "test": 10_000}
PREFIXES = {"train": "train", "test": "t10k"}
LOCK_SECONDS = 600.0  # long enough for another process to download everything over a slow line
BLANK_LIMIT = 3  # neither set has a blank image; a lost disk page of 4 KiB blanks at least this many and one more


@dataclass(frozen=True)
class Archive:
    """What is known about a data set beforehand: its folder's name, how many images each class has, and checksums.

    MNIST's training images have none: copies are about in which pixels of value 1 read 0.
    """

    folder: str
    classes: dict[str, tuple[int, ...]]
    crcs: dict[str, int] = field(default_factory=dict)


ARCHIVES = {
    "mnist": Archive(
        folder="MNIST",
        classes={
            "train": (5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949),
            "test": (980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009),
        },
        crcs={
            "train-labels-idx1-ubyte": 0xE0CB4AD2,
            "t10k-images-idx3-ubyte": 0x91373BDF,
            "t10k-labels-idx1-ubyte": 0x4AB9EFF9,
        },
    ),
    "fashion-mnist": Archive(folder="FashionMNIST", classes={"train": (6000,) * 10, "test": (1000,) * 10}),
}


def folder(root: str | os.PathLike[str] | None = None) -> Path:
    """Where data sets lie: `root`, else the environment variable VAE_TUTORIAL_DATA, else a per-user cache folder."""
    chosen = root if root is not None else os.environ.get("VAE_TUTORIAL_DATA")
    return Path(chosen).expanduser() if chosen else platformdirs.user_cache_path("vae-tutorial")


def load(name: str, split: str, root: Path) -> Images:
    """Read a split, downloading what is missing or corrupt. Raises DataUnavailable where that does not work either."""
    try:
        return _read(name, split, root)
    except BadFile as bad:
        try:
            _repair(name, split, root)
            return _read(name, split, root)
        except (OSError, NotImplementedError, download.DownloadError, DataUnavailable) as error:
            why = " ".join(str(error).split())  # torchvision's reasons come on several lines
            raise DataUnavailable(f"{name} cannot be read ({bad}) or downloaded ({why})") from error


def problems(name: str, split: str, root: Path) -> list[str]:
    """A sentence about each file of the split that is missing or corrupt, without touching network or disk."""
    return [str(bad) for bad in _problems(name, split, root)]


def _read(name: str, split: str, root: Path) -> Images:
    images, labels = (_check(name, split, path) for path in _paths(name, split, root))
    return Images(torch.from_numpy(images).unsqueeze(1), torch.from_numpy(labels).long(), name=name)


def _paths(name: str, split: str, root: Path) -> tuple[Path, Path]:
    raw = root / ARCHIVES[name].folder / "raw"
    return raw / f"{PREFIXES[split]}-images-idx3-ubyte", raw / f"{PREFIXES[split]}-labels-idx1-ubyte"


def _check(name: str, split: str, path: Path) -> np.ndarray:
    """Read the images or labels of a split, whichever `path` is named after. Raises BadFile."""
    archive, is_labels = ARCHIVES[name], "labels" in path.name
    shape = (SIZES[split],) if is_labels else (SIZES[split], 28, 28)
    values = idx.read(path, shape, archive.crcs.get(path.name))
    if not is_labels:
        blank = len(values) - int(values.any(axis=(1, 2)).sum())
        if blank > BLANK_LIMIT:
            raise BadFile(path, f"is corrupt: {blank:,} of its images are blank")
        return values
    if values.max() > 9:
        raise BadFile(path, f"is corrupt: it holds the label {values.max()}, beyond 9")
    counts = tuple(np.bincount(values, minlength=10).tolist())
    if counts != archive.classes[split]:
        raise BadFile(path, f"is corrupt: its classes have {counts} members, not {archive.classes[split]}")
    return values


def _problems(name: str, split: str, root: Path) -> list[BadFile]:
    bad = []
    for path in _paths(name, split, root):
        try:
            _check(name, split, path)
        except BadFile as problem:
            bad.append(problem)
    return bad


def _repair(name: str, split: str, root: Path) -> None:
    """Download the bad files of a split, one process at a time; each is replaced only by one that has been checked."""
    raw = _paths(name, split, root)[0].parent
    _check_writable(raw)
    raw.mkdir(parents=True, exist_ok=True)
    with FileLock(raw / ".lock", timeout=LOCK_SECONDS):
        for bad in _problems(name, split, root):  # none, if another process held the lock and has done it
            with tempfile.TemporaryDirectory(prefix=".download-", dir=raw, ignore_cleanup_errors=True) as staging:
                fetched = Path(staging) / bad.path.name
                archive = bad.path.with_name(f"{bad.path.name}.gz")
                download.fetch(ARCHIVES[name].folder, bad.path.name, into=Path(staging), archive=archive)
                _check(name, split, fetched)
                if bad.path.is_dir():  # a file cannot replace a folder, and what lies in it is not ours to delete
                    bad.path.rename(bad.path.with_name(f"{bad.path.name}.moved-aside"))
                os.replace(fetched, bad.path)
            if bad.reason != "is missing":
                logger.warning("%s: it has been fetched again", bad)


def _check_writable(path: Path) -> None:
    """Raise PermissionError unless the folder, or the nearest one above that exists, has a write permission we hold.

    The permission bits are asked as well, since the superuser of a container may write anywhere, also where an owner
    has made a folder read-only.
    """
    existing = next(parent for parent in (path, *path.parents) if parent.exists())
    if not existing.is_dir():
        raise NotADirectoryError(f"{existing} is a file, not a folder")
    if not (os.access(existing, os.W_OK) and existing.stat().st_mode & 0o222):
        raise PermissionError(f"the folder {existing} is read-only")
