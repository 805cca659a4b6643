"""The same properties asked of our losses and of others': what holds, what does not, and why.

    build/peers/bin/python benchmarks/conformance.py

Properties are those that the tests of vae_tutorial rest on (T1 to T46 of its reference; a letter where one is asked in
parts), as far as another library can have them: each compares with torch.distributions, a closed form, a sum by hand or
a linear-Gaussian model of which everything is known, in float64 unless it says float32, within four standard errors
where there is chance. Libraries are asked through adapters of their public code (_conforming/), ours too. Kinds:
correctness; precision, what float32 loses of a right formula; convention, where a library states another choice, or
papers and libraries differ. One row for each model that has the part in question; models that share code share a row's
cause. Whatever does not hold needs its reason, read in that library's code, or nothing is stored.
"""

import argparse
import os
import time

os.environ["TQDM_DISABLE"] = "1"  # before libraries make their bars

import torch
from _conforming import bounds, codes, discrepancy, elbo, ours, pictures, suite
from _measuring import record

MODULES = [elbo, pictures, bounds, discrepancy, codes]  # imported for the properties they define
SHOWN = ("peer", "model", "property", "kind", "outcome", "seen", "expected")


def unexplained(rows: list[suite.Row]) -> list[suite.Row]:
    """Rows of what does not hold and has no reason given."""
    return [row for row in rows if row["outcome"] == "does not hold" and not row["note"]]


def main() -> None:
    """Ask every property of every library, print the table, store it."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    try:
        from _conforming import of_pyro, of_pythae
    except ModuleNotFoundError as missing:
        raise SystemExit(
            f"{missing.name} is missing: run `make peers`, then build/peers/bin/python {__file__}"
        ) from None
    torch.set_num_threads(1)
    start, rows = time.perf_counter(), []
    for row in suite.rows([ours.subjects(), of_pythae.subjects(), of_pyro.subjects()]):
        rows.append(row)
        print(" | ".join(row[key] for key in SHOWN), flush=True)
    if unknown := unexplained(rows):
        raise SystemExit(f"Nothing stored: no reason is known for {unknown}")
    settings = {
        "standard_errors": 4,
        "properties": len(suite.PROPERTIES),
        "dtype": "float64 unless a property says float32",
    }
    print(record("conformance", settings, rows, time.perf_counter() - start))


if __name__ == "__main__":
    main()
