"""What properties are asked about: posteriors, pictures, and models of which every truth is known. All in float64."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.distributions import MultivariateNormal

from _conforming.suite import F64, Decode

PICTURE = (3, 2, 4)
SMALL = (1, 2, 3)


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=F64, generator=torch.Generator().manual_seed(seed))


def posteriors() -> tuple[Tensor, Tensor]:
    """mu and logvar of 6 posteriors of 3 latents."""
    return 2 * drawn(6, 3, seed=0), drawn(6, 3, seed=1)


def coins(seed: int = 5) -> tuple[Tensor, Tensor]:
    """Logits and black or white pictures, [6, 3, 2, 4]."""
    return 3 * drawn(6, *PICTURE, seed=seed), (drawn(6, *PICTURE, seed=seed + 1) > 0).to(F64)


def saying(logits: Tensor) -> Decode:
    """A decoder that answers the same logits [b, c, h, w] whatever it is told."""

    def decode(z: Tensor) -> Tensor:
        return logits

    return decode


@dataclass(frozen=True)
class World:
    """p(z) = N(0, I) and p(x|z) = N(Wz + b, I): probabilistic PCA (Tipping & Bishop 1999).

    W [p, z], b [p], and one image x [1, 1, 2, 3] drawn from them.
    """

    W: Tensor
    b: Tensor
    x: Tensor

    @classmethod
    def example(cls, orthogonal: bool) -> "World":
        """Six pixels, two latents. Orthogonal columns make the posterior diagonal."""
        generator = torch.Generator().manual_seed(7)
        W, b, z, noise = (torch.randn(*s, dtype=F64, generator=generator) for s in ((6, 2), (6,), (2,), (6,)))
        if orthogonal:
            W = torch.linalg.qr(W)[0] * torch.tensor([1.0, 2.0], dtype=F64)
        return cls(W, b, (W @ z + b + noise).view(1, *SMALL))

    def decode(self, z: Tensor) -> Tensor:
        """Codes [b, z] to means [b, 1, 2, 3]."""
        return (z @ self.W.T + self.b).view(-1, *SMALL)

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """mu and logvar [b, z] of the best diagonal posterior: mean of the exact one, 1 / its precisions' diagonal."""
        M = self._precision()
        mu = torch.linalg.solve(M, ((x.flatten(1) - self.b) @ self.W).T).T
        return mu, -M.diagonal().log().expand_as(mu)

    def gap(self) -> Tensor:
        """What the best diagonal posterior's ELBO lacks, in nats: (sum log M_dd - log det M) / 2."""
        M = self._precision()
        return 0.5 * (M.diagonal().log().sum() - torch.logdet(M))

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x) of each image."""
        covariance = self.W @ self.W.T + torch.eye(len(self.b), dtype=F64)
        return MultivariateNormal(self.b, covariance).log_prob(x.flatten(1))

    def elbo(self, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
        """The ELBO of each image for N(mu, exp(logvar)), in closed form."""
        residual = (x.flatten(1) - mu @ self.W.T - self.b).square().sum(1)
        spread = (logvar.exp() * self.W.square().sum(0)).sum(1)
        kl = 0.5 * (mu.square() + logvar.exp() - 1 - logvar).sum(1)
        return -0.5 * (len(self.b) * torch.tensor(2 * torch.pi, dtype=F64).log() + residual + spread) - kl

    def _precision(self) -> Tensor:
        return self.W.T @ self.W + torch.eye(2, dtype=F64)
