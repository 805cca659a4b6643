"""Checks of exercise 10, its limits: what the penalty is by chance, and codes that it cannot tell apart."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from vae_tutorial.checks.answers import ask, given, numbers
from vae_tutorial.checks.comparing import Verdict, holds, matches
from vae_tutorial.checks.dip_vae import whiten
from vae_tutorial.checks.toys import draw

MOST = 0.9  # of a latent's variance that may come from one factor where factors are mixed


def floor(value: Any, variant: SimpleNamespace) -> Iterator[Verdict]:
    """A learner's penalty that a batch of independent means, drawn from the prior, shows on average."""
    b, z, off, on = variant.batch, variant.z_dim, float(variant.off_diagonal), float(variant.diagonal)
    pairs = (z**2 - z) / b
    truth = ((b - 1) * off * (z**2 - z) + (2 * b - 1) * on * z) / b**2
    yield matches(
        "is the penalty by chance",
        given(value),
        truth,
        or_else=[(off * (z**2 - z) + 2 * on * z) / divisor for divisor in (b, b - 1)],
        atol=0.025 * truth,
        secret=True,
        slips={
            "in a perfect batch it would be 0: how far are the correlations of a few draws from 0?": 0.0,
            "each pair is there twice, as (i, j) and (j, i)": truth - off * pairs / 2,
            "the diagonal pays no chance here: does a variance of few draws come out as 1?": off * pairs,
            "the variance of z² is 2, not 1": off * pairs + on * z / b,
            "the pairs pay no chance here": 2 * on * z / b,
            "the two weights are exchanged": on * pairs + 2 * off * z / b,
            "a latent is no pair with itself": off * z**2 / b + 2 * on * z / b,
            "nothing divides by the batch size": truth * b,
        },
    )


def rotated(function: Callable, *, seed: int = 0, n: int = 400, z: int = 10) -> Iterator[Verdict]:
    """A learner's codes [n, z] -> as many codes of the same covariance, each of which mixes the given ones."""
    codes = whiten(draw(seed, n, z).double())
    answer = ask(function, codes)
    yield matches(
        "has the identity as its covariance still: the penalty is 0",
        answer.then(lambda mixed: mixed.T.cov(correction=0) if mixed.ndim == 2 else mixed),
        torch.eye(z),
        atol=1e-4,
    )
    yield holds("keeps all that the codes told", lambda mixed: _lost(codes, numbers(mixed)), answer)
    yield holds("leaves no latent to one factor", lambda mixed: _unmixed(codes, numbers(mixed)), answer)


def _lost(codes: Tensor, mixed: Tensor | None) -> str | None:
    """What is wrong with codes from which a linear map has to lead back."""
    if mixed is None or mixed.shape != codes.shape:
        return f"as many numbers are asked for as were given, {list(codes.shape)}"
    back = mixed @ torch.linalg.lstsq(mixed, codes, driver="gelsd").solution
    lost = (codes - back).square().mean()
    return None if lost < 1e-4 else f"{lost:.0%} of the factors' variance is lost: a rotation can be turned back"


def _unmixed(codes: Tensor, mixed: Tensor | None) -> str | None:
    """What is wrong with codes each of which has to take its variance from several of the given ones."""
    if mixed is None or mixed.shape != codes.shape:
        return f"as many numbers are asked for as were given, {list(codes.shape)}"
    shares = torch.cat([codes, mixed], dim=1).T.corrcoef()[: codes.shape[1], codes.shape[1] :].square().max(0).values
    latent = int(shares.argmax())
    if shares[latent] < MOST:
        return None
    if (shares > 0.999).all():
        return "each latent is still one factor, moved to another place or turned round: that mixes nothing"
    return f"latent {latent} takes {shares[latent]:.0%} of its variance from one factor"
