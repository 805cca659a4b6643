"""An executor of processes that outlives the loss of any of them."""

import os
import signal
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from multiprocessing.connection import Connection
from queue import LifoQueue
from threading import Thread
from types import TracebackType
from typing import Any

from vae_tutorial.arguments import check_whole

TRIES = 2  # of one call, where its process is killed
# A fork would inherit locks of PyTorch's threads, but not the threads, and could not use CUDA.
SPAWN = get_context("spawn")


class Processes(ThreadPoolExecutor):
    """An Executor of at most `jobs` processes, each of which takes, when it is killed, its own call alone with it.

    That call is tried once more in a new process, then its future gets a RuntimeError. A ProcessPoolExecutor that loses
    a process gives up the calls of all, and cannot say whose process it was; so each process here is a pool of its own,
    with a thread that waits for it. A new process imports the script that is run, so a script that uses this needs
    `if __name__ == "__main__":` around what it does. Used as a context manager: left by an exception such as Ctrl-C,
    it ends the processes at once. They end too where this process is killed. Raises TypeError or ValueError for jobs
    below 1.
    """

    def __init__(self, jobs: int):
        super().__init__(check_whole(jobs, name="jobs"))
        self._held, self._leash = SPAWN.Pipe(duplex=False)
        self._ended = False
        self._idle: LifoQueue[ProcessPoolExecutor | None] = LifoQueue()  # None: a process yet to be started
        for _ in range(jobs):
            self._idle.put(None)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        """Have `fn(*args, **kwargs)` called in a process; fn, arguments and result are pickled."""
        return super().submit(self._call, fn, *args, **kwargs)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._ended = True
            self._leash.close()
        self.shutdown(cancel_futures=self._ended)
        while not self._idle.empty():
            if pool := self._idle.get():
                pool.shutdown()
        self._leash.close()
        self._held.close()

    def _call(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        for _ in range(TRIES):
            kept = self._idle.get()  # there is one for every thread
            try:
                kept = kept or self._pool()
                return kept.submit(fn, *args, **kwargs).result()
            except BrokenProcessPool:
                if self._ended:
                    raise
                kept = None
            finally:
                self._idle.put(kept)
        raise RuntimeError(
            f"its process ended without an answer, {TRIES} times: killed, out of memory, or started by a script that "
            'lacks `if __name__ == "__main__":`'
        )

    def _pool(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(1, mp_context=SPAWN, initializer=_start, initargs=(self._held,))


def _start(leash: Connection) -> None:
    """Leave Ctrl-C, which a terminal sends to all, to the parent; end with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with, args=(leash,), daemon=True).start()


def _end_with(leash: Connection) -> None:
    leash.poll(None)  # nothing is ever sent: it returns when the other end is closed, by its owner or with it
    os._exit(1)
