"""Checks of exercise 04: batch norm in both modes, its running estimates, its place, and pictures that need eval()."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vae_tutorial.checks.answers import ask, given
from vae_tutorial.checks.comparing import Verdict, holds, matches, one_of
from vae_tutorial.checks.layers import gamma_beta, modes_kept, part, placed, weight
from vae_tutorial.checks.toys import SIDE, draw
from vae_tutorial.networks import mlp

EPS = 0.2  # large, so that it shows where it stands
BATCH_SIZES = range(2, 129)
FAULTS = ("the weights change", "other codes", "train mode", "gradients are on", "no sigmoid")


def train_mode(function: Callable, *, seed: int = 0, b: int = 6, k: int = 4) -> Iterator[Verdict]:
    """A learner's (h, gamma, beta, eps) -> what batch norm hands on in train mode, all of h [b, k]."""
    h, gamma, beta = _units(seed, b, k)
    m, v = h.mean(0), h.var(0, correction=0)
    scale = partial(_scaled, gamma=gamma, beta=beta)
    yield matches(
        "is what PyTorch's batch norm makes of the batch in train mode",
        ask(function, h, gamma, beta, EPS),
        F.batch_norm(h, None, None, gamma, beta, training=True, eps=EPS),
        slips={
            "mean and spread are taken over the units of each image: over what does batch norm take them?": scale(
                h - h.mean(1, keepdim=True), h.var(1, correction=0, keepdim=True) + EPS
            ),
            "mean and spread are taken over images and units together: each unit has its own": scale(
                h - h.mean(), h.var(correction=0) + EPS
            ),
            "the variance is divided by n − 1: which divisor does the formula of v have?": scale(
                h - m, h.var(0, correction=1) + EPS
            ),
            "eps is not in it": scale(h - m, v),
            "eps is added to the standard deviation: does it stand inside the root or outside?": scale(
                h - m, (v.sqrt() + EPS) ** 2
            ),
            "this divides by the variance: where is the root?": scale(h - m, (v + EPS) ** 2),
            "the mean is not subtracted": scale(h, v + EPS),
            "only the mean is divided by the spread: where do the brackets stand?": gamma * (h - m / (v + EPS).sqrt())
            + beta,
            "γ and β are left out": (h - m) / (v + EPS).sqrt(),
            "β is left out": scale(h - m, v + EPS) - beta,
            "γ is left out": (h - m) / (v + EPS).sqrt() + beta,
            "γ multiplies β, too: which of the two comes first?": gamma * ((h - m) / (v + EPS).sqrt() + beta),
        },
    )
    equal = torch.full((b, k), -0.5)
    yield matches(
        "stays finite for a unit that says the same of every image",
        ask(function, equal, gamma, beta, 1e-5),
        beta.expand(b, k),
    )


def running(function: Callable, *, seed: int = 0, b: int = 5, k: int = 4, momentum: float = 0.1) -> Iterator[Verdict]:
    """A learner's (running_mean, running_var, h, momentum) -> both [k] after the batch h [b, k]."""
    h, mean, var = _units(seed, b, k)[0], draw(seed + 3, k), draw(seed + 4, k).exp()
    m, v, biased = h.mean(0), h.var(0, correction=1), h.var(0, correction=0)

    def moved(mean_to: Tensor = m, var_to: Tensor = v, share: float = momentum) -> dict[str, Tensor]:
        return {"running_mean": mean + share * (mean_to - mean), "running_var": var + share * (var_to - var)}

    after = mean.clone(), var.clone()
    F.batch_norm(h, *after, training=True, momentum=momentum)  # PyTorch moves them in place
    yield matches(
        "are what PyTorch's layer keeps after the batch",
        ask(function, mean, var, h, momentum),
        dict(zip(("running_mean", "running_var"), after, strict=True)),
        slips={
            "momentum is turned round: which share of the way does one batch move an estimate?": moved(
                share=1 - momentum
            ),
            "the variance that is kept is divided by n − 1, unlike the one that normalises": moved(var_to=biased),
            "the old estimates are forgotten: this is the batch alone": moved(share=1.0),
            "nothing has moved": moved(share=0.0),
            "the standard deviation is kept, not the variance": moved(var_to=v.sqrt()),
            "the batch is added to the whole of the old estimate: how much of the old one stays?": {
                "running_mean": mean + momentum * m,
                "running_var": var + momentum * v,
            },
            "the variance does not move": {"running_mean": moved()["running_mean"], "running_var": var},
            "mean and variance are taken over images and units together: each unit has its own": moved(
                h.mean(), h.var()
            ),
            "the estimates move away from the batch: which of the two is subtracted?": moved(share=-momentum),
            "the two are exchanged: the mean comes first": {"running_mean": after[1], "running_var": after[0]},
        },
    )


def eval_mode(function: Callable, *, seed: int = 0, b: int = 5, k: int = 4) -> Iterator[Verdict]:
    """A learner's (h, running_mean, running_var, gamma, beta, eps) -> what batch norm hands on in eval mode [b, k]."""
    (h, gamma, beta), mean, var = _units(seed, b, k), draw(seed + 3, k), draw(seed + 4, k).exp()
    scale = partial(_scaled, gamma=gamma, beta=beta)
    truth = F.batch_norm(h, mean, var, gamma, beta, training=False, eps=EPS)
    yield matches(
        "is what PyTorch's batch norm makes of the batch in eval mode",
        ask(function, h, mean, var, gamma, beta, EPS),
        truth,
        slips={
            "these are the batch's own mean and spread: what stands in for them in eval mode?": scale(
                h - h.mean(0), h.var(0, correction=0) + EPS
            ),
            "the running variance is taken for a standard deviation: where is the root?": scale(h - mean, var**2),
            "this divides by the variance: where is the root?": scale(h - mean, (var + EPS) ** 2),
            "eps is not in it": scale(h - mean, var),
            "eps is added to the standard deviation: does it stand inside the root or outside?": scale(
                h - mean, (var.sqrt() + EPS) ** 2
            ),
            "γ and β are left out": (h - mean) / (var + EPS).sqrt(),
            "the running mean is not subtracted": scale(h, var + EPS),
            "the running variance is multiplied by (n − 1) / n: eval mode takes it as it is": scale(
                h - mean, var * (b - 1) / b + EPS
            ),
        },
    )
    alone = ask(function, h[:1], mean, var, gamma, beta, EPS)
    yield matches("gives the first image the same without its mates", alone, truth[:1], slips={"only β is left": beta})


def drifted(value: Any, variant: SimpleNamespace) -> Iterator[Verdict]:
    """A learner's running mean after `calls` batches of mean `mean`, from `before`."""
    estimate, mean = torch.tensor([variant.before]), variant.mean
    layer_var = torch.ones(1)
    for _ in range(variant.calls):
        F.batch_norm(torch.full((2, 1), mean), estimate, layer_var, training=True, momentum=0.1)
    way = mean - variant.before
    yield matches(
        "is where the running mean ends",
        given(value),
        estimate,
        atol=0.01,
        secret=True,
        slips={
            "each batch goes a tenth of the way that is left, which gets shorter": variant.before
            + 0.1 * variant.calls * way,
            "the old estimate fades too fast: how much of it does one batch leave?": mean - way * 0.1**variant.calls,
            "this is where one batch takes it": variant.before + 0.1 * way,
            "this is how far it moves: where does it start?": estimate - variant.before,
            "this is the share of the old estimate that is left: share of what?": 0.9**variant.calls,
            "the old estimate fades, and nothing takes its place": variant.before * 0.9**variant.calls,
            "before and mean are exchanged: where does the estimate start?": variant.before + way * 0.9**variant.calls,
            "a batch is missing: how many are there?": mean - way * 0.9 ** (variant.calls - 1),
            "there is a batch too many": mean - way * 0.9 ** (variant.calls + 1),
        },
    )


def batches_of_one(value: Any, variant: SimpleNamespace) -> Iterator[Verdict]:
    """A learner's batch sizes in BATCH_SIZES whose last batch of `images` images holds one."""
    n = variant.images
    listed = list(value) if isinstance(value, set | range) else value
    sizes = given(torch.zeros(0) if isinstance(listed, list | tuple) and not listed else listed)
    truth = torch.tensor([b for b in BATCH_SIZES if len(torch.arange(n).split(b)[-1]) == 1])
    yield matches(
        "are the sizes whose last batch holds one image",
        sizes.then(lambda numbers: numbers.flatten().sort().values),
        truth,
        atol=0,
        secret=True,
        slips={
            "these leave nothing over: how many images have to be left?": torch.tensor(
                [b for b in BATCH_SIZES if n % b == 0]
            ),
            "these lack one image to fill the last batch: how many images has that batch?": torch.tensor(
                [b for b in BATCH_SIZES if (n + 1) % b == 0]
            ),
            "a size of 1 is not among those asked for": torch.tensor(
                [1, *(b for b in BATCH_SIZES if (n - 1) % b == 0)]
            ),
            "the list is empty, and there are such sizes": torch.zeros(0),
            "this is how many sizes there are: which are they?": torch.tensor([len(truth)]),
        },
    )


def networks(
    function: Callable, *, seed: int = 0, b: int = 6, pixels: int = 16, hidden: Sequence[int] = (12, 8, 8), z: int = 3
) -> Iterator[Verdict]:
    """A learner's (seed, x, codes, hidden) -> of encoder and decoder, the layers in words and what they say."""
    x, codes = draw(seed + 50, b, pixels), draw(seed + 51, b, z)
    answer = ask(function, seed, x, codes, list(hidden))
    parts = {"encoder": (x, [pixels, *hidden, 2 * z]), "decoder": (codes, [z, *reversed(hidden), pixels])}
    order = ("BatchNorm1d", "ReLU")
    verdicts = [
        placed(f"the {name} has batch norm where it belongs", part(answer, name), sizes, [order])
        for name, (_, sizes) in parts.items()
    ]
    yield from verdicts
    if any(verdict.problem for verdict in verdicts):
        return
    for name, (numbers, sizes) in parts.items():
        truth = _normalised_network(numbers, sizes, seed)
        yield matches(f"the {name} answers as these layers do in train mode", part(answer, f"{name} says"), truth)


def fault(word: Any) -> Iterator[Verdict]:
    """A learner's name of what is wrong."""
    yield one_of("is one of the faults to choose from", given(word), FAULTS)


def pictures(function: Callable, *, seed: int = 0, b: int = 5, z: int = 3) -> Iterator[Verdict]:
    """A learner's (seed, codes, modes) -> pictures by `toy_decoder(seed, z)` in these modes, and what they left."""
    codes, decoder = draw(seed + 1, b, z), toy_decoder(seed, z)
    before = estimates(decoder)
    modules = list(decoder.modules())
    among_mates, truth = (_logits(seed, codes, training) for training in (True, False))
    trained = ask(function, seed, codes, [1] * len(modules))
    yield matches(
        "shows every code as eval mode does",
        part(trained, "pictures"),
        truth.sigmoid(),
        slips={
            "these are the pictures of train mode: does `torch.no_grad()` change the mode?": among_mates.sigmoid(),
            "these are logits: what makes probabilities of them?": truth,
            "the sigmoid is taken twice": truth.sigmoid().sigmoid(),
        },
    )
    yield holds(
        "leaves the running estimates as they were",
        lambda after: None if torch.equal(after, before) else "they have moved: in which mode does a batch move them?",
        part(trained, "estimates").then(torch.clone),
    )
    yield holds(
        "records no gradients",
        lambda on: "they are: what switches them off while you look?" if on else None,
        part(trained, "gradients"),
    )
    frozen = [0 if isinstance(module, nn.BatchNorm1d) else 1 for module in modules]
    found = {"in train mode": [1] * len(modules), "in eval mode": [0] * len(modules), "partly frozen": frozen}
    for said, modes in found.items():
        after = part(ask(function, seed, codes, modes), "modes")
        yield modes_kept(f"leaves a decoder that it finds {said} as it was", after, modes)
    alone = part(ask(function, seed, codes[:1], [1] * len(modules)), "pictures")
    yield matches("shows a single code, too", alone, truth[:1].sigmoid())


def toy_decoder(seed: int, z: int = 3) -> nn.Module:
    """An untrained decoder of images [b, 1, 4, 4] with batch norm, whose running estimates are far from any batch's."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        decoder = mlp((1, SIDE, SIDE), hidden=(8, 6), z_dim=z, batch_norm=True)[1]
        for name, buffer in decoder.named_buffers():
            if name.endswith("running_mean"):
                buffer.normal_()
            elif name.endswith("running_var"):
                buffer.uniform_(0.1, 0.5)
    return decoder


def estimates(decoder: nn.Module) -> Tensor:
    """All running estimates in one row, a copy."""
    return torch.cat([buffer.detach().double().flatten() for buffer in decoder.buffers()])


def _units(seed: int, b: int, k: int) -> tuple[Tensor, Tensor, Tensor]:
    """What k units say of b images [b, k], each around a place of its own, and gamma and beta [k]."""
    h, place, gamma, beta = draw(seed, b, k), draw(seed + 1, k), draw(seed + 2, k).exp(), draw(seed + 5, k)
    return 1.5 * h + 3 * place, gamma, beta


def _scaled(centred: Tensor, variance: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
    return gamma * centred / variance.sqrt() + beta


def _logits(seed: int, codes: Tensor, training: bool) -> Tensor:
    with torch.no_grad():
        return toy_decoder(seed, codes.shape[1]).train(training)(codes)


def _normalised_network(h: Tensor, sizes: Sequence[int], seed: int) -> Tensor:
    """What linear layers of these sizes, their hidden ones with batch norm and ReLU, say in train mode."""
    for number, (before, after) in enumerate(pairwise(sizes)):
        h = h @ weight(seed, number, before, after).T
        if number < len(sizes) - 2:
            centred, variance = h - h.mean(0), h.var(0, correction=0)
            h = _scaled(centred, variance + 1e-5, *gamma_beta(seed, number, after)).clamp(min=0)
    return h
