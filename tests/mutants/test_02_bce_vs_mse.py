"""Wrong and right answers to exercise 02."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from bordering import *  # noqa: F403
from einops import reduce
from proving import *  # noqa: F403
from proving import Bank

from vae_tutorial.likelihoods import Bernoulli, ContinuousBernoulli, Gaussian

LESSON = "02_bce_vs_mse"


def errors(logits, x):
    return (logits.sigmoid() - x).square()


def sse(logits, x):
    return errors(logits, x).flatten(1).sum(1)


def bce(logits, x, reduction="sum"):
    return F.binary_cross_entropy_with_logits(logits, x, reduction=reduction)


def made_of(reconstruction, kl_=torch.mean, loss=lambda r, k: r + k):
    """An objective with its parts made as given."""

    def objective(logits, x, kl):
        r, k = reconstruction(logits, x), kl_(kl)
        return loss(r, k), r, k

    return objective


def sse_by_loops(logits, x, kl):
    total = 0.0
    for answer, image in zip(logits.tolist(), x.tolist(), strict=True):
        for a, p in zip(np.ravel(answer), np.ravel(image), strict=True):
            total += (1 / (1 + math.exp(-a)) - p) ** 2
    total /= len(x)
    return {"loss": total + kl.mean().item(), "sse": total, "kl": kl.mean().item()}


def nll(half=0.5, power=2, share=0.5, of=lambda logits, x: sse(logits, x), two_pi=2 * math.pi, sign=1):
    """The Gaussian's nll with parts of its formula made otherwise."""

    def gaussian(logits, x, sigma):
        constant = share * x[0].numel() * math.log(two_pi * sigma**power)
        return half * of(logits, x) / sigma**power + sign * constant

    return gaussian


def constant_with_sigma_outside(logits, x, sigma):
    """The formula read as (log 2π) σ²."""
    return nll(share=0)(logits, x, sigma) + x[0].numel() / 2 * math.log(2 * math.pi) * sigma**2


def nll_by_numpy(logits, x, sigma):
    mean = 1 / (1 + np.exp(-logits.double().numpy()))
    density = np.exp(-((x.double().numpy() - mean) ** 2) / (2 * sigma**2)) / (sigma * np.sqrt(2 * np.pi))
    with np.errstate(divide="ignore"):
        far = -((x.double().numpy() - mean) ** 2) / (2 * sigma**2) - math.log(sigma * math.sqrt(2 * math.pi))
        return -np.where(density > 1e-200, np.log(density), far).reshape(len(x), -1).sum(1)


def pixels(mine):
    return 3 * mine.side**2


def hiding(beta, sigma2):
    """Both numbers by the variant, from functions of weight and pixels."""
    return lambda mine: {"beta": beta(mine.weight, pixels(mine)), "sigma2": sigma2(mine.weight, pixels(mine))}


def sigma_by_search(logits, x):
    """The best of a fine ladder: no formula."""
    ladder = torch.from_numpy(np.geomspace(0.05, 1.5, 4000))
    errors = (x.double() - logits.double().sigmoid()).flatten()
    costs = -torch.distributions.Normal(0.0, ladder[:, None]).log_prob(errors).sum(1)
    return round(ladder[costs.argmin()].item(), 6)


def sigma_by_search_refined(logits, x):
    """Newton's steps on the derivative of the cost, from the ladder's best."""
    s = torch.tensor(sigma_by_search(logits, x), dtype=torch.double, requires_grad=True)
    for _ in range(20):
        cost = -torch.distributions.Normal(logits.double().sigmoid(), s).log_prob(x.double()).mean()
        (slope,) = torch.autograd.grad(cost, s, create_graph=True)
        (bend,) = torch.autograd.grad(slope, s)
        s = (s - slope / bend).detach().requires_grad_()
    return s


def entropy(x, log=torch.log):
    return torch.nan_to_num(-x * log(x)) + torch.nan_to_num(-(1 - x) * log(1 - x))


def floor_by_search(x):
    """The best of many answers of a decoder to each pixel, the finest steps near black and white."""
    answers = torch.logit(torch.linspace(0, 1, 4001, dtype=torch.double)).clamp(-40, 40).view(-1, 1)
    flat = x.double().flatten()
    costs = bce(answers.expand(-1, len(flat)), flat.expand(len(answers), -1), "none")
    return costs.min(0).values.view(len(x), -1).sum(1)


def glue(log_constant):
    """What the notebook's given cell makes of it."""

    def pulls(logits):
        logits.requires_grad_()
        constants = log_constant(logits)
        return constants, torch.autograd.grad(constants.sum(), logits)[0]

    return pulls


def log_constant_by_exp(logits):
    size = logits.abs().clamp(min=1e-3)
    return size.log() + torch.log1p(torch.exp(-size)) - torch.log(-torch.expm1(-size))


def log_constant_by_probabilities(logits):
    p = torch.sigmoid(logits)
    return torch.log(2 * torch.atanh(1 - 2 * p) / (1 - 2 * p))


class LogConstant(torch.autograd.Function):
    """With a gradient written by hand, in float64."""

    @staticmethod
    def forward(context, logits):
        context.save_for_backward(logits)
        size = logits.double().abs() + 1e-12
        return (size / torch.tanh(size / 2)).log().to(logits.dtype)

    @staticmethod
    def backward(context, upstream):
        (logits,) = context.saved_tensors
        exact = logits.double()
        slope = torch.where(exact.abs() < 1e-3, exact / 6, 1 / exact - 1 / torch.sinh(exact))
        return upstream * slope.to(upstream.dtype)


BANKS = {
    "sse": Bank(
        "squared_error",
        wrong=[
            ("averaged over the pixels", made_of(lambda a, x: F.mse_loss(a.sigmoid(), x))),
            ("summed over the images too", made_of(lambda a, x: errors(a, x).sum())),
            ("one number for each image: give the mean", made_of(sse)),
            ("halved", made_of(lambda a, x: sse(a, x).mean() / 2)),
            ("what makes the decoder's answer of a logit", made_of(lambda a, x: (a - x).square().sum() / len(x))),
            ("not squared", made_of(lambda a, x: (a.sigmoid() - x).abs().sum() / len(x))),
            ("the KL is summed over the images", made_of(lambda a, x: sse(a, x).mean(), torch.sum)),
            ("the KL is one number for each image", made_of(lambda a, x: sse(a, x).mean(), lambda kl: kl)),
            ("the KL has to be added", made_of(lambda a, x: sse(a, x).mean(), loss=lambda r, k: r - k)),
            ("the squared error alone", made_of(lambda a, x: sse(a, x).mean(), loss=lambda r, k: r)),
            ("3 results are asked for", lambda a, x, kl: sse(a, x).mean() + kl.mean()),
            ("of squared error", made_of(lambda a, x: bce(a, x) / len(x))),
            ("in another order", lambda a, x, kl: (sse(a, x).mean(), kl.mean(), (sse(a, x) + kl).mean())),
            ("several channels", made_of(lambda a, x: errors(a, x).sum((2, 3)).mean())),
        ],
        right=[
            sse_by_loops,
            made_of(lambda a, x: F.mse_loss(a.sigmoid(), x) * x[0].numel()),
            made_of(lambda a, x: reduce(errors(a, x), "b c h w -> b", "sum").mean(), lambda k: k.sum() / len(k)),
        ],
    ),
    "nll": Bank(
        "gaussian_nll",
        wrong=[
            ("the constant is missing", nll(share=0)),
            ("the constant of one pixel", lambda a, x, s: nll(share=0)(a, x, s) + math.log(2 * math.pi * s * s) / 2),
            ("σ stands where σ² belongs", nll(power=1)),
            ("missing in front of the squared error", nll(half=1)),
            ("missing in front of the constant", nll(share=1)),
            ("2π is missing", nll(two_pi=1)),
            ("wrong sign", nll(sign=-1)),
            ("where is σ?", lambda a, x, s: sse(a, x)),
            ("a cost has the other sign", lambda a, x, s: -nll()(a, x, s)),
            ("average over the images", lambda a, x, s: nll()(a, x, s).mean()),
            ("average over the pixels", lambda a, x, s: nll()(a, x, s) / x[0].numel()),
            ("what makes the decoder's answer", nll(of=lambda a, x: (a - x).square().flatten(1).sum(1))),
            ("expected", lambda a, x, s: nll()(a, x, s) + 1),
            ("the whole batch", lambda a, x, s: nll(share=0.5 * len(x))(a, x, s)),
            ("of other images", lambda a, x, s: nll(share=392 / x[0].numel())(a, x, s)),
            ("all their numbers", lambda a, x, s: nll(share=0.5 / x.shape[1])(a, x, s)),
            ("inside the logarithm", constant_with_sigma_outside),
            ("multiplied by σ²", lambda a, x, s: sse(a, x) / 2 * s**2 + nll(half=0)(a, x, s)),
        ],
        right=[
            nll_by_numpy,
            lambda a, x, s: Gaussian(sigma=s).nll(a, x),
            lambda a, x, s: -torch.distributions.Normal(a.sigmoid(), s).log_prob(x).sum((1, 2, 3)),
            lambda a, x, s: [float(F.gaussian_nll_loss(m, p, torch.full_like(p, s * s), full=True, reduction="sum"))
                             for m, p in zip(a.sigmoid(), x, strict=True)],
        ],
    ),
    "hidden": Bank(
        "hidden",
        of_variant=True,
        wrong=[
            ("an image in colour", hiding(lambda w, p: w * p / 3, lambda w, p: w * p / 6)),
            ("the weight as typed", hiding(lambda w, p: w, lambda w, p: w / 2)),
            ("a part of it", hiding(lambda w, p: w / p, lambda w, p: w / p / 2)),
            ("exchanged", hiding(lambda w, p: w * p / 2, lambda w, p: w * p)),
            ("this is σ", hiding(lambda w, p: w * p, lambda w, p: math.sqrt(w * p / 2))),
            ("σ² is not β", hiding(lambda w, p: w * p, lambda w, p: w * p)),
            ("not yet", hiding(lambda w, p: w * p, lambda w, p: 12345.0)),
            ("not yet", hiding(lambda w, p: 12345.0, lambda w, p: w * p / 2)),
            ("2 results are asked for", lambda mine: mine.weight * pixels(mine)),
        ],
        right=[
            hiding(lambda w, p: w * p, lambda w, p: w * p / 2),
            lambda mine: (round(mine.weight * pixels(mine), 2), torch.tensor(mine.weight * pixels(mine) / 2)),
            hiding(lambda w, p: 1.005 * w * p, lambda w, p: np.float32(w * p / 2)),
        ],
    ),
    "sigma": Bank(
        "fitted_sigma",
        wrong=[
            ("this is σ²", lambda a, x: errors(a, x).mean()),
            ("what is it of one pixel", lambda a, x: errors(a, x).sum().sqrt()),
            ("not yet that of a pixel", lambda a, x: sse(a, x).mean().sqrt()),
            ("a σ for each image", lambda a, x: errors(a, x).flatten(1).mean(1).sqrt()),
            ("average of the images' σ", lambda a, x: errors(a, x).flatten(1).mean(1).sqrt().mean()),
            ("a σ for each pixel", lambda a, x: errors(a, x).mean(0).sqrt()),
            ("average size of an error", lambda a, x: F.l1_loss(a.sigmoid(), x)),
            ("taken off first", lambda a, x: (x - a.sigmoid()).std()),
            ("what makes the decoder's answer", lambda a, x: F.mse_loss(a, x).sqrt()),
            ("expected", lambda a, x: 0.3),
        ],
        right=[
            sigma_by_search_refined,
            lambda a, x: F.mse_loss(a.sigmoid(), x).item() ** 0.5,
            lambda a, x: torch.linalg.vector_norm(a.sigmoid() - x) / x.numel() ** 0.5,
        ],
    ),
    "floor": Bank(
        "bce_floor",
        wrong=[
            ("the sign is turned", lambda x: -entropy(x).sum((1, 2, 3))),
            ("bits", lambda x: entropy(x, torch.log2).sum((1, 2, 3))),
            ("what does its black part cost", lambda x: torch.nan_to_num(-x * x.log()).sum((1, 2, 3))),
            ("average over the pixels", lambda x: entropy(x).mean((1, 2, 3))),
            ("sum over the images", lambda x: entropy(x).sum()),
            ("average over the images", lambda x: entropy(x).sum((1, 2, 3)).mean()),
            ("one number for each pixel", entropy),
            ("not finite", lambda x: -(x * x.log() + (1 - x) * (1 - x).log()).sum((1, 2, 3))),
            ("taken for logits", lambda x: bce(x, x, "none").sum((1, 2, 3))),
            ("best for it", lambda x: torch.zeros(len(x))),
        ],
        right=[
            floor_by_search,
            lambda x: F.binary_cross_entropy(x, x, reduction="none").flatten(1).sum(1),
            lambda x: [sum(-p * math.log(p) - (1 - p) * math.log(1 - p) for p in map(float, image) if 0 < p < 1)
                       for image in x.double().flatten(1)],
            lambda x: Bernoulli().nll(torch.logit(x, eps=1e-6), x),
        ],
    ),
    "constant": Bank(
        "pulls",
        wrong=[
            ("where is the logarithm", glue(lambda a: ContinuousBernoulli.log_constant(a).exp())),
            ("this is −log C", glue(lambda a: -ContinuousBernoulli.log_constant(a))),
            ("half the logit", glue(lambda a: ContinuousBernoulli.log_constant(2 * a) - math.log(2))),
            ("not finite", glue(lambda a: torch.log(a / torch.tanh(a / 2)))),
            ("not finite", glue(log_constant_by_probabilities)),
            ("of gradient are not finite", glue(
                lambda a: torch.where(a == 0, math.log(2), torch.log(a / torch.tanh(a / 2))))),
            ("at logit 0", glue(lambda a: torch.nan_to_num(torch.log(a / torch.tanh(a / 2))))),
            ("not finite", glue(lambda a: torch.log(a * (a.exp() + 1) / a.expm1().where(a != 0, 1)))),
            ("of gradient", lambda a: (ContinuousBernoulli.log_constant(a), torch.zeros_like(a))),
            ("not finite", glue(lambda a: torch.log((a + 1e-6) / torch.tanh((a + 1e-6) / 2)))),
            ("too large for it", glue(lambda a: torch.where(
                a.abs() < 1, math.log(2) + a.square() / 12, ContinuousBernoulli.log_constant(a)))),
            ("pulls stops with RuntimeError", glue(lambda a: ContinuousBernoulli.log_constant(a.detach()))),
        ],
        right=[
            glue(ContinuousBernoulli.log_constant),
            glue(log_constant_by_exp),
            glue(LogConstant.apply),
        ],
    ),
    "fault": Bank(
        "fault",
        wrong=[
            ("is none of", "the loss"),
            ("does that explain", "too few steps"),
            ("does that explain", "network too small"),
            ("does that explain", "KL left out"),
            ("does that explain", "sigmoid taken twice"),
            ("is none of", 784),
        ],
        right=["hidden beta", np.str_("hidden beta")],
    ),
    "mend": Bank(
        "mended_loss",
        wrong=[
            ("no nats per image", made_of(lambda a, x: bce(a, x, "mean"), lambda kl: kl.mean() / 16)),
            ("weighs even more", made_of(lambda a, x: bce(a, x, "mean"), lambda kl: kl.mean() * 16)),
            ("the fault is still there", made_of(lambda a, x: bce(a, x, "mean"))),
            ("of other images", made_of(lambda a, x: bce(a, x, "mean") * 784)),
            ("summed over the images too", made_of(bce)),
            ("the KL is summed over the images", made_of(lambda a, x: bce(a, x) / len(x), torch.sum)),
            ("the KL is one number for each image", made_of(lambda a, x: bce(a, x) / len(x), lambda kl: kl)),
            ("the KL has to be added", made_of(lambda a, x: bce(a, x) / len(x), loss=lambda r, k: r - k)),
            ("the reconstruction alone", made_of(lambda a, x: bce(a, x) / len(x), loss=lambda r, k: r)),
            ("a squared error", made_of(lambda a, x: errors(a, x).sum() / len(x))),
            ("the sigmoid is taken twice", made_of(lambda a, x: bce(a.sigmoid(), x) / len(x))),
            ("expected", made_of(lambda a, x: bce(-a, x) / len(x))),
            ("in another order", lambda a, x, kl: (bce(a, x) / len(x), kl.mean(), bce(a, x) / len(x) + kl.mean())),
            ("reconstruction is one number for each image", made_of(lambda a, x: bce(a, x, "none").sum((1, 2, 3)))),
        ],
        right=[
            made_of(lambda a, x: Bernoulli().nll(a, x).mean()),
            made_of(lambda a, x: bce(a, x, "none").sum((1, 2, 3)).mean(), lambda kl: kl.sum() / len(kl)),
            made_of(lambda a, x: (F.softplus(a) - x * a).sum().numpy() / len(x), lambda kl: float(kl.mean())),
        ],
    ),
}  # fmt: skip
