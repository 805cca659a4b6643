"""Checks of exercise 07: labels one-hot, joined to images and codes, −ELBO given labels, a grid by class, lies."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F
from einops import rearrange, repeat
from torch import Tensor

from vae_tutorial.checks.answers import ask, given
from vae_tutorial.checks.comparing import Verdict, holds, matches, one_of, refuses
from vae_tutorial.checks.conditional_toys import toy_cvae, toy_layer
from vae_tutorial.checks.toys import SIDE, draw, no_pixels, toy_images
from vae_tutorial.gaussian import DiagGaussian
from vae_tutorial.vae import ConditionalVAE

CONTRAST = 12.0  # of the model whose samples are looked at
FAULTS = ("deaf encoder", "deaf decoder", "shuffled labels", "idle code")
SPREAD, STEP = "spread over the rows [k, h, w]", "spread of the step from the class before [k, h, w]"


def one_hot(
    function: Callable, through_a_layer: Callable, refused: Callable, *, seed: int = 0, b: int = 8, k: int = 5
) -> Iterator[Verdict]:
    """A learner's (y [b], n_classes) -> rows [b, k].

    through_a_layer: (seed, y, n_classes) -> `toy_layer` of the rows. refused: (y, n_classes) -> the name of what is
    raised for them, or "nothing".
    """
    y, classes = _labels(seed, b, k), torch.arange(k)
    rows = (y[:, None] == classes).double()
    yield matches(
        "is a row for each label, with a single 1 at the place of its class",
        ask(function, y, k),
        rows,
        slips={
            "the label itself is one number: as many are wanted as there are classes": y[:, None].double(),
            "there are ten columns, whatever class count is asked for": (y[:, None] == torch.arange(10)).double(),
            "where the 1 belongs stands the label itself": rows * y[:, None],
            "classes start from 0: your 1 stands one place too far to the left": rows.roll(-1, dims=1),
            "classes start from 0: your 1 stands one place too far to the right": rows.roll(1, dims=1),
            "every row has a 1 for every label of the batch: does `hot[:, y]` mean one place in each row?": rows.amax(
                0, keepdim=True
            ).expand(b, k),
            "rows and columns are exchanged: a row for each image": rows.T,
            "0 and 1 are exchanged": 1 - rows,
            "all rows are 0: is the result of a function that gives a new tensor used?": torch.zeros(b, k),
        },
    )
    fewer = y.clamp(max=k - 2)
    yield matches(
        "has a column also for a class that no image here has",
        ask(function, fewer, k),
        (fewer[:, None] == classes).double(),
    )
    layer = toy_layer(seed, k)
    yield matches(
        "is made of floats that a layer takes, and picks the layer's own column of each class",
        ask(through_a_layer, seed, y, k),
        layer.weight.T[y] + layer.bias,
    )
    for label, said in ((k, f"though {k - 1} is the last class"), (-1, "of zeros or of the last class")):
        wrong = torch.tensor([0, label])
        through = f"it gives a row for {label}, {said}: raise an error for labels that are no class"
        yield refuses(f"refuses the label {label} among {k} classes", ask(refused, wrong, k), through)


def join(function: Callable, *, seed: int = 0, b: int = 4, k: int = 5, z: int = 3) -> Iterator[Verdict]:
    """A learner's (values [b, ...], hot [b, k]) -> all numbers of each, its label behind them [b, n + k]."""
    x, codes, hot = draw(seed, b, 2, SIDE, 3), draw(seed + 1, b, z), _hot(_labels(seed, b, k), k)
    flat = x.flatten(1)
    yield matches(
        "puts the label's numbers behind the pixels of each image",
        ask(function, x, hot),
        torch.cat([flat, hot], dim=1),
        slips={
            "the label stands in front: pixels first, then the label": torch.cat([hot, flat], dim=1),
            "the label is missing": flat,
            "the pixels are missing": hot,
            "all images ended up in one row: flatten from axis 1 on, and keep axis 0": torch.cat(
                [x.flatten(), hot.flatten()]
            ),
            "the pixels of an image are in another order: rows and columns are exchanged": torch.cat(
                [x.mT.flatten(1), hot], dim=1
            ),
            "the label has become one number again": torch.cat([flat, hot.argmax(1, keepdim=True)], dim=1),
        },
    )
    yield matches(
        "puts them behind the latents of each code",
        ask(function, codes, hot),
        torch.cat([codes, hot], dim=1),
        slips={"the label stands in front: latents first, then the label": torch.cat([hot, codes], dim=1)},
    )


def minus_elbo(bounded: Callable, *, seed: int = 0, b: int = 6, k: int = 5, z: int = 3) -> Iterator[Verdict]:
    """A learner's loss, reconstruction and KL, means in nats per image, by (seed, x, hot, eps) of a `toy_cvae`."""
    model, x, eps = toy_cvae(seed, k, z, contrast=CONTRAST), toy_images(seed + 1, b), draw(seed + 2, b, z)
    hot = _hot(_labels(seed, b, k), k)
    nobody = torch.zeros_like(hot)
    truth, q, pixels = _parts(model, x, hot, hot, eps)
    rec, kl = truth["reconstruction"], truth["kl"]
    twice = F.binary_cross_entropy_with_logits(pixels.sigmoid(), x, reduction="sum") / b
    yield matches(
        "gives loss, reconstruction and KL in nats per image",
        ask(bounded, seed, x, hot, eps),
        truth,
        slips={
            "the encoder is not told the label": _parts(model, x, nobody, hot, eps)[0],
            "the decoder is not told the label": _parts(model, x, hot, nobody, eps)[0],
            "nobody is told the label: both networks see zeros in its place": _parts(model, x, nobody, nobody, eps)[0],
            "the noise is not used: the decoder sees the mean": _parts(model, x, hot, hot, 0 * eps)[0],
            "the noise is not scaled by σ": _parts(model, x, hot, hot, eps * torch.exp(-q.logvar / 2))[0],
            "this is what comes out if the variance stands where σ belongs": _parts(
                model, x, hot, hot, eps * torch.exp(q.logvar / 2)
            )[0],
            "logvar is taken for σ: how do you get from log σ² to σ?": _parts(
                model, x, hot, hot, eps * q.logvar * torch.exp(-q.logvar / 2)
            )[0],
            "the label was charged too: it is given, to both sides of the bound": {"loss": rec + kl + math.log(k)},
            "the KL has to be added": {"loss": rec - kl},
            "this is the ELBO: the loss is −ELBO": {"loss": -rec - kl},
            "the loss is the reconstruction alone": {"loss": rec},
            "the reconstruction is averaged over pixels: it is a sum": {"reconstruction": rec / SIDE**2},
            "the reconstruction is summed over the images too: it is their mean": {"reconstruction": rec * b},
            "the sigmoid is taken twice: these are logits": {"reconstruction": twice},
            "the KL is one number for each image: give the mean": {"kl": q.kl()},
            "the KL is summed over the images: it is their mean": {"kl": kl * b},
            "the KL is averaged over latents: it is a sum": {"kl": kl / z},
        },
    )


def class_grid(pictured: Callable, *, seed: int = 0, rows: int = 1000, k: int = 5, z: int = 3) -> Iterator[Verdict]:
    """A learner's picture [rows * h, k * w] by (seed, rows, n_classes): a code a row, a class a column."""
    model = toy_cvae(seed, k, z, contrast=CONTRAST)
    codes = draw(seed + 1, 20_000, z)
    picture = ask(pictured, seed, rows, k)
    shape = matches(
        "is one picture, rows * h by n_classes * w",
        picture.then(torch.ones_like),
        torch.ones(rows * SIDE, k * SIDE),
    )
    yield shape
    if shape.problem:
        return
    tiles = picture.then(lambda p: rearrange(p, "(r h) (k w) -> r k h w", h=SIDE, w=SIDE))
    yield holds("has pixels in [0, 1]", no_pixels, picture)
    yield holds("draws a code for each row", lambda t: "all rows are the same" if (t == t[0]).all() else None, tiles)
    every, in_turn = _in_every_class(model, codes, k), torch.arange(len(codes)) * k // len(codes)
    own, one, by_row = draw(seed + 2, 20_000 * k, z), every[:, 0], model.decode(codes, in_turn)[:, 0]
    shares = torch.rand(20_000, z, generator=torch.Generator().manual_seed(seed))
    truth = _seen(every)
    yield matches(
        "has each class in its column, and in a row the same code",
        tiles.then(_seen),
        truth,
        atol=5 * max(truth[SPREAD].max(), truth[STEP].max()) / rows**0.5,
        slips={
            "the codes differ within a row: there only the class should change": _seen(
                rearrange(model.decode(own, torch.arange(k).repeat(20_000)), "(r k) 1 h w -> r k h w", k=k)
            ),
            "all columns show the class 0": _seen(repeat(one, "r h w -> r k h w", k=k)),
            "all columns of a row show the same class": _seen(repeat(by_row, "r h w -> r k h w", k=k)),
            "the classes stand in reversed order": _seen(every.flip(1)),
            "rows of pixels are cut up: `view` and `reshape` put no image beside another": _seen(
                rearrange(every.reshape(-1, SIDE, k, SIDE), "r h k w -> r k h w")
            ),
            "these are codes between 0 and 1: the prior is N(0, I)": _seen(_in_every_class(model, shares, k)),
            "the sigmoid is taken twice": _seen(every.sigmoid()),
        },
    )


def wrong_labels(lied: Callable, *, seed: int = 0, b: int = 6, k: int = 5, z: int = 3) -> Iterator[Verdict]:
    """A learner's −ELBO with right and with shifted labels, by (seed, x, y, n_classes, eps) of a `toy_cvae`."""
    model, x, eps = toy_cvae(seed, k, z, contrast=CONTRAST), toy_images(seed + 1, b), draw(seed + 2, b, z)
    y = _labels(seed, b, k)
    hot, shifted = _hot(y, k), _hot((y + 1) % k, k)

    def loss(to_encoder: Tensor, to_decoder: Tensor, part: str = "loss") -> Tensor:
        return _parts(model, x, to_encoder, to_decoder, eps)[0][part]

    right, wrong = loss(hot, hot), loss(shifted, shifted)
    before, stays = _hot((y - 1) % k, k), _hot((y + 1).clamp(max=k - 1), k)
    yield matches(
        "gives −ELBO with the right labels, and with each label moved to the next class",
        ask(lied, seed, x, y, k, eps),
        {"right labels": right, "wrong labels": wrong},
        slips={
            "the two are exchanged": {"right labels": wrong, "wrong labels": right},
            "the second is their difference: give −ELBO itself": {"wrong labels": wrong - right},
            "both are the same: do the wrong labels reach the networks?": {"wrong labels": right},
            "each label moved to the class before": {"wrong labels": loss(before, before)},
            "the last class stays what it is: class 0 comes after it": {"wrong labels": loss(stays, stays)},
            "these are the reconstructions: −ELBO has the KL too": {
                "right labels": loss(hot, hot, "reconstruction"),
                "wrong labels": loss(shifted, shifted, "reconstruction"),
            },
            "only the encoder is lied to": {"wrong labels": loss(shifted, hot)},
            "only the decoder is lied to": {"wrong labels": loss(hot, shifted)},
        },
    )


def obeyed(function: Callable, *, seed: int = 0, k: int = 4) -> Iterator[Verdict]:
    """A learner's counts [k, k] of samples asked to be i and seen as j -> share seen as asked, and each class's [k]."""
    generator = torch.Generator().manual_seed(seed)
    counts = torch.randint(0, 12, (k, k), generator=generator) + 40 * torch.diag(torch.arange(1, k + 1))
    counts[0, -1] += 60  # class 0 is seen as the last one more often than as itself
    right, asked = counts.diagonal().double(), counts.sum(1)
    share, each = right.sum() / counts.sum(), right / asked
    yield matches(
        "is the share of all samples that are seen as asked, and that of each class",
        ask(function, counts),
        {"share": share, "each": each},
        slips={
            "the shares are of what was seen as a class, not of what was asked for: which axis is which?": {
                "each": right / counts.sum(0)
            },
            "each class counts alike in your mean, but not all classes were asked for equally often": {
                "share": each.mean()
            },
            "this is what each class was seen as most often, right or wrong": {"each": counts.amax(1) / asked},
            "these are counts, not shares": {"share": right.sum()},
            "these are the diagonal's counts, not shares": {"each": right},
            "this is the share that was seen otherwise": {"share": 1 - share},
            "the shares of the classes have to be of that class's samples, not of all": {"each": right / counts.sum()},
        },
    )
    yield matches(
        "is 1 where every label is obeyed",
        ask(function, torch.eye(k).long() * 7),
        {"share": 1.0, "each": torch.ones(k)},
    )


def fault(value: Any) -> Iterator[Verdict]:
    """A learner's word for what is wrong with `their_run`."""
    yield one_of("is one of the four faults", given(value), FAULTS)


def mended(decoded: Callable, *, seed: int = 0, b: int = 6, k: int = 5, z: int = 3) -> Iterator[Verdict]:
    """A learner's mean images of codes and labels, by (seed, z, y, n_classes) of a `toy_cvae`."""
    model, codes, y = toy_cvae(seed, k, z, contrast=CONTRAST), draw(seed + 1, b, z), _labels(seed, b, k)
    hot = _hot(y, k)

    def images(labels: Tensor, of: Tensor = codes) -> Tensor:
        return torch.sigmoid(model.decoder(of, labels))

    front = torch.cat([hot, codes], dim=1)
    yield matches(
        "gives each code's image in the class it is asked in",
        ask(decoded, seed, codes, y, k),
        images(hot),
        slips={
            "the labels still arrive as zeros: which line makes a tensor that nobody uses?": images(0 * hot),
            "every image is told every label of the batch": images(hot.amax(0, keepdim=True).expand(b, k)),
            "the label stands in front: latents first, then the label": images(front[:, z:], front[:, :z]),
            "the 1 stands one place too far": images(hot.roll(1, dims=1)),
            "where the 1 belongs stands the label itself": images(hot * y[:, None]),
            "these are logits: the sigmoid is missing": model.decoder(codes, hot),
            "the sigmoid is taken twice": images(hot).sigmoid(),
            "the label is there, the code is not": images(hot, 0 * codes),
        },
    )


def _labels(seed: int, b: int, k: int) -> Tensor:
    """Labels [b] of k classes; the first is the last class."""
    y = torch.randint(k, (b,), generator=torch.Generator().manual_seed(seed))
    y[0] = k - 1
    return y


def _hot(y: Tensor, k: int) -> Tensor:
    return (y[:, None] == torch.arange(k)).float()


def _parts(
    model: ConditionalVAE, x: Tensor, to_encoder: Tensor, to_decoder: Tensor, eps: Tensor
) -> tuple[dict[str, Tensor], DiagGaussian, Tensor]:
    """Loss, reconstruction and KL, the posteriors and the logits, with the labels each network is told."""
    q = model.encoder(x, to_encoder)
    logits = model.decoder(q.mu + torch.exp(q.logvar / 2) * eps, to_decoder)
    rec = F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)
    kl = q.kl().mean()
    return {"loss": rec + kl, "reconstruction": rec, "kl": kl}, q, logits


def _in_every_class(model: ConditionalVAE, z: Tensor, k: int) -> Tensor:
    """Mean images [r, k, h, w] of codes [r, z]."""
    return torch.stack([model.decode(z, label)[:, 0] for label in range(k)], dim=1)


def _seen(tiles: Tensor) -> Any:
    """Of images [r, k, h, w], by name: mean and spread over r, and the spread of the difference to the class before."""
    step = tiles - tiles.roll(1, dims=1)
    return {"mean over the rows [k, h, w]": tiles.mean(0), SPREAD: tiles.std(0), STEP: step.std(0)}
