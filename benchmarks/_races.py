"""The training loops that benchmarks race: ours, the tutorials', pythae's, and matrix products alone.

Every builder takes a network's name, the training images and a number of steps, and returns a function without
arguments that trains for that many batches of 128. All loops train the same layers, with Adam at 1e-3.
"""

import logging
import os
import tempfile
from collections.abc import Callable, Iterator
from itertools import islice

os.environ.setdefault("TQDM_DISABLE", "1")  # read when torch imports tqdm: no bar, ours or theirs, is part of a race

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vae_tutorial import data
from vae_tutorial.networks import Decoder, Encoder, conv, mlp
from vae_tutorial.objectives import Objective
from vae_tutorial.regularizers import KL
from vae_tutorial.training import fit
from vae_tutorial.vae import VAE

BATCH, LR = 128, 1e-3
Race = Callable[[], object]


def networks(name: str, z_dim: int | None = None) -> tuple[Encoder, Decoder]:
    """Encoder and decoder: "mlp", 784-512-256-32, or "conv", that of lesson 08; z_dim in place of their 32 and 16."""
    if name == "mlp":
        return mlp(z_dim=z_dim or 32)
    return conv((1, 28, 28), channels=(16, 32), z_dim=z_dim or 16)


def usual(name: str) -> tuple[Encoder, Decoder]:
    """The layers of `networks` as others have them: what is ours, that convolutions lie channels last, is undone."""
    encoder, decoder = (network.to(memory_format=torch.contiguous_format) for network in networks(name))
    return encoder, decoder


def ours(name: str, train: data.Images, steps: int) -> Race:
    model, objective = VAE(*networks(name)), Objective(KL())
    return lambda: fit(model, objective, train, steps=steps, batch_size=BATCH, lr=LR, progress=False)


def compiled(name: str, train: data.Images, steps: int) -> Race:
    model, objective = VAE(*networks(name)), Objective(KL())

    def race() -> None:
        fit(model, objective, train, steps=steps, batch_size=BATCH, lr=LR, progress=False, compile=True)

    fit(model, objective, train, steps=2, batch_size=BATCH, lr=LR, progress=False, compile=True)
    return race


def tutorial(name: str, train: data.Images, steps: int, workers: int = 0) -> Race:
    """The loop as tutorials write it. It reads torchvision's MNIST, so `train` is not used."""
    from torchvision import datasets, transforms

    images = datasets.MNIST(data.folder(), train=True, transform=transforms.ToTensor())
    loader = torch.utils.data.DataLoader(images, batch_size=BATCH, shuffle=True, num_workers=workers)
    encoder, decoder = (network.body for network in usual(name))
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=LR)

    def race() -> float:
        total = 0.0
        for x, _ in islice(loader, steps):
            mu, logvar = encoder(x).chunk(2, dim=1)
            z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)
            p = torch.sigmoid(decoder(z)).view(x.shape)
            bce = F.binary_cross_entropy(p, x, reduction="sum")
            loss = bce - 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        return total

    return race


def pythae(name: str, train: data.Images, steps: int) -> Race:
    """That library's VAE and trainer. Raises ImportError where it is not installed."""
    from pythae import models
    from pythae.data.datasets import BaseDataset
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder
    from pythae.trainers import BaseTrainer, BaseTrainerConfig

    encoder, decoder = usual(name)

    class TheirEncoder(BaseEncoder):
        def __init__(self) -> None:
            super().__init__()
            self.body = encoder.body

        def forward(self, x: Tensor) -> ModelOutput:
            mu, logvar = self.body(x).chunk(2, dim=-1)
            return ModelOutput(embedding=mu, log_covariance=logvar)

    class TheirDecoder(BaseDecoder):
        def __init__(self) -> None:
            super().__init__()
            self.body = decoder.body

        def forward(self, z: Tensor) -> ModelOutput:
            return ModelOutput(reconstruction=torch.sigmoid(self.body(z)).view(-1, 1, 28, 28))

    logging.disable(logging.INFO)  # each of their modules sets a level of its own
    config = models.VAEConfig(input_dim=(1, 28, 28), latent_dim=encoder.z_dim, reconstruction_loss="bce")
    model = models.VAE(config, encoder=TheirEncoder(), decoder=TheirDecoder())
    first = steps * BATCH  # their epoch takes all images there are
    dataset = BaseDataset(train.x[:first].float() / 255, train.y[:first])

    def race() -> None:
        with tempfile.TemporaryDirectory() as folder:
            options = BaseTrainerConfig(
                folder, num_epochs=1, per_device_train_batch_size=BATCH, learning_rate=LR, no_cuda=True
            )
            trainer = BaseTrainer(model=model, train_dataset=dataset, training_config=options)
            trainer.prepare_training()
            trainer.train_step(epoch=1)

    return race


def floor(name: str, train: data.Images, steps: int) -> Race:
    """The products that no loop can do without: of every layer with weights, forward and backward, and nothing else.

    No activations, norms, biases, loss, random numbers, optimizer or images: the operands are made once. Maps lie in
    memory with the channels last, in which PyTorch's convolutions are faster on a CPU.
    """
    encoder, decoder = networks(name)
    products = [
        *_products(encoder.body, torch.rand(BATCH, 1, 28, 28), leaf=True),
        *_products(decoder.body, torch.randn(BATCH, decoder.z_dim), leaf=False),
    ]

    @torch.no_grad()
    def race() -> None:
        for _ in range(steps):
            for product in products:
                product()

    return race


def _products(body: nn.Sequential, x: Tensor, *, leaf: bool) -> Iterator[Race]:
    """One step's work of each layer, on what it meets with the batch x; a `leaf` is an image, without a gradient."""
    body.to(memory_format=torch.channels_last)
    for layer in body:
        y = layer(x).detach()
        if isinstance(layer, nn.Linear):
            yield _linear(layer.weight.detach(), x, y, needs_gradient=not leaf)
        elif isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            yield _convolution(layer, x, y, needs_gradient=not leaf)
        x, leaf = y, leaf and not any(True for _ in layer.parameters())


def _linear(w: Tensor, x: Tensor, grad: Tensor, *, needs_gradient: bool) -> Race:
    def product() -> None:
        torch.mm(x, w.t())
        torch.mm(grad.t(), x)
        if needs_gradient:
            torch.mm(grad, w)

    return product


def _convolution(layer: nn.Conv2d | nn.ConvTranspose2d, x: Tensor, grad: Tensor, *, needs_gradient: bool) -> Race:
    w, transposed = layer.weight.detach(), isinstance(layer, nn.ConvTranspose2d)
    shape = (layer.stride, layer.padding, layer.dilation, transposed, layer.output_padding, layer.groups)

    def product() -> None:
        torch.convolution(x, w, None, *shape)
        torch.ops.aten.convolution_backward(grad, x, w, None, *shape, [needs_gradient, True, False])

    return product
