"""Truths to test against, none of them computed by the package: closed forms, brute force, torch.distributions.

The main one is the linear-Gaussian VAE, probabilistic PCA (Tipping & Bishop 1999): the one VAE of which everything is
known.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.distributions import MultivariateNormal, Normal, kl_divergence

from vae_tutorial.gaussian import DiagGaussian
from vae_tutorial.likelihoods import Gaussian
from vae_tutorial.vae import VAE

F64 = torch.float64


def assert_within_4_standard_errors(draws: Tensor, truth: Tensor | float, what: str) -> None:
    """Compare the mean of independent draws [n, ...] with the truth; `what` names the seed or case."""
    error = draws.std(0) / len(draws) ** 0.5
    gap = (draws.mean(0) - truth).abs()
    assert (gap < 4 * error).all(), f"{what}: {draws.mean(0)} is {gap / error} standard errors from {truth}"


def kl_oracle(mu: Tensor, logvar: Tensor) -> Tensor:
    """KL(N(mu, sigma^2) || N(0, 1)) of each number."""
    return kl_divergence(Normal(mu, (0.5 * logvar).exp()), Normal(torch.zeros_like(mu), torch.ones_like(mu)))


def sigma_points(like: Tensor) -> Tensor:
    """In place of torch.randn_like: +-sqrt(d) e_d over and over, with mean 0 and covariance I exactly.

    What is quadratic in eps, such as the squared error of a linear decoder, then has its exact expectation as the
    mean over 2 d rows.
    """
    d = like.shape[1]
    axes = math.sqrt(d) * torch.eye(d, dtype=like.dtype)
    return torch.cat([axes, -axes]).repeat(len(like) // (2 * d), 1)


def tiled(x: Tensor, d: int) -> Tensor:
    """Each image 2 d times in a row, one for each of the sigma points of d latents."""
    return x.repeat_interleave(2 * d, dim=0)


@dataclass(frozen=True)
class LinearGaussian:
    """p(z) = N(0, I) and p(x|z) = N(W z + b, s2 I), with W [p, d] and b [p]: every truth about it in float64."""

    W: Tensor
    b: Tensor
    s2: float

    @classmethod
    def example(cls, orthogonal: bool = False, pixels: int = 6, d: int = 2, s2: float = 0.02) -> "LinearGaussian":
        """One whose images lie around 1/2, most of them in [0, 1]. Orthogonal columns make the posterior diagonal."""
        generator = torch.Generator().manual_seed(7)
        W = torch.randn(pixels, d, dtype=F64, generator=generator)
        if orthogonal:
            W = torch.linalg.qr(W)[0] * torch.arange(1, d + 1, dtype=F64)
        return cls(0.15 * W, 0.5 + 0.05 * torch.randn(pixels, dtype=F64, generator=generator), s2)

    @property
    def M(self) -> Tensor:  # noqa: N802  (Tipping & Bishop's letter)
        return self.W.T @ self.W + self.s2 * torch.eye(self.W.shape[1], dtype=F64)

    def draw(self, n: int, seed: int = 0) -> Tensor:
        """n images [n, 1, 2, p / 2], clamped to [0, 1]; truths hold at any x, so the clamp changes none of them."""
        generator = torch.Generator().manual_seed(seed)
        z = torch.randn(n, self.W.shape[1], dtype=F64, generator=generator)
        noise = torch.randn(n, len(self.b), dtype=F64, generator=generator)
        return (z @ self.W.T + self.b + math.sqrt(self.s2) * noise).clamp(0, 1).view(n, 1, 2, -1)

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x) of each image."""
        covariance = self.W @ self.W.T + self.s2 * torch.eye(len(self.b), dtype=F64)
        return MultivariateNormal(self.b, covariance).log_prob(x.flatten(1))

    def elbo(self, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
        """The ELBO of each image for a diagonal q(z|x) = N(mu, exp(logvar)), in closed form."""
        residual = (x.flatten(1) - mu @ self.W.T - self.b).square().sum(1)
        spread = (logvar.exp() * self.W.square().sum(0)).sum(1)
        expected = -0.5 * (len(self.b) * math.log(2 * math.pi * self.s2) + (residual + spread) / self.s2)
        return expected - kl_oracle(mu, logvar).sum(1)

    def vae(self, beta: float = 1.0) -> VAE:
        """The package's VAE with this decoder and the diagonal posterior that is best at this weight of the KL."""
        M = self.W.T @ self.W + beta * self.s2 * torch.eye(self.W.shape[1], dtype=F64)
        encoder, decoder = LinearEncoder(len(self.b), self.W.shape[1]), LinearDecoder((1, 2, 3), self.W.shape[1])
        with torch.no_grad():
            decoder.weight.copy_(self.W)
            decoder.bias.copy_(self.b)
            encoder.weight.copy_(torch.linalg.solve(M, self.W.T))
            encoder.bias.copy_(-encoder.weight @ self.b)
            encoder.logvar.copy_(-(M.diagonal() / (beta * self.s2)).log())
        return VAE(encoder, decoder, Gaussian(math.sqrt(self.s2), link="identity"))


class LinearEncoder(nn.Module):
    """mu linear in the pixels, one logvar for all images; float64."""

    def __init__(self, pixels: int, z_dim: int):
        super().__init__()
        self.weight = nn.Parameter(0.1 * torch.randn(z_dim, pixels, dtype=F64))
        self.bias = nn.Parameter(torch.zeros(z_dim, dtype=F64))
        self.logvar = nn.Parameter(torch.zeros(z_dim, dtype=F64))

    def forward(self, x: Tensor) -> DiagGaussian:
        mu = x.flatten(1) @ self.weight.T + self.bias
        return DiagGaussian(mu, self.logvar.expand_as(mu))


class LinearDecoder(nn.Module):
    """Logits linear in the code; float64."""

    def __init__(self, image_shape: tuple[int, int, int], z_dim: int):
        super().__init__()
        self.image_shape, self.z_dim = image_shape, z_dim
        self.weight = nn.Parameter(0.1 * torch.randn(math.prod(image_shape), z_dim, dtype=F64))
        self.bias = nn.Parameter(torch.zeros(math.prod(image_shape), dtype=F64))

    def forward(self, z: Tensor) -> Tensor:
        return (z @ self.weight.T + self.bias).view(-1, *self.image_shape)


def minimise(loss: Callable[[], Tensor], parameters: Iterable[nn.Parameter], steps: int = 400) -> float:
    """Run LBFGS and return where it ends."""
    parameters = list(parameters)

    def closure() -> Tensor:
        for p in parameters:
            p.grad = None
        value = loss()
        value.backward()
        return value

    torch.optim.LBFGS(
        parameters, max_iter=steps, tolerance_grad=1e-8, tolerance_change=0, history_size=100,
        line_search_fn="strong_wolfe",
    ).step(closure)  # fmt: skip
    return loss().item()


def images_with_principal_variances(variances: tuple[float, ...]) -> tuple[Tensor, Tensor]:
    """Sixteen images [16, 1, 2, 3] around 1/2 whose covariance (divisor n) has just these eigenvalues, and its axes."""
    signs = torch.ones(1, 1, dtype=F64)
    for _ in range(4):  # Hadamard: columns of +-1 that are orthogonal, all but the first with mean 0
        signs = torch.cat([torch.cat([signs, signs], 1), torch.cat([signs, -signs], 1)])
    axes = torch.linalg.qr(torch.randn(6, 6, dtype=F64, generator=torch.Generator().manual_seed(3)))[0]
    scores = signs[:, 1:7] * torch.tensor(variances, dtype=F64).sqrt()
    return (0.5 + scores @ axes.T).view(16, 1, 2, 3), axes


class FixedEncoder(nn.Module):
    """Codes that do not depend on any weight: mu = the first z_dim pixels (or 0), logvar the same everywhere."""

    def __init__(self, z_dim: int, logvar: float = 0.0, constant: bool = False):
        super().__init__()
        self.z_dim, self.logvar, self.constant = z_dim, logvar, constant
        self.anchor = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> DiagGaussian:
        mu = x.flatten(1)[:, : self.z_dim] * (0.0 if self.constant else 1.0) + 0 * self.anchor
        return DiagGaussian(mu, torch.full_like(mu, self.logvar))
