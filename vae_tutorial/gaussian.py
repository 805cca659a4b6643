"""The diagonal Gaussian N(mu, diag(sigma^2)): what every encoder of the course returns."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class DiagGaussian:
    """One diagonal Gaussian per row: mean `mu` [b, z] and log variance `logvar` [b, z] (log sigma^2, not log sigma).

    Raises TypeError unless both are floating-point tensors, ValueError if their shapes differ or are not [b, z].
    """

    mu: Tensor
    logvar: Tensor

    def __post_init__(self) -> None:
        for name, value in (("mu", self.mu), ("logvar", self.logvar)):
            if not isinstance(value, Tensor) or not value.is_floating_point():
                got = value.dtype if isinstance(value, Tensor) else type(value).__name__
                raise TypeError(f"{name} must be a floating-point tensor of shape [b, z], got {got}")
        if self.mu.ndim != 2 or self.mu.shape != self.logvar.shape:
            raise ValueError(
                f"mu and logvar must share one shape [b, z], got {list(self.mu.shape)} and {list(self.logvar.shape)}"
            )

    def sample(self) -> Float[Tensor, "b z"]:
        """Draw z = mu + sigma * eps with fresh eps ~ N(0, I): gradients flow into mu and logvar.

        Kingma & Welling 2014, section 2.4 (the reparameterisation trick).
        """
        eps = torch.randn_like(self.mu)
        return self.mu + torch.exp(0.5 * self.logvar) * eps

    def kl_terms(self) -> Float[Tensor, "b z"]:
        """KL(N(mu, sigma^2) || N(0, 1)) of every latent on its own, in nats.

        Kingma & Welling 2014, appendix B. expm1 keeps the digits that exp(logvar) - 1 loses near the prior.
        """
        return 0.5 * (self.mu.square() + torch.expm1(self.logvar) - self.logvar)

    def kl(self) -> Float[Tensor, " b"]:
        """KL(q || N(0, I)) of every row, summed over the latents, in nats."""
        return self.kl_terms().sum(-1)

    def log_prob(self, z: Float[Tensor, "b z"]) -> Float[Tensor, " b"]:
        """Log density of `z` [b, z], summed over the latents, in nats. Raises ValueError for another shape."""
        if z.shape != self.mu.shape:
            raise ValueError(f"z must have the shape of mu, {list(self.mu.shape)}, got {list(z.shape)}")
        standardised = (z - self.mu) * torch.exp(-0.5 * self.logvar)
        return -0.5 * (standardised.square() + self.logvar + math.log(2 * math.pi)).sum(-1)
