"""Properties of the importance-weighted bound L_k (Burda, Grosse & Salakhutdinov 2016)."""

import math

import torch
from torch import Tensor
from torch.distributions import Normal

from _conforming.suite import Subject, Verdict, close, on_average, property_of
from _conforming.worlds import World

K = 7


def value(m: Subject, world: World, k: int, mu: Tensor, logvar: Tensor, b: int = 10) -> Tensor:
    """The library's L_k, a mean over b copies of the image, with the Gaussian's constant."""
    bound = m.bound(k, mu.expand(b, -1), logvar.expand(b, -1), world.decode, world.x.expand(b, *world.x.shape[1:]))
    seen = bound.value.detach()
    return (seen / b if m.summed else seen) - (0.0 if m.constant else 3 * math.log(2 * math.pi))


def draws(m: Subject, world: World, k: int, n: int, mu: Tensor, logvar: Tensor) -> Tensor:
    torch.manual_seed(k)
    return torch.stack([value(m, world, k, mu, logvar) for _ in range(n)])


def off(world: World) -> tuple[Tensor, Tensor]:
    """A posterior that is not the best."""
    mu, logvar = world.posterior(world.x)
    return mu + 0.4, logvar + 0.7


@property_of("bound", "T18", "At the exact posterior the bound is log p(x) without variance, for any k.", "correctness")
def bound_at_the_exact_posterior(m: Subject) -> Verdict:
    world = World.example(orthogonal=True)
    seen = torch.stack([value(m, world, k, *world.posterior(world.x)) for k in (1, 2, 50)])
    return close(seen, world.log_prob(world.x))


@property_of(
    "bound", "T19", "The bound rises with k and stays below log p(x): k = 1, 5, 50, off the posterior.", "correctness"
)
def bound_rises(m: Subject) -> Verdict:
    world = World.example(orthogonal=False)
    truth = world.log_prob(world.x).item()
    runs = [draws(m, world, k, 80, *off(world)) for k in (1, 5, 50)]
    means, errors = [r.mean().item() for r in runs], [r.std().item() / len(r) ** 0.5 for r in runs]
    rises = all(means[i] < means[i + 1] + 4 * math.hypot(errors[i], errors[i + 1]) for i in (0, 1))
    below = all(mean < truth + 4 * error for mean, error in zip(means, errors, strict=True))
    seen = ", ".join(f"{mean:.3f} ± {error:.2g}" for mean, error in zip(means, errors, strict=True))
    return Verdict(rises and below, seen, f"rising to at most {truth:.3f}")


@property_of("bound", "T20a", "With k = 1 the bound is the ELBO, on average.", "correctness")
def bound_of_one_sample(m: Subject) -> Verdict:
    world = World.example(orthogonal=False)
    mu, logvar = off(world)
    return on_average(draws(m, world, 1, 80, mu, logvar), world.elbo(world.x, mu, logvar).item())


@property_of(
    "bound", "T20b", "Its gradient is log-mean-exp's: every code weighs as its normalised weight.", "correctness"
)
def bound_gradient(m: Subject) -> Verdict | None:
    """Against the gradient by hand at the codes that the library drew for one image."""
    world = World.example(orthogonal=False)
    mu, logvar = (t.detach().requires_grad_() for t in off(world))
    drawn: list[Tensor] = []

    def watch(z: Tensor) -> Tensor:
        drawn.append(z.detach().reshape(-1, 2))
        return world.decode(z)

    torch.manual_seed(3)
    gradients = m.bound(K, mu, logvar, watch, world.x).gradients
    if gradients is None:
        return None
    q = Normal(mu, (logvar / 2).exp())
    z = mu + (logvar / 2).exp() * ((torch.cat(drawn) - mu) * (-logvar / 2).exp()).detach()
    log_likelihood = Normal(z @ world.W.T + world.b, 1.0).log_prob(world.x.flatten(1)).sum(1)
    log_w = log_likelihood + (Normal(torch.zeros_like(z), 1.0).log_prob(z) - q.log_prob(z)).sum(1)
    by_hand = torch.autograd.grad(log_w.logsumexp(0), (mu, logvar))
    return close(torch.stack(gradients), torch.stack(by_hand))
