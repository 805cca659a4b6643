"""Wrong and right answers to exercise 06."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from bordering import *  # noqa: F403
from einops import reduce
from proving import *  # noqa: F403
from proving import Bank, solution

from vae_tutorial.checks import latent_dimension as check
from vae_tutorial.gaussian import DiagGaussian
from vae_tutorial.likelihoods import Bernoulli

LESSON = "06_latent_dimension"


def terms(mu, logvar):
    return 0.5 * (mu**2 + logvar.exp() - 1 - logvar)


def down(values):
    return values.sort(descending=True).values


def kl_by_loops(mu, logvar):
    n, z = mu.shape
    found = [0.0] * z
    for i in range(n):
        for j in range(z):
            m, v = mu[i, j].item(), logvar[i, j].item()
            found[j] += 0.5 * (m * m + math.exp(v) - 1 - v) / n
    return sorted(found, reverse=True)


def kl_by_torch(mu, logvar):
    q = torch.distributions.Normal(mu, (logvar / 2).exp())
    each = torch.distributions.kl_divergence(q, torch.distributions.Normal(0.0, 1.0))
    return reduce(each, "n z -> z", "mean")[torch.argsort(-each.mean(0))]


def active_by_hand(mu, logvar, threshold):
    count = 0
    for column in mu.T.tolist():
        middle = sum(column) / len(column)
        count += sum((m - middle) ** 2 for m in column) / (len(column) - 1) > threshold
    return count


def bound_in_double(log_w):
    w = log_w.double()
    largest = w.max(dim=0).values
    w -= largest
    return largest + w.exp().mean(dim=0).log()


def bound_by_adding(log_w):
    sums = log_w[0].double()
    for more in log_w[1:]:
        sums = torch.logaddexp(sums, more.double())
    return (sums - np.log(log_w.shape[0])).numpy()


def given_code(name):
    """What the exercise's notebook gives: `trained` and `cost`."""
    return solution(LESSON).names[name]


def run(z, seed, train, test, steps, lr):
    return given_code("cost")(given_code("trained")(z, train, seed=seed, steps=steps, lr=lr), test)


def table(one):
    """A comparison whose every cell is made by `one` of the size, the seed, its place and all else."""

    def compare(sizes, seeds, train, test, steps, lr):
        return [[one(z, s, i, train, test, steps, lr) for i, s in enumerate(seeds)] for z in sizes]

    return compare


def compare_by_columns(sizes, seeds, train, test, steps, lr):
    found = torch.zeros(len(sizes), len(seeds))
    for column, seed in enumerate(seeds):
        for row, z in enumerate(sizes):
            found[row, column] = run(z, seed, train.clone(), test, steps, lr)
    return found


def compare_with_other_settings(z, s, i, train, test, steps, lr):
    return run(z, s, train, test, steps, lr / z)


def gained(make):
    return lambda mine: make(*check.bounds(mine))


def pair(difference, error):
    return difference.mean().item(), float(error)


def rec(logits, x):
    return F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)


def cure_by_likelihood(logits, x, kl, step, warmup):
    weight = step / warmup if step < warmup else 1
    return (Bernoulli().nll(logits, x) + weight * kl).mean()


def cure_by_probabilities(logits, pictures, kl, step, warmup):
    p = logits.sigmoid()
    nats = -(pictures * p.log() + (1 - pictures) * (1 - p).log()).sum(dim=(1, 2, 3))
    return float(nats.mean() + np.clip(step / warmup, 0, 1) * kl.mean())


BANKS = {
    "kl": Bank(
        "kl_per_dimension",
        wrong=[
            ("own order", lambda mu, v: terms(mu, v).mean(0)),
            ("from least to most", lambda mu, v: terms(mu, v).mean(0).sort().values),
            ("two things", lambda mu, v: terms(mu, v).mean(0).sort(descending=True)),
            ("sorted by itself", lambda mu, v: terms(mu, v).sort(descending=True).values.mean(0)),
            ("summed over the images", lambda mu, v: down(terms(mu, v).sum(0))),
            ("one number for each image", lambda mu, v: terms(mu, v).mean(1)),
            ("summed over its latents", lambda mu, v: terms(mu, v).sum(1)),
            ("all latents together", lambda mu, v: terms(mu, v).sum(1).mean()),
            ("is the ½ there?", lambda mu, v: down(2 * terms(mu, v).mean(0))),
            ("− 1 is missing", lambda mu, v: down(0.5 * (mu**2 + v.exp() - v).mean(0))),
            ("an average cloud", lambda mu, v: down(terms(mu.mean(0), v.mean(0)))),
            ("log σ² for log σ", lambda mu, v: down(terms(mu, 2 * v).mean(0))),
            ("expected", lambda mu, v: down(terms(mu, v).mean(0).abs().sqrt())),
        ],
        right=[
            kl_by_loops,
            kl_by_torch,
            lambda m, s: np.sort(DiagGaussian(m, s).kl_terms().mean(0).numpy())[::-1].copy(),
        ],
    ),
    "active": Bank(
        "active_units",
        wrong=[
            ("variance of the sampled z", lambda mu, v, t: int((mu.var(0) + v.exp().mean(0) > t).sum())),
            ("take their mean away", lambda mu, v, t: int((mu.square().mean(0) > t).sum())),
            ("or its root", lambda mu, v, t: int((mu.std(0) > t).sum())),
            ("counts images", lambda mu, v, t: int((mu.var(1) > t).sum())),
            ("those that stand still", lambda mu, v, t: int((mu.var(0) <= t).sum())),
            ("how many are they", lambda mu, v, t: mu.var(0) > t),
            ("how many lie above", lambda mu, v, t: mu.var(0)),
            ("the threshold that is given", lambda mu, v, t: int((mu.var(0) > 0.01).sum())),
            ("those that stand still", lambda mu, v, t: int((v.exp().mean(0) > t).sum())),
            ("expected", lambda mu, v, t: 3 if t < 0.1 else 2),
        ],
        right=[
            active_by_hand,
            lambda mu, logvar, threshold: (mu.var(0, correction=0) > threshold).sum(),
            lambda m, _, t: np.count_nonzero(np.cov(m.numpy(), rowvar=False).reshape(m.shape[1], -1).diagonal() > t),
        ],
    ),
    "bound": Bank(
        "bound",
        wrong=[
            ("average of the logarithms", lambda w: w.mean(0)),
            ("how many draws are there?", lambda w: torch.logsumexp(w, 0)),
            ("subtracts K", lambda w: torch.logsumexp(w, 0) - len(w)),
            ("divides the logarithm by K", lambda w: torch.logsumexp(w, 0) / len(w)),
            ("sum of the logarithms", lambda w: w.sum(0)),
            ("the best draw alone", lambda w: w.max(0).values),
            ("one number for each draw", lambda w: torch.logsumexp(w, 1) - math.log(w.shape[1])),
            ("average over the images", lambda w: (torch.logsumexp(w, 0) - math.log(len(w))).mean()),
            ("the sign is turned", lambda w: math.log(len(w)) - torch.logsumexp(w, 0)),
            ("taken out of each image", lambda w: w.double().exp().mean(0).log()),
            ("taken out of each image", lambda w: w.exp().mean(0).log()),
            ("taken out of each image", lambda w: w.max() + (w - w.max()).exp().mean(0).log()),
            ("expected", lambda w: torch.logsumexp(w, 0) - math.log(w.shape[1] + 1)),
        ],
        right=[
            lambda log_w: torch.logsumexp(log_w - math.log(log_w.shape[0]), dim=0),
            bound_in_double,
            bound_by_adding,
        ],
    ),
    "compare": Bank(
        "compare",
        wrong=[
            ("each row is a seed", lambda *given: torch.tensor(compare_by_columns(*given)).T),
            ("these are the training images", table(lambda z, s, i, x, test, *how: run(z, s, x, x, *how))),
            ("trained on the test images", table(lambda z, s, i, x, test, *how: run(z, s, test, test, *how))),
            (
                "every column has the same seed",
                lambda sizes, seeds, *how: compare_by_columns(sizes, seeds[:1] * 3, *how),
            ),
            ("has the seed 0", table(lambda z, s, i, *how: run(z, 0, *how))),
            ("counted from 0", table(lambda z, s, i, *how: run(z, i, *how))),
            (
                "more latents had more steps",
                table(lambda z, s, i, x, t, steps, lr: run(z, s, x, t, steps * z // 2, lr)),
            ),
            ("keep every run", lambda *given: compare_by_columns(*given).mean(1)),
            ("expected", table(compare_with_other_settings)),
            ("expected", table(lambda z, s, i, *how: run(z, s + z, *how))),
        ],
        right=[compare_by_columns, table(lambda z, s, i, *how: np.float64(run(z, s, *how)))],
    ),
    "gain": Bank(
        "gain",
        of_variant=True,
        wrong=[
            (
                "of two sets of images",
                gained(lambda few, many: pair(many - few, ((few.var() + many.var()) / len(few)) ** 0.5)),
            ),
            ("the spread of single images", gained(lambda few, many: pair(many - few, (many - few).std()))),
            ("or its root", gained(lambda few, many: pair(many - few, (many - few).std() / len(few)))),
            ("this is a variance", gained(lambda few, many: pair(many - few, (many - few).var() / len(few)))),
            ("the sign is turned", gained(lambda few, many: pair(few - many, (many - few).std() / len(few) ** 0.5))),
            ("the bound of one model", gained(lambda f, m: pair(m, (m - f).std() / len(f) ** 0.5))),
            ("keep three digits", gained(lambda f, m: pair(m - f, round(float((m - f).std()) / 60**0.5, 1)))),
            ("not yet", lambda mine: (0.0, 1.0)),
            ("2 results", gained(lambda few, many: (many - few).mean())),
        ],
        right=[
            gained(lambda few, many: pair(many - few, (many - few).std(correction=0) / math.sqrt(len(few)))),
            gained(lambda f, m: torch.stack([(m - f).mean(), (m - f).var().div(60).sqrt()]).tolist()),
            gained(lambda f, m: {"gain": m.mean() - f.mean(), "error": torch.cov(m - f).sqrt() / 60**0.5}),
        ],
    ),
    "conclusion": Bank(
        "conclusion",
        wrong=[
            ("two of its standard errors", "the one with 16 is better"),
            ("two of its standard errors", "these images cannot tell"),
            ("is none of", "64"),
            ("is none of", 64),
            ("is none of", "the one with 64 latents is better"),
        ],
        right=["the one with 64 is better", check.CONCLUSIONS[0]],
    ),
    "fault": Bank(
        "fault",
        wrong=[
            ("in the first ten steps", "learning rate"),
            ("in the first ten steps", "KL not charged"),
            ("in the first ten steps", "too few latents"),
            ("is none of", "overfitting"),
            ("is none of", 784),
        ],
        right=["mean over pixels", check.FAULTS[3]],
    ),
    "cure": Bank(
        "mended_loss",
        wrong=[
            (
                "this is what collapsed",
                lambda a, x, kl, i, n: F.binary_cross_entropy_with_logits(a, x) + min(1, i / n) * kl.mean(),
            ),
            (
                "full weight, and the reconstruction",
                lambda a, x, kl, i, n: F.binary_cross_entropy_with_logits(a, x) + kl.mean(),
            ),
            ("summed over the images too", lambda a, x, kl, i, n: rec(a, x) * len(x) + min(1, i / n) * kl.mean()),
            ("full weight at the first step", lambda a, x, kl, i, n: rec(a, x) + kl.mean()),
            ("which of the two terms", lambda a, x, kl, i, n: min(1, i / n) * rec(a, x) + min(1, i / n) * kl.mean()),
            ("the sigmoid is taken twice", lambda a, x, kl, i, n: rec(a.sigmoid(), x) + min(1, i / n) * kl.mean()),
            ("where does it end", lambda a, x, kl, i, n: rec(a, x) + i / n * kl.mean()),
            ("full weight at the first", lambda a, x, kl, i, n: rec(a, x) + (1 - min(1, i / n)) * kl.mean()),
            ("it is their mean", lambda a, x, kl, i, n: rec(a, x) + min(1, i / n) * kl.sum()),
            (
                "count those of",
                lambda a, x, kl, i, n: 784 * F.binary_cross_entropy_with_logits(a, x) + min(1, i / n) * kl.mean(),
            ),
            ("not from step 1", lambda a, x, kl, i, n: rec(a, x) + min(1, (i + 1) / n) * kl.mean()),
            ("the KL, too", lambda a, x, kl, i, n: rec(a, x) + min(1, i / n) * kl.mean() / x[0].numel()),
            ("the KL is left out", lambda a, x, kl, i, n: rec(a, x)),
            ("full weight already", lambda a, x, kl, i, n: rec(a, x) + (i > 0) * kl.mean()),
            ("expected", lambda a, x, kl, i, n: rec(a, x) + min(1, i / n) ** 2 * kl.mean()),
        ],
        right=[
            cure_by_likelihood,
            cure_by_probabilities,
            lambda a, x, kl, i, n: (rec(a, x) + torch.clamp(torch.tensor(i / n), max=1.0) * kl.mean())[None],
        ],
    ),
}


def test_a_sick_run_shows_what_its_exercise_says_of_it():
    healthy, mean_over_pixels = (check.sick_runs("A")[name].terms for name in ("healthy", "yours"))
    learning_rate = check.sick_runs("B")["yours"].terms
    for lost in (mean_over_pixels, learning_rate):
        assert 170 < lost.reconstruction[-50:].mean() < 186  # the average picture's price
    assert healthy.reconstruction[-50:].mean() < 120
    assert healthy.kl[-50:].mean() > 10
    assert mean_over_pixels.kl[5:].max() < 0.1
    assert learning_rate.kl[:10].max() > 100
    assert learning_rate.kl[-50:].mean() < 6
