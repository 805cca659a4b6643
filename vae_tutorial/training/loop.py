"""The training loop and its counterpart for evaluation."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from vae_tutorial.arguments import check_whole
from vae_tutorial.data import Images
from vae_tutorial.devices import pick_device, seeded
from vae_tutorial.objectives import Terms
from vae_tutorial.pixels import as_float, check_images
from vae_tutorial.training.checkpoint import Checkpoint
from vae_tutorial.training.history import History
from vae_tutorial.training.plan import Plan
from vae_tutorial.training.watch import Watch
from vae_tutorial.vae import ConditionalVAE, Model, check_labels, looking


def fit(
    model: Model,
    objective: Callable[..., Terms],
    images: Images | Tensor,
    *,
    epochs: int | None = None,
    steps: int | None = None,
    batch_size: int = 128,
    lr: float = 1e-3,
    schedule: str = "constant",
    weight_decay: float = 0.0,
    clip_norm: float | None = None,
    seed: int = 0,
    device: str | torch.device | None = None,
    checkpoint: str | Path | None = None,
    progress: bool = True,
    compile: bool = False,
) -> History:
    """Train `model` in place with Adam and return the curves; Ctrl-C ends it early, with the curves so far.

    images: an Images, or a tensor [n, c, h, w], uint8 or in [0, 1]; a ConditionalVAE is told the labels, so it needs an
    Images. Give `epochs` or `steps`; an epoch is a pass over the images in random order, without the rest that does not
    fill a batch. lr follows `schedule`: "constant", or "cosine" down to 0. weight_decay is Adam's L2 term; clip_norm
    bounds the gradient's norm (loss in nats per image), and the history keeps what it was before; with math.inf it is
    only kept. With `checkpoint`, the run is saved there after each epoch and goes on from there if the file exists; on
    the CPU a resumed run ends with the bits of an unbroken one. The same seed gives the same curve; the caller's random
    state is left as found. Raises ValueError or TypeError for arguments out of range, TrainingDivergedError when the
    loss is no longer finite, CheckpointError for a file that cannot be used.
    """
    check_model(model)
    x, y = pixels_of(images), labels_of(model, images)
    plan = Plan(len(x), epochs, steps, batch_size, lr, schedule, weight_decay, clip_norm, seed)
    saved = Checkpoint(checkpoint, plan, objective, x, y) if checkpoint is not None else None
    device = pick_device(device)
    model.to(device).train()
    x, y = x.to(device), None if y is None else y.to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=lr, weight_decay=weight_decay, fused=True)
    charge = torch.compile(objective) if compile else objective

    with seeded(seed, device), Watch(model, plan, progress) as watch:
        if saved is not None and saved.path.exists():
            saved.resume(model, optimizer, watch)
        for step, batch in plan.batches(watch.step, device):
            labels = () if y is None else (y.index_select(0, batch),)
            terms = charge(model, as_float(x.index_select(0, batch), model.dtype), *labels, step=torch.tensor(step))
            optimizer.zero_grad()
            terms.loss.backward()
            norm = () if clip_norm is None else (nn.utils.clip_grad_norm_(model.parameters(), clip_norm),)
            optimizer.param_groups[0]["lr"] = plan.lr_at(step)
            optimizer.step()
            watch.add(terms, *norm)
            if saved is not None and watch.epoch_is_over:
                saved.save(model, optimizer, watch)
    return watch.history()


def evaluate(
    model: Model, objective: Callable[..., Terms], images: Images | Tensor, *, batch_size: int = 1000, seed: int = 0
) -> Terms:
    """Means of the objective's terms over all images, in nats per image: eval mode, no gradients, training over.

    images: as for `fit`. The same seed gives the same numbers; the caller's random state and the model's mode are left
    as found. Raises as `check_images` does, and for a ConditionalVAE as `check_labels`.
    """
    check_model(model)
    x, y = pixels_of(images), labels_of(model, images)
    check_whole(batch_size, name="batch_size")
    total = torch.zeros(len(Terms._fields), dtype=torch.float64)
    with seeded(seed, model.device), looking(model):
        for i, batch in enumerate(x.split(batch_size)):
            labels = () if y is None else (y[i * batch_size : (i + 1) * batch_size].to(model.device),)
            terms = objective(model, as_float(batch.to(model.device), model.dtype), *labels)
            total += torch.stack(terms).cpu().double() * len(batch)
    return Terms(*total / len(x))


def generalization_gap(
    model: Model, objective: Callable[..., Terms], train: Images | Tensor, test: Images | Tensor, *, seed: int = 0
) -> Terms:
    """What the terms of images that were not trained on are above those of images that were, in nats per image.

    As many training images as there are test images are evaluated, the first ones, or all where they are fewer, both
    sets as `evaluate` does it. Positive: the model knows its training images by heart, to that extent. Raises as
    `evaluate` does.
    """
    for images in (train, test):
        pixels_of(images)  # what is no image set may have neither a length nor parts
    known = evaluate(model, objective, train[: len(test)], seed=seed)
    return Terms(*(new - old for new, old in zip(evaluate(model, objective, test, seed=seed), known, strict=True)))


def check_model(model: object) -> None:
    """Raise TypeError for what is no model, such as an objective in its place."""
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a model such as VAE(*mlp()), got {type(model).__name__}")


def pixels_of(images: Images | Tensor) -> Tensor:
    """The checked pixels of a data set or tensor."""
    return check_images(images.x if isinstance(images, Images) else images)


def labels_of(model: Model, images: Images | Tensor) -> Tensor | None:
    """The checked labels of a data set, int64 [n], for a model that takes them; None for one that does not."""
    if not isinstance(model, ConditionalVAE):
        return None
    if not isinstance(images, Images):
        given = "a tensor without any" if isinstance(images, Tensor) else type(images).__name__
        raise TypeError(f"images must be an Images, for its labels, where the model is a ConditionalVAE, got {given}")
    return check_labels(images.y.cpu(), len(images), model.n_classes)
