# ruff: noqa: UP031, UP036
"""What keeps this Python from building the environment, in one sentence; nothing where all is well.

Every Python since 2.7 can read this file, because an old one has to answer with a sentence too.
"""

import sys

# The installed packages and, for a while, the wheels that they come from. PyTorch for Linux brings CUDA along.
NEEDED_GB = 10 if sys.platform.startswith("linux") else 4
AGAIN = "then run the same command again."


def complaint():
    """Return one sentence, or an empty text."""
    version = "%d.%d" % tuple(sys.version_info[:2])
    if sys.version_info < (3, 11):
        return (
            "Python 3.11 or newer is needed and %s is Python %s: install a newer one "
            "(from python.org or your system's packages), %s" % (sys.executable, version, AGAIN)
        )
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        return (
            "%s cannot make virtual environments, its venv module is incomplete: install it "
            "(on Debian and Ubuntu: apt install python%s-venv), %s" % (sys.executable, version, AGAIN)
        )
    import shutil

    free = shutil.disk_usage(".").free / 1e9
    if free < NEEDED_GB:
        return "The set-up needs %d GB of free disk space and this disk has %.1f GB: make room, %s" % (
            NEEDED_GB,
            free,
            AGAIN,
        )
    return ""


if __name__ == "__main__":
    sentence = complaint()
    sys.stdout.write(sentence)
    sys.exit(1 if sentence else 0)
