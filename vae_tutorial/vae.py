"""Variational autoencoders, plain and conditional: two networks, a likelihood and the prior N(0, I)."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from numbers import Integral
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


class Model(nn.Module, ABC):
    """What the models of the course share: an encoder, a decoder, its likelihood, and `z_dim` latents."""

    n_classes: int  # 0: takes no labels
    encode: Callable[..., DiagGaussian]
    decode: Callable[..., Tensor]
    sample: Callable[..., Tensor]
    reconstruct: Callable[..., Tensor]

    def __init__(self, encoder: nn.Module, decoder: nn.Module, likelihood: Likelihood):
        super().__init__()
        self.encoder, self.decoder, self.likelihood = encoder, decoder, likelihood

    @abstractmethod
    def conditions(self, y: Tensor | int | None, n: int) -> tuple[Tensor, ...]:
        """What the networks are given beside n images or codes: nothing, or labels one-hot. Raises as the model."""

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


class VAE(Model):
    """An encoder q(z|x), a decoder p(x|z) with its likelihood, and the prior p(z) = N(0, I) of `z_dim` latents.

    `forward` is for training. `encode`, `decode`, `sample` and `reconstruct` are for looking: they run in eval mode
    without gradients, and leave the model in the mode they found it in. Images given to them may be uint8, or floats
    in [0, 1]. Raises ValueError for networks that take labels. Kingma & Welling 2014.
    """

    n_classes = 0

    def __init__(self, encoder: nn.Module, decoder: nn.Module, likelihood: Likelihood = BERNOULLI):
        super().__init__(encoder, decoder, likelihood)
        _check_networks(self, 0, hint="; networks that take labels make a ConditionalVAE")

    def forward(self, x: Tensor) -> Pass:
        """Encode x [b, c, h, w] in [0, 1], draw one z [b, z] from each posterior, decode to logits [b, c, h, w]."""
        q = self.encoder(x)
        z = q.sample()
        return Pass(q, z, self.decoder(z))

    def conditions(self, y: Tensor | int | None, n: int) -> tuple[Tensor, ...]:
        """Nothing. Raises ValueError for labels."""
        if y is not None:
            raise ValueError("y must be None for a VAE, which takes no labels")
        return ()

    def encode(self, x: Tensor) -> DiagGaussian:
        """Posteriors q(z|x) of images [b, c, h, w]. Raises as `check_images` does."""
        return _encode(self, x, None)

    def decode(self, z: Tensor) -> Tensor:
        """Codes [b, z] to mean images [b, c, h, w], ready to show: in [0, 1] unless the link is "identity"."""
        return _decode(self, z, None)

    def sample(self, n: int) -> Tensor:
        """Images [n, c, h, w] of `n` codes from the prior; TypeError or ValueError unless n is whole and >= 1."""
        return self.decode(torch.randn(check_whole(n, name="n"), self.z_dim, device=self.device))

    def reconstruct(self, x: Tensor) -> Tensor:
        """What the model makes of each image [b, c, h, w]: the posterior mean, decoded."""
        return self.decode(self.encode(x).mu)


class ConditionalVAE(Model):
    """A VAE that is told the label: q(z|x, y), p(x|z, y), and the prior p(z) = N(0, I) whatever the label.

    y: labels from 0 to n_classes - 1, whole numbers [b] or one-hot [b, n_classes]; one number stands for all. The
    networks get them one-hot, in the model's dtype. `forward` is for training, the rest for looking, as in a `VAE`.
    Raises ValueError for networks made for another number of classes; TypeError or ValueError for a y that is missing,
    of another length, outside the range or not one-hot. Sohn, Lee & Yan 2015, with a prior that does not depend on y.
    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module, n_classes: int, likelihood: Likelihood = BERNOULLI):
        super().__init__(encoder, decoder, likelihood)
        self.n_classes = check_whole(n_classes, name="n_classes")
        _check_networks(self, n_classes)

    def forward(self, x: Tensor, y: Tensor | int) -> Pass:
        """Encode x [b, c, h, w] in [0, 1] with labels y, draw one z [b, z] each, decode with y to [b, c, h, w]."""
        labels = self.conditions(y, len(x))
        q = self.encoder(x, *labels)
        z = q.sample()
        return Pass(q, z, self.decoder(z, *labels))

    def conditions(self, y: Tensor | int | None, n: int) -> tuple[Tensor, ...]:
        """Labels one-hot, [n, n_classes], for the networks. Raises TypeError or ValueError naming y."""
        y = check_labels(y, n, self.n_classes).to(self.device)
        hot = y if y.ndim == 2 else y[:, None] == torch.arange(self.n_classes, device=self.device)
        return (hot.to(self.dtype),)

    def encode(self, x: Tensor, y: Tensor | int) -> DiagGaussian:
        """Posteriors q(z|x, y) of images [b, c, h, w]. Raises as `check_images` does."""
        return _encode(self, x, y)

    def decode(self, z: Tensor, y: Tensor | int) -> Tensor:
        """Codes [b, z] and labels to mean images [b, c, h, w], ready to show."""
        return _decode(self, z, y)

    def sample(self, n: int, y: Tensor | int) -> Tensor:
        """Images [n, c, h, w] of the labels y, of `n` codes from the prior."""
        return self.decode(torch.randn(check_whole(n, name="n"), self.z_dim, device=self.device), y)

    def reconstruct(self, x: Tensor, y: Tensor | int) -> Tensor:
        """What the model makes of each image [b, c, h, w] with its label: the posterior mean, decoded."""
        return self.decode(self.encode(x, y).mu, y)


def check_labels(y: Tensor | int | None, n: int, n_classes: int) -> Tensor:
    """Return labels as they are, int64 [n] or one-hot [n, n_classes]; a single number as n of them.

    Raises TypeError for what is neither a whole number nor a tensor of them, ValueError for another length, labels
    outside 0 to n_classes - 1 or rows that are not one-hot. Values that lie on an accelerator are not read.
    """
    accepted = f"y must hold labels from 0 to {n_classes - 1}: whole numbers [{n}] or one-hot [{n}, {n_classes}]"
    if isinstance(y, Integral) and not isinstance(y, bool):
        if not 0 <= y < n_classes:
            raise ValueError(f"{accepted}, got {y}")
        y = torch.full((n,), int(y))
    if not isinstance(y, Tensor):
        raise TypeError(f"{accepted}, got {y!r}")
    if y.ndim == 1 and (y.dtype == torch.bool or y.is_floating_point() or y.is_complex()):
        raise TypeError(f"{accepted}, got {y.dtype} {list(y.shape)}")
    if list(y.shape) not in ([n], [n, n_classes]):
        raise ValueError(f"{accepted}, got shape {list(y.shape)}")
    y = y.long() if y.ndim == 1 else y
    # On an accelerator reading the values would stall its queue every step; `fit` and `evaluate` check them once.
    if n and y.device.type == "cpu" and not torch.compiler.is_compiling():
        if y.ndim == 1 and not (y.min() >= 0 and y.max() < n_classes):
            raise ValueError(f"{accepted}, got labels from {y.min()} to {y.max()}")
        if y.ndim == 2 and not ((y == 1).sum(1).eq(1) & (y == 0).sum(1).eq(n_classes - 1)).all():
            raise ValueError(f"{accepted}, got rows that are not one-hot")
    return y


def readable(y: Tensor | int | None) -> Tensor | int | None:
    """Labels on the CPU, where `check_labels` reads their values: nobody who looks is in a hurry."""
    return y.cpu() if isinstance(y, Tensor) else y


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


def _encode(model: Model, x: Tensor, y: Tensor | int | None) -> DiagGaussian:
    labels = model.conditions(readable(y), len(check_images(x, name="x")))
    with looking(model):
        return model.encoder(as_float(x.to(model.device), model.dtype), *labels)


def _decode(model: Model, z: Tensor, y: Tensor | int | None) -> Tensor:
    labels = model.conditions(readable(y), len(z))
    with looking(model):
        return model.likelihood.mean(model.decoder(z.to(model.device, model.dtype), *labels))


def _check_networks(model: Model, n_classes: int, hint: str = "") -> None:
    for name, network in (("encoder", model.encoder), ("decoder", model.decoder)):
        said = getattr(network, "n_classes", n_classes)
        if said != n_classes:
            raise ValueError(f"n_classes must be that of the {name}, {said}, got {n_classes}{hint}")
