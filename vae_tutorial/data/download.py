"""Fetching one file of MNIST or Fashion-MNIST: the only place that knows torchvision, and the network."""

import queue
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path

ANSWER_SECONDS = 8.0  # for a mirror to say whether it has the file
READ_SECONDS = 30.0  # for the next bytes of a download that has begun


class DownloadError(RuntimeError):
    """No mirror gave the file; the message says, for each, why."""


def fetch(dataset: str, filename: str, into: Path, archive: Path) -> None:
    """Put the file `filename` of torchvision's `dataset` ("MNIST", "FashionMNIST") into the folder `into`, unpacked.

    archive: where its .gz may lie already; if torchvision's digest fits, no network is needed. Otherwise torchvision's
    mirrors are asked in turn, each for a bounded time. Raises DownloadError, and OSError where `into` is unwritable.
    """
    from torchvision import datasets  # here, since importing torchvision takes more than a second
    from torchvision.datasets import utils

    source = getattr(datasets, dataset)
    md5 = dict(source.resources)[f"{filename}.gz"]
    if archive.is_file() and utils.check_integrity(archive, md5):
        utils.extract_archive(str(archive), str(into))
        return
    failures = []
    for mirror in source.mirrors:
        failure = _no_answer(f"{mirror}{filename}.gz")
        if failure is None:
            try:
                with _patience(READ_SECONDS):
                    url = f"{mirror}{filename}.gz"
                    utils.download_and_extract_archive(url, str(into), md5=md5, remove_finished=True)
                return
            except (OSError, RuntimeError, HTTPException) as error:
                failure = str(error) or type(error).__name__
        failures.append(f"{mirror}: {failure}")
    raise DownloadError("; ".join(failures))


def _no_answer(url: str) -> str | None:
    """Why `url` cannot be had within ANSWER_SECONDS; None if it can.

    torchvision sets no time limit at all, and a limit on sockets covers neither looking a name up nor trying a dozen
    addresses in turn, which behind a silent firewall takes minutes. A thread that is left behind does.
    """
    answers: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    threading.Thread(target=_ask, args=(url, answers), daemon=True).start()
    try:
        return answers.get(timeout=ANSWER_SECONDS)
    except queue.Empty:
        return f"no answer within {ANSWER_SECONDS:g} s"


def _ask(url: str, answers: "queue.SimpleQueue[str | None]") -> None:
    try:
        request = urllib.request.Request(url, method="HEAD", headers={"User-Agent": "pytorch/vision"})
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS):
            answers.put(None)
    except urllib.error.HTTPError as error:
        error.close()
        answers.put(f"HTTP {error.code}")
    except (OSError, HTTPException, ValueError) as error:
        answers.put(str(getattr(error, "reason", error)) or type(error).__name__)


@contextmanager
def _patience(seconds: float) -> Iterator[None]:
    """Sockets opened inside wait this long for bytes, since torchvision lets nobody say so."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
