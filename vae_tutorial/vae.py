"""The variational autoencoder: two networks, a likelihood and the prior N(0, I)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn

from vae_tutorial.arguments import check_whole
from vae_tutorial.gaussian import DiagGaussian
from vae_tutorial.likelihoods import Bernoulli, Likelihood
from vae_tutorial.pixels import as_float, check_images

BERNOULLI = Bernoulli()


class Pass(NamedTuple):
    """One pass through the model: the posteriors, one sample of each, and the decoder's raw answer to it."""

    q: DiagGaussian
    z: Tensor
    logits: Tensor


class VAE(nn.Module):
    """An encoder q(z|x), a decoder p(x|z) with its likelihood, and the prior p(z) = N(0, I) of `z_dim` latents.

    `forward` is for training. `encode`, `decode`, `sample` and `reconstruct` are for looking: they run in eval mode
    without gradients, and leave the model in the mode they found it in. Images given to them may be uint8, or floats
    in [0, 1]. Kingma & Welling 2014.
    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module, likelihood: Likelihood = BERNOULLI):
        super().__init__()
        self.encoder, self.decoder, self.likelihood = encoder, decoder, likelihood

    @property
    def z_dim(self) -> int:
        """The number of latents, which the decoder knows. Raises TypeError where it does not."""
        z_dim = getattr(self.decoder, "z_dim", None)
        if not isinstance(z_dim, int):
            raise TypeError("the decoder must say how many latents it takes: set decoder.z_dim to a whole number")
        return z_dim

    @property
    def device(self) -> torch.device:
        """Where the parameters are."""
        return next(self.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """The type of the parameters."""
        return next(self.parameters()).dtype

    def forward(self, x: Tensor) -> Pass:
        """Encode x [b, c, h, w] in [0, 1], draw one z [b, z] from each posterior, decode to logits [b, c, h, w]."""
        q = self.encoder(x)
        z = q.sample()
        return Pass(q, z, self.decoder(z))

    def encode(self, x: Tensor) -> DiagGaussian:
        """Posteriors q(z|x) of images [b, c, h, w]. Raises as `check_images` does."""
        check_images(x, name="x")
        with looking(self):
            return self.encoder(as_float(x.to(self.device), self.dtype))

    def decode(self, z: Tensor) -> Tensor:
        """Codes [b, z] to mean images [b, c, h, w], ready to show: in [0, 1] unless the link is "identity"."""
        with looking(self):
            return self.likelihood.mean(self.decoder(z.to(self.device, self.dtype)))

    def sample(self, n: int) -> Tensor:
        """Images [n, c, h, w] of `n` codes from the prior; TypeError or ValueError unless n is whole and >= 1."""
        return self.decode(torch.randn(check_whole(n, name="n"), self.z_dim, device=self.device))

    def reconstruct(self, x: Tensor) -> Tensor:
        """What the model makes of each image [b, c, h, w]: the posterior mean, decoded."""
        return self.decode(self.encode(x).mu)


@contextmanager
def looking(model: nn.Module) -> Iterator[None]:
    """Eval mode and no gradients inside; every submodule gets its own mode back at the end."""
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module in training:
            module.training = True
