"""A few lines that set limits and become another program, where the system has no prlimit."""

from vae_tutorial.grading.sandbox.limits import Limits

# A limit that the system does not have is left out.
BOUNDED = """
import os, resource, sys
for name, value in zip(("CPU", "DATA", "AS", "FSIZE", "NOFILE", "CORE"), map(int, sys.argv[1:7])):
    try:
        resource.setrlimit(getattr(resource, "RLIMIT_" + name), (value, value + (name == "CPU")))
    except (AttributeError, ValueError, OSError):
        pass
os.execvp(sys.argv[7], sys.argv[7:])
"""


def bounds(limits: Limits) -> list[str]:
    """The arguments of BOUNDED that stand before the program's."""
    values = (limits.cpu, limits.data, limits.address_space, limits.file_size, limits.open_files, 0)
    return list(map(str, values))
