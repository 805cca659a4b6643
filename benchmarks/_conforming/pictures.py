"""Properties of the reconstruction cost: its value, its gradient, what it refuses."""

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Bernoulli, Normal

from _conforming.suite import F64, Subject, Verdict, close, per_image, property_of
from _conforming.worlds import PICTURE, coins, saying


def cost(m: Subject, logits: Tensor, x: Tensor, likelihood: str) -> Tensor:
    """The reconstruction term as a mean over the batch, with the codes told nothing."""
    at = torch.zeros(len(x), 3, dtype=x.dtype)
    return per_image(m, m.terms(at, at, saying(logits), x, likelihood).reconstruction, len(x))


@property_of("terms", "T6a", "In float32 a logit of 1e4 on the wrong side costs 1e4 nats, not infinity.", "precision")
def extreme_logits(m: Subject) -> Verdict:
    logits = torch.tensor([1e4, -1e4]).view(2, 1, 1, 1)
    return close(cost(m, logits, torch.tensor([0.0, 1.0]).view(2, 1, 1, 1), "bernoulli"), 1e4, rtol=1e-6)


@property_of("terms", "T6b", "In float32 a wrong logit of 20 still has a gradient of 1.", "precision")
def gradient_of_a_wrong_logit(m: Subject) -> Verdict:
    logits = torch.tensor([20.0, -20.0]).view(2, 1, 1, 1).requires_grad_()
    x = torch.tensor([0.0, 1.0]).view(2, 1, 1, 1)
    (seen,) = torch.autograd.grad(cost(m, logits, x, "bernoulli"), logits)
    return close(2 * seen.flatten(), torch.tensor([1.0, -1.0]), rtol=1e-6)


@property_of(
    "terms", "T7a", "The Bernoulli cost is -log_prob of torch.distributions, summed over pixels.", "correctness"
)
def bernoulli_cost(m: Subject) -> Verdict:
    logits, x = coins()
    return close(cost(m, logits, x, "bernoulli"), -Bernoulli(logits=logits).log_prob(x).sum((1, 2, 3)).mean())


@property_of(
    "terms", "T7b", "Grey pixels cost at least their entropy, reached at logit(x) with gradient 0.", "correctness"
)
def grey_floor(m: Subject) -> Verdict:
    x = torch.rand(4, *PICTURE, dtype=F64, generator=torch.Generator().manual_seed(1)) * 0.98 + 0.01
    logits = torch.logit(x).requires_grad_()
    seen = cost(m, logits, x, "bernoulli")
    (slope,) = torch.autograd.grad(seen, logits)
    floor = close(seen, Bernoulli(x).entropy().sum((1, 2, 3)).mean())
    return floor if not floor.holds else Verdict(slope.abs().max().item() < 1e-12, floor.seen, floor.expected)


@property_of("terms", "T8a", "The Gaussian cost differs between pictures as -log_prob does.", "correctness")
def gaussian_differences(m: Subject) -> Verdict:
    (means, x), others = coins(), coins(seed=9)[0]
    seen = cost(m, means, x, "gaussian") - cost(m, others, x, "gaussian")
    return close(seen, (Normal(others, 1.0).log_prob(x) - Normal(means, 1.0).log_prob(x)).sum((1, 2, 3)).mean())


@property_of(
    "terms", "T8b", "The Gaussian cost is -log_prob with its constant, so that the loss is -ELBO.", "convention"
)
def gaussian_constant(m: Subject) -> Verdict:
    means, x = coins()
    return close(cost(m, means, x, "gaussian"), -Normal(means, 1.0).log_prob(x).sum((1, 2, 3)).mean())


@property_of("terms", "T10", "A decoder's picture of another shape than x raises: no broadcasting.", "convention")
def shapes_are_checked(m: Subject) -> Verdict:
    wrong = {
        "transposed": ((3, 2, 4), (3, 4, 2)),
        "1 channel for 3": ((3, 2, 4), (1, 2, 4)),
        "1 pixel": ((1, 2, 2), (1, 1, 1)),
    }
    passed = [name for name, (x, out) in wrong.items() if not _raises(m, torch.zeros(4, *x), torch.zeros(4, *out))]
    return Verdict(not passed, f"accepted: {', '.join(passed)}" if passed else "raises", "raises")


@property_of("terms", "T11", "Pictures outside [0, 1] are refused by a Bernoulli cost.", "convention")
def range_is_checked(m: Subject) -> Verdict:
    refused = _raises(m, torch.full((2, *PICTURE), -0.5), torch.zeros(2, *PICTURE))
    return Verdict(refused, "raises" if refused else "accepted", "raises")


def _raises(m: Subject, x: Tensor, logits: Tensor) -> bool:
    try:
        cost(m, logits, x, "bernoulli")
    except (ValueError, RuntimeError):
        return True
    return False


@property_of(
    "terms", "T34a", "Pixels doubled in height and width cost four times as much: sum, not mean.", "convention"
)
def cost_grows_with_pixels(m: Subject) -> Verdict:
    logits, x = coins()
    large = [F.interpolate(t, scale_factor=2) for t in (logits, x)]
    return close(cost(m, *large, "bernoulli") / cost(m, logits, x, "bernoulli"), 4.0)
