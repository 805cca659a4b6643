"""What exercise 07 and its checks share: small conditional models, a layer, and a broken model to look at."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from vae_tutorial import data
from vae_tutorial.checks.toys import SIDE
from vae_tutorial.networks import mlp
from vae_tutorial.objectives import Objective
from vae_tutorial.regularizers import KL
from vae_tutorial.training import History, fit
from vae_tutorial.vae import ConditionalVAE

Network = Callable[[Tensor], Any]


def toy_cvae(seed: int, k: int, z: int = 3, *, contrast: float = 1.0) -> ConditionalVAE:
    """A small model of images [b, 1, 4, 4] in k classes, untrained; with more contrast z and y decide more."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        pair = mlp((1, SIDE, SIDE), hidden=(8,), z_dim=z, activation="tanh", n_classes=k)
    model = ConditionalVAE(*pair, k)
    with torch.no_grad():
        list(model.decoder.parameters())[-2].mul_(contrast)
    return model


def toy_layer(seed: int, k: int) -> nn.Linear:
    """A layer that takes k numbers and gives three."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Linear(k, 3)


def opened(model: ConditionalVAE) -> tuple[Network, Network]:
    """The model's networks as functions of joined inputs: image, label -> mu, logvar; code, label -> logits."""

    bodies = [network.get_submodule("body") for network in (model.encoder, model.decoder)]
    shape = model.decoder(torch.zeros(1, model.z_dim), torch.eye(model.n_classes)[:1]).shape[1:]

    def encoder(joined: Tensor) -> tuple[Tensor, ...]:
        return bodies[0](joined).chunk(2, dim=-1)

    def decoder(joined: Tensor) -> Tensor:
        return bodies[1](joined).unflatten(1, shape)

    return encoder, decoder


class _Unheard(nn.Module):
    """A decoder to which every label arrives as zeros."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network, self.z_dim = network, network.z_dim

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        return self.network(z, torch.zeros_like(y))


def their_run(seed: int) -> tuple[ConditionalVAE, History]:
    """The broken model that exercise 07 looks at, trained for some seconds on drawn digits, and its curves."""
    digits = data.load("digits", limit=10_000)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        encoder, decoder = mlp(hidden=(128,), z_dim=4, n_classes=10)
    model = ConditionalVAE(encoder, _Unheard(decoder), 10)
    return model, fit(model, Objective(KL()), digits, steps=500, lr=2e-3, seed=seed, progress=False)
