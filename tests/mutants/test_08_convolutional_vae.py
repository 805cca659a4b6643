"""Wrong and right answers to exercise 08."""

import math

import torch
import torch.nn.functional as F
from bordering import *  # noqa: F403
from proving import *  # noqa: F403
from proving import Bank
from torch import nn

from vae_tutorial.likelihoods import Gaussian
from vae_tutorial.networks import conv

LESSON = "08_convolutional_vae"


def side_by_counting(side, kernel, stride, padding):
    return sum(1 for first in range(-padding, side + padding - kernel + 1, stride))


def side_by_torch(side, kernel, stride, padding):
    return nn.Conv2d(1, 1, kernel, stride, padding)(torch.zeros(1, 1, side, side)).shape[2]


def up_by_writing(side, kernel, stride, padding, more):
    row = {stride * i + j for i in range(side) for j in range(kernel)}
    return max(row) + 1 - padding - padding + more


def up_by_torch(side, kernel, stride, padding, more):
    layer = nn.ConvTranspose1d(1, 1, kernel, stride, padding, output_padding=more)
    return float(layer(torch.zeros(1, 1, side)).shape[-1])


def halves(side, levels, up=True):
    sides = [side]
    for _ in range(levels):
        sides.append((sides[-1] + up) // 2)
    return sides


def back(paddings, sides=halves):
    """The way back with one of its lists made otherwise; paddings: of the sides on the way down."""
    return lambda side, levels: (sides(side, levels), paddings(halves(side, levels)))


def right_paddings(sides):
    return [1 - large % 2 for large in sides[-2::-1]]


def back_by_trying(side, levels):
    sides, paddings = [side], []
    for _ in range(levels):
        sides = [*sides, side_by_torch(sides[-1], 3, 2, 1)]
    for small, large in zip(sides[::-1], sides[-2::-1], strict=False):
        paddings.append(next(more for more in (0, 1) if up_by_torch(small, 3, 2, 1, more) == large))
    return torch.tensor(sides), torch.tensor(paddings)


def encoder(*, bias=False, norm=nn.BatchNorm2d, activation=nn.LeakyReLU, order=(0, 1), heads=2, end=(), small=None):
    """The encoder's layers with a slip where asked for."""

    def encoder_layers(c, side, channels, z_dim):
        layers = []
        for before, after in zip([c, *channels[:-1]], channels, strict=True):
            behind = [norm(after), activation()]
            layers += [nn.Conv2d(before, after, 3, 2, 1, bias=bias), *(behind[i] for i in order)]
        last = halves(side, len(channels))[-1] if small is None else small
        return [*layers, nn.Flatten(), nn.Linear(channels[-1] * last**2, heads * z_dim), *(layer() for layer in end)]

    return encoder_layers


def encoder_rounding_down(c, side, channels, z_dim):
    return encoder(small=side // 2 ** len(channels))(c, side, channels, z_dim)


def plain(channels):
    """In the place of batch norm: nothing."""
    return nn.Identity()


def encoder_lazily(c, side, channels, z_dim):
    levels = [
        nn.Sequential(nn.LazyConv2d(n, 3, stride=2, padding=1, bias=False), nn.LazyBatchNorm2d(), nn.LeakyReLU(0.01))
        for n in channels
    ]
    return nn.Sequential(*levels, nn.Flatten(), nn.LazyLinear(2 * z_dim))


def decoder(
    *,
    bias=False,
    norm=nn.BatchNorm2d,
    activation=nn.LeakyReLU,
    order=(0, 1),
    more=None,
    end=(),
    colours=None,
    turn=False,
    last_bias=True,
):
    """The decoder's layers with a slip where asked for."""

    def decoder_layers(c, side, channels, z_dim):
        sides, first = halves(side, len(channels)), channels[0]
        if turn:
            channels.reverse()
        wide = channels if turn else channels[::-1]
        layers = [nn.Linear(z_dim, wide[0] * sides[-1] ** 2), nn.Unflatten(1, (wide[0], sides[-1], sides[-1]))]
        for before, after, exact in zip(wide, [*wide[1:], first], right_paddings(sides), strict=True):
            one, behind = exact if more is None else more, [norm(after), activation()]
            up = nn.ConvTranspose2d(before, after, 3, stride=2, padding=1, output_padding=one, bias=bias)
            layers += [up, *(behind[i] for i in order)]
        last = nn.Conv2d(first, colours or c, 3, padding=1, bias=last_bias)
        return [*layers, last, *(layer() for layer in end)]

    return decoder_layers


def decoder_in_the_order_down(c, side, channels, z_dim):
    layers = decoder()(c, side, channels, z_dim)
    ups = [layer for layer in layers if isinstance(layer, nn.ConvTranspose2d)]
    for up, more in zip(ups, right_paddings(halves(side, len(channels)))[::-1], strict=True):
        up.output_padding = (more, more)
    return layers


def decoder_bare_at_last(c, side, channels, z_dim):
    layers = decoder()(c, side, channels, z_dim)
    return [*layers[:-3], layers[-1]]


def decoder_of_c_channels(c, side, channels, z_dim):
    layers = decoder()(c, side, channels, z_dim)
    up = nn.ConvTranspose2d(channels[0], c, 3, 2, 1, layers[-4].output_padding, bias=False)
    return [*layers[:-4], up, nn.BatchNorm2d(c), nn.LeakyReLU(), nn.Conv2d(c, c, 3, padding=1)]


def decoder_of_published_code(c, side, channels, z_dim):
    """Starts from 2 x 2 whatever the image is."""
    layers = [nn.Linear(z_dim, channels[-1] * 4), nn.Unflatten(1, (channels[-1], 2, 2))]
    return [*layers, *decoder()(c, side, channels, z_dim)[2:]]


def counts(convolution=0, linear=0, times=1.0):
    """Both counts of a variant, with so many biases or weights too many."""

    def of(mine):
        places = math.ceil(mine.side / 2) ** 2
        right = 9 * mine.c * mine.kernels + mine.kernels, (mine.c * mine.side**2 + 1) * mine.kernels * places
        extra = [part(mine, places) if callable(part) else part for part in (convolution, linear)]
        return right[0] + extra[0], right[1] + extra[1]

    return of


def counts_by_building(mine):
    maps = nn.Conv2d(mine.c, mine.kernels, 3, 2, 1)
    with torch.device("meta"):  # no memory is taken
        numbers = maps.to("meta")(torch.zeros(1, mine.c, mine.side, mine.side)).numel()
        full = nn.Linear(mine.c * mine.side * mine.side, numbers)
    return [sum(p.numel() for p in layer.parameters()) for layer in (maps, full)]


def mended(picture=lambda a: (torch.tanh(a) + 1) / 2, error=None, refuse=True):
    """Pictures and errors, with a slip where asked for; error: (logits, pictures, x)."""

    def reconstruction(logits, x):
        if refuse and logits.shape != x.shape:
            raise ValueError("shapes differ")
        seen = picture(logits)
        return seen, ((seen - x) ** 2).sum((-3, -2, -1)) if error is None else error(logits, seen, x)

    return reconstruction


def mended_by_the_package(logits, x):
    link = Gaussian(sigma=0.5**0.5, link="tanh")
    constant = x[0].numel() / 2 * math.log(math.pi)
    return {"pictures": link.mean(logits), "errors": link.nll(logits, x) - constant}


def mended_by_loops(logits, x):
    assert logits.size() == x.size(), "other shapes"
    pictures = torch.sigmoid(2 * logits)
    return pictures.numpy(), [torch.dist(a, b).item() ** 2 for a, b in zip(pictures, x, strict=True)]


def mended_if_numbers_agree(logits, x):
    assert logits.numel() == x.numel()
    return mended(refuse=False)(logits, x)


def mended_but_mistyped(logits, x):
    if logits.shape != x.shap:
        raise ValueError("shapes differ")
    return mended()(logits, x)


BANKS = {
    "side": Bank(
        "conv_side",
        wrong=[
            ("rounded up", lambda h, k, s, p: math.ceil((h + 2 * p - k) / s) + 1),
            ("one place is missing", lambda h, k, s, p: (h + 2 * p - k) // s),
            ("is not rounded", lambda h, k, s, p: (h + 2 * p - k) / s + 1),
            ("on both sides", lambda h, k, s, p: (h + p - k) // s + 1),
            ("the padding is not used", lambda h, k, s, p: (h - k) // s + 1),
            ("this halves", lambda h, k, s, p: math.ceil(h / s)),
            ("rounding down, whatever", lambda h, k, s, p: h // s),
            ("before the division", lambda h, k, s, p: (h + 2 * p - k + 1) // s),
            ("expected", lambda h, k, s, p: (h + 2 * p - 3) // 2 + 1),
            ("has to be numbers", lambda h, k, s, p: "half"),
        ],
        right=[side_by_counting, side_by_torch, lambda h, k, s, p: torch.tensor(math.floor((h + 2 * p - k) / s + 1))],
    ),
    "up": Bank(
        "transposed_side",
        wrong=[
            ("the output padding is not used", lambda h, k, s, p, more: (h - 1) * s + k - 2 * p),
            ("the first place is written at 0", lambda h, k, s, p, more: h * s + k - 2 * p + more),
            ("the stride's multiple alone", lambda h, k, s, p, more: h * s),
            ("the kernel that the last place", lambda h, k, s, p, more: (h - 1) * s - 2 * p + more),
            ("cut off at both ends", lambda h, k, s, p, more: (h - 1) * s + k - p + more),
            ("not added", lambda h, k, s, p, more: (h - 1) * s + k + 2 * p + more),
            ("at the end only", lambda h, k, s, p, more: (h - 1) * s + k - 2 * p + 2 * more),
            ("expected", lambda h, k, s, p, more: 2 * h - 1 + more),
        ],
        right=[up_by_writing, up_by_torch, lambda h, k, s, p, more: h * s + (k - s) + more - p - p],
    ),
    "back": Bank(
        "way_back",
        wrong=[
            ("how does 7 become 4?", back(right_paddings, lambda side, levels: halves(side, levels, up=False))),
            ("1 at every level", back(lambda sides: [1] * (len(sides) - 1))),
            ("the way down: the first transposed", back(lambda sides: right_paddings(sides)[::-1])),
            ("0 and 1 are exchanged", back(lambda sides: [large % 2 for large in sides[-2::-1]])),
            ("the side it has to reach", back(lambda sides: [1 - small % 2 for small in sides[:0:-1]])),
            ("the image's own side", back(right_paddings, lambda side, levels: halves(side, levels)[1:])),
            ("2 results are asked for", halves),
            ("the shape", back(lambda sides: [*right_paddings(sides), 0])),
        ],
        right=[
            back_by_trying,
            back(
                lambda sides: [
                    int(large == 2 * small) for small, large in zip(sides[:0:-1], sides[-2::-1], strict=True)
                ]
            ),
            lambda side, levels: {
                "down": [math.ceil(side / 2**level) for level in range(levels + 1)],
                "up": [1 - math.ceil(side / 2**level) % 2 for level in reversed(range(levels))],
            },
        ],
    ),
    "encoder": Bank(
        "encoder_layers",
        wrong=[
            ("has a bias here", encoder(bias=True)),
            ("batch norm is missing", encoder(norm=plain)),
            ("convolutions have biases, and", encoder(norm=plain, bias=True)),
            ("the last layer gives z_dim", encoder(heads=1)),
            ("your activation is flat", encoder(activation=nn.ReLU)),
            ("another slope", encoder(activation=lambda: nn.LeakyReLU(0.2))),
            ("no activation stands", encoder(activation=nn.Identity)),
            ("behind the activation", encoder(order=(1, 0))),
            ("the last layer stays bare", encoder(end=[nn.LeakyReLU])),
            ("expected", encoder(end=[nn.Tanh])),
            ("shapes cannot be multiplied", encoder(small=2)),
            ("shapes cannot be multiplied", encoder_rounding_down),
            ("expected", lambda c, side, channels, z: encoder()(c, side, channels[:1] * len(channels), z)),
        ],
        right=[
            encoder_lazily,
            encoder(),
            lambda c, h, channels, z: list(conv((c, h, h), channels, z)[0].body),
            encoder(activation=lambda: nn.LeakyReLU(inplace=True)),
        ],
    ),
    "decoder": Bank(
        "decoder_layers",
        wrong=[
            ("turned round for everybody", decoder(turn=True)),
            ("output padding 1 at every level", decoder(more=1)),
            ("output padding 0 at every level", decoder(more=0)),
            ("three channels come out", decoder(colours=3)),
            ("has a bias here", decoder(bias=True)),
            ("batch norm is missing", decoder(norm=plain)),
            ("convolutions have biases, and", decoder(norm=plain, bias=True)),
            ("your activation is flat", decoder(activation=nn.ReLU)),
            ("another slope", decoder(activation=lambda: nn.LeakyReLU(0.2))),
            ("no activation stands", decoder(activation=nn.Identity)),
            ("behind the activation", decoder(order=(1, 0))),
            ("these are probabilities", decoder(end=[nn.Sigmoid])),
            ("end in a tanh", decoder(end=[nn.Tanh])),
            ("of output", decoder_of_published_code),
            ("the order of the way down", decoder_in_the_order_down),
            ("batch norm and activation are missing", decoder_bare_at_last),
            ("it keeps channels[0]", decoder_of_c_channels),
            ("has no bias", decoder(last_bias=False)),
        ],
        right=[
            decoder(),
            lambda c, h, channels, z: nn.Sequential(*decoder()(c, h, channels, z)),
            lambda c, h, channels, z: list(conv((c, h, h), channels, z)[1].body),
        ],
    ),
    "counts": Bank(
        "counts",
        of_variant=True,
        wrong=[
            ("biases are missing: one for each map", counts(convolution=lambda mine, places: -mine.kernels)),
            ("under one window", counts(convolution=lambda mine, places: -9 * mine.kernels * (mine.c - 1))),
            ("the convolution's biases are the same", counts(lambda mine, places: mine.kernels * (places - 1))),
            ("weights are the same", lambda mine: [n * f for n, f in zip(counts()(mine), (16**2, 1), strict=True)]),
            ("belongs to a map", counts(convolution=lambda mine, places: mine.kernels * (mine.c - 1))),
            ("the linear layer's biases", counts(linear=lambda mine, places: -mine.kernels * places)),
            ("one bias in all", counts(linear=lambda mine, places: 1 - mine.kernels * places)),
            ("the two are exchanged", lambda mine: counts()(mine)[::-1]),
            ("a map has many places", lambda mine: (counts()(mine)[0], counts()(mine)[1] / 16**2)),
            ("all its maps", lambda mine: (counts()(mine)[0], counts()(mine)[1] / mine.kernels)),
            ("a stride of 2 halves", lambda mine: (counts()(mine)[0], counts()(mine)[1] * 4)),
            ("all channels", lambda mine: (counts()(mine)[0], (mine.side**2 + 1) * mine.kernels * 16**2)),
            ("not yet", lambda mine: (100, 200)),
            ("2 results are asked for", lambda mine: counts()(mine)[0]),
        ],
        right=[
            counts(),
            counts_by_building,
            lambda mine: {"conv": float(counts()(mine)[0]), "linear": torch.tensor(counts()(mine)[1])},
        ],
    ),
    "fault": Bank(
        "fault",
        wrong=[
            ("compare the smallest and the largest", "bare logits"),
            ("compare the smallest and the largest", "sigmoid on [-1, 1]"),
            ("compare the smallest and the largest", "divided twice"),
            ("is none of", "tanh"),
        ],
        right=["tanh on [0, 1]", " on ".join(["tanh", "[0, 1]"])],
    ),
    "mend": Bank(
        "reconstruction",
        wrong=[
            ("which range have the images", mended(torch.tanh)),
            ("is cut off", mended(lambda a: torch.tanh(a).clamp(0, 1))),
            ("keep the tanh", mended(torch.sigmoid)),
            ("still that of the bare tanh", mended(error=lambda a, seen, x: (a.tanh() - x).square().sum((1, 2, 3)))),
            (
                "four times as large",
                mended(error=lambda a, seen, x: (a.tanh() - (2 * x - 1)).square().sum((1, 2, 3))),
            ),
            ("summed over the batch", mended(error=lambda a, seen, x: F.mse_loss(seen, x, reduction="sum"))),
            ("a mean over the batch", mended(error=lambda a, seen, x: (seen - x).square().sum((1, 2, 3)).mean())),
            ("a mean over the pixels", mended(error=lambda a, seen, x: (seen - x).square().mean((1, 2, 3)))),
            ("one number for each pixel", mended(error=lambda a, seen, x: (seen - x).square())),
            ("which image would each be", mended(refuse=False)),
            ("which image would each be", mended_if_numbers_agree),
            ("stops with AttributeError", mended_but_mistyped),
            ("expected", mended(error=lambda a, seen, x: (seen - x).abs().sum((1, 2, 3)))),
        ],
        right=[mended(), mended_by_the_package, mended_by_loops, mended(lambda a: 1 / (1 + torch.exp(-2 * a)))],
    ),
}
