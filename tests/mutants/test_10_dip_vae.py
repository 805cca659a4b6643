"""Wrong and right answers to exercise 10."""

import math
import tomllib
from itertools import combinations, product
from types import SimpleNamespace

import numpy as np
import torch
from bordering import *  # noqa: F403
from einops import einsum
from exercise_runs import ROOT
from proving import *  # noqa: F403
from proving import Bank, regraded

from vae_tutorial.checks.dip_vae_limits import floor
from vae_tutorial.gaussian import DiagGaussian
from vae_tutorial.regularizers import DIP, code_covariance

LESSON = "10_dip_vae"


def spread(mu, over=0, divisor=len, centre=torch.mean):
    """The covariance of the means, with one of its parts made otherwise."""
    centred = mu - centre(mu, dim=over, keepdim=True)
    return centred.T @ centred / divisor(mu)


def spread_by_loops(mu):
    columns = [[value - sum(column) / len(column) for value in column] for column in mu.T.tolist()]
    return [[sum(a * b for a, b in zip(one, other, strict=True)) / len(one) for other in columns] for one in columns]


def clouds(width=torch.exp, place=lambda widths: torch.diag(widths.mean(0)), of_means=spread):
    """The covariance of the codes, with one of its parts made otherwise."""
    return lambda mu, logvar: of_means(mu) + place(width(logvar))


def by_mixture(mu, logvar):
    q = torch.distributions.MultivariateNormal(mu.double(), torch.diag_embed(logvar.double().exp()))
    second = q.covariance_matrix + einsum(q.mean, q.mean, "b i, b j -> b i j")
    return second.mean(0) - einsum(q.mean.mean(0), q.mean.mean(0), "i, j -> i j")


def charge(S, off_diagonal, diagonal, f=torch.square, goal=1.0):
    """The DIP penalty, with one of its parts made otherwise."""
    on = torch.diag(S)
    return off_diagonal * f(S - torch.diag(on)).sum() + diagonal * f(on - goal).sum()


def charge_by_loops(S, off_diagonal, diagonal):
    total = 0.0
    for i, row in enumerate(S.tolist()):
        for j, value in enumerate(row):
            total += diagonal * (value - 1) ** 2 if i == j else off_diagonal * value**2
    return total


def charge_in_numpy(S, off, on):
    weights = np.where(np.eye(len(S), dtype=bool), on, off)
    return (weights * (S.numpy() - np.eye(len(S))) ** 2).sum()


def charge_by_the_package(S, off_diagonal, diagonal):
    root = torch.linalg.cholesky(S.double())
    codes = torch.cat([root.T, -root.T]) * len(S) ** 0.5  # as many codes as have this covariance and the mean 0
    return DIP("i", off_diagonal, diagonal)(DiagGaussian(codes, torch.zeros_like(codes)), codes)


def losing(total):
    """A loss made of the reconstructions, the KLs, the right penalty and the number of images."""
    return lambda rec, kl, mu, logvar, off, on: total(rec, kl, charge(clouds()(mu, logvar), off, on), len(mu))


def loss_by_the_package(reconstruction, kl, mu, logvar, off_diagonal, diagonal):
    return DIP("ii", off_diagonal, diagonal)(DiagGaussian(mu, logvar), mu) + reconstruction.mean() + kl.mean()


def repaired(over=0, divisor=len, power=1, place=lambda widths: torch.diag(widths.mean(0))):
    """The published penalty with some of its four slips left."""

    def mended(mu, logvar, off_diagonal, diagonal):
        S = spread(mu, over, divisor) + place(torch.exp(power * logvar))
        return charge(S, off_diagonal, diagonal)

    return mended


LEFT = {"over": 1, "divisor": lambda mu: 1, "power": 2, "place": lambda widths: widths.diagonal().mean()}


def left(*slips):
    return repaired(**{slip: LEFT[slip] for slip in slips})


def chance(pairs=lambda b, z: (b - 1) * (z**2 - z) / b**2, on=lambda b, z: (2 * b - 1) * z / b**2, factor=None):
    def by_chance(mine):
        b, z = mine.batch, mine.z_dim
        total = mine.off_diagonal * pairs(b, z) + mine.diagonal * on(b, z)
        return total * (factor(b) if factor else 1)

    return by_chance


def exchanged(mine):
    b, z = mine.batch, mine.z_dim
    return ((b - 1) * (z**2 - z) * mine.diagonal + (2 * b - 1) * z * mine.off_diagonal) / b**2


def tried(mine):
    generator = torch.Generator().manual_seed(1)
    codes = torch.randn(4000, mine.batch, mine.z_dim, generator=generator)
    centred = codes - codes.mean(1, keepdim=True)
    S = einsum(centred, centred, "n b i, n b j -> n i j") / mine.batch
    return sum(charge(each, mine.off_diagonal, mine.diagonal) for each in S) / len(S)


def turned(angle, step=2):
    """Pairs of neighbouring latents, each turned by an angle; or only the first pair."""

    def entangled(z):
        mixed = z.clone()
        for i in range(0, z.shape[1] - 1, step):
            mixed[:, i] = math.cos(angle) * z[:, i] - math.sin(angle) * z[:, i + 1]
            mixed[:, i + 1] = math.sin(angle) * z[:, i] + math.cos(angle) * z[:, i + 1]
        return mixed

    return entangled


def mirrored(z):
    """Mirrored at the plane across (1, ..., 1): a reflection, of which R R^T = I holds as well."""
    return z - 2 * z.mean(1, keepdim=True)


def by_cosines(z):
    k = z.shape[1]
    place = np.arange(k)
    waves = np.cos(np.pi * np.outer(place + 0.5, place) / k) * np.sqrt(np.where(place == 0, 1, 2) / k)
    return z.numpy() @ waves


def by_exponential(z):
    table = torch.randn(z.shape[1], z.shape[1], generator=torch.Generator().manual_seed(3), dtype=z.dtype)
    return (z @ torch.matrix_exp(table - table.T)).tolist()


FAULTS = [
    "centred over the latents",
    "not divided by the batch size",
    "clouds added to every cell",
    "no 1 taken from the diagonal",
]

BANKS = {
    "means": Bank(
        "mean_covariance",
        wrong=[
            ("of what are these the means?", lambda mu: spread(mu, over=1)),
            ("not centred", lambda mu: mu.T @ mu / len(mu)),
            ("nothing divides", lambda mu: spread(mu, divisor=lambda mu: 1)),
            ("and not divided", lambda mu: spread(mu, 1, lambda mu: 1)),
            ("the sum is taken away", lambda mu: spread(mu, centre=torch.sum)),
            ("these are correlations", lambda mu: mu.T.corrcoef()),
            ("variances alone", lambda mu: mu.var(0, correction=0)),
            ("pairs of images", lambda mu: (mu - mu.mean(0)) @ (mu - mu.mean(0)).T / len(mu)),
            ("number of latents", lambda mu: spread(mu, divisor=lambda mu: mu.shape[1])),
            ("images and latents", lambda mu: spread(mu, divisor=torch.numel)),
            ("each row for a variable", torch.cov),
            ("each latent has its own", lambda mu: spread(mu, centre=lambda m, **_: m.mean())),
            ("expected", lambda mu: spread(mu).abs().sqrt()),
        ],
        right=[
            spread_by_loops,
            lambda mu: torch.cov(mu.T),
            lambda mu: np.cov(mu.numpy(), rowvar=False, bias=True),
            lambda m: einsum(m, m, "b i, b j -> i j") / len(m) - torch.outer(m.mean(0), m.mean(0)),
            lambda mu: code_covariance(DiagGaussian(mu, mu), "i"),
        ],
    ),
    "codes": Bank(
        "covariance",
        wrong=[
            ("is σ⁴", clouds(lambda v: torch.exp(2 * v))),
            ("σ stands where", clouds(lambda v: torch.exp(v / 2))),
            ("`logvar` itself", clouds(lambda v: v)),
            ("before the exponential", clouds(lambda v: v.mean(0, keepdim=True).exp())),
            ("every cell", clouds(place=torch.mean)),
            ("the whole diagonal", clouds(place=lambda w: w.mean() * torch.eye(w.shape[1]))),
            ("every row", clouds(place=lambda w: w.mean(0))),
            ("summed over the images", clouds(place=lambda w: torch.diag(w.sum(0)))),
            ("means alone", lambda mu, logvar: spread(mu)),
            ("clouds alone", clouds(of_means=lambda mu: 0)),
            ("centred over the latents", clouds(of_means=lambda mu: spread(mu, over=1))),
            ("nothing divides", clouds(of_means=lambda mu: spread(mu, divisor=lambda mu: 1))),
            ("expected", clouds(place=lambda w: w.diagonal().mean())),
        ],
        right=[
            by_mixture,
            clouds(of_means=lambda mu: torch.cov(mu.T)),
            lambda mu, logvar: np.cov(mu.numpy().T, bias=True) + np.diag(np.exp(logvar.numpy()).mean(axis=0)),
            lambda m, v: code_covariance(DiagGaussian(m, v)),
        ],
    ),
    "penalty": Bank(
        "dip_penalty",
        wrong=[
            ("exchanged", lambda S, off, on: charge(S, on, off)),
            ("to be 1, not 0", lambda S, off, on: charge(S, off, on, goal=0.0)),
            ("absolute values", lambda S, off, on: charge(S, off, on, torch.abs)),
            ("counts once", lambda S, off, on: charge(S, off / 2, on)),
            ("among the pairs too", lambda S, off, on: off * (S**2).sum() + on * (S.diagonal() - 1).square().sum()),
            (
                "this is a mean",
                lambda S, off, on: (
                    off * (S - S.diagonal().diag()).square().mean() + on * (S.diagonal() - 1).square().mean()
                ),
            ),
            ("with either weight", lambda S, off, on: off * (S - torch.eye(len(S))).square().sum() + charge(S, 0, on)),
            (
                "before the 1",
                lambda S, off, on: charge(S, off, 0) + on * (S.diagonal() ** 2 - 1).sum(),
            ),
            ("taken from every cell", lambda S, off, on: charge(S - 1, off, 0) + charge(S, 0, on)),
            ("one weight", lambda S, off, on: off * (S - torch.eye(len(S))).square().sum()),
            ("the diagonal is not charged", lambda S, off, on: charge(S, off, 0)),
            ("the pairs are not charged", lambda S, off, on: charge(S, 0, on)),
            (
                "the sums are squared",
                lambda S, off, on: off * (S - S.diagonal().diag()).sum() ** 2 + on * (S.diagonal() - 1).sum() ** 2,
            ),
            ("expected", lambda S, off, on: charge(S, off, on).sqrt()),
        ],
        right=[charge, charge_by_loops, charge_in_numpy, charge_by_the_package],
    ),
    "loss": Bank(
        "dip_loss",
        wrong=[
            ("divided by the number of images", losing(lambda rec, kl, p, b: (rec + kl).mean() + p / b)),
            ("once for each image", losing(lambda rec, kl, p, b: (rec + kl).mean() + p * b)),
            ("they are means", losing(lambda rec, kl, p, b: (rec + kl).sum() + p)),
            ("everything is summed", losing(lambda rec, kl, p, b: (rec + kl + p).sum())),
            ("the KL is missing", losing(lambda rec, kl, p, b: rec.mean() + p)),
            ("the KL is taken away", losing(lambda rec, kl, p, b: (rec - kl).mean() + p)),
            ("the reconstruction is missing", losing(lambda rec, kl, p, b: kl.mean() + p)),
            ("the penalty is missing", losing(lambda rec, kl, p, b: (rec + kl).mean())),
            ("taken away", losing(lambda rec, kl, p, b: (rec + kl).mean() - p)),
            ("penalty of the means", lambda rec, kl, mu, v, off, on: (rec + kl).mean() + charge(spread(mu), off, on)),
            (
                "exchanged",
                lambda rec, kl, mu, v, off, on: losing(lambda r, k, p, b: (r + k).mean() + p)(rec, kl, mu, v, on, off),
            ),
            ("one number for each image", losing(lambda rec, kl, p, b: rec + kl + p)),
            ("a single number", losing(lambda rec, kl, p, b: (rec.mean(), kl.mean(), p))),
        ],
        right=[
            loss_by_the_package,
            losing(lambda rec, kl, p, b: (rec + kl + p).mean()),
            lambda rec, kl, mu, v, off, on: (
                rec.numpy().mean()
                + kl.numpy().mean()
                + charge_in_numpy(torch.cov(mu.T) + v.exp().mean(0).diag(), off, on)
            ),
        ],
    ),
    "mended": Bank(
        "mended",
        wrong=[
            ("still in it: which axis is centred?", left("over")),
            ("still in it: what divides", left("divisor")),
            ("still in it: of what is `logvar`", left("power")),
            ("still in it: to which cells", left("place")),
            ("centred? what divides", left("over", "divisor")),
            ("logarithm? to which cells", left("power", "place")),
            ("centred? what divides by the number of images? of what is `logvar` the logarithm? to which", left(*LEFT)),
            ("expected", lambda mu, v, off, on: repaired()(mu, v, on, off)),
            ("expected", lambda mu, v, off, on: repaired()(mu, v, off, on) / len(mu)),
            ("to every row", repaired(place=lambda widths: widths.mean(0))),
            ("σ stands where", repaired(power=0.5)),
            ("the whole diagonal", repaired(place=lambda widths: widths.mean() * torch.eye(widths.shape[1]))),
        ],
        right=[
            repaired(),
            repaired(divisor=lambda mu: len(mu) - 1),
            lambda mu, v, off, on: DIP("ii", off, on)(DiagGaussian(mu, v), mu),
            lambda mu, v, off, on: charge_by_loops(by_mixture(mu, v), off, on),
        ],
    ),
    "chance": Bank(
        "by_chance",
        of_variant=True,
        wrong=[
            ("in a perfect batch", lambda mine: 0.0),
            ("is there twice", chance(pairs=lambda b, z: (b - 1) * (z**2 - z) / 2 / b**2)),
            ("the diagonal pays no chance", chance(on=lambda b, z: 0)),
            ("the variance of z²", chance(on=lambda b, z: z / b)),
            ("the pairs pay no chance", chance(pairs=lambda b, z: 0)),
            ("exchanged", exchanged),
            ("no pair with itself", chance(pairs=lambda b, z: z**2 / b)),
            ("nothing divides", chance(factor=lambda b: b)),
            ("not yet", chance(factor=lambda b: 1.2)),
            ("has to be numbers", lambda mine: "a little"),
        ],
        right=[
            chance(),
            tried,
            chance(pairs=lambda b, z: (z**2 - z) / b, on=lambda b, z: 2 * z / b),
            chance(pairs=lambda b, z: (z**2 - z) / (b - 1), on=lambda b, z: 2 * z / (b - 1)),
        ],
    ),
    "fault": Bank(
        "fault",
        of_variant=True,
        wrong=[
            *[("which slip would be content", lambda mine, i=i: FAULTS[i]) for i in range(1, 4)],
            ("is none of", lambda mine: "dim=1"),
            ("is none of", lambda mine: FAULTS),
        ],
        right=[
            lambda mine: {"A": FAULTS[0], "B": FAULTS[2], "C": FAULTS[1]}[mine.run],
            lambda mine: FAULTS["ACB".index(mine.run)],
        ],
    ),
    "turned": Bank(
        "entangled",
        wrong=[
            ("that mixes nothing", lambda z: z),
            ("that mixes nothing", lambda z: -z.flip(1)),
            ("from one factor", turned(math.pi / 4, step=100)),
            ("from one factor", turned(0.1)),
            ("expected", lambda z: z @ torch.randn(z.shape[1], z.shape[1], dtype=z.dtype)),
            ("is lost", lambda z: z.mean(1, keepdim=True).expand_as(z)),
            ("is lost", lambda z: torch.randn_like(z)),
            ("the shape is", lambda z: z[:, :1]),
            ("expected", lambda z: 2 * turned(math.pi / 4)(z)),
            ("expected", lambda z: z[torch.randperm(len(z))].cumsum(1)),
        ],
        right=[turned(math.pi / 4), mirrored, by_cosines, by_exponential],
    ),
}


def test_chance_is_right_with_each_divisor_and_told_from_a_slip_in_every_variant():
    drawn = tomllib.loads((ROOT / "vae_tutorial" / "course" / f"{LESSON}.toml").read_text("utf-8"))["variant"]
    names = ("batch", "z_dim", "off_diagonal", "diagonal")
    for values in product(*(drawn[name] for name in names)):
        mine = SimpleNamespace(**dict(zip(names, values, strict=True)))
        for accepted in (0.98, 1.02):  # four standard errors of the mean of 4,000 batches are less
            for answer in BANKS["chance"].right:
                if answer is not tried:
                    assert not [v.problem for v in floor(accepted * answer(mine), mine) if v.problem], values
        itself = chance(pairs=lambda b, z: z**2 / b, on=lambda b, z: 2 * z / b)
        assert [v.problem for v in floor(itself(mine), mine) if v.problem], values


def test_no_slip_of_the_published_penalty_is_taken_for_another():
    asked = {"over": "axis is centred", "divisor": "what divides", "power": "the logarithm", "place": "which cells"}
    sigma = (("σ stands where",), repaired(power=0.5))
    some = [pair for count in (1, 2) for pair in combinations(LEFT, count)]
    for questions, answer in [*((tuple(asked[slip] for slip in pair), left(*pair)) for pair in some), sigma]:
        points = regraded(LESSON, "mended", BANKS["mended"], answer)
        problems = [verdict.problem for verdict in points.report.verdicts if verdict.problem]
        assert problems
        others = set(asked.values()) - set(questions)
        assert not [problem for problem in problems for other in others if other in problem], (questions, problems)
