"""One run of a sweep: a model trained by its setting, and what is measured of it on the test images."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock

import torch
from jaxtyping import Float
from torch import Tensor

from vae_tutorial import data
from vae_tutorial.data import Images, sprites
from vae_tutorial.devices import seeded
from vae_tutorial.measures import active_units, code_dataset, disentanglement, prior_test
from vae_tutorial.measures.disentanglement import SCORES
from vae_tutorial.networks import mlp
from vae_tutorial.objectives import Objective
from vae_tutorial.regularizers import KL
from vae_tutorial.sweep.settings import Setting
from vae_tutorial.training import evaluate, fit
from vae_tutorial.vae import VAE

Results = dict[str, float | int | str]

TERMS = ("minus_elbo", "reconstruction", "kl")
CODES = ("active_units", "mean_abs_correlation", "prior_mmd2", "prior_p_value")
MEASURES = (*TERMS, *CODES, *SCORES, "seconds", "device")

HIDDEN = (512, 256)
PRIOR_CODES = 1000  # as many as `prior_test` compares in a second

_one_at_a_time = Lock()  # a worker of dask may have several threads, which share one random state


def measure(setting: Setting) -> Results:
    """Train by `setting` and measure: MEASURES, less the SCORES where the factors are not known.

    Terms are in nats per test image, with the setting's own likelihood; `seconds` are those of training. One thread:
    runs share the machine with each other, and the order of a sum, so the last bits, depends on the number of threads.
    Raises as `fit` does; data.DataUnavailable where the images cannot be had; RuntimeError where Ctrl-C cut it short.
    """
    with _one_at_a_time, _one_thread():
        train, test = (images(setting.data, split) for split in data.SPLITS)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(setting.seed)
            model = VAE(*mlp(train.x.shape[1:], HIDDEN, setting.z_dim), setting.likelihood())
        history = fit(
            model,
            setting.objective(),
            train,
            steps=setting.steps,
            batch_size=setting.batch_size,
            lr=setting.lr,
            seed=setting.seed,
            progress=False,
        )
        if len(history) < setting.steps:  # `fit` takes Ctrl-C for a wish to end early
            raise RuntimeError(f"training was interrupted after {len(history)} of {setting.steps} steps")
        terms = evaluate(model, Objective(KL()), test)
        results: Results = dict(
            zip(TERMS, (t.item() for t in (terms.loss, terms.reconstruction, terms.kl)), strict=True)
        )
        return results | _of_codes(model, test) | {"seconds": history.seconds, "device": str(model.device)}


@cache
def images(name: str, split: str) -> Images:
    """A split of a data set, kept for the next run of this process; sprites are 32 pixels a side."""
    if name == "sprites":
        return sprites.part(split, side=32)
    return data.load(name, split, fallback=False)


def mean_abs_correlation(codes: Float[Tensor, "n z"]) -> float:
    """The mean of |correlation| over all pairs of latents. Raises ValueError for fewer than 2 latents."""
    n = codes.shape[1]
    if n < 2:
        raise ValueError(f"codes must have at least 2 latents for a pair, got {n}")
    pairs = torch.triu_indices(n, n, offset=1)
    return torch.corrcoef(codes.T)[*pairs].abs().mean().item()


def _of_codes(model: VAE, test: Images) -> Results:
    q = code_dataset(model, test.x)
    n_active = active_units(model, test.x)
    active = q.mu[:, q.mu.var(0, correction=0).topk(n_active).indices]
    with seeded(0, torch.device("cpu")):
        # From all over the set: MNIST's first test images are easier.
        prior = prior_test(q.sample()[:: max(len(test) // PRIOR_CODES, 1)][:PRIOR_CODES])
    results: Results = {"active_units": n_active, "prior_mmd2": prior.mmd2, "prior_p_value": prior.p_value}
    if n_active > 1:
        results["mean_abs_correlation"] = mean_abs_correlation(active)
    if test.factors is not None:
        results |= disentanglement(q.mu, test.factors)
    return results


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
