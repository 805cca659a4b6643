"""A JupyterLab server of its own for tests: fresh settings, a free port, nothing asked of other machines."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat

MAKEFILE = Path(__file__).parents[1] / "Makefile"
# Beside the options of `make lab`: a free port, no password for a test on this machine, and a page that can be asked.
TEST_OPTIONS = [
    *("--no-browser", "--ServerApp.ip=127.0.0.1", "--ServerApp.port_retries=0", "--IdentityProvider.token="),
    *("--ServerApp.disable_check_xsrf=True", "--LabApp.expose_app_in_browser=True"),
    "--JupyterNotebookApp.expose_app_in_browser=True",  # Notebook 7 is served beside JupyterLab
    "--LabApp.extension_manager=readonly",
]
# Every cell stays in the page (a windowed notebook drops those out of sight), and no notice covers a slider.
SETTINGS = {
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
}
FOLDERS = {
    "JUPYTER_CONFIG_DIR": "config",
    "JUPYTER_RUNTIME_DIR": "runtime",
    "JUPYTERLAB_SETTINGS_DIR": "settings",
    "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    "IPYTHONDIR": "ipython",
    "MPLCONFIGDIR": "matplotlib",
}


def write_notebook(path: Path, *sources: str) -> None:
    """A notebook of code cells, for the kernel of this environment."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)


def lab_options() -> list[str]:
    """The options with which `make lab` starts JupyterLab."""
    found = re.search(r"^lab_options := ((?:.*\\\n)*.*)", MAKEFILE.read_text(), re.MULTILINE)
    if found is None:
        raise LookupError("the Makefile has no lab_options any more; what does `make lab` start JupyterLab with?")
    return found[1].replace("\\\n", " ").split()


@contextmanager
def jupyterlab(root: Path, fresh: Path) -> Iterator[str]:
    """A JupyterLab server of the files under `root`, with its settings in the new folder `fresh`; gives its address."""
    environment = os.environ | {name: str(fresh / folder) for name, folder in FOLDERS.items()}
    environment.pop("JUPYTER_CONFIG_PATH", None)
    defaults = fresh / "config" / "labconfig" / "default_setting_overrides.json"
    defaults.parent.mkdir(parents=True)
    defaults.write_text(json.dumps(SETTINGS))
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    here = [f"--ServerApp.port={port}", f"--ServerApp.root_dir={root}"]
    command = [sys.executable, "-m", "jupyterlab", *lab_options(), *TEST_OPTIONS, *here]
    with (fresh / "lab.log").open("w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)
        try:
            _wait_for(url + "/api/status", server, fresh / "lab.log")
            yield url
        finally:
            _stop(server)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(url: str, server: subprocess.Popen[bytes], log: Path, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.1)
    raise RuntimeError(f"JupyterLab did not answer at {url}:\n{log.read_text()[-2000:]}")


def _stop(server: subprocess.Popen[bytes]) -> None:
    """The server stops its own kernels when asked; what is left of its group after that is ended."""
    server.terminate()
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
