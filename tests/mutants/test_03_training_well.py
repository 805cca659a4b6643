"""Wrong and right answers to exercise 03."""

import math
from itertools import pairwise

import numpy as np
import torch
from bordering import *  # noqa: F403
from proving import *  # noqa: F403
from proving import Bank
from torch import nn

from vae_tutorial.checks.toys import draw, toy_vae
from vae_tutorial.networks import mlp
from vae_tutorial.objectives import Objective
from vae_tutorial.regularizers import KL

LESSON = "03_training_well"


def weight_of_the_package(step, epochs, steps_per_epoch):
    """What `Objective` does to the KL of a toy model at that step."""
    torch.manual_seed(0)
    model, x = toy_vae(0), torch.zeros(2, 1, 4, 4)
    terms = Objective(KL(), warmup=epochs * steps_per_epoch)(model, x, step=step)
    return terms.regularizer / terms.kl


def rising(weight):
    """A weight held at 1 above, and everywhere where there is no warm-up."""
    return lambda step, epochs, per: min(1.0, weight(step, epochs, per)) if epochs else 1.0


def dead_by_loops(batches):
    return [
        not any(float(total) > 0 for batch in batches for total in batch[:, unit])
        for unit in range(batches[0].shape[1])
    ]


def every(batches, what):
    """A property of each batch, put together by all of them."""
    return torch.stack([what(batch) for batch in batches])


def start_of(variance):
    return lambda mine: math.sqrt(variance(mine.gain, mine.layer))


def start_by_drawing(mine):
    """Measured: the weights of a wide network, drawn; without a sample of inputs, whose mean square is kept exactly."""
    torch.manual_seed(0)
    n = 400
    mean_square = 1.0
    for _ in range(mine.layer):
        matrix = mine.gain * math.sqrt(2 / n) * torch.randn(n, n, dtype=torch.double)
        variance = matrix.square().sum(1).mean() * mean_square
        mean_square = variance / 2
    return variance.sqrt()


def length(gradients):
    return torch.cat([g.flatten() for g in gradients]).norm()


def clipped(make=None, told=length):
    """A way to clip, and a way to tell the norm."""
    return lambda gradients, c: (make(gradients, c), told(gradients))


def scaled(gradients, factor):
    return [factor * g for g in gradients]


def clip_by_torch(gradients, c):
    parameters = [nn.Parameter(torch.zeros_like(g)) for g in gradients]
    for parameter, g in zip(parameters, gradients, strict=True):
        parameter.grad = g
    norm = nn.utils.clip_grad_norm_(parameters, c)
    return [parameter.grad for parameter in parameters], norm


def clip_in_place(gradients, c):
    norm = sum(float((g**2).sum()) for g in gradients) ** 0.5
    for g in gradients:
        if norm > c:
            g.mul_(c / norm)
    return tuple(gradients), norm


def clip_by_numpy(gradients, c):
    norm = np.linalg.norm(np.concatenate([g.numpy().ravel() for g in gradients]))
    return [g.numpy() / max(1.0, norm / c) for g in gradients], norm


def glue(build):
    """What the notebook's given cell makes of it."""

    def encoded(seed, x, hidden, z_dim, slope):
        encoder = build(x[0].numel(), hidden, z_dim, slope)
        count = sum(parameter.numel() for parameter in encoder.parameters())
        nn.utils.vector_to_parameters(draw(seed, count) / 2, encoder.parameters())
        return count, encoder(x)

    return encoded


def layered(activation, *, last=False, between=lambda i: True, bias=True, flatten=True, out=2):
    """A way to build an encoder, with a slip where asked for."""

    def build(pixels, hidden, z_dim, slope):
        layers = [nn.Flatten()] if flatten else []
        for i, (before, after) in enumerate(pairwise([pixels, *hidden])):
            layers += [nn.Linear(before, after, bias=bias)] + ([activation(slope)] if between(i) else [])
        layers += [nn.Linear(hidden[-1], out * z_dim, bias=bias)] + ([activation(slope)] if last else [])
        return nn.Sequential(*layers)

    return glue(build)


class Leak(nn.Module):
    """A leaky ReLU written by hand, for slopes up to 1."""

    def __init__(self, slope):
        super().__init__()
        self.slope = slope

    def forward(self, x):
        return torch.maximum(x, self.slope * x)


class Opposite(nn.Module):
    """The slope on the wrong side."""

    def __init__(self, slope):
        super().__init__()
        self.slope = slope

    def forward(self, x):
        return torch.where(x > 0, self.slope * x, x)


def encoder_of_the_package(pixels, hidden, z_dim, slope):
    return mlp((1, 4, 4), tuple(hidden), z_dim, "leaky_relu", slope=slope)[0].body


def step(loss, *, clear=True, when="between", how=nn.utils.clip_grad_norm_, told=None, move=True):
    """A training step, with a slip where asked for; `loss` of model and batch."""

    def training_step(model, optimizer, x, c):
        def clip():
            before = nn.utils.clip_grad_norm_(model.parameters(), math.inf)
            how(model.parameters(), c)
            return before if told is None else told(model)

        if clear:
            optimizer.zero_grad()
        value, norm = loss(model, x), None
        if when == "before":
            norm = clip()
        value.backward()
        if when == "between":
            norm = clip()
        if move:
            optimizer.step()
        if when == "after":
            norm = clip()
        return value.item(), float(norm)

    return training_step


def elbo(model, x):
    return Objective(KL())(model, x).loss


def no_norm(parameters, c):
    return None


def each_by_itself(parameters, c):
    for parameter in parameters:
        nn.utils.clip_grad_norm_([parameter], c)


def length_left(model):
    return length([parameter.grad for parameter in model.parameters()])


def descended(training_step):
    """What the notebook's given cell makes of it."""

    def descend(seed, x, c, lr):
        model = toy_vae(seed)
        optimizer = torch.optim.SGD(model.parameters(), lr=lr)
        told = []
        for i, batch in enumerate(x):
            torch.manual_seed(i)
            told.append(training_step(model, optimizer, batch, c))
        return told, nn.utils.parameters_to_vector(model.parameters())

    return descend


def step_by_hand(model, optimizer, x, c):
    weights = list(model.parameters())
    q, _, logits = model(x)
    loss = (model.likelihood.nll(logits, x) + q.kl()).mean()
    gradients, norm = clip_by_numpy(torch.autograd.grad(loss, weights), c)
    for weight, gradient in zip(weights, gradients, strict=True):
        weight.grad = torch.from_numpy(np.asarray(gradient))
    optimizer.step()
    return np.array([loss.item(), norm])


def step_after_a_cleared_one(model, optimizer, x, c):
    """Clears behind the step, not before it: as good, if nobody left gradients."""
    loss = elbo(model, x)
    loss.backward()
    norm = nn.utils.clip_grad_norm_(list(model.parameters()), max_norm=c)
    optimizer.step()
    optimizer.zero_grad(set_to_none=False)
    return [loss.detach(), norm]


def step_of_cleared_gradients(model, optimizer, x, c):
    loss = elbo(model, x)
    loss.backward()
    optimizer.zero_grad()
    norm = nn.utils.clip_grad_norm_(model.parameters(), c)
    optimizer.step()
    return loss.item(), norm.item()


def step_telling_the_loss_behind_it(model, optimizer, x, c):
    _, norm = step(elbo)(model, optimizer, x, c)
    return elbo(model, x).item(), norm


BANKS = {
    "warmup": Bank(
        "kl_weight",
        wrong=[
            ("rising above 1", lambda step, epochs, per: step / (epochs * per) if epochs else 1),
            ("where steps are meant", rising(lambda step, epochs, per: step / epochs)),
            ("after the first epoch already", rising(lambda step, epochs, per: step / per)),
            ("1 at once", rising(lambda step, epochs, per: step // (epochs * per))),
            ("in stairs, one for each epoch", rising(lambda step, epochs, per: step // per / epochs)),
            ("the first stands above 0", rising(lambda step, epochs, per: (step // per + 1) / epochs)),
            ("a step early", rising(lambda step, epochs, per: (step + 1) / (epochs * per))),
            ("has to rise", lambda step, epochs, per: 1 - rising(lambda s, e, p: s / (e * p))(step, epochs, per)),
            ("ZeroDivisionError", lambda step, epochs, per: min(1, step / (epochs * per))),
            ("expected 1", lambda step, epochs, per: min(1, step / (epochs * per)) if epochs else 0),
            ("expected", rising(lambda step, epochs, per: (step / (epochs * per)) ** 2)),
        ],
        right=[
            weight_of_the_package,
            lambda step, epochs, per: np.clip(step / max(epochs * per, 1e-9), 0, 1) if step or epochs else 1,
            lambda step, epochs, per: torch.tensor(1.0 if step >= epochs * per else step / epochs / per),
        ],
    ),
    "dead": Bank(
        "dead_units",
        wrong=[
            ("awake", lambda batches: (torch.cat(batches) > 0).any(0)),
            ("asleep for one image", lambda batches: (torch.cat(batches) <= 0).any(0)),
            ("asleep in one batch", lambda batches: every(batches, lambda b: (b <= 0).all(0)).any(0)),
            ("the first batch alone", lambda batches: (batches[0] <= 0).all(0)),
            ("the last batch alone", lambda batches: (batches[-1] <= 0).all(0)),
            ("exactly 0", lambda batches: (torch.cat(batches) < 0).all(0)),
            ("come before the ReLU", lambda batches: (torch.cat(batches) == 0).all(0)),
            ("on average", lambda batches: torch.cat(batches).mean(0) <= 0),
            ("which axis are the units", lambda batches: (torch.cat(batches) <= 0).all(1)),
            ("which ones", lambda batches: (torch.cat(batches) <= 0).all(0).sum()),
            ("stops with RuntimeError", lambda batches: (torch.stack(batches) <= 0).all(0)),
            ("expected 0", lambda batches: torch.ones(batches[0].shape[1])),
        ],
        right=[
            dead_by_loops,
            lambda batches: every(batches, lambda b: b.amax(0)).amax(0) <= 0,
            lambda batches: (torch.relu(torch.cat(batches)).sum(0) == 0).numpy(),
        ],
    ),
    "start": Bank(
        "spread",
        of_variant=True,
        wrong=[
            ("this is the variance", lambda mine: 2 * mine.gain ** (2 * mine.layer)),
            ("leaves out the ReLUs", start_of(lambda g, k: (2 * g * g) ** k)),
            ("the first layer", start_of(lambda g, k: 2 * g * g)),
            ("not a variance g times", start_of(lambda g, k: 2 * g**k)),
            ("too few", start_of(lambda g, k: 2 * g ** (2 * k - 2))),
            ("too many", start_of(lambda g, k: 2 * g ** (2 * k + 2))),
            ("before it", start_of(lambda g, k: g ** (2 * k))),
            ("Kaiming's own", lambda mine: 1.414),
            ("not yet", lambda mine: 1e4),
        ],
        right=[
            start_of(lambda g, k: 2 * g ** (2 * k)),
            start_by_drawing,
            lambda mine: [round(1.41421 * mine.gain**mine.layer, 3)],
        ],
    ),
    "clip": Bank(
        "clip",
        wrong=[
            ("each tensor", clipped(lambda gs, c: [g * min(1, c / max(g.norm().item(), 1e-9)) for g in gs])),
            ("each number", clipped(lambda gs, c: [g.clamp(-c, c) for g in gs])),
            ("from after clipping", lambda gs, c: (clip_by_torch(gs, c)[0], length(clip_by_torch(gs, c)[0]))),
            ("are added", lambda gs, c: (scaled(gs, min(1, c / (sum(g.norm() for g in gs) + 1e-9))),
                                         sum(g.norm() for g in gs))),
            ("not a root", lambda gs, c: (scaled(gs, min(1, c / (length(gs) ** 2 + 1e-9))), length(gs) ** 2)),
            ("a mean of squares", clipped(lambda gs, c: gs, lambda gs: length(gs) / sum(g.numel() for g in gs) ** 0.5)),
            ("nothing was clipped", clipped(lambda gs, c: gs)),
            ("c is asked for", clipped(lambda gs, c: scaled(gs, 1 / (length(gs) + 1e-9)))),
            ("only shortens", clipped(lambda gs, c: scaled(gs, c / (length(gs) + 1e-9)))),
            ("stops with ZeroDivisionError", clipped(lambda gs, c: scaled(gs, min(1, c / length(gs).item())))),
            ("not finite", clipped(lambda gs, c: [c * g / length(gs) if length(gs) > c or not g.any() else g
                                                  for g in gs])),
            ("two results are asked for", lambda gs, c: clip_by_torch(gs, c)[0]),
            ("4 gradients went in, and 1", lambda gs, c: ([torch.cat([g.flatten() for g in gs])], length(gs))),
        ],
        right=[clip_by_torch, clip_in_place, clip_by_numpy],
    ),
    "encoder": Bank(
        "encoded",
        wrong=[
            ("the plain ReLU", layered(lambda slope: nn.ReLU())),
            ("0.01", layered(lambda slope: nn.LeakyReLU())),
            ("sign of the slope", layered(lambda slope: nn.LeakyReLU(-slope))),
            ("the side of the positive", layered(Opposite)),
            ("behind the last layer", layered(nn.LeakyReLU, last=True)),
            ("no activation between", layered(nn.LeakyReLU, between=lambda i: False)),
            ("the activation is missing", layered(nn.LeakyReLU, between=lambda i: i == 0)),
            ("of weights", layered(lambda slope: nn.PReLU(init=slope))),
            ("of weights", layered(nn.LeakyReLU, bias=False)),
            ("the shape of answers", layered(nn.LeakyReLU, out=1)),
            ("stops with RuntimeError", layered(nn.LeakyReLU, flatten=False)),
            ("expected", layered(lambda slope: nn.ELU(slope))),
        ],
        right=[
            layered(Leak),
            glue(encoder_of_the_package),
            layered(lambda slope: nn.LeakyReLU(negative_slope=slope, inplace=True)),
        ],
    ),
    "fault": Bank(
        "fault",
        wrong=[
            ("is none of", "zero_grad"),
            ("does that explain", "learning rate too low"),
            ("does that explain", "learning rate too high"),
            ("does that explain", "weights start too large"),
            ("does that explain", "every gradient clipped"),
        ],
        right=["gradients never cleared", np.str_("gradients never cleared")],
    ),
    "step": Bank(
        "descend",
        wrong=[
            ("the friend's fault is still there", descended(step(elbo, clear=False))),
            ("nothing is clipped", descended(step(elbo, clear=False, how=no_norm))),
            ("takes the optimizer's step", descended(step(elbo, move=False))),
            ("clipped before the step", descended(step(elbo, how=no_norm))),
            ("clipped before the step", descended(step(elbo, when="after"))),
            ("was there a gradient", descended(step(elbo, when="before"))),
            ("no gradient reaches the step", descended(step_of_cleared_gradients)),
            ("the loss rises", descended(step(lambda model, x: -elbo(model, x)))),
            ("expected", descended(step_telling_the_loss_behind_it)),
            ("from after clipping", descended(step(elbo, told=length_left))),
            ("each tensor", descended(step(elbo, how=each_by_itself))),
            ("each number", descended(step(elbo, how=nn.utils.clip_grad_value_))),
            ("two numbers are asked for", descended(lambda *given: step(elbo)(*given)[0])),
            ("expected", descended(step(lambda model, x: Objective()(model, x).loss))),
            ("expected", descended(step(lambda model, x: len(x) * elbo(model, x)))),
        ],
        right=[descended(step(elbo)), descended(step_after_a_cleared_one), descended(step_by_hand)],
    ),
}  # fmt: skip
