"""Wrong and right answers to exercise 11."""

import math

import pytest
import torch
from bordering import *  # noqa: F403
from einops import einsum
from proving import *  # noqa: F403
from proving import Bank, solution

from vae_tutorial import regularizers
from vae_tutorial.likelihoods import Gaussian
from vae_tutorial.measures import aggregate

LESSON = "11_wae_mmd"


def r2(a, b):
    return (a[:, None] - b[None]).square().sum(-1)


def bell(a, b, width):
    return torch.exp(-r2(a, b) / (2 * width**2))


def sized(likeness):
    """IMQ from a function of (r², C, size)."""
    return lambda a, b, scales: sum(likeness(r2(a, b), 2 * a.shape[1], scale) for scale in scales)


def by_r2(likeness):
    """RBF from a function of (r², width, number of latents)."""
    return lambda a, b, width: likeness(r2(a, b), width, a.shape[1])


def distances_by_loops(a, b):
    return [[sum((x - y) ** 2 for x, y in zip(row, other, strict=True)) for other in b.tolist()] for row in a.tolist()]


def distances_by_products(a, b):
    """The short cut, in double precision, where it keeps its digits."""
    a, b = a.double(), b.double()
    squares = einsum(a, a, "n d, n d -> n")[:, None] + einsum(b, b, "m d, m d -> m")
    return (squares - 2 * einsum(a, b, "n d, m d -> n m")).clamp(min=0).numpy()


def short_cut(a, b):
    return a.square().sum(1)[:, None] + b.square().sum(1) - 2 * a @ b.T


def imq_by_loops(a, b, scales):
    table = [[0.0] * len(b) for _ in a]
    for i, row in enumerate(distances_by_loops(a, b)):
        for j, squared in enumerate(row):
            for scale in scales:
                table[i][j] += 1 / (1 + squared / (2 * a.shape[1] * scale))
    return table


def without_own(table):
    return table.fill_diagonal_(0)


def rbf_by_torch(a, b, width):
    bell = torch.distributions.Normal(0.0, width)
    return torch.exp(bell.log_prob(r2(a, b).sqrt()) - bell.log_prob(torch.tensor(0.0)))


def seven(a, b, scales):
    return regularizers.imq(a, b, scales=tuple(scales))


def imq_as_a_product(a, b, scales):
    c = 2 * a.shape[1] * torch.tensor(scales)
    return 1 / (1 + r2(a, b)[..., None] / c) @ torch.ones(len(scales))


def dropping(kernel, finish=lambda table: table):
    """A kernel that leaves out the pairs of a code with itself."""
    return lambda a, b, c: kernel(a, b, c) if len(a) != len(b) else finish(without_own(kernel(a, b, c)))


def off_mean(table):
    return (table.sum() - table.trace()) / (len(table) * (len(table) - 1))


def three(zz, pp, zp):
    return off_mean(zz) + off_mean(pp) - 2 * zp.mean()


def one_on_the_diagonal(zz, pp, zp):
    n = len(zp)
    return (zz.sum() + pp.sum() - 2 * n) / (n * (n - 1)) - 2 * zp.mean()


def mmd2_by_loops(zz, pp, zp):
    n, total = len(zp), 0.0
    for i in range(n):
        for j in range(n):
            if i != j:
                total += (zz[i][j].item() + pp[i][j].item()) / (n * (n - 1))
            total -= 2 * zp[i][j].item() / n**2
    return total


def mmd2_with_a_mask(zz, pp, zp):
    others = ~torch.eye(len(zp), dtype=torch.bool)
    return zz[others].mean() + pp[others].mean() - zp.mean() - zp.T.mean()


def mmd2_in_numpy(zz, pp, zp):
    import numpy as np

    zz, pp, zp = (np.array(table) for table in (zz, pp, zp))
    n = zz.shape[0]
    np.fill_diagonal(zz, 0), np.fill_diagonal(pp, 0)
    return (zz.sum() + pp.sum()) / n / (n - 1) - 2 * zp.sum() / n / n


def crowd(z, p):
    return regularizers.mmd2(z, p, regularizers.imq)


def dealt(z, p, deals, pool=lambda z, p: torch.cat([z, p]), value=crowd, share=None):
    """Values and p-value, with a slip where asked for."""
    n, all_of = len(z), pool(z, p)
    values = torch.stack([value(all_of[order[:n]], all_of[order[n:]]) for order in deals])
    share = share or (lambda values, measured: (1 + (values >= measured).sum()) / (1 + len(values)))
    return values, share(values, value(z, p))


def dealing(**slip):
    return lambda z, p, deals: dealt(z, p, deals, **slip)


def dealt_by_one_table(z, p, deals):
    """All likenesses once, then chosen by a sign for each crowd, as `measures.prior_test` does."""
    pool, n = torch.cat([z, p]).double(), len(z)
    gram = without_own(regularizers.imq(pool, pool))
    orders = torch.cat([torch.arange(2 * n)[None], deals])
    first = torch.zeros(len(orders), 2 * n, dtype=torch.double).scatter_(1, orders[:, :n], 1.0)
    within = ((first @ gram) * first).sum(1) + (((1 - first) @ gram) * (1 - first)).sum(1)
    values = within / (n * (n - 1)) - 2 * ((first @ gram) * (1 - first)).sum(1) / n**2
    return values[1:].tolist(), (values >= values[0] - 1e-12).double().mean().item()


def wae(
    model,
    x,
    p,
    weight,
    *,
    code=lambda q: q.mu,
    image=torch.sigmoid,
    error=lambda e: e.flatten(1).sum(1).mean(),
    distance=crowd,
    loss=lambda e, m, w, q: e + w * m,
):
    """The loss of a WAE, with a slip where asked for."""
    q = model.encoder(x)
    z = code(q)
    e, m = error((image(model.decoder(z)) - x).square()), distance(z, p)
    return loss(e, m, weight, q), e, m


def losing(**slip):
    return lambda model, x, p, weight: wae(model, x, p, weight, **slip)


def wae_by_the_package(model, x, p, weight):
    """The cost of Gaussian(sqrt(1/2)) is the squared error and a constant."""
    z = model.encoder(x).mu
    pixels = x[0].numel()
    cost = Gaussian(sigma=0.5**0.5).nll(model.decoder(z), x) - 0.5 * pixels * math.log(math.pi)
    return {"loss": cost.mean() + weight * crowd(z, p), "error": cost.mean(), "mmd2": crowd(z, p)}.values()


def wae_by_loops(model, x, p, weight):
    z = model.encoder(x).mu
    errors = [torch.nn.functional.mse_loss(model.decoder(c[None]).sigmoid()[0], i, reduction="sum")
              for c, i in zip(z, x, strict=True)]  # fmt: skip
    e, m = sum(errors) / len(errors), crowd(z, p)
    return [torch.add(e, m, alpha=weight), e, m]


def both(larger=lambda mine: mine.weight * mine.times**2, averaged=lambda mine: mine.weight / mine.side**2):
    return larger, averaged


BANKS = {
    "distances": Bank(
        "distances",
        wrong=[
            ("is its root asked for", lambda a, b: torch.cdist(a, b)),
            ("average over the latents", lambda a, b: (a[:, None] - b).square().mean(-1)),
            ("which axis is summed", lambda a, b: (a[:, None] - b).square()),
            ("without their squares", lambda a, b: (a[:, None] - b).abs().sum(-1)),
            ("so that differences cancel", lambda a, b: (a[:, None] - b).sum(-1).square()),
            ("whose codes are the rows", lambda a, b: r2(b, a)),
            ("keep one for each pair", lambda a, b: r2(a, b).sum()),
            ("keep one number for each", lambda a, b: r2(a, b).mean()),
            ("takes large numbers off each other", short_cut),
            ("stops with RuntimeError", lambda a, b: (a - b).square().sum(-1)),
        ],
        right=[
            distances_by_loops,
            distances_by_products,
            lambda a, b: torch.cdist(a, b) ** 2,
            lambda a, b: short_cut(a, b).clamp(min=0),
            lambda p, q: sum((p[:, i].unsqueeze(1) - q[:, i]).pow(2) for i in range(p.size(1))),
        ],
    ),
    "rbf": Bank(
        "rbf",
        wrong=[
            ("averaged over the latents", by_r2(lambda r2, w, d: torch.exp(-r2 / d / (2 * w**2)))),
            ("number of latents twice", by_r2(lambda r2, w, d: torch.exp(-r2 / d / (2 * d * w**2)))),
            ("the width is not squared", by_r2(lambda r2, w, d: torch.exp(-r2 / (2 * w)))),
            ("is the 2 there?", by_r2(lambda r2, w, d: torch.exp(-r2 / w**2))),
            ("above or below the line", by_r2(lambda r2, w, d: torch.exp(-r2 / 2 * w**2))),
            ("r stands where r² belongs", by_r2(lambda r2, w, d: torch.exp(-r2.sqrt() / (2 * w**2)))),
            ("distances are squared already", by_r2(lambda r2, w, d: torch.exp(-(r2**2) / (2 * w**2)))),
            ("look at the sign", by_r2(lambda r2, w, d: torch.exp(r2 / (2 * w**2)))),
            (
                "this is a density",
                by_r2(lambda r2, w, d: torch.exp(-r2 / (2 * w**2)) / (2 * math.pi * w**2) ** (d / 2)),
            ),
            ("average of all pairs", lambda a, b, width: bell(a, b, width).mean()),
            ("is left out", dropping(bell)),
            ("of the pairs i ≠ j", dropping(bell, torch.sum)),
        ],
        right=[
            lambda a, b, width: regularizers.rbf(a, b, width2=width**2),
            lambda a, b, w: [[math.exp(-r / (2 * w * w)) for r in row] for row in distances_by_loops(a, b)],
            lambda x, y, s: (-0.5 * ((x / s)[:, None] - (y / s)[None]).square()).exp().prod(-1).numpy(),
            rbf_by_torch,
        ],
    ),
    "imq": Bank(
        "imq",
        wrong=[
            ("C does not grow with the latents", sized(lambda r2, c, s: 2 * s / (2 * s + r2))),
            ("this C is the number of latents", sized(lambda r2, c, s: s * c / (s * c + 2 * r2))),
            ("r stands where r² belongs", sized(lambda r2, c, s: s * c / (s * c + r2.sqrt()))),
            ("averaged over the latents", sized(lambda r2, c, s: s * c / (s * c + 2 * r2 / c))),
            ("a root is taken", sized(lambda r2, c, s: (s * c / (s * c + r2)).sqrt())),
            ("how unlike they are", sized(lambda r2, c, s: r2 / (s * c + r2))),
            ("counts the codes", lambda a, b, scales: sum(s / (s + r2(a, b) / (2 * len(a))) for s in scales)),
            ("does `return` end the loop", lambda a, b, scales: seven(a, b, scales[:1])),
            ("C is missing above the line", sized(lambda r2, c, s: 1 / (s * c + r2))),
            ("says something of every pair", lambda *given: seven(*given).sum()),
            ("average of all pairs", lambda *given: seven(*given).mean()),
            ("average of the sizes", lambda a, b, scales: seven(a, b, scales) / len(scales)),
            ("others in the loop", lambda a, b, scales: seven(a, b, scales[-1:])),
            ("below the line, not above", sized(lambda r2, c, s: c / (s * c + r2))),
            ("make one C", lambda a, b, scales: seven(a, b, (sum(scales),))),
            ("is left out", dropping(seven)),
            ("of the pairs i ≠ j", dropping(seven, torch.sum)),
        ],
        right=[
            imq_by_loops,
            seven,
            imq_as_a_product,
            lambda *given: len(given[2]) - sized(lambda r2, c, s: r2 / (s * c + r2))(*given),
        ],
    ),
    "mmd2": Bank(
        "mmd2",
        wrong=[
            ("likeness to itself is kept", lambda zz, pp, zp: zz.mean() + pp.mean() - 2 * zp.mean()),
            (
                "though the pairs without it are counted",
                lambda zz, pp, zp: (zz.sum() + pp.sum()) / (len(zp) * (len(zp) - 1)) - 2 * zp.mean(),
            ),
            (
                "but not out of their number",
                lambda zz, pp, zp: without_own(zz).mean() + without_own(pp).mean() - 2 * zp.mean(),
            ),
            (
                "once more",
                lambda zz, pp, zp: (zz.mean() + pp.mean() - 2 * zp.mean()) / (len(zp) * (len(zp) - 1)),
            ),
            ("how often in the formula", lambda zz, pp, zp: off_mean(zz) + off_mean(pp) - zp.mean()),
            ("make crowds far apart", lambda zz, pp, zp: off_mean(zz) + off_mean(pp) + 2 * zp.mean()),
            ("the sign is turned", lambda *tables: -three(*tables)),
            ("a root is taken", lambda *tables: three(*tables).sqrt()),
            ("not finite", lambda *tables: three(*tables).sqrt()),
            ("cut at 0", lambda *tables: three(*tables).clamp(min=0)),
            ("cut at 0", lambda *tables: max(0.0, three(*tables).item())),
            ("the sign is turned", lambda *tables: three(*tables).abs()),
            ("far more chance", lambda zz, pp, zp: off_mean(zz) + off_mean(pp) - 2 * zp.diagonal().mean()),
            ("no more alike than others", lambda zz, pp, zp: off_mean(zz) + off_mean(pp) - 2 * off_mean(zp)),
            ("too large for small batches", lambda zz, pp, zp: zz.mean() + pp.mean() - 2 * zp.mean()),
            ("has to be numbers", lambda *tables: "small"),
            ("taken to be 1", one_on_the_diagonal),
            (
                "counted once",
                lambda zz, pp, zp: (zz.triu(1).sum() + pp.triu(1).sum()) / (len(zp) * (len(zp) - 1)) - 2 * zp.mean(),
            ),
        ],
        right=[mmd2_by_loops, mmd2_with_a_mask, mmd2_in_numpy, lambda a, b, c: [three(a, b, c)]],
    ),
    "chance": Bank(
        "chance",
        wrong=[
            ("leaves out the measured one", dealing(share=lambda v, m: (v >= m).double().mean())),
            ("but not below", dealing(share=lambda v, m: (1 + (v >= m).sum()) / len(v))),
            ("come out smaller", dealing(share=lambda v, m: (1 + (v <= m).sum()) / (1 + len(v)))),
            ("at least as large", dealing(share=lambda v, m: (1 + (v > m).sum()) / (1 + len(v)))),
            ("expected", lambda z, p, deals: dealt(z, p, deals.argsort(1))),
            ("this is a number of deals", dealing(share=lambda v, m: 1 + (v >= m).sum())),
            ("stand first in the pool", dealing(pool=lambda z, p: torch.cat([p, z]))),
            ("are cut", dealing(value=lambda z, p: crowd(z, p).clamp(min=0))),
            ("2 results are asked for", lambda *given: dealt(*given)[1]),
            ("of values", dealing(value=lambda z, p: regularizers.mmd2(z, p, regularizers.rbf))),
            ("stops with IndexError", lambda z, p, deals: [crowd(z[order], p[order]) for order in deals]),
        ],
        right=[
            dealing(),
            dealt_by_one_table,
            dealing(share=lambda v, m: sum(x >= m for x in [*v.tolist(), m.item()]) / (len(v) + 1)),
        ],
    ),
    "wae": Bank(
        "wae_loss",
        wrong=[
            ("averaged over the pixels", losing(error=lambda e: e.mean())),
            ("summed over the images too", losing(error=lambda e: e.sum())),
            ("stands on the reconstruction", losing(loss=lambda e, m, w, q: w * e + m)),
            ("the weight is missing", losing(loss=lambda e, m, w, q: e + m)),
            ("the squared error alone", losing(loss=lambda e, m, w, q: e)),
            ("driven apart", losing(loss=lambda e, m, w, q: e - w * m)),
            ("distance from 0", losing(loss=lambda e, m, w, q: e + w * m + 0.5 * q.mu.square().sum(1).mean())),
            ("the KL of a VAE", losing(loss=lambda e, m, w, q: e + w * m + q.kl().mean())),
            ("a root is taken of each", losing(error=lambda e: e.flatten(1).sum(1).sqrt().mean())),
            ("a root is taken of MMD²", losing(distance=lambda z, p: crowd(z, p).sqrt())),
            ("what makes pixels of them", losing(image=lambda logits: logits)),
            ("gradient get lost", losing(distance=lambda z, p: crowd(z.detach(), p))),
            ("what is left to chance", losing(code=lambda q: q.sample())),
            ("what is left to chance", losing(code=lambda q: q.mu + 0.1 * torch.randn_like(q.mu))),
            ("what is left to chance", losing(distance=lambda z, p: crowd(z, torch.randn_like(z)))),
            ("backward", lambda *given: [part.item() for part in wae(*given)]),
            ("of MMD²", losing(distance=lambda z, p: regularizers.mmd2(z, p, regularizers.rbf))),
        ],
        right=[losing(), lambda *given: list(wae_by_the_package(*given)), wae_by_loops],
    ),
    "weights": Bank(
        "larger",
        of_variant=True,
        wrong=[
            ("follows the side", lambda mine: mine.weight * mine.times),
            ("does the squared error", lambda mine: mine.weight),
            ("which of the two terms has grown", lambda mine: mine.weight / mine.times**2),
            ("the weight was not 1", lambda mine: mine.times**2),
            ("taken twice", lambda mine: mine.weight * mine.times**4),
            ("not yet", lambda mine: 1000.0),
            ("has to be numbers", lambda mine: "four times"),
        ],
        right=[
            lambda mine: mine.weight * (mine.side * mine.times) ** 2 / mine.side**2,
            lambda mine: torch.tensor([float(mine.weight * mine.times * mine.times)]),
        ],
    ),
    "mend": Bank(
        "mended",
        wrong=[
            ("near and far pairs", lambda a, b: bell(a, b, 20.0)),
            ("near and far pairs", lambda a, b: bell(a, b, 0.02)),
            ("near and far pairs", lambda a, b: bell(a, b, 2**0.5)),
            ("near and far pairs", lambda a, b: torch.exp(-r2(a, b) / (2 * a.shape[1] ** 3))),
            ("next to no pull", lambda a, b: torch.ones(len(a), len(b))),
            ("next to no pull", lambda a, b: a @ b.T + 1e6),
            ("a code with itself", lambda a, b: r2(a, b) + 1),
            ("above 0", lambda a, b: -r2(a, b)),
            ("above 0", lambda a, b: 1 / r2(a, b)),
            ("the shape is", lambda a, b: bell(a, b, a.shape[1] ** 0.5).mean()),
            ("stops with RuntimeError", lambda a, b: (a - b).square().sum(-1)),
        ],
        right=[
            lambda a, b: regularizers.rbf(a, b),
            lambda a, b: regularizers.imq(a, b).numpy(),
            lambda a, b: imq_by_loops(a, b, (1.0,)),
            lambda a, b: bell(a, b, (2 * a.shape[1]) ** 0.5),
            lambda a, b: torch.exp(-torch.cdist(a, b) / a.shape[1] ** 0.5),
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("slip", "sentence"),
    [
        (lambda mine: mine.weight * mine.side**2, "the other way round"),
        (lambda mine: mine.weight / mine.side, "not by those of a side"),
        (lambda mine: mine.weight, "counts far more than before"),
        (lambda mine: mine.weight / (mine.side * mine.times) ** 2, "pixels of the larger images"),
        (lambda mine: 1.0, "not yet"),
    ],
)
def test_a_wrong_weight_of_the_average_earns_nothing_and_is_told_its_slip(slip, sentence):
    run = solution(LESSON)
    points = run.regrade("weights", averaged=slip(run.names["mine"]))
    assert points == 0
    assert [sentence in v.problem for v in points.report.verdicts if v.problem] == [True]
    assert f"{run.names['mine'].weight / run.names['mine'].side ** 2:.3g}" not in str(points.report)


@pytest.mark.parametrize("learner", ["", "a", "b", "c", "d"])
def test_only_the_right_fault_earns_points_and_it_is_not_told(learner):
    run = solution(LESSON, learner)
    faults = run.names["check"].FAULTS
    right = "kernel too wide" if run.names["mine"].width > 1 else "kernel too narrow"
    for word in faults:
        points = run.regrade("mend", fault=word)
        assert bool(points) == (word == right)
        assert (right in str(points.report)) is False or word == right
    assert "none of" in str(run.regrade("mend", fault="too wide").report)


def test_every_fitting_kernel_and_none_other_is_accepted_for_several_draws():
    """The least MMD² asked for lies between what fitting kernels find and what others do, whatever the draws."""
    check, fits = solution(LESSON).names["check"], BANKS["mend"].right
    misfits = [answer for sentence, answer in BANKS["mend"].wrong[:4]]
    for seed in range(20, 26):
        for kernel in fits[:2] + fits[3:]:
            assert not any(verdict.problem for verdict in check.mended(kernel, seed=seed)), seed
        for kernel in misfits:
            assert any(verdict.problem for verdict in check.mended(kernel, seed=seed)), seed


def test_the_exact_distance_is_that_of_very_many_draws():
    from vae_tutorial.checks import mmd

    generator = torch.Generator().manual_seed(0)
    z, p = 0.5**0.5 * torch.randn(4000, 3, generator=generator), torch.randn(4000, 3, generator=generator)
    value = regularizers.mmd2(z, p, regularizers.rbf).item()
    assert value == pytest.approx(mmd._exact(3), abs=0.004)
    assert aggregate.prior_test(z[:300]).p_value < 0.05
