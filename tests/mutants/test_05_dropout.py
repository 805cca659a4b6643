"""Wrong and right answers to exercise 05."""

import math
from itertools import pairwise, product

import numpy as np
import scipy.stats
import torch
import torch.nn.functional as F
from bordering import *  # noqa: F403
from proving import *  # noqa: F403
from proving import Bank
from torch import nn

from vae_tutorial.checks.dropout import loss
from vae_tutorial.objectives import Objective
from vae_tutorial.regularizers import KL
from vae_tutorial.training import generalization_gap
from vae_tutorial.vae import looking

LESSON = "05_dropout"


def dropping(train, evaluate=lambda h, u, p: h):
    return lambda h, u, p, training: train(h, u, p) if training else evaluate(h, u, p)


def inverted(h, u, p):
    return h * (u >= p) / (1 - p)


def dropout_by_loops(h, u, p, training):
    def one(value, chance):
        return (0.0 if chance < p else value / (1 - p)) if training else value

    return [[one(*pair) for pair in zip(*rows, strict=True)] for rows in zip(h.tolist(), u.tolist(), strict=True)]


def dropout_in_place(h, u, p, training):
    if training:
        h[u < p] = 0
        h /= 1 - p
    return h


def dropout_by_numpy(h, u, p, training):
    return np.where(u < p, 0, h / (1 - p)) if training else h.numpy()


def of_moments(mean=lambda z, p: z, variance=lambda z, p: p / (1 - p) * z**2):
    return lambda z, p: (mean(z, p), variance(z, p))


def moments_by_enumeration(z, p):
    """All masks of all numbers, as the lesson sums over them."""
    mean, square = [0.0] * len(z), [0.0] * len(z)
    for mask in product([0, 1], repeat=len(z)):
        chance = math.prod(1 - p if kept else p for kept in mask)
        for i, kept in enumerate(mask):
            mean[i] += chance * kept * z[i].item() / (1 - p)
            square[i] += chance * (kept * z[i].item() / (1 - p)) ** 2
    return {"mean": mean, "variance": [s - m * m for s, m in zip(square, mean, strict=True)]}


def moments_by_torch(z, p):
    mask = torch.distributions.Bernoulli(torch.full_like(z, 1 - p))
    return mask.mean * z / (1 - p), mask.variance * (z / (1 - p)).square()


def of_prediction(variance=lambda p: 1 / (1 - p), kurtosis=lambda p: 3 / (1 - p), zeros=lambda p: p):
    return lambda mine: [variance(mine.p), kurtosis(mine.p), zeros(mine.p)]


def prediction_by_integral(mine):
    z = torch.linspace(-12, 12, 20_001, dtype=torch.double)
    density = torch.distributions.Normal(0, 1).log_prob(z).exp() * (1 - mine.p)
    moment = [torch.trapezoid(density * (z / (1 - mine.p)) ** power, z) for power in (2, 4)]
    return torch.stack([moment[0], moment[1] / moment[0] ** 2, torch.tensor(mine.p)])


def of_measure(
    variance=lambda z: z.var(),
    kurtosis=lambda z: z.pow(4).mean() / z.var() ** 2,
    zeros=lambda z: (z == 0).float().mean(),
):
    return lambda z: (variance(z), kurtosis(z), zeros(z))


def measure_by_scipy(codes):
    z = codes.numpy().astype(float)
    return {"v": z.var(), "k": scipy.stats.kurtosis(z, fisher=False), "s": np.count_nonzero(z == 0) / len(z)}


def measure_by_loops(codes):
    z = codes.tolist()
    v = sum(a * a for a in z) / (len(z) - 1)
    return [v, sum(a**4 for a in z) / len(z) / v**2, z.count(0.0) / len(z)]


def hidden_layer(before, after, p):
    return [nn.Linear(before, after), nn.ReLU(), nn.Dropout(p)]


def plain_layer(before, after, p):
    return [nn.Linear(before, after), nn.ReLU()]


def both(layer=hidden_layer, end=lambda p: [], decoder_layer=None, start=lambda p: []):
    """Both networks with the given hidden layers, and what stands at start and end."""

    def stack(sizes, out, layer, p):
        layers = start(p)
        for before, after in pairwise(sizes):
            layers += layer(before, after, p)
        return [*layers, nn.Linear(sizes[-1], out), *end(p)]

    def networks(pixels, hidden, z_dim, p=0.2):
        encoder = stack([pixels, *hidden], 2 * z_dim, layer, p)
        return encoder, stack([z_dim, *hidden[::-1]], pixels, decoder_layer or layer, p)

    return networks


def networks_of_blocks(pixels, hidden, z_dim, p=0.2):
    """Blocks in blocks that share what has no weights, dropout before the activation."""
    drop, relu = nn.Dropout(p), nn.ReLU()
    sizes = [pixels, *hidden]
    encoder = nn.Sequential(*(nn.Sequential(nn.Linear(a, b), drop, relu) for a, b in pairwise(sizes)))
    decoder = [nn.Sequential(nn.LazyLinear(size), drop, relu) for size in reversed(hidden)]
    return [nn.Flatten(), encoder, nn.Linear(sizes[-1], 2 * z_dim)], (*decoder, nn.LazyLinear(pixels))


def not_reversed(pixels, hidden, z_dim, p=0.2):
    return both()(pixels, hidden, z_dim, p)[0], both()(z_dim, hidden, pixels // 2, p)[0]


def all_dropout_at_the_end(pixels, hidden, z_dim, p=0.2):
    """As many dropout layers as hidden ones, all of them behind the last."""
    parts = both(plain_layer)(pixels, hidden, z_dim, p)
    return [[*layers[:-1], *(nn.Dropout(p) for _ in hidden), layers[-1]] for layers in parts]


def one_layer_for_all(pixels, hidden, z_dim, p=0.2):
    """Hidden layers of the same sizes share their weights."""
    lines = {}

    def layer(before, after, p):
        return [lines.setdefault((before, after), nn.Linear(before, after)), nn.ReLU(), nn.Dropout(p)]

    return both(layer)(pixels, hidden, z_dim, p)


def of_gap(known_mode=False, new_mode=False, difference=lambda known, new: new - known, restore=True):
    def honest_gap(model, known, new):
        was = model.training
        costs = [loss(model.train(mode), x) for mode, x in ((known_mode, known), (new_mode, new))]
        if restore:
            model.train(was)
        return difference(*costs)

    return honest_gap


def gap_as_found(model, known, new):
    """Whoever calls it decides the mode."""
    return loss(model, new) - loss(model, known)


def gap_by_looking(model, known, new):
    with looking(model):
        return torch.tensor(loss(model, new)) - loss(model, known)


def gap_by_the_package(model, known, new):
    return generalization_gap(model, Objective(KL()), known, new).loss


def decoder(forward, drop=lambda p: None):
    """A decoder class with the given forward."""

    class Mended(nn.Module):
        def __init__(self, body, p):
            super().__init__()
            self.body, self.p, self.drop = body, p, drop(p)

    Mended.forward = forward
    return Mended


def by_hand(self, z):
    if not self.training:
        return self.body(z)
    return self.body(z * torch.bernoulli(torch.full_like(z, 1 - self.p)) / (1 - self.p))


def by_hand_unscaled(self, z):
    return self.body(z * torch.bernoulli(torch.full_like(z, 1 - self.p)) if self.training else z)


def scaled_again(self, z):
    """In eval mode, too, what dropout was to have done."""
    return self.body(F.dropout(z, self.p) if self.training else z * (1 - self.p))


def by_masks_of(ones):
    """One chance for many numbers at once."""
    return lambda self, z: self.body(z * F.dropout(ones(z), self.p, self.training))


def one_mask_for_ever(self, z):
    if not self.training:
        return self.body(z)
    torch.manual_seed(0)
    return self.body(F.dropout(z, self.p))


BANKS = {
    "dropout": Bank(
        "dropout",
        wrong=[
            ("is not scaled up", dropping(lambda h, u, p: h * (u >= p))),
            ("divided by p", dropping(lambda h, u, p: h * (u >= p) / p)),
            ("is scaled down", dropping(lambda h, u, p: h * (u >= p) * (1 - p))),
            ("drops with probability 1 − p", dropping(lambda h, u, p: h * (u < p) / (1 - p))),
            ("with which probability is a number dropped", dropping(lambda h, u, p: h * (u < p) / p)),
            ("and nothing is scaled", dropping(lambda h, u, p: h * (u < p))),
            ("nothing is lost", dropping(lambda h, u, p: h)),
            ("and all is scaled", dropping(lambda h, u, p: h / (1 - p))),
            ("not 0", dropping(lambda h, u, p: torch.where(u < p, 1.0, h) / (1 - p))),
            ("in eval mode numbers are lost, too", dropping(inverted, inverted)),
            ("and the rest is not scaled", dropping(inverted, lambda h, u, p: h * (u >= p))),
            ("all is scaled down", dropping(inverted, lambda h, u, p: h * (1 - p))),
            ("all is scaled up", dropping(inverted, lambda h, u, p: h / (1 - p))),
            ("expected", dropping(lambda h, u, p: F.dropout(h, p))),
            ("expected", dropping(lambda h, u, p: inverted(h, u[0], p))),
            ("gives nothing back", lambda h, u, p, training: inverted(h, u, p) if training else None),
        ],
        right=[dropping(inverted), dropout_by_loops, dropout_in_place, dropout_by_numpy],
    ),
    "moments": Bank(
        "moments",
        wrong=[
            ("the mean is that without scaling", of_moments(mean=lambda z, p: (1 - p) * z)),
            ("the mean is that of what is left", of_moments(mean=lambda z, p: z / (1 - p))),
            ("the mean comes first", lambda z, p: of_moments()(z, p)[::-1]),
            ("the variance is that without scaling", of_moments(variance=lambda z, p: p * (1 - p) * z**2)),
            ("of z, or of its square", of_moments(variance=lambda z, p: p / (1 - p) * z)),
            ("what has to be subtracted", of_moments(variance=lambda z, p: z**2 / (1 - p))),
            ("this is the standard deviation", of_moments(variance=lambda z, p: (p / (1 - p)) ** 0.5 * z.abs())),
            ("are exchanged", of_moments(variance=lambda z, p: (1 - p) / p * z**2)),
            ("here z is known", of_moments(variance=lambda z, p: torch.full_like(z, 1 / (1 - p)))),
            ("does not stay as it is", of_moments(variance=lambda z, p: 0 * z)),
            ("2 results are asked for", lambda z, p: p / (1 - p) * z**2),
        ],
        right=[of_moments(), moments_by_enumeration, moments_by_torch],
    ),
    "predicted": Bank(
        "predicted",
        of_variant=True,
        wrong=[
            ("without scaling", of_prediction(variance=lambda p: 1 - p)),
            ("does it keep the variance", of_prediction(variance=lambda p: 1.0)),
            ("some of the numbers are 0", of_prediction(variance=lambda p: 1 / (1 - p) ** 2)),
            ("this is the standard deviation", of_prediction(variance=lambda p: (1 - p) ** -0.5)),
            ("the code has one of its own", of_prediction(variance=lambda p: p / (1 - p))),
            ("the kurtosis of a normal", of_prediction(kurtosis=lambda p: 3)),
            ("by what is it divided", of_prediction(kurtosis=lambda p: 3 / (1 - p) ** 3)),
            ("by which power of it", of_prediction(kurtosis=lambda p: 3 / (1 - p) ** 2)),
            ("counts a normal's kurtosis as 0", of_prediction(kurtosis=lambda p: 3 / (1 - p) - 3)),
            ("share of what is left", of_prediction(zeros=lambda p: 1 - p)),
            ("3 results are asked for", lambda mine: 1 / (1 - mine.p)),
            ("which share is kept", of_prediction(variance=lambda p: 1 / p)),
            ("a share lies between 0 and 1", of_prediction(zeros=lambda p: 100 * p)),
            ("variance and kurtosis are exchanged", of_prediction(lambda p: 3 / (1 - p), lambda p: 1 / (1 - p))),
            ("not yet", of_prediction(variance=lambda p: 1 + p)),
        ],
        right=[
            of_prediction(),
            prediction_by_integral,
            lambda mine: {name: round(x, 2) for name, x in zip("vkz", of_prediction()(mine), strict=True)},
        ],
    ),
    "measure": Bank(
        "measure",
        wrong=[
            ("this is the standard deviation", of_measure(variance=lambda z: z.std(correction=0))),
            ("this is the standard deviation", of_measure(variance=lambda z: z.std())),
            ("by what is it divided", of_measure(kurtosis=lambda z: z.pow(4).mean())),
            ("by which power of it", of_measure(kurtosis=lambda z: z.pow(4).mean() / z.var())),
            ("counts a normal's kurtosis as 0", of_measure(kurtosis=lambda z: z.pow(4).mean() / z.var() ** 2 - 3)),
            ("counts a normal's kurtosis as 0", of_measure(kurtosis=lambda z: scipy.stats.kurtosis(z))),
            ("are counted", of_measure(zeros=lambda z: (z == 0).sum())),
            ("share of what is left (yours of zeros", of_measure(zeros=lambda z: (z != 0).float().mean())),
            ("3 results are asked for", lambda z: (z.var(), (z == 0).float().mean())),
            ("expected", of_measure(zeros=lambda z: (z.abs() < 0.1).float().mean())),
            ("expected", lambda z: of_measure()(torch.randn(800))),
        ],
        right=[of_measure(), measure_by_scipy, measure_by_loops],
    ),
    "networks": Bank(
        "networks",
        wrong=[
            ("Dropout 0.2: 0", both(plain_layer)),
            ("Dropout 0.2: 0", both(decoder_layer=plain_layer)),
            ("Dropout 0.5", both(lambda a, b, p: [nn.Linear(a, b), nn.ReLU(), nn.Dropout()])),
            ("Dropout 0.8", both(lambda a, b, p: [nn.Linear(a, b), nn.ReLU(), nn.Dropout(1 - p)])),
            ("AlphaDropout", both(lambda a, b, p: [nn.Linear(a, b), nn.ReLU(), nn.AlphaDropout(p)])),
            ("to stay bare", both(end=lambda p: [nn.Dropout(p)])),
            ("done to its input", both(start=lambda p: [nn.Dropout(p)])),
            ("in which order", all_dropout_at_the_end),
            ("its linear layers are", not_reversed),
            ("expected", one_layer_for_all),
            ("stops with", lambda pixels, hidden, z_dim, p: both()(pixels, hidden, z_dim, p)[0]),
        ],
        right=[
            both(),
            networks_of_blocks,
            both(lambda a, b, p: [nn.Linear(a, b), nn.Dropout(p), nn.ReLU(inplace=True)]),
        ],
    ),
    "gap": Bank(
        "honest_gap",
        wrong=[
            ("both losses are measured in train mode", of_gap(known_mode=True, new_mode=True)),
            ("both losses are measured in train mode", gap_as_found),
            ("the known images are measured in train mode", of_gap(known_mode=True)),
            ("the new images are measured in train mode", of_gap(new_mode=True)),
            ("the sign is turned", of_gap(difference=lambda known, new: known - new)),
            ("of what is it the excess", of_gap(difference=lambda known, new: new)),
            ("a gap is a difference", of_gap(difference=lambda known, new: new / known)),
            ("left in eval mode", of_gap(restore=False)),
            ("left in train mode", lambda model, known, new: (of_gap()(model, known, new), model.train())[0]),
            ("a single number", lambda model, known, new: [of_gap()(model, known, new)] * 2),
        ],
        right=[of_gap(), gap_by_looking, gap_by_the_package],
    ),
    "fault": Bank(
        "fault",
        wrong=[
            ("what still draws at random", "train mode"),
            ("what still draws at random", "other codes"),
            ("what still draws at random", "the weights change"),
            ("what still draws at random", "nothing is scaled up"),
            ("is none of", "dropout"),
        ],
        right=["eval() is ignored", np.str_("eval() is ignored")],
    ),
    "mended": Bank(
        "Mended",
        wrong=[
            ("what does `F.dropout` have to be told", decoder(lambda self, z: self.body(F.dropout(z, self.p)))),
            ("what does `F.dropout` have to be told", decoder(lambda self, z: self.body(nn.Dropout(self.p)(z)))),
            ("nothing is lost any more", decoder(lambda self, z: self.body(z))),
            ("nothing is lost any more", decoder(lambda self, z: self.body(F.dropout(z, self.p, training=False)))),
            (
                "times the code, expected 1 times",
                decoder(scaled_again),
            ),
            ("expected 1.25 times", decoder(by_hand_unscaled)),
            ("a share of", decoder(lambda self, z: self.body(F.dropout(z, 1 - self.p, self.training)))),
            ("their answer or the code", decoder(lambda self, z: F.dropout(self.body(z), self.p, self.training))),
            ("where does `self.body` get them", decoder(lambda self, z: F.dropout(z, self.p, self.training))),
            ("the same numbers are lost in both passes", decoder(one_mask_for_ever)),
            ("whole codes", decoder(by_masks_of(lambda z: torch.ones(len(z), 1)))),
            ("whole latents", decoder(by_masks_of(lambda z: torch.ones(z.shape[1])))),
            ("a share of", decoder(lambda self, z: self.body(self.drop(z)), drop=lambda p: nn.Dropout())),
            ("the shape is", decoder(lambda self, z: self.body(F.dropout(z, self.p, self.training))[0])),
            ("gives nothing back", decoder(lambda self, z: None)),
        ],
        right=[
            decoder(lambda self, z: self.body(F.dropout(z, p=self.p, training=self.training))),
            decoder(lambda self, z: self.body(self.drop(z)), drop=nn.Dropout),
            decoder(by_hand),
        ],
    ),
}
