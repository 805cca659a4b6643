"""Properties of what charges codes beside the KL: capacity, total correlation, critics, covariance."""

import math

import torch
from torch import Tensor
from torch.distributions import Normal

from _conforming.discrepancy import worst
from _conforming.suite import F64, Subject, Verdict, close, property_of

C_MAX, WARMUP = 8.0, 10


def spent(*nats: float) -> tuple[Tensor, Tensor]:
    """Posteriors [b, 1] whose KLs are these."""
    mu = torch.tensor(nats, dtype=F64).mul(2).sqrt()[:, None]
    return mu, torch.zeros_like(mu)


@property_of(
    "capacity", "T22a", "C is 0 at the start, half way up at half the warm-up, full at its end and after.", "convention"
)
def capacity_grows(m: Subject) -> Verdict:
    seen = [C_MAX - (m.capacity(*spent(C_MAX), at, WARMUP, C_MAX)).item() for at in (0, 5, 10, 20)]
    verdict = close(torch.tensor(seen), torch.tensor([0.0, C_MAX / 2, C_MAX, C_MAX]))
    return Verdict(verdict.holds, ", ".join(f"{v:.3g}" for v in seen), "0, 4, 8, 8")


@property_of("capacity", "T22b", "The distance from C is that of the batch's mean KL.", "convention")
def capacity_of_the_batch(m: Subject) -> Verdict:
    return close(m.capacity(*spent(2.0, 4.0, 12.0, 14.0), 10 * WARMUP, WARMUP, C_MAX), 0.0)


@property_of("capacity", "T22c", "Below C the KL is pushed up, above it down, with the same force.", "correctness")
def capacity_pushes(m: Subject) -> Verdict:
    slopes = []
    for nats in (2.0, 14.0):
        mu, logvar = spent(nats, nats)
        mu.requires_grad_()
        charge = m.capacity(mu, logvar, 10 * WARMUP, WARMUP, C_MAX)
        slopes.append((torch.autograd.grad(charge, mu)[0] / mu.detach() * 2).mean())
    return close(torch.stack(slopes), torch.tensor([-1.0, 1.0]))


@property_of("critic", "T35a", "A critic that cannot tell pays 2 log 2.", "convention")
def undecided_critic(m: Subject) -> Verdict:
    z, prior = torch.randn(2, 8, 3, generator=torch.Generator().manual_seed(0))
    return close(m.critic(lambda codes: 0 * codes.sum(1), z, prior), 2 * math.log(2), rtol=1e-6)


@property_of("critic", "T35b", "The critic's loss has no gradient with respect to the encoder's codes.", "correctness")
def critic_leaves_the_encoder(m: Subject) -> Verdict:
    z, prior = torch.randn(2, 8, 3, generator=torch.Generator().manual_seed(0))
    z.requires_grad_()
    prior.requires_grad_()  # so that there is a graph
    (slope,) = torch.autograd.grad(m.critic(lambda codes: codes.sum(1), z, prior), z, allow_unused=True)
    size = 0.0 if slope is None else slope.abs().max().item()
    return Verdict(size == 0, f"{size:.3g}", "0")


@property_of(
    "shuffle", "T40", "Shuffled codes keep each latent's values over the batch, and lose its company.", "correctness"
)
def shuffled_codes(m: Subject) -> Verdict:
    z = torch.randn(2000, 1, dtype=F64, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 2.0])
    torch.manual_seed(0)
    seen = m.shuffle(z)
    kept = bool(torch.equal(seen.sort(0).values, z.sort(0).values))
    r = torch.corrcoef(seen.T)[0, 1].abs().item()
    return Verdict(kept and r < 0.1, f"{'same' if kept else 'other'} values, |r| = {r:.3f}", "same values, |r| < 0.1")


def overlapping() -> tuple[Tensor, Tensor, Tensor]:
    draw = torch.randn(3, 16, 4, dtype=F64, generator=torch.Generator().manual_seed(0))
    mu, logvar = draw[0], draw[1] - 1
    return mu, logvar, mu + (logvar / 2).exp() * draw[2]


def apart(b: int) -> tuple[Tensor, Tensor, Tensor]:
    """Posteriors that do not overlap: a code tells its image for sure."""
    mu = 1000 * torch.arange(b, dtype=F64)[:, None].expand(b, 2)
    return mu, torch.zeros_like(mu), mu + 0.5


@property_of("parts", "T41a", "The three parts add up to the mean of log q(z|x) - log p(z).", "correctness")
def parts_add_up(m: Subject) -> Verdict:
    mu, logvar, z = overlapping()
    truth = (Normal(mu, (logvar / 2).exp()).log_prob(z) - Normal(torch.zeros_like(z), 1.0).log_prob(z)).sum(1).mean()
    return worst([close(m.parts(mu, logvar, z, n).sum(), truth, rtol=1e-6) for n in (16, 1000)])


@property_of("parts", "T41b", "All images in one batch, codes apart: the mutual information is log n.", "correctness")
def information_of_a_full_batch(m: Subject) -> Verdict:
    return close(m.parts(*apart(16), 16)[0], math.log(16), rtol=1e-6)


@property_of(
    "parts", "T41c", "A batch of 16 of 1,000 images, codes apart: the mutual information is log 1,000.", "correctness"
)
def information_of_a_small_batch(m: Subject) -> Verdict:
    return close(m.parts(*apart(16), 1000)[0], math.log(1000), rtol=1e-6)


def whitened(n: int = 64, d: int = 3) -> Tensor:
    """Codes whose covariance (divisor n) is I exactly, around another mean than 0."""
    z = torch.randn(n, d, dtype=F64, generator=torch.Generator().manual_seed(0))
    z = torch.linalg.qr(z - z.mean(0))[0] * n**0.5
    return z + torch.tensor([3.0, -1.0, 0.5], dtype=F64)


@property_of("dip", "T23", "DIP-VAE-I charges nothing for means whose covariance is I.", "correctness")
def dip_of_white_means(m: Subject) -> Verdict:
    return close(m.dip("i", whitened(), torch.zeros(64, 3, dtype=F64)), 0.0, atol=1e-8)


@property_of("dip", "T24", "DIP-VAE-II charges nothing for codes whose covariance is I: 0.6 + 0.4.", "correctness")
def dip_of_white_codes(m: Subject) -> Verdict:
    return close(m.dip("ii", 0.6**0.5 * whitened(), torch.full((64, 3), math.log(0.4), dtype=F64)), 0.0, atol=1e-8)


@property_of("dip", "T25", "DIP-VAE's charges do not change when the batch is doubled by itself.", "correctness")
def dip_of_a_doubled_batch(m: Subject) -> Verdict:
    mu, logvar, _ = overlapping()
    twice = [torch.cat([t, t]) for t in (mu, logvar)]
    return worst([close(m.dip(kind, *twice), m.dip(kind, mu, logvar)) for kind in ("i", "ii")])


@property_of("dip", "T26", "DIP-VAE-II's gradient is 4/b (S - I)(mu - mean) and 2 (S - I) sigma^2 / b.", "correctness")
def dip_gradient(m: Subject) -> Verdict:
    mu, logvar = (t.requires_grad_() for t in overlapping()[:2])
    seen = torch.autograd.grad(m.dip("ii", mu, logvar), (mu, logvar))
    with torch.no_grad():
        centred, b = mu - mu.mean(0), len(mu)
        excess = centred.T @ centred / b + torch.diag(logvar.exp().mean(0)) - torch.eye(4, dtype=F64)
        by_hand = [4 / b * centred @ excess, 2 / b * excess.diagonal() * logvar.exp()]
    return close(torch.stack(seen), torch.stack(by_hand))
