"""Wrong and right answers to exercise 04."""

import copy
from collections import OrderedDict
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from bordering import *  # noqa: F403
from proving import *  # noqa: F403
from proving import Bank
from torch import nn

from vae_tutorial.vae import looking

LESSON = "04_batchnorm"


def normalised(m=lambda h: h.mean(0), v=lambda h: h.var(0, correction=0), root=None):
    """Batch norm in train mode with its mean, its variance or its root made otherwise."""
    root = root or (lambda v, eps: (v + eps).sqrt())
    return lambda h, gamma, beta, eps: gamma * (h - m(h)) / root(v(h), eps) + beta


def train_mode_by_loops(h, gamma, beta, eps):
    columns = []
    for unit, (g, c) in zip(h.T.tolist(), zip(gamma.tolist(), beta.tolist(), strict=True), strict=True):
        m = sum(unit) / len(unit)
        v = sum((value - m) ** 2 for value in unit) / len(unit)
        columns.append([g * (value - m) / (v + eps) ** 0.5 + c for value in unit])
    return [list(row) for row in zip(*columns, strict=True)]


def train_mode_in_place(h, gamma, beta, eps):
    h -= h.mean(dim=0, keepdim=True)
    h *= (h.square().mean(0) + eps).rsqrt()
    return h.mul_(gamma).add_(beta)


def train_mode_by_numpy(h, g, c, e):
    h = h.numpy()
    return g.numpy() * (h - h.mean(axis=0)) / np.sqrt(h.var(axis=0) + e) + c.numpy()


def moved(mean=lambda h: h.mean(0), var=lambda h: h.var(0), share=lambda momentum: momentum):
    return lambda rm, rv, h, s: (rm + share(s) * (mean(h) - rm), rv + share(s) * (var(h) - rv))


def moved_by_torch(running_mean, running_var, h, momentum):
    layer = nn.BatchNorm1d(h.shape[1], momentum=momentum)
    layer.load_state_dict({"running_mean": running_mean, "running_var": running_var}, strict=False)
    layer(h)
    return layer.running_mean, layer.running_var


def moved_by_numpy(running_mean, running_var, h, momentum):
    new = h.numpy().mean(0), np.cov(h.numpy().T).reshape(h.shape[1], h.shape[1]).diagonal()
    old = running_mean.numpy(), running_var.numpy()
    return [(1 - momentum) * a + momentum * b for a, b in zip(old, new, strict=True)]


def in_eval_mode(centre=lambda h, m: m, scale=lambda v, eps: (v + eps).sqrt()):
    return lambda h, m, v, gamma, beta, eps: gamma * (h - centre(h, m)) / scale(v, eps) + beta


def eval_mode_by_torch(h, m, v, gamma, beta, eps):
    layer = nn.BatchNorm1d(len(m), eps=eps)
    layer.load_state_dict({"weight": gamma, "bias": beta, "running_mean": m, "running_var": v}, strict=False)
    return layer.eval()(h)


def eval_mode_as_a_line(h, m, v, gamma, beta, eps):
    slope = gamma / (v + eps) ** 0.5
    return torch.addcmul(beta - slope * m, h, slope)


def drift(share=0.9, *, of=lambda mine: mine.before - mine.mean):
    return lambda mine: mine.mean + of(mine) * share**mine.calls


def drift_by_loop(mine):
    value = mine.before
    for _ in range(mine.calls):
        value = 0.9 * value + 0.1 * mine.mean
    return round(value, 2)


def left(over, sizes=range(2, 129)):
    return lambda mine: [size for size in sizes if over(mine.images, size)]


def hidden_layer(before, after):
    return [nn.Linear(before, after), nn.BatchNorm1d(after), nn.ReLU()]


def both(layer=hidden_layer, end=lambda a, b: [nn.Linear(a, b)], decoder_layer=None, start=lambda size: []):
    """Both networks with the given hidden layers and last layers."""

    def stack(sizes, out, layer):
        layers = start(sizes[0])
        for before, after in pairwise(sizes):
            layers += layer(before, after)
        return layers + end(sizes[-1], out)

    def networks(pixels, hidden, z_dim):
        encoder = stack([pixels, *hidden], 2 * z_dim, layer)
        return encoder, stack([z_dim, *hidden[::-1]], pixels, decoder_layer or layer)

    return networks


def networks_by_name(pixels, hidden, z_dim):
    """Named layers that find their sizes themselves, without the biases that batch norm makes useless."""

    def stack(sizes, out):
        layers = OrderedDict(flat=nn.Flatten())
        for i, size in enumerate(sizes):
            layers[f"line{i}"] = nn.LazyLinear(size, bias=False)
            layers |= {f"norm{i}": nn.LazyBatchNorm1d(), f"relu{i}": nn.ReLU(inplace=True)}
        return nn.Sequential(layers | OrderedDict(end=nn.LazyLinear(out)))

    return stack(hidden, 2 * z_dim), stack(hidden[::-1], pixels)


def networks_of_blocks(pixels, hidden, z_dim):
    """Blocks in blocks, all with the same activation."""
    relu = nn.ReLU()

    def block(before, after):
        return nn.Sequential(nn.Linear(before, after), nn.Sequential(nn.BatchNorm1d(after), relu))

    forth, back = [pixels, *hidden], [z_dim, *reversed(hidden)]
    encoder = [block(forth[i], forth[i + 1]) for i in range(len(hidden))]
    decoder = tuple(block(*sizes) for sizes in pairwise(back))
    return [*encoder, nn.Linear(forth[-1], 2 * z_dim)], (*decoder, nn.Linear(back[-1], pixels))


def not_reversed(pixels, hidden, z_dim):
    return both()(pixels, hidden, z_dim)[0], both()(z_dim, hidden, pixels // 2)[0]


def one_norm_for_all(pixels, hidden, z_dim):
    """Hidden layers of one size share their batch norm, and so its estimates."""
    norms = {}

    def layer(before, after):
        return [nn.Linear(before, after), norms.setdefault(after, nn.BatchNorm1d(after)), nn.ReLU()]

    return both(layer)(pixels, hidden, z_dim)


def drawn(before=lambda d: d.eval(), after=lambda d, was: None, say=torch.sigmoid, grad=False):
    """Pictures, with what is done to the decoder before and after."""

    def draw_pictures(decoder, codes):
        was = [part.training for part in decoder.modules()]
        before(decoder)
        with torch.set_grad_enabled(grad):
            pictures = say(decoder(codes))
        after(decoder, was)
        return pictures

    return draw_pictures


def restored(decoder, was):
    for part, training in zip(decoder.modules(), was, strict=True):
        part.training = training


def estimates_put_back(decoder, codes):
    """Train mode with the estimates put back: no trace, and wrong pictures."""
    kept = {name: value.clone() for name, value in decoder.state_dict().items()}
    with torch.no_grad():
        pictures = decoder(codes).sigmoid()
    decoder.load_state_dict(kept)
    return pictures


def drawn_by_the_package(decoder, codes):
    with looking(decoder):
        return torch.sigmoid(decoder(codes))


def drawn_from_a_copy(decoder, codes):
    other = copy.deepcopy(decoder).eval().requires_grad_(False)
    return [other(code[None])[0].sigmoid().numpy() for code in codes]


def drawn_layer_by_layer(decoder, codes):
    """Each layer by hand, in eval mode, without touching a switch."""
    h = codes.clone()
    for layer in decoder.body:
        if isinstance(layer, nn.BatchNorm1d):
            h = F.batch_norm(h, layer.running_mean, layer.running_var, layer.weight, layer.bias, eps=layer.eps)
        else:
            h = layer(h)
    return h.sigmoid().view(-1, *decoder.image_shape).detach()


BANKS = {
    "train_mode": Bank(
        "train_mode",
        wrong=[
            (
                "over what does batch norm take them",
                normalised(lambda h: h.mean(1, keepdim=True), lambda h: h.var(1, correction=0, keepdim=True)),
            ),
            ("each unit has its own", normalised(lambda h: h.mean(), lambda h: h.var(correction=0))),
            ("divided by n − 1", normalised(v=lambda h: h.var(0))),
            ("eps is not in it", normalised(root=lambda v, eps: v.sqrt())),
            ("inside the root or outside", normalised(root=lambda v, eps: v.sqrt() + eps)),
            ("where is the root?", normalised(root=lambda v, eps: v + eps)),
            ("the mean is not subtracted", normalised(m=lambda h: 0)),
            (
                "where do the brackets stand",
                lambda h, g, c, e: g * (h - h.mean(0) / (h.var(0, correction=0) + e).sqrt()) + c,
            ),
            ("γ and β are left out", lambda h, g, c, e: normalised()(h, 1.0, 0.0, e)),
            ("β is left out", lambda h, g, c, e: normalised()(h, g, 0.0, e)),
            ("γ is left out", lambda h, g, c, e: normalised()(h, 1.0, c, e)),
            ("γ multiplies β", lambda h, g, c, e: g * (normalised()(h, 1.0, 0.0, e) + c)),
            (
                "not finite",
                normalised(v=lambda h: h.var(0, correction=0), root=lambda v, eps: (v + eps * (v > 0)).sqrt()),
            ),
            ("expected", lambda h, g, c, e: F.batch_norm(h, None, None, g, c, training=True)),
            ("the shape is", lambda h, g, c, e: normalised()(h, g, c, e)[0]),
        ],
        right=[
            train_mode_by_loops,
            train_mode_in_place,
            train_mode_by_numpy,
            lambda h, g, c, e: F.batch_norm(h, None, None, g, c, training=True, eps=e),
        ],
    ),
    "running": Bank(
        "move_estimates",
        wrong=[
            ("momentum is turned round", moved(share=lambda momentum: 1 - momentum)),
            ("divided by n − 1, unlike", moved(var=lambda h: h.var(0, correction=0))),
            ("this is the batch alone", moved(share=lambda momentum: 1)),
            ("nothing has moved", moved(share=lambda momentum: 0)),
            ("not the variance", moved(var=lambda h: h.std(0))),
            ("added to the whole", lambda rm, rv, h, s: (rm + s * h.mean(0), rv + s * h.var(0))),
            ("the variance does not move", lambda rm, rv, h, s: (moved()(rm, rv, h, s)[0], rv)),
            ("2 results are asked for", lambda rm, rv, h, s: moved()(rm, rv, h, s)[0]),
            ("expected", moved(share=lambda momentum: 0.1)),
            ("the mean comes first", lambda rm, rv, h, s: moved()(rm, rv, h, s)[::-1]),
            ("each unit has its own", moved(lambda h: h.mean(), lambda h: h.var())),
            ("away from the batch", moved(share=lambda momentum: -momentum)),
        ],
        right=[moved_by_torch, moved_by_numpy, lambda a, b, h, s: (a.lerp(h.mean(0), s), b.lerp(h.std(0) ** 2, s))],
    ),
    "eval_mode": Bank(
        "eval_mode",
        wrong=[
            (
                "what stands in for them in eval mode",
                lambda h, m, v, g, c, e: normalised()(h, g, c, e),
            ),
            ("taken for a standard deviation", in_eval_mode(scale=lambda v, eps: v)),
            ("this divides by the variance", in_eval_mode(scale=lambda v, eps: v + eps)),
            ("eps is not in it", in_eval_mode(scale=lambda v, eps: v.sqrt())),
            ("inside the root or outside", in_eval_mode(scale=lambda v, eps: v.sqrt() + eps)),
            ("γ and β are left out", lambda h, m, v, g, c, e: in_eval_mode()(h, m, v, 1.0, 0.0, e)),
            ("the running mean is not subtracted", in_eval_mode(centre=lambda h, m: 0)),
            ("expected", in_eval_mode(centre=lambda h, m: h.mean(0))),
            (
                "takes it as it is",
                lambda h, m, v, g, c, e: in_eval_mode()(h, m, v * (len(h) - 1) / len(h), g, c, e),
            ),
        ],
        right=[eval_mode_by_torch, eval_mode_as_a_line, in_eval_mode(scale=lambda v, eps: torch.rsqrt(v + eps) ** -1)],
    ),
    "drifted": Bank(
        "drifted",
        of_variant=True,
        wrong=[
            ("gets shorter", lambda mine: mine.before + 0.1 * mine.calls * (mine.mean - mine.before)),
            ("fades too fast", drift(0.1)),
            ("where one batch takes it", lambda mine: 0.9 * mine.before + 0.1 * mine.mean),
            ("where does it start", lambda mine: drift()(mine) - mine.before),
            ("share of what", lambda mine: 0.9**mine.calls),
            ("nothing takes its place", lambda mine: mine.before * 0.9**mine.calls),
            ("are exchanged", lambda mine: mine.before + (mine.mean - mine.before) * 0.9**mine.calls),
            ("a batch is missing", lambda mine: (drift()(mine) - 0.1 * mine.mean) / 0.9),
            ("a batch too many", lambda mine: 0.9 * drift()(mine) + 0.1 * mine.mean),
            ("not yet", lambda mine: (mine.before + mine.calls * mine.mean) / (mine.calls + 1)),
            ("not yet", lambda mine: mine.before),
            ("has to be numbers", lambda mine: "0.58"),
        ],
        right=[drift(), drift_by_loop, lambda mine: torch.tensor([drift()(mine)])],
    ),
    "stopping": Bank(
        "stopping",
        of_variant=True,
        wrong=[
            ("how many images have to be left", left(lambda n, size: n % size == 0)),
            ("lack one image", left(lambda n, size: n % size == size - 1)),
            ("a size of 1", left(lambda n, size: (n - 1) % size == 0, range(1, 129))),
            ("not yet", left(lambda n, size: n % size == 1, range(2, 128, 2))),
            ("not yet", left(lambda n, size: n % size <= 1)),
            ("the list is empty", left(lambda n, size: n // size == 0)),
            ("which are they", lambda mine: len(left(lambda n, size: n % size == 1)(mine))),
        ],
        right=[
            left(lambda n, size: n % size == 1),
            lambda mine: {size for size in range(2, 129) if torch.arange(mine.images).split(size)[-1].shape[0] == 1},
            lambda mine: 1 + (((mine.images - 1) % np.arange(2, 129)) == 0).nonzero()[0][::-1] + 1,
        ],
    ),
    "networks": Bank(
        "networks",
        wrong=[
            ("BatchNorm1d: 0", both(lambda a, b: [nn.Linear(a, b), nn.ReLU()])),
            ("in which order", both(lambda a, b: [nn.Linear(a, b), nn.ReLU(), nn.BatchNorm1d(b)])),
            ("to stay bare", both(end=lambda a, b: [nn.Linear(a, b), nn.BatchNorm1d(b)])),
            ("to stay bare", both(end=lambda a, b: [nn.Linear(a, b), nn.ReLU()])),
            ("to stay bare", both(end=hidden_layer)),
            ("BatchNorm1d: 0", both(decoder_layer=lambda a, b: [nn.Linear(a, b), nn.ReLU()])),
            ("done to its input", both(start=lambda size: [nn.BatchNorm1d(size)])),
            ("its linear layers are", not_reversed),
            ("ReLU: 0", both(lambda a, b: [nn.Linear(a, b), nn.BatchNorm1d(b)])),
            ("stops with RuntimeError", both(lambda a, b: [nn.Linear(a, b), nn.BatchNorm1d(a), nn.ReLU()])),
            ("expected", one_norm_for_all),
            ("stops with", lambda pixels, hidden, z_dim: both()(pixels, hidden, z_dim)[0]),
            ("expected", both(lambda a, b: [nn.Linear(a, b), nn.BatchNorm1d(b, eps=0.5), nn.ReLU()])),
            ("its linear layers are", lambda pixels, hidden, z_dim: both()(pixels, hidden[:1], z_dim)),
        ],
        right=[both(), networks_by_name, networks_of_blocks],
    ),
    "fault": Bank(
        "fault",
        wrong=[
            ("when do mates matter", "the weights change"),
            ("when do mates matter", "other codes"),
            ("when do mates matter", "gradients are on"),
            ("when do mates matter", "no sigmoid"),
            ("is none of", "eval mode"),
            ("is none of", 3),
        ],
        right=["train mode", np.str_("train mode")],
    ),
    "pictures": Bank(
        "draw_pictures",
        wrong=[
            ("does `torch.no_grad()` change the mode", drawn(before=lambda d: None)),
            ("in which mode does a batch move them", drawn(before=lambda d: d.train())),
            ("does `torch.no_grad()` change the mode", estimates_put_back),
            ("left in eval mode", drawn()),
            ("left in train mode", drawn(after=lambda d, was: d.train())),
            ("left in train mode", drawn(after=lambda d, was: d.train(was[0]))),
            ("they are: what switches them off", drawn(after=restored, grad=True)),
            ("what makes probabilities", drawn(after=restored, say=lambda logits: logits)),
            ("the sigmoid is taken twice", drawn(after=restored, say=lambda logits: logits.sigmoid().sigmoid())),
            ("the shape is", drawn(after=restored, say=lambda logits: logits.sigmoid().flatten(1))),
            ("what switches them off", drawn(before=lambda d: d.eval(), after=restored, grad=True)),
        ],
        right=[drawn(after=restored), drawn_by_the_package, drawn_from_a_copy, drawn_layer_by_layer],
    ),
}
