"""Pyro (Bingham et al. 2019), as the suite sees it: the VAE of its tutorial, under three of its losses.

Pyro is a language: likelihood and kernel are the user's. Here they are dist.Bernoulli(logits=...) and
dist.Normal(..., 1), contrib.gp's RBF and RationalQuadratic. Grey pictures need validate_args=False, as in the tutorial.
"""

from collections.abc import Callable
from functools import partial
from importlib.metadata import version

import pyro
import pyro.distributions as dist
import torch
from pyro.contrib.gp.kernels import RBF, Kernel, RationalQuadratic
from pyro.infer import RenyiELBO, Trace_MMD, TraceMeanField_ELBO
from torch import Tensor

from _conforming.suite import Bound, Decode, Subject, Terms

Program = Callable[[], None]


def _vae(mu: Tensor, logvar: Tensor, decode: Decode, x: Tensor | None, likelihood: str) -> tuple[Program, Program]:
    """Model and guide; without x the model observes nothing, which leaves the KL."""

    def model() -> None:
        with pyro.plate("images", len(mu)):
            z = pyro.sample("z", dist.Normal(torch.zeros_like(mu), 1.0).to_event(1))
            if x is not None:
                logits = decode(z) if z.ndim == 2 else decode(z.flatten(0, 1)).unflatten(0, z.shape[:2])
                pyro.sample("x", _pictures(logits, x, likelihood), obs=x)

    def guide() -> None:
        with pyro.plate("images", len(mu)):
            pyro.sample("z", dist.Normal(mu, (logvar / 2).exp()).to_event(1))

    return model, guide


def _pictures(logits: Tensor, x: Tensor, likelihood: str) -> dist.TorchDistribution:
    if likelihood == "gaussian":
        return dist.Normal(logits, 1.0).to_event(3)
    grey = bool(((x > 0) & (x < 1)).any())
    return dist.Bernoulli(logits=logits, validate_args=False if grey else None).to_event(3)


def _terms(mu: Tensor, logvar: Tensor, decode: Decode, x: Tensor, likelihood: str) -> Terms:
    pyro.clear_param_store()
    charge = TraceMeanField_ELBO()
    loss = _surrogate(charge, *_vae(mu, logvar, decode, x, likelihood))
    kl = _surrogate(charge, *_vae(mu, logvar, decode, None, likelihood))
    return Terms(loss, loss - kl, kl)


def _surrogate(charge: TraceMeanField_ELBO, model: Program, guide: Program) -> Tensor:
    return charge.differentiable_loss(model, guide)


def _bound(k: int, mu: Tensor, logvar: Tensor, decode: Decode, x: Tensor) -> Bound:
    pyro.clear_param_store()
    model, _ = _vae(mu, logvar, decode, x, "gaussian")

    def guide() -> None:
        at, log_variance = pyro.param("mu", mu.detach()), pyro.param("logvar", logvar.detach())
        with pyro.plate("images", len(mu)):
            pyro.sample("z", dist.Normal(at, (log_variance / 2).exp()).to_event(1))

    value = -RenyiELBO(alpha=0, num_particles=k, max_plate_nesting=1, vectorize_particles=True).loss_and_grads(
        model, guide
    )
    slopes = tuple(-pyro.param(name).grad for name in ("mu", "logvar"))
    return Bound(torch.as_tensor(value, dtype=mu.dtype), slopes)


def _kernel_of(name: str, codes: Tensor) -> Kernel:
    d = codes.shape[1]
    width = torch.tensor(float(d), dtype=torch.float64).sqrt().to(codes.dtype)
    return RBF(d, lengthscale=width) if name == "rbf" else RationalQuadratic(d, lengthscale=width)


def _kernel(name: str, a: Tensor, b: Tensor) -> Tensor:
    return _kernel_of(name, a).to(a.dtype)(a, b).detach()


def _mmd2(name: str, codes: Tensor, prior: Tensor) -> Tensor:
    """Of programs whose particles are these codes and these draws of the prior."""
    pyro.clear_param_store()

    def those(points: Tensor) -> Program:
        def program() -> None:
            pyro.sample("z", dist.Delta(points, event_dim=1))

        return program

    kernel = _kernel_of(name, codes).to(codes.dtype)
    charge = Trace_MMD(kernel, num_particles=len(codes), max_plate_nesting=0)
    return charge.differentiable_loss(those(prior), those(codes))


ELBO = {
    "T9": "the loss is that of all images that the program observes; who wants a mean scales it",
    "T10": "log_prob broadcasts; torch.distributions asks only that it can",
}
MMD = {
    "T28": "the mean over all pairs, each code with itself among them: a V-statistic, whose bias falls as 1 / n",
    "T30b": "squared distances are |a|^2 - 2ab + |b|^2, which rounding spoils far from 0",
}


def subjects() -> list[Subject]:
    """What of Pyro the suite can ask."""
    its = partial(Subject, "pyro-ppl", version("pyro-ppl"), summed=True)
    return [
        its("TraceMeanField_ELBO", terms=_terms, why=ELBO),
        its("RenyiELBO, alpha = 0", bound=_bound),
        its("Trace_MMD", kernel=_kernel, mmd2=_mmd2, pairs_with_itself=True, why=MMD),
    ]
