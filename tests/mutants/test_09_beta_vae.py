"""Wrong and right answers to exercise 09."""

import math
from collections import Counter

import numpy as np
import torch
from bordering import *  # noqa: F403
from proving import *  # noqa: F403
from proving import Bank
from sklearn.metrics import mutual_info_score

from vae_tutorial.measures import mutual_information
from vae_tutorial.regularizers import Capacity

LESSON = "09_beta_vae"


# Objectives


def replacing(J=lambda d, r, beta: d + beta * r, rec=torch.mean, kl=lambda kl: kl.sum(1).mean(), price=1):
    """The beta-VAE's objective with one of its parts made otherwise."""

    def beta_objective(reconstruction, nats, beta):
        d, r = rec(reconstruction), kl(nats)
        return J(d, r, beta), d, r * (beta if price == "in" else 1)

    return beta_objective


def objective_by_loops(reconstruction, kl, beta):
    b = len(reconstruction)
    d, r = sum(reconstruction.tolist()) / b, sum(sum(row) for row in kl.tolist()) / b
    return {"J": d + beta * r, "distortion": d, "rate": r}


def charging(
    c=lambda run: run["c_max"] * min(1, run["step"] / run["steps"]), bars=lambda off: off.mean().abs(), w=None
):
    """The capacity objective with one of its parts made otherwise."""

    def capacity_objective(reconstruction, kl, run):
        C = c(run)
        return reconstruction.mean() + (run["weight"] if w is None else w) * bars(kl.sum(1) - C), C

    return capacity_objective


def capacity_by_the_package(reconstruction, kl, run):
    charge = Capacity(run["weight"], run["c_max"], run["steps"])
    C = charge.capacity(torch.tensor(run["step"]))
    return [reconstruction.mean() + charge.weight * torch.abs(kl.sum() / len(kl) - C), C]


def capacity_in_numpy(reconstruction, kl, run):
    C = np.interp(run["step"], [0, run["steps"]], [0, run["c_max"]])
    off = kl.numpy().sum(axis=-1).mean() - C
    return np.mean(reconstruction.numpy()) + run["weight"] * max(off, -off), C


# Runs


def by_pairs(dominates):
    """For each run, whether some run (itself too) dominates it by a function of four numbers."""

    def dominated(rates, distortions):
        runs = list(zip(rates.tolist(), distortions.tolist(), strict=True))
        return [any(dominates(*other, *run) for other in runs) for run in runs]

    return dominated


RIGHTLY = by_pairs(lambda r, d, mine, lost: (r <= mine and d < lost) or (r < mine and d <= lost))


def dominated_by_broadcasting(rates, distortions):
    points = torch.stack([rates, distortions], dim=1)
    no_more = (points[None] <= points[:, None]).all(-1)
    return (no_more & ~no_more.T).any(1)


def dominated_by_sorting(rates, distortions):
    found, best = [False] * len(rates), math.inf
    order = np.lexsort((distortions.numpy(), rates.numpy()))
    for place, i in enumerate(order):
        before = order[place - 1] if place else i
        twin = place > 0 and rates[i] == rates[before] and distortions[i] == distortions[before]
        found[i] = found[before] if twin else bool(distortions[i] >= best)
        best = min(best, float(distortions[i]))
    return np.array(found)


def cheapest_at_no_price(rates, distortions):
    best = {int((distortions + beta * rates).argmin()) for beta in np.geomspace(0.001, 1000, 3001)}
    return [i not in best for i in range(len(rates))]


def all_but_the_least(rates, distortions):
    return rates + distortions > (rates + distortions).min()


# Scores


def entropy(*columns):
    counts = np.array(list(Counter(zip(*(column.tolist() for column in columns), strict=True)).values()))
    return float(-(counts / counts.sum() * np.log(counts / counts.sum())).sum())


def share(code):
    return (code - code.min()) / (code.max() - code.min())


def cut(code, bins=20):
    return (share(code) * bins).long().clamp(max=bins - 1)


def edges(right):
    """The bins between twenty edges, which are 19, each with its right edge in it or with its left one."""
    return lambda code: torch.as_tensor(np.digitize(share(code).numpy(), np.arange(20) / 19, right=right))


def told(code, factor, bins=cut):
    return entropy(bins(code)) + entropy(factor) - entropy(bins(code), factor)


def quantiles(code):
    return torch.bucketize(code, torch.quantile(code.double(), torch.linspace(0, 1, 21).double())[1:-1])


def by_histogram(code, factor):
    table = np.histogram2d(code.numpy(), factor.numpy(), bins=(20, int(factor.max()) + 1))[0] / len(code)
    alone = table.sum(1, keepdims=True) * table.sum(0, keepdims=True)
    return float((table[table > 0] * np.log(table[table > 0] / alone[table > 0])).sum())


def by_sklearn(code, factor):
    inner = np.linspace(float(code.min()), float(code.max()), 21)[1:-1]
    return mutual_info_score(np.digitize(code.numpy(), inner), factor.numpy())


def gap(score=lambda first, second, h: (first - second) / h, of_all=lambda shares, f: sum(shares) / f, info=told):
    """The mutual information gap with one of its parts made otherwise."""

    def mig(codes, factors):
        shares = []
        for factor in factors.T:
            known = sorted((info(code, factor) for code in codes.T), reverse=True)
            shares.append(score(known[0], known[1], entropy(factor)))
        return of_all(shares, factors.shape[1])

    return mig


def in_bits(codes, factors):
    log2 = math.log(2)
    known = np.array([[by_histogram(code, factor) / log2 for factor in factors.T] for code in codes.T])
    known.sort(axis=0)
    return np.mean((known[-1] - known[-2]) / [entropy(factor) / log2 for factor in factors.T])


def by_the_package(codes, factors):
    known, entropies = mutual_information(codes, factors)
    best = known.topk(2, dim=0).values
    return torch.mean((best[0] - best[1]) / entropies)


def against_the_worst(codes, factors):
    known, entropies = mutual_information(codes, factors)
    return ((known.max(0).values - known.min(0).values) / entropies).mean()


def over_latents(codes, factors):
    known, entropies = mutual_information(codes, factors)
    best = known.topk(2, dim=1)
    return ((best.values[:, 0] - best.values[:, 1]) / entropies[best.indices[:, 0]]).mean()


def over_latents_in_nats(codes, factors):
    best = mutual_information(codes, factors)[0].topk(2, dim=1).values
    return (best[:, 0] - best[:, 1]).mean()


def the_two_that_know_least(codes, factors):
    known, entropies = mutual_information(codes, factors)
    known = known.sort(dim=0).values
    return ((known[0] - known[1]) / entropies).mean()


def added_first(codes, factors):
    known, entropies = mutual_information(codes, factors)
    first, second = known.topk(2, dim=0).values
    return (first - second).sum() / entropies.sum()


def by_levels(codes, factors):
    known, _ = mutual_information(codes, factors)
    first, second = known.topk(2, dim=0).values
    levels = torch.tensor([len(factor.unique()) for factor in factors.T])
    return ((first - second) / levels.log()).mean()


def hidden(factor=1.0, **powers):
    """The hidden beta with its parts taken to other powers."""
    powers = {"weight": 1, "beta": 1, "channels": 1, "side": 2} | powers
    return lambda mine: factor * math.prod(getattr(mine, name) ** power for name, power in powers.items())


FAULTS = [
    "the step is not passed on",
    "evaluation counts as training",
    "the count is lost on resuming",
    "the capacity is not capped",
    "the weight is too small",
]


def advancing(now=lambda count, training: count, then=lambda count, training: count + training, cap=1.0):
    return lambda count, training, c_max, steps: (c_max * min(cap, now(count, training) / steps), then(count, training))


def advance_by_cases(count, training, c_max, steps):
    C = c_max if count > steps else torch.tensor(count * c_max / steps)
    return [C, torch.tensor(count) + 1] if training else [C, count]


BANKS = {
    "objective": Bank(
        "beta_objective",
        wrong=[
            ("beta stands at the reconstruction", replacing(lambda d, r, beta: beta * d + r)),
            ("beta stands at both terms", replacing(lambda d, r, beta: beta * (d + r))),
            ("and once more", replacing(lambda d, r, beta: d + r + beta * r)),
            ("charged twice", replacing(lambda d, r, beta: d + beta * beta * r)),
            ("has its price in it", replacing(price="in")),
            ("at a price of 1", replacing(lambda d, r, beta: d + r)),
            ("averaged over latents", replacing(kl=torch.mean)),
            ("the KL is summed over the images", replacing(kl=torch.sum)),
            ("the reconstruction is summed", replacing(rec=torch.sum)),
            ("one number for each image", replacing(rec=lambda nats: nats)),
            ("one number for each image", replacing(kl=lambda kl: kl.sum(1))),
            ("one number for each latent", replacing(kl=lambda kl: kl.mean(0))),
            ("the other way round", replacing(kl=lambda kl: kl.sum(0).mean())),
            ("changed places", lambda rec, kl, beta: [replacing()(rec, kl, beta)[i] for i in (0, 2, 1)]),
            ("3 results are asked for", lambda d, kl, beta: (d + beta * kl.sum(1)).mean()),
            ("of J", replacing(lambda d, r, beta: d - beta * r)),
        ],
        right=[
            objective_by_loops,
            lambda d, kl, beta: ((d + beta * kl.sum(-1)).mean(), d.mean(), kl.sum() / len(d)),
            lambda rec, nats, price: [
                np.float64(rec.mean() + price * nats.mean() * nats.shape[1]),
                rec.mean(),
                nats.mean(0).sum(),
            ],
        ],
    ),
    "dominated": Bank(
        "dominated",
        wrong=[
            ("turn the answer round", lambda *runs: [not bad for bad in RIGHTLY(*runs)]),
            ("is each set against itself", by_pairs(lambda r, d, mine, lost: r <= mine and d <= lost)),
            (
                "alike to the last digit",
                lambda *runs: [
                    any(i != j and r <= mine and d <= lost for j, (r, d) in enumerate(zip(*runs, strict=True)))
                    for i, (mine, lost) in enumerate(zip(*runs, strict=True))
                ],
            ),
            ("a tie in one of the two", by_pairs(lambda r, d, mine, lost: r < mine and d < lost)),
            ("is less of one thing enough", by_pairs(lambda r, d, mine, lost: r < mine or d < lost)),
            (
                "which are dominated",
                lambda *runs: dominated_by_broadcasting(*(-each for each in runs)),
            ),
            ("a sum hides", all_but_the_least),
            ("cheapest at no price", cheapest_at_no_price),
            ("has to be numbers", lambda rates, distortions: ["A", "B"]),
            ("the shape is", lambda rates, distortions: [4, 6, 8, 9]),
            ("expected", lambda rates, distortions: [False] * len(rates)),
        ],
        right=[dominated_by_broadcasting, dominated_by_sorting, RIGHTLY],
    ),
    "hidden": Bank(
        "beta_of_the_sum",
        of_variant=True,
        wrong=[
            ("an image in colour", hidden(channels=0)),
            ("a square of that side", hidden(side=1)),
            ("which one is left out", hidden(beta=0)),
            ("one of them small", hidden(weight=0)),
            ("what its settings say", hidden(channels=0, side=0)),
            ("you multiply", hidden(channels=-1, side=-2)),
            ("its beta alone", hidden(weight=0, channels=0, side=0)),
            ("half the squared error", hidden(0.5)),
            ("not yet", hidden(1.02)),
            ("numbers are asked for", lambda mine: "about 37"),
        ],
        right=[hidden(), hidden(1.003), lambda m: torch.tensor([hidden()(m)]), lambda m: np.array(hidden()(m))],
    ),
    "capacity": Bank(
        "capacity_objective",
        wrong=[
            ("C counts epochs", charging(lambda run: run["c_max"] * min(1, run["epoch"] / run["steps"]))),
            ("C grows for ever", charging(lambda run: run["c_max"] * run["step"] / run["steps"])),
            ("C has run ahead", charging(lambda run: run["c_max"] * min(1, (run["step"] + 1) / run["steps"]))),
            ("from the first step", charging(lambda run: run["c_max"])),
            ("rounded down", charging(lambda run: run["c_max"] * min(1, run["step"] // run["steps"]))),
            ("the bars are missing", charging(bars=torch.mean)),
            ("by itself", charging(bars=lambda off: off.abs().mean())),
            ("pushed up", charging(bars=lambda off: off.mean().clamp(min=0))),
            ("a square", charging(bars=lambda off: off.mean() ** 2)),
            ("the weight is missing", charging(w=1.0)),
            ("once more beside the bars", lambda rec, kl, run: charging()(rec + kl.sum(1), kl, run)),
            ("averaged over latents", lambda rec, kl, run: charging()(rec, kl / kl.shape[1], run)),
            ("summed over the images", lambda rec, kl, run: charging()(rec, len(kl) * kl, run)),
            ("2 results are asked for", lambda rec, kl, run: charging()(rec, kl, run)[0]),
            ("of J", lambda rec, kl, run: charging()(2 * rec, kl, run)),
        ],
        right=[
            capacity_by_the_package,
            capacity_in_numpy,
            charging(bars=lambda off: off.sum().square().sqrt() / len(off)),
        ],
    ),
    "fault": Bank(
        "fault",
        of_variant=True,
        wrong=[
            *[("which C would make this KL", lambda mine, i=i: FAULTS[i]) for i in range(1, 5)],
            ("is none of", lambda mine: "The step is not passed on."),
            ("is none of", lambda mine: 1),
        ],
        right=[
            lambda mine: FAULTS["ABC".index(mine.run)],
            lambda mine: {"A": FAULTS[0], "B": FAULTS[1], "C": FAULTS[2]}[mine.run],
        ],
    ),
    "advance": Bank(
        "advance",
        wrong=[
            ("evaluation has moved the count", advancing(then=lambda count, training: count + 1)),
            ("not counted", advancing(then=lambda count, training: count)),
            ("C has run ahead", advancing(now=lambda count, training: count + training)),
            ("C grows for ever", advancing(cap=math.inf)),
            ("training is not over", advancing(now=lambda count, training: count if training else math.inf)),
            ("the updates go on", lambda n, t, top, steps: (top * min(1, n / steps), min(n + t, steps))),
            ("from 0 again", advancing(now=lambda count, training: count * training)),
            ("2 results are asked for", lambda count, training, c_max, steps: c_max),
            ("of count", advancing(then=lambda count, training: 0)),
            ("C has run ahead", lambda count, training, c_max, steps: (c_max * (count + 1) / steps, count + 1)),
        ],
        right=[
            advancing(),
            advance_by_cases,
            lambda done, training, top, steps: {"C": min(top, top * done / steps), "count": done + int(training)},
        ],
    ),
    "information": Bank(
        "information",
        wrong=[
            ("these are bits", lambda code, factor: told(code, factor) / math.log(2)),
            ("equal numbers of codes", lambda code, factor: told(code, factor, quantiles)),
            ("is not cut", lambda code, factor: told(code, factor, lambda c: c)),
            (
                "a bin of its own",
                lambda code, factor: told(code, factor, lambda c: ((c - c.min()) / (c.max() - c.min()) * 20).floor()),
            ),
            ("ten bins", lambda code, factor: told(code, factor, lambda c: cut(c, 10))),
            ("how many lie between", lambda code, factor: told(code, factor, lambda c: cut(c, 19))),
            ("the largest code alone", lambda code, factor: told(code, factor, edges(right=False))),
            ("the least code alone", lambda code, factor: told(code, factor, edges(right=True))),
            ("half as wide", lambda code, factor: told(code, factor, lambda c: (19 * share(c)).round())),
            ("rounding makes 21 bins", lambda code, factor: told(code, factor, lambda c: (20 * share(c)).round())),
            ("this is below 0", lambda code, factor: -told(code, factor)),
            ("range, not of 1", lambda code, factor: told(code, factor, lambda c: (20 * c).long())),
            ("no twentieths", lambda code, factor: told(code, factor, torch.round)),
            ("all there is to know", lambda code, factor: entropy(factor)),
            ("leaves open", lambda code, factor: entropy(cut(code), factor) - entropy(cut(code))),
            ("entropy of the pair", lambda code, factor: entropy(cut(code), factor)),
            ("a share", lambda code, factor: told(code, factor) / entropy(factor)),
            ("expected", lambda code, factor: float(np.corrcoef(code, factor)[0, 1])),
        ],
        right=[by_histogram, by_sklearn, told, lambda a, f: mutual_information(a[:, None], f[:, None])[0]],
    ),
    "gap": Bank(
        "mig",
        wrong=[
            ("of which whole", gap(lambda first, second, h: first - second)),
            ("how far ahead of the second", gap(lambda first, second, h: first / h)),
            ("who comes second", against_the_worst),
            ("what the best latent tells", gap(lambda first, second, h: (first - second) / first)),
            ("equally often", by_levels),
            ("the sum over the factors", gap(of_all=lambda shares, f: sum(shares))),
            ("before they are divided", added_first),
            ("between the factors of each latent", over_latents),
            ("of each latent, and in nats", over_latents_in_nats),
            ("these two know least", the_two_that_know_least),
            ("bits are divided by nats", gap(lambda first, second, h: (first - second) / math.log(2) / h)),
            ("equal numbers of codes", gap(info=lambda code, factor: told(code, factor, quantiles))),
            ("single number", gap(of_all=lambda shares, f: shares)),
            ("expected", gap(of_all=lambda shares, f: max(shares))),
        ],
        right=[gap(), in_bits, by_the_package, gap(info=by_sklearn)],
    ),
}
