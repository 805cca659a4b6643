"""Fetching: torchvision's own downloader against a mirror on this machine, good, bad, slow or silent."""

import gzip
import hashlib
import socket
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from torchvision import datasets

from vae_tutorial.data import download

NAME = "t10k-labels-idx1-ubyte"
PACKED = gzip.compress(b"ten thousand labels", mtime=0)
DIGEST = hashlib.md5(PACKED).hexdigest()


class Mirror(SimpleHTTPRequestHandler):
    """Serves a folder, quietly; GET of a path under /stall/ begins an answer and never ends it."""

    def log_message(self, *args):
        pass

    def do_HEAD(self):
        if not self.path.startswith("/stall/"):
            return super().do_HEAD()
        self.send_response(200)
        self.end_headers()
        return None

    def do_GET(self):
        if not self.path.startswith("/stall/"):
            return super().do_GET()
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(b"a few bytes")
        self.server.finished.wait(20)
        return None


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    folder = tmp_path / "mirror"
    folder.mkdir()
    (folder / f"{NAME}.gz").write_bytes(PACKED)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Mirror, directory=folder))
    server.finished = threading.Event()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.finished.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def fetch(tmp_path, monkeypatch):
    """fetch(*mirrors, md5=...) from these mirrors, into a new folder, which it returns."""

    def run(*mirrors, md5=DIGEST):
        monkeypatch.setattr(datasets.FashionMNIST, "mirrors", list(mirrors))
        monkeypatch.setattr(datasets.FashionMNIST, "resources", [(f"{NAME}.gz", md5)])
        into = tmp_path / "into"
        into.mkdir()
        download.fetch("FashionMNIST", NAME, into, archive=tmp_path / f"{NAME}.gz")
        return into

    return run


def test_a_mirror_that_has_the_file_is_enough(fetch, mirror):
    into = fetch(mirror + "nothing/here/", mirror)
    assert [path.name for path in into.iterdir()] == [NAME]  # and no .gz
    assert (into / NAME).read_bytes() == b"ten thousand labels"
    assert socket.getdefaulttimeout() is None


def test_an_archive_that_lies_beside_is_unpacked_without_network(fetch, tmp_path):
    (tmp_path / f"{NAME}.gz").write_bytes(PACKED)
    assert (fetch() / NAME).read_bytes() == b"ten thousand labels"


def test_a_corrupt_archive_beside_is_not_used(fetch, mirror, tmp_path):
    (tmp_path / f"{NAME}.gz").write_bytes(PACKED[:-1])
    assert (fetch(mirror) / NAME).read_bytes() == b"ten thousand labels"
    assert (tmp_path / f"{NAME}.gz").read_bytes() == PACKED[:-1]


def test_a_file_of_another_digest_is_refused(fetch, mirror):
    with pytest.raises(download.DownloadError, match="corrupted"):
        fetch(mirror, md5="0" * 32)


def test_every_mirror_is_named_with_its_reason(fetch, mirror):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        closed = f"http://127.0.0.1:{taken.getsockname()[1]}/"
    with pytest.raises(download.DownloadError, match=rf"{mirror}x/: HTTP 404; {closed}: .*refused"):
        fetch(mirror + "x/", closed)


def test_a_host_that_never_answers_is_given_up(fetch, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(download, "ANSWER_SECONDS", 0.3)
    start = time.monotonic()
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(download.DownloadError, match=r"no answer within 0.3 s|timed out"),
    ):
        fetch(f"http://127.0.0.1:{silent.getsockname()[1]}/")
    assert time.monotonic() - start < 10


def test_a_name_server_that_never_answers_is_given_up(fetch, monkeypatch):
    monkeypatch.setattr(download, "ANSWER_SECONDS", 0.3)
    finished = threading.Event()
    monkeypatch.setattr(download, "_ask", lambda url, answers: finished.wait(20))
    start = time.monotonic()
    with pytest.raises(download.DownloadError, match=r"http://mirror/: no answer within 0.3 s"):
        fetch("http://mirror/")
    assert time.monotonic() - start < 10
    finished.set()


def test_a_download_that_stalls_is_given_up(fetch, mirror, monkeypatch):
    monkeypatch.setattr(download, "READ_SECONDS", 0.3)
    with pytest.raises(download.DownloadError, match="timed out"):
        fetch(mirror + "stall/")
    assert socket.getdefaulttimeout() is None
