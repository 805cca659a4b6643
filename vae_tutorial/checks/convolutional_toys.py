"""What exercise 08 and its checks share: layers as values, and a model whose range is wrong, to look at."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from vae_tutorial import data
from vae_tutorial.checks.toys import draw
from vae_tutorial.likelihoods import Gaussian
from vae_tutorial.networks import mlp
from vae_tutorial.objectives import Objective
from vae_tutorial.pixels import as_float
from vae_tutorial.regularizers import KL
from vae_tutorial.training import History, fit
from vae_tutorial.vae import VAE


def measured(layers: Iterable[nn.Module], seed: int, x: Tensor) -> dict[str, Any]:
    """How many parameters layers have, and what they make of x in train mode with parameters drawn from the seed."""
    network = nn.Sequential(*layers).train()
    with torch.no_grad():
        network(x)  # a lazy layer has no weights before it has seen an input
        count = sum(parameter.numel() for parameter in network.parameters())
        nn.utils.vector_to_parameters(0.3 * draw(seed + 1, count), network.parameters())
        return {"parameters": count, "output": network(x)}


def their_run(seed: int) -> tuple[Tensor, Tensor, History]:
    """Test images, the answers of the broken model that exercise 08 looks at [500, 1, 28, 28], and its curves."""
    digits, test = data.load("digits", limit=10_000), data.load("digits", split="test", limit=500)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        encoder, decoder = mlp(hidden=(128,), z_dim=8)
    decoder.body = nn.Sequential(decoder.body, nn.Tanh())
    model = VAE(encoder, decoder, Gaussian(sigma=0.3, link="identity"))
    history = fit(model, Objective(KL()), digits, steps=500, lr=2e-3, seed=seed, progress=False)
    return as_float(test.x), model.reconstruct(test.x).cpu(), history
