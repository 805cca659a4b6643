"""WAE-GAN: the one method with two optimisers, so with a loop of its own."""

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vae_tutorial.arguments import check_number, check_whole
from vae_tutorial.data import Images
from vae_tutorial.devices import pick_device, seeded
from vae_tutorial.objectives import Terms
from vae_tutorial.pixels import as_float
from vae_tutorial.training.history import History
from vae_tutorial.training.loop import check_model, pixels_of
from vae_tutorial.training.plan import Plan
from vae_tutorial.training.watch import Watch
from vae_tutorial.vae import VAE


def critic(z_dim: int, hidden: Sequence[int] = (512, 512, 512, 512)) -> nn.Sequential:
    """A network that maps codes [b, z] to logits [b, 1] of "this was drawn from the prior".

    By default with the four layers of 512 units of the authors' code for MNIST.
    """
    check_whole(z_dim, name="z_dim")
    layers = [part for sizes in pairwise([z_dim, *hidden]) for part in (nn.Linear(*sizes), nn.ReLU())]
    return nn.Sequential(*layers, nn.Linear(hidden[-1] if hidden else z_dim, 1))


def critic_loss(judge: nn.Module, z: Tensor, prior: Tensor) -> Tensor:
    """What the critic pays, in nats: for codes z taken for draws of the prior, and for draws of the prior that are not.

    2 log 2 where it cannot tell. No gradient flows into z. Tolstikhin et al. 2018, algorithm 1.
    """
    of_prior, of_codes = judge(prior), judge(z.detach())
    right = F.binary_cross_entropy_with_logits
    return right(of_prior, torch.ones_like(of_prior)) + right(of_codes, torch.zeros_like(of_codes))


def deception_loss(judge: nn.Module, z: Tensor) -> Tensor:
    """What the encoder pays, in nats, for codes z that the critic does not take for draws of the prior (non-saturating:
    strong where the critic is sure)."""
    logits = judge(z)
    return F.binary_cross_entropy_with_logits(logits, torch.ones_like(logits))


def fit_wae_gan(
    model: VAE,
    judge: nn.Module,
    images: Images | Tensor,
    *,
    weight: float = 200.0,
    epochs: int | None = None,
    steps: int | None = None,
    batch_size: int = 128,
    lr: float = 1e-3,
    critic_lr: float = 5e-4,
    seed: int = 0,
    device: str | torch.device | None = None,
    progress: bool = True,
) -> History:
    """Train model and critic in place, in turns, and return the curves; `regularizer` is weight * `deception_loss`.

    The model minimises its reconstruction cost plus what the encoder pays, the critic `critic_loss`, each with an Adam
    of its own; the reconstruction is the WAE's where the likelihood is Gaussian(sigma=sqrt(1/2)). The default weight is
    lambda = 10 on a cost that the authors' code multiplies by 0.05. Otherwise as `fit`, without checkpoints. Tolstikhin
    et al. 2018, algorithm 1.
    """
    check_model(model)
    check_number(weight, name="weight")
    check_number(critic_lr, name="critic_lr", positive=True)
    x = pixels_of(images)
    plan = Plan(len(x), epochs, steps, batch_size, lr, "constant", 0.0, None, seed)
    device = pick_device(device)
    model.to(device).train()
    judge.to(device).train()
    x = x.to(device)
    adam = torch.optim.Adam(model.parameters(), lr=lr, fused=True)
    critic_adam = torch.optim.Adam(judge.parameters(), lr=critic_lr, fused=True)

    with seeded(seed, device), Watch(model, plan, progress) as watch:
        for _, batch in plan.batches(watch.step, device):
            image = as_float(x.index_select(0, batch), model.dtype)
            q, z, logits = model(image)
            reconstruction = model.likelihood.nll(logits, image).mean()
            deception = weight * deception_loss(judge, z)
            terms = Terms(reconstruction + deception, reconstruction, q.kl().mean(), deception)
            adam.zero_grad()
            terms.loss.backward()
            adam.step()
            critic_adam.zero_grad()  # of what the deception left there too
            critic_loss(judge, z, torch.randn_like(z)).backward()
            critic_adam.step()
            watch.add(terms)
    return watch.history()
