"""The loss laboratory's still picture."""

import math
from collections.abc import Callable

import torch
from matplotlib.figure import Figure
from torch import Tensor

from vae_tutorial.figures.axes import COLORS, tidy
from vae_tutorial.gaussian import DiagGaussian
from vae_tutorial.likelihoods import Bernoulli, Gaussian


def loss_laboratory(x: float, logit: float, sigma: float, mu: float, logvar: float) -> Figure:
    """One pixel x under three losses with their gradients, and one latent N(mu, exp(logvar)) against the prior."""
    logit, mu, logvar = float(logit), float(mu), float(logvar)
    logits = torch.linspace(-6, 6, 241).view(-1, 1, 1, 1)
    losses: dict[str, Callable[[Tensor], Tensor]] = {
        "BCE": lambda at: Bernoulli().nll(at, torch.full_like(at, x)),
        "Gaussian": lambda at: Gaussian(sigma=sigma).nll(at, torch.full_like(at, x)),
        "squared error": lambda at: (torch.sigmoid(at) - x).square().flatten(),
    }
    figure = Figure(figsize=(11, 3.1), layout="constrained")
    cost, slope, code = figure.subplots(1, 3)
    here = torch.full((1, 1, 1, 1), logit)
    for color, (label, loss) in zip(COLORS, losses.items(), strict=False):
        for ax, curve in ((cost, loss), (slope, _gradient(loss))):
            ax.plot(logits.flatten(), curve(logits).flatten(), color=color, lw=1.8)
            ax.plot(logit, curve(here).item(), "o", color=color, label=f"{label}: {curve(here).item():.2f}")
    tidy(cost, title=f"cost of a pixel x = {x:.2f}", xlabel="logit", ylabel="nats (squared error: none)")
    tidy(slope, title="gradient by the logit", xlabel="logit")
    q = DiagGaussian(torch.tensor([[mu]]), torch.tensor([[logvar]]))
    z = torch.linspace(-5, 5, 301)
    for color, label, mean, variance in (("0.5", "prior", 0.0, 1.0), (COLORS[6], "q(z|x)", mu, math.exp(logvar))):
        density = torch.exp(-((z - mean) ** 2) / (2 * variance)) / math.sqrt(2 * math.pi * variance)
        code.fill_between(z, density, alpha=0.35, color=color, label=label)
    slopes = f"dKL/dmu = {mu:.2f}, dKL/dlogvar = {0.5 * math.expm1(logvar):.2f}"
    tidy(code, title=f"KL = {q.kl().item():.2f} nats", xlabel=f"z\n{slopes}")
    for ax in (cost, slope, code):
        ax.legend(frameon=False, fontsize=8)
    return figure


def _gradient(loss: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    return torch.func.grad(lambda logits: loss(logits).sum())
