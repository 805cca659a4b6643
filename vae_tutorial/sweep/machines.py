"""The same runs on many machines, by dask."""

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager

SECONDS = 10  # to wait for the scheduler


@contextmanager
def cluster(address: str) -> Iterator[Executor]:
    """The executor of a dask cluster whose scheduler is at `address`, such as tcp://10.0.0.1:8786.

    The workers (`dask worker ADDRESS --nthreads 1`) need this package and, for MNIST, its files. A call whose worker is
    lost is given to another; one that has lost four gets a KilledWorker error. Raises ImportError where `distributed`
    is not installed, ValueError where no scheduler answers at the address.
    """
    try:
        from distributed import Client  # an extra: most learners have one machine
    except ImportError as error:
        raise ImportError('a cluster needs distributed: pip install "distributed>=2025.1"') from error
    try:
        client = Client(address, timeout=SECONDS)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"address must be that of a dask scheduler that answers, such as tcp://10.0.0.1:8786, got {address!r}"
        ) from error
    with client:
        yield client.get_executor(pure=False)  # pure: dask would give the stored result of an equal call
