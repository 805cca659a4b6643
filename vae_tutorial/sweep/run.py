"""A sweep: the runs that a table does not hold yet, each stored as it comes."""

from collections.abc import Callable, Iterable
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, as_completed
from pathlib import Path

from tqdm.auto import tqdm

from vae_tutorial.sweep.measuring import Results, measure
from vae_tutorial.sweep.settings import Setting
from vae_tutorial.sweep.table import Table, read
from vae_tutorial.training.watch import interactive


def sweep(
    settings: Iterable[Setting],
    table: str | Path,
    executor: Executor,
    *,
    measure: Callable[[Setting], Results] = measure,
) -> list[dict[str, str]]:
    """Run every setting that `table`, a CSV file, does not hold yet; returns the table's row of each setting.

    executor: any of concurrent.futures' kind, such as `Processes(jobs)` or that of `cluster(address)`. measure: what a
    run is; it is sent to the workers by its name. This process alone writes, a row when its run is over, so a sweep may
    be stopped or killed at any time, and the next call goes on with what is missing. A run that fails gets a row with
    the error in column `error`, and is done again by the next call. Raises ValueError as `Table` does; BrokenExecutor
    or CancelledError where the executor lost its workers: what was done is stored.
    """
    wanted = {setting.key: setting for setting in settings}
    hidden = {} if interactive() else {"disable": True}  # {} leaves the say to TQDM_DISABLE
    with Table(table) as file:
        missing = [setting for setting in wanted.values() if not file.holds(setting)]
        with tqdm(total=len(wanted), initial=len(wanted) - len(missing), unit=" runs", **hidden) as bar:
            futures = {executor.submit(measure, setting): setting for setting in missing}
            try:
                for future in as_completed(futures):
                    file.append(futures.pop(future), _results(future))
                    bar.update()
                    # Popped and forgotten: a cluster does anew what it loses of results that somebody still holds.
                    del future
            finally:
                for future in futures:
                    future.cancel()
    rows = read(table)
    return [rows[key] for key in wanted]


def _results(future: Future) -> Results:
    try:
        return future.result()
    except (BrokenExecutor, CancelledError):
        raise
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}
