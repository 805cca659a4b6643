"""Properties of the KL, of the codes drawn, of the whole ELBO and its weighted form, and of training with it."""

import math

import torch
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from _conforming.suite import F64, Subject, Verdict, close, on_average, per_image, property_of
from _conforming.worlds import PICTURE, World, coins, drawn, posteriors, saying


def charged(m: Subject, mu: Tensor, logvar: Tensor) -> Tensor:
    """The KL as the library charges it, a mean over the batch, whatever the pictures."""
    x = torch.zeros(len(mu), *PICTURE, dtype=mu.dtype)
    return per_image(m, m.terms(mu, logvar, saying(x), x, "bernoulli").kl, len(mu))


@property_of("terms", "T1", "The KL is that of torch.distributions, summed over latents.", "correctness")
def kl_is_the_textbook_one(m: Subject) -> Verdict:
    mu, logvar = posteriors()
    truth = kl_divergence(Normal(mu, (logvar / 2).exp()), Normal(torch.zeros_like(mu), torch.ones_like(mu)))
    return close(charged(m, mu, logvar), truth.sum(1).mean())


@property_of("terms", "T2a", "The KL of a posterior that is the prior is 0, exactly.", "correctness")
def kl_of_the_prior(m: Subject) -> Verdict:
    seen = charged(m, *torch.zeros(2, 6, 3, dtype=F64)).item()
    return Verdict(seen == 0, f"{seen:.6g}", "0")


@property_of("terms", "T2b", "In float32 the KL keeps its digits near the prior: at logvar = 1e-4.", "precision")
def kl_near_the_prior(m: Subject) -> Verdict:
    seen = charged(m, torch.zeros(1, 1), torch.full((1, 1), 1e-4))
    return close(seen, 0.5 * (math.expm1(1e-4) - 1e-4), rtol=1e-2, atol=0)


@property_of("terms", "T3", "The KL's gradient is (mu, (exp(logvar) - 1) / 2), over the batch size.", "correctness")
def kl_gradient(m: Subject) -> Verdict:
    mu, logvar = (t.requires_grad_() for t in posteriors())
    seen = torch.autograd.grad(charged(m, mu, logvar), (mu, logvar))
    return close(torch.stack(seen), torch.stack([mu, (logvar.exp() - 1) / 2]) / len(mu))


def codes_of(m: Subject, mu: Tensor, logvar: Tensor) -> Tensor:
    """The codes that the library draws and decodes."""
    seen: list[Tensor] = []
    x = torch.zeros(len(mu), *PICTURE, dtype=mu.dtype)

    def watch(z: Tensor) -> Tensor:
        seen.append(z)
        return saying(x)(z)

    torch.manual_seed(0)
    m.terms(mu, logvar, watch, x, "bernoulli")
    return seen[-1]


@property_of("terms", "T4", "Codes have the posterior's variance: mean of (z - mu)^2 / sigma^2 is 1.", "correctness")
def variance_of_codes(m: Subject) -> Verdict:
    mu, logvar = torch.full((2_000, 1), 1.5, dtype=F64), torch.full((2_000, 1), -0.7, dtype=F64)
    return on_average((codes_of(m, mu, logvar) - mu).square()[:, 0] / math.exp(-0.7), 1.0)


@property_of("terms", "T5a", "Gradients flow through the codes: dz/dmu = 1, dz/dlogvar = (z - mu) / 2.", "correctness")
def reparameterised(m: Subject) -> Verdict:
    mu, logvar = (t.requires_grad_() for t in posteriors())
    z = codes_of(m, mu, logvar)
    seen = torch.autograd.grad(z.sum(), (mu, logvar), allow_unused=True, materialize_grads=True)
    return close(torch.stack(seen), torch.stack([torch.ones_like(mu), (z - mu) / 2]))


@property_of("reconstruct", "T5b", "In eval mode a picture is reconstructed the same way each time.", "convention")
def looking_is_deterministic(m: Subject) -> Verdict:
    mu, logvar = posteriors()
    weight = drawn(3, 24, seed=4)

    def decode(z: Tensor) -> Tensor:
        return (z @ weight).view(-1, *PICTURE)

    pictures = [m.reconstruct(mu, logvar, decode, coins()[1]) for _ in range(2)]
    gap = (pictures[0] - pictures[1]).abs().max().item()
    return Verdict(gap == 0, f"{gap:.3g} between two calls", "0")


@property_of("terms", "T9", "The loss of a batch does not change when the batch is doubled by itself.", "convention")
def doubled_batch(m: Subject) -> Verdict:
    mu, logits = posteriors()[0], coins()
    certain = torch.full_like(mu, -70.0)  # so that the codes are mu, whatever noise is drawn
    once = m.terms(mu, certain, saying(logits[0]), logits[1], "bernoulli").loss
    mu, certain, l2, x2 = (torch.cat([t, t]) for t in (mu, certain, *logits))
    return close(m.terms(mu, certain, saying(l2), x2, "bernoulli").loss, once)


def _elbo(m: Subject, world: World, x: Tensor) -> Tensor:
    """-loss of one image, [60] draws of 50."""
    mu, logvar = (t.expand(50, -1) for t in world.posterior(x))
    images = x.expand(50, *x.shape[1:])
    draws = []
    torch.manual_seed(1)
    for _ in range(60):
        terms = m.terms(mu, logvar, world.decode, images, "gaussian")
        draws.append(per_image(m, terms.loss, 50))
    constant = 0.0 if m.constant else x[0].numel() / 2 * math.log(2 * math.pi)
    return -torch.stack(draws).detach() - constant


@property_of("terms", "T12", "A linear-Gaussian model at its exact posterior: the ELBO is log p(x).", "correctness")
def elbo_at_the_exact_posterior(m: Subject) -> Verdict:
    world = World.example(orthogonal=True)
    return on_average(_elbo(m, world, world.x), world.log_prob(world.x).item())


@property_of("terms", "T13", "At the best diagonal posterior the ELBO misses log p(x) by the known gap.", "correctness")
def elbo_at_the_best_diagonal_posterior(m: Subject) -> Verdict:
    world = World.example(orthogonal=False)
    return on_average(_elbo(m, world, world.x), (world.log_prob(world.x) - world.gap()).item())


@property_of("weighted", "T21", "J(beta) - J(1) = (beta - 1) KL.", "correctness")
def beta_weighs_the_kl(m: Subject) -> Verdict:
    mu, logvar = posteriors()
    logits, x = coins()
    low, high = (m.weighted(beta, mu, logvar, saying(logits), x) for beta in (1.0, 4.0))
    truth = kl_divergence(Normal(mu, (logvar / 2).exp()), Normal(torch.zeros_like(mu), torch.ones_like(mu)))
    return close(high - low, 3 * truth.sum(1).mean())


@property_of(
    "train", "T44a", "Training with one seed gives the same weights twice; another seed, others.", "correctness"
)
def one_seed_one_run(m: Subject) -> Verdict:
    x = (torch.rand(64, 1, 4, 4, generator=torch.Generator().manual_seed(0)) > 0.5).float()
    first, second, other = m.train(x, 1), m.train(x, 1), m.train(x, 2)
    gap = (first - second).abs().max().item()
    return Verdict(gap == 0 and not torch.equal(first, other), f"{gap:.3g} between two runs", "0")


@property_of("terms", "T44b", "Every image and every pass gets noise of its own.", "correctness")
def noise_is_fresh(m: Subject) -> Verdict:
    at = torch.zeros(64, 3, dtype=F64)
    seen: list[Tensor] = []

    def watch(z: Tensor) -> Tensor:
        seen.append(z.detach())
        return torch.zeros(len(z), *PICTURE, dtype=F64)

    for _ in range(2):
        m.terms(at, at, watch, torch.zeros(64, *PICTURE, dtype=F64), "bernoulli")
    n = torch.cat([seen[0], seen[-1]]).unique().numel()
    return Verdict(n == 2 * 64 * 3, f"{n} different numbers", f"{2 * 64 * 3}")
