"""What every encoder and decoder of the course does around its layers: checks, labels, the clamp of logvar."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vae_tutorial.arguments import check_share
from vae_tutorial.gaussian import DiagGaussian

# Outside this range exp(logvar) is of no use to float32 training; the gradient of a clamped logvar is zero.
LOGVAR_RANGE = (-10.0, 10.0)


class Encoder(nn.Module):
    """q(z|x), or q(z|x, y), from a body that ends in 2 z_dim numbers: the means, then the log variances.

    Log variances are clamped to [-10, 10]; outside they have no gradient. With n_classes the body sees the one-hot
    labels too: as numbers behind the flattened pixels or, with `planes`, as constant images behind the channels.
    fewest: how many images the body's batch norm needs in train mode.

    deterministic: the body ends in z_dim numbers, the code itself, as the objective of a WAE allows (Tolstikhin et al.
    2018). q is then as good as a point: log variance -10 whatever the image (sigma 0.0067), without gradient. Its KL,
    4.5 nats and mu^2 / 2 of each latent, only says how narrow was chosen. Raises TypeError unless it is True or False.
    """

    def __init__(
        self,
        body: nn.Module,
        image_shape: tuple[int, int, int],
        z_dim: int,
        *,
        n_classes: int = 0,
        planes: bool = False,
        fewest: int = 1,
        deterministic: bool = False,
    ):
        super().__init__()
        if not isinstance(deterministic, bool):
            raise TypeError(f"deterministic must be True or False, got {deterministic!r}")
        self.body, self.image_shape, self.z_dim = body, image_shape, z_dim
        self.n_classes, self.planes, self.fewest, self.deterministic = n_classes, planes, fewest, deterministic

    def extra_repr(self) -> str:
        return "deterministic=True" if self.deterministic else ""

    def forward(self, x: Tensor, y: Tensor | None = None) -> DiagGaussian:
        if tuple(x.shape[1:]) != self.image_shape:
            raise ValueError(f"x must have shape [b, {', '.join(map(str, self.image_shape))}], got {list(x.shape)}")
        _check_labels(y, len(x), self.n_classes)
        _check_batch(self, x, name="x", kind="images")
        if y is not None:
            shown = y[:, :, None, None].expand(-1, -1, *x.shape[2:]) if self.planes else y
            x = torch.cat([x if self.planes else x.flatten(1), shown], dim=1)
        if self.deterministic:
            mu = self.body(x)
            return DiagGaussian(mu, torch.full_like(mu, LOGVAR_RANGE[0]))
        mu, logvar = self.body(x).chunk(2, dim=-1)
        return DiagGaussian(mu, logvar.clamp(*LOGVAR_RANGE))


class Decoder(nn.Module):
    """The logits of p(x|z), or p(x|z, y): raw numbers, one per pixel; what they mean is the likelihood's business.

    With n_classes the body sees the one-hot labels behind the latents. fewest: as for an `Encoder`. latent_dropout: the
    share of the latents, never of the labels, that is set to 0 in train mode, the rest scaled up. Raises ValueError for
    a share outside [0, 1).
    """

    def __init__(
        self,
        body: nn.Module,
        image_shape: tuple[int, int, int],
        z_dim: int,
        *,
        n_classes: int = 0,
        fewest: int = 1,
        latent_dropout: float = 0.0,
    ):
        super().__init__()
        self.body, self.image_shape, self.z_dim = body, image_shape, z_dim
        self.n_classes, self.fewest = n_classes, fewest
        self.latent_dropout = check_share(latent_dropout, name="latent_dropout")

    def extra_repr(self) -> str:
        return f"latent_dropout={self.latent_dropout}" if self.latent_dropout else ""

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        if z.ndim != 2 or z.shape[1] != self.z_dim:
            raise ValueError(f"z must have shape [b, {self.z_dim}], got {list(z.shape)}")
        _check_labels(y, len(z), self.n_classes)
        _check_batch(self, z, name="z", kind="codes")
        if self.latent_dropout:
            z = F.dropout(z, self.latent_dropout, self.training)
        z = z if y is None else torch.cat([z, y], dim=1)
        return self.body(z).view(-1, *self.image_shape)


def _check_labels(y: Tensor | None, b: int, n_classes: int) -> None:
    got = None if y is None else list(y.shape)
    if n_classes and got != [b, n_classes]:
        raise ValueError(f"y must be one-hot of shape [{b}, {n_classes}], as ConditionalVAE hands it over, got {got}")
    if not n_classes and got is not None:
        raise ValueError(f"y must be left out where n_classes is 0, got a tensor of shape {got}")


def _check_batch(network: Encoder | Decoder, batch: Tensor, *, name: str, kind: str) -> None:
    if network.training and len(batch) < network.fewest:
        raise ValueError(
            f"{name} must hold at least {network.fewest} {kind} for batch norm in train mode, got {len(batch)}; "
            "use model.eval()"
        )
