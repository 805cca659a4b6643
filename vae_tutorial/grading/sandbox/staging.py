"""How an administrator starts a sandbox that runs as nobody.

No limit on processes binds root, so the sandbox must run as another user, who cannot enter folders of root's: a Python
in root's home, say. They are mounted where that user can come to them, in a mount namespace that nobody else sees.
"""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from vae_tutorial.grading.sandbox import view
from vae_tutorial.grading.sandbox.contained import SandboxUnavailable

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
FOLDERS = ("/mnt", "/media", "/srv", "/opt")  # one of them is covered, where no source lies in it
# Arguments: the folder to cover, sources, "--", a command. $$ tells sandboxes that run at the same time apart.
SCRIPT = """
set -e
folder=$1
shift
mount -t tmpfs -o mode=755,size=1m none "$folder"
number=0
while [ "$1" != -- ]; do
    if [ -d "$1" ]; then mkdir "$folder/$number"; else : >"$folder/$number"; fi
    mount --rbind "$1" "$folder/$number"
    number=$((number + 1))
    shift
done
shift
user=$((62000 + $$ % 3000))
exec setpriv --reuid "$user" --regid "$user" --clear-groups -- "$@"
"""


class Stage:
    """Where a sandbox finds its sources, and the command that puts them there. Only root needs one."""

    def __init__(self, sources: Iterable[Path]):
        self._root = os.geteuid() == 0
        self._closed = [path for path in dict.fromkeys(sources) if self._root and not view.open_to_all(path)]
        self._folder = self._choose()

    def path(self, source: Path) -> str:
        return f"{self._folder}/{self._closed.index(source)}" if source in self._closed else str(source)

    def command(self, command: list[str]) -> list[str]:
        """What runs the command, which finds its sources."""
        if not self._root:
            return command
        shell = ["/bin/sh", "-c", SCRIPT, "sh", self._folder, *map(str, self._closed), "--", *command]
        tool("setpriv")
        return [tool("unshare"), "--mount", "--propagation", "private", "--", *shell]

    def _choose(self) -> str:
        for folder in map(Path, FOLDERS):
            if folder.is_dir() and not any(folder in path.parents for path in self._closed):
                return str(folder)
        raise SandboxUnavailable(f"one of {', '.join(FOLDERS)} must be a folder that holds nothing the sandbox needs")


def tool(name: str) -> str:
    """The path of a program of the system. Raises SandboxUnavailable where it is missing."""
    if path := shutil.which(name, path=PATH):
        return path
    package = "bubblewrap" if name == "bwrap" else "util-linux"
    raise SandboxUnavailable(f"{name} is missing: install {package} (Debian, Ubuntu: apt-get install {package})")
