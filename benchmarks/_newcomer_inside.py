"""What benchmarks/newcomer.py cannot see from outside: byte-compilation, and the kernel's imports and loads.

The benchmark puts this file, as `sitecustomize`, on the path of every Python that the newcomer starts. Each line it
writes to $NEWCOMER_NOTES is a JSON list: what, when it began (seconds since 1970), for how many seconds.
"""

import atexit
import builtins
import json
import os
import sys
import threading
import time

OWNERS = {"torch", "numpy", "matplotlib", "IPython", "ipywidgets", "anywidget", "vae_tutorial"}
LOADS = ("vae_tutorial.data", "vae_tutorial.zoo")  # each has a function `load`


def note(what, began, seconds):
    with open(os.environ["NEWCOMER_NOTES"], "a") as notes:
        notes.write(json.dumps([what, began, seconds]) + "\n")


def watch_pip():
    """pip calls `compileall.compile_file` for every file it installs; their sum is noted when pip ends."""
    import compileall

    compile_file, began, spent = compileall.compile_file, time.time(), []

    def timed(*args, **kwargs):
        start = time.perf_counter()
        try:
            return compile_file(*args, **kwargs)
        finally:
            spent.append(time.perf_counter() - start)

    compileall.compile_file = timed
    atexit.register(lambda: note("pip compiles", began, sum(spent)))


def watch_compileall():
    """`python -m compileall`, from here to its end."""
    began = time.time()
    atexit.register(lambda: note("compileall", began, time.time() - began))


def watch_kernel():
    """Each import of an owner's is noted without the time of other owners' imports inside it."""
    original, main, stack = builtins.__import__, threading.get_ident(), []

    def timed(name, *args, **kwargs):
        owner = name.partition(".")[0]
        if owner not in OWNERS or threading.get_ident() != main:
            return original(name, *args, **kwargs)
        began, start = time.time(), time.perf_counter()
        stack.append(0.0)
        try:
            return original(name, *args, **kwargs)
        finally:
            whole = time.perf_counter() - start
            inner = stack.pop()
            if stack:
                stack[-1] += whole
            if whole - inner > 1e-4:
                note(owner, began, whole - inner)
            if not stack and owner == "vae_tutorial":
                watch_loads()

    builtins.__import__ = timed


def watch_loads():
    for module in LOADS:
        if module in sys.modules and not hasattr(sys.modules[module].load, "__wrapped__"):
            sys.modules[module].load = timed_load(module, sys.modules[module].load)


def timed_load(module, load):
    def timed(*args, **kwargs):
        began, start = time.time(), time.perf_counter()
        try:
            return load(*args, **kwargs)
        finally:
            note(f"{module}.load", began, time.perf_counter() - start)

    timed.__wrapped__ = load
    return timed


if "NEWCOMER_NOTES" in os.environ:
    if "pip" in sys.orig_argv:
        watch_pip()
    elif "compileall" in sys.orig_argv:
        watch_compileall()
    elif "ipykernel_launcher" in sys.orig_argv:
        watch_kernel()
