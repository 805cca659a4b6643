"""Wrong and right answers to exercise 12, and the windows of its capstone held to the results they come from."""

import math
import statistics
from functools import cache

import nbformat
import numpy as np
import pytest
import torch
from exercise_runs import SOLUTIONS, execute, python
from proving import *  # noqa: F403
from proving import Bank, solution
from safetensors.torch import save_file
from scipy.stats import sem, spearmanr

from vae_tutorial import data
from vae_tutorial.checks import capstone
from vae_tutorial.checks import side_by_side as check
from vae_tutorial.lesson import findings
from vae_tutorial.likelihoods import Bernoulli, Gaussian
from vae_tutorial.objectives import Objective
from vae_tutorial.regularizers import KL
from vae_tutorial.training import fit

LESSON = "12_side_by_side"
FILE = "capstone.safetensors"


@pytest.fixture(scope="module", autouse=True)
def folder_with_weights(tmp_path_factory):
    """A folder to run in, with weights that the solution's own `train` has made, in about 15 seconds on one core."""
    cells = {cell.id: cell for cell in nbformat.read(SOLUTIONS / LESSON / f"{LESSON}.ipynb", as_version=4).cells}
    names = {"__name__": "exercise"}
    for id in ("imports", "variant", "build", "vae"):
        execute(python(cells[id].source), names)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("exercise"))
        save_file(names["train"](seed=0).state_dict(), FILE)
        yield


# Models to hand in, each trained once and not before it is asked for: a function of the variant makes it

SMALL = {"network": "mlp", "hidden": [64], "z_dim": 16, "activation": "relu", "batch_norm": True}
OTHERS = {
    "conv": {"network": "conv", "channels": (8, 16), "z_dim": 6, "activation": "elu", "batch_norm": True},
    "tanh": {"network": "mlp", "hidden": [48], "z_dim": 5, "activation": "tanh", "batch_norm": False},
}
TRAINED = {  # objective, likelihood in training, steps
    "VAE": (Objective(KL()), Bernoulli(), 150),
    "conv": (Objective(KL()), Bernoulli(), 80),
    "tanh": (Objective(KL()), Bernoulli(), 150),
    "5 steps": (Objective(KL()), Bernoulli(), 5),
    "autoencoder": (Objective(), Bernoulli(), 200),
    "beta 8": (Objective(KL(8.0)), Bernoulli(), 150),
    "collapsed": (Objective(KL(28 * 28)), Bernoulli(), 100),
    "logits as probabilities": (Objective(KL()), Gaussian(sigma=0.3, link="identity"), 150),
}


@cache
def trained(name):
    settings = OTHERS.get(name, SMALL)
    objective, likelihood, steps = TRAINED[name]
    torch.manual_seed(0)
    model = capstone.build(settings)
    model.likelihood = likelihood
    fit(model, objective, data.load("digits", limit=10_000), steps=steps, lr=0.01, progress=False)
    return settings, model.state_dict()


@cache
def tuned():
    """The tuned recipe of the results, made again, in about 10 seconds on one core."""
    recipe = findings("capstone")["settings"]["recipes"]["tuned"]
    torch.manual_seed(0)
    model = capstone.build(recipe["model"])
    fit(model, Objective(KL()), data.load("digits"), seed=0, progress=False, **recipe["training"])
    return recipe["model"], model.state_dict()


def handing_in(make):
    return lambda mine: make()


def toy(name):
    return handing_in(lambda: trained(name))


def with_weights(change):
    """The small VAE with its weights changed by a function of them."""
    return handing_in(lambda: (trained("VAE")[0], change(dict(trained("VAE")[1]))))


def with_settings(**others):
    return handing_in(lambda: (trained("VAE")[0] | others, trained("VAE")[1]))


def untrained(settings):
    torch.manual_seed(1)
    return settings, capstone.build(settings).state_dict()


def of_solution(change):
    settings, weights = solution(LESSON).names["handed_in"]
    return change(settings, dict(weights))


def in_16_bits(settings, weights):
    halves = {name: part.half() if part.is_floating_point() else part for name, part in reversed(weights.items())}
    return [settings | {"hidden": tuple(settings["hidden"])}, halves]


def with_units_permuted(settings, weights):
    """The same function by other weights: the units of the encoder's first layer in another order."""
    order = torch.randperm(settings["hidden"][0], generator=torch.Generator().manual_seed(0))
    for name in ("1.weight", "1.bias", "2.weight", "2.bias", "2.running_mean", "2.running_var"):
        weights[f"encoder.body.{name}"] = weights[f"encoder.body.{name}"][order]
    weights["encoder.body.4.weight"] = weights["encoder.body.4.weight"][:, order]
    return settings, weights


def not_numbers(weights):
    name = next(iter(weights))
    return weights | {name: weights[name] * math.nan}


def negative_variances(weights):
    return {name: -part if name.endswith("running_var") else part for name, part in weights.items()}


SAME = handing_in(lambda: of_solution(lambda settings, weights: (settings, weights)))
HALVES = handing_in(lambda: of_solution(in_16_bits))
PERMUTED = handing_in(lambda: of_solution(with_units_permuted))


def claiming(make, of=lambda seen: seen.minus_elbo):
    """What `make` hands in, and a claim made of what is measured on a part that no check takes."""

    def report(mine):
        settings, weights = make(mine)
        return settings, weights, of(capstone.measure(settings, weights, part=9))

    return report


# Functions


def pearson(a, b):
    return np.corrcoef(a, b)[0, 1]


def places(values):
    return [sum(other < value for other in values) for value in values]


def paired(error, sign=1):
    def difference(a, b):
        gains = [sign * (x - y) for x, y in zip(a, b, strict=True)]
        return statistics.mean(gains), error(a, b, gains)

    return difference


def unpaired(a, b, _):
    return math.sqrt((statistics.variance(a) + statistics.variance(b)) / len(a))


def leaders_by_pairs(runs):
    means = {name: float(np.mean(values)) for name, values in runs.items()}
    best = sorted(means, key=means.get)[0]
    behind = {name for name, values in runs.items() if all(x > y for x in values for y in runs[best])}
    return set(runs) - behind


def leaders_by_merging(runs):
    best = sorted(runs, key=lambda name: statistics.fmean(runs[name]))[0]
    last = np.max(runs[best])
    return tuple(name for name in sorted(runs, reverse=True) if np.any(np.array(runs[name]) <= last))


def best_mean(runs):
    return min(runs, key=lambda name: statistics.mean(runs[name]))


def left_behind_by_nobody(runs):
    return [name for name in runs if not any(max(others) < min(runs[name]) for others in runs.values())]


def luckiest(runs):
    return min(runs, key=lambda name: min(runs[name]))


def within_a_deviation(runs):
    best = runs[best_mean(runs)]
    top = statistics.mean(best) + statistics.stdev(best)
    return [name for name, v in runs.items() if statistics.mean(v) - statistics.stdev(v) <= top]


BANKS = {
    "spread": Bank(
        "mean_sd",
        wrong=[
            ("divides by n", lambda v: (statistics.mean(v), statistics.pstdev(v))),
            ("standard error", lambda v: (statistics.mean(v), statistics.stdev(v) / len(v) ** 0.5)),
            ("this is the variance", lambda v: (statistics.mean(v), statistics.variance(v))),
            ("half of the range", lambda v: (statistics.mean(v), (max(v) - min(v)) / 2)),
            ("this is the range", lambda v: (statistics.mean(v), max(v) - min(v))),
            ("square first", lambda v: (np.mean(v), np.abs(np.array(v) - np.mean(v)).mean())),
            ("the lower one of the two", lambda v: (sorted(v)[(len(v) - 1) // 2], statistics.stdev(v))),
            ("the median", lambda v: (statistics.median(v), statistics.stdev(v))),
            ("the mean stands first", lambda v: (statistics.stdev(v), statistics.mean(v))),
            ("2 results", statistics.mean),
        ],
        right=[
            lambda values: (statistics.fmean(values), statistics.stdev(values)),
            lambda v: np.array([np.mean(v), np.std(v, ddof=1)]).tolist(),
            lambda v: {"m": sum(v) / len(v), "s": (sum((x - sum(v) / len(v)) ** 2 for x in v) / (len(v) - 1)) ** 0.5},
        ],
    ),
    "difference": Bank(
        "difference",
        wrong=[
            ("how sure is their mean", paired(lambda a, b, gains: statistics.stdev(gains))),
            ("for unrelated", paired(unpaired)),
            ("adds up the errors", paired(lambda a, b, _: (statistics.stdev(a) + statistics.stdev(b)) / len(a) ** 0.5)),
            (
                "from each other",
                paired(lambda a, b, _: (statistics.stdev(a) - statistics.stdev(b)) / len(a) ** 0.5),
            ),
            ("or its root", paired(lambda a, b, gains: statistics.stdev(gains) / len(gains))),
            ("this is a variance", paired(lambda a, b, gains: statistics.variance(gains) / len(gains))),
            ("the sign is turned", paired(lambda a, b, gains: sem(gains), sign=-1)),
            ("the direction is lost", lambda a, b: (np.abs(np.subtract(a, b)).mean(), sem(np.abs(np.subtract(a, b))))),
            ("2 results", lambda a, b: statistics.mean(a) - statistics.mean(b)),
            ("expected", paired(lambda a, b, gains: 2 * sem(gains))),
        ],
        right=[
            paired(lambda a, b, gains: sem(gains)),
            paired(lambda a, b, gains: statistics.pstdev(gains) / math.sqrt(len(gains))),
            lambda a, b: (np.mean(a) - np.mean(b), np.sqrt([1, -1] @ np.cov([a, b]) @ [1, -1] / len(a))),
        ],
    ),
    "bits": Bank(
        "bits_per_pixel",
        of_variant=True,
        wrong=[
            ("nats per pixel", lambda mine: mine.nats / mine.side**2),
            ("bits per image", lambda mine: mine.nats / math.log(2)),
            ("more than a nat, or less", lambda mine: mine.nats * math.log(2) / mine.side**2),
            ("side times side", lambda mine: mine.nats / math.log(2) / mine.side),
            ("base 10", lambda mine: mine.nats / math.log(10) / mine.side**2),
            ("not yet", lambda mine: 1.0),
            ("has to be numbers", lambda mine: "0.147 bits"),
        ],
        right=[
            lambda mine: mine.nats * 1.4427 / mine.side**2,
            lambda mine: torch.tensor(mine.nats).mul(math.log2(math.e)).div(mine.side).div(mine.side),
            lambda mine: round(mine.nats / math.log(2) / mine.side**2, 4),
        ],
    ),
    "ranks": Bank(
        "rank_correlation",
        wrong=[
            ("the numbers themselves", pearson),
            ("which place has each run", lambda a, b: pearson(np.argsort(a), np.argsort(b))),
            ("both lists are sorted", lambda a, b: pearson(sorted(a), sorted(b))),
            ("the whole table", lambda a, b: np.corrcoef(places(a), places(b))),
            ("the second one is still numbers", lambda a, b: pearson(places(a), b)),
            ("the first one is still numbers", lambda a, b: pearson(a, places(b))),
            ("the other way round", lambda a, b: -pearson(places(a), places(b))),
            ("covariance of the places", lambda a, b: np.cov(places(a), places(b))[0, 1]),
            ("the square", lambda a, b: pearson(places(a), places(b)) ** 2),
            ("expected", lambda a, b: float(np.mean(np.equal(places(a), places(b))))),
        ],
        right=[
            lambda a, b: spearmanr(a, b).statistic,
            lambda a, b: pearson(places(a), places(b)),
            lambda a, b: (
                1 - 6 * sum((i - j) ** 2 for i, j in zip(places(a), places(b), strict=True)) / (len(a) ** 3 - len(a))
            ),
        ],
    ),
    "leaders": Bank(
        "leaders",
        wrong=[
            ("the best mean alone", lambda runs: [best_mean(runs)]),
            ("belongs to the list", lambda runs: leaders_by_pairs(runs) - {best_mean(runs)}),
            (
                "one seed that is not worse",
                lambda runs: [n for n in runs if max(runs[n]) <= max(runs[best_mean(runs)])],
            ),
            ("only the best model", left_behind_by_nobody),
            ("the best single seed", lambda runs: [luckiest(runs)]),
            (
                "not apart from the best single seed",
                lambda runs: [name for name, values in runs.items() if min(values) <= max(runs[luckiest(runs)])],
            ),
            ("mean ± sd", within_a_deviation),
            ("lower is better", lambda runs: [max(runs, key=lambda name: statistics.mean(runs[name]))]),
            ("left behind", lambda runs: set(runs) - leaders_by_pairs(runs)),
            ("all are there", list),
            ("a list of names", best_mean),
            ("none of the models", lambda runs: ["VAE"]),
            ("first the best mean", lambda runs: sorted(runs, key=lambda name: statistics.mean(runs[name]))[:3]),
        ],
        right=[leaders_by_pairs, leaders_by_merging],
    ),
    "vae": Bank(
        "handed_in",
        of_variant=True,
        wrong=[
            ("are these the trained weights", handing_in(lambda: untrained(SMALL))),
            ("it has to train longer", toy("5 steps")),
            ("was the KL charged", toy("autoencoder")),
            ("says nothing of the image", toy("collapsed")),
            ("taken for probabilities", toy("logits as probabilities")),
            ("not finite numbers", with_weights(not_numbers)),
            ("no finite number", with_weights(negative_variances)),
            ("3 MB is the most", handing_in(lambda: untrained(SMALL | {"hidden": [600]}))),
            ("and these settings make it", with_settings(hidden=[65])),
            ("which these settings do not", with_weights(lambda weights: weights | {"encoder.more": torch.zeros(2)})),
            ("which these settings have", with_settings(batch_norm=False)),
            ("which these settings have", handing_in(lambda: (OTHERS["conv"], trained("VAE")[1]))),
            ("a dict of tensors", with_weights(list)),
            ('"mlp" or "conv"', with_settings(network="transformer")),
            ("settings of mlp are", with_settings(likelihood="Gaussian")),
            ("whole numbers from 1", with_settings(hidden=[10**12])),
            ("z_dim has to be", with_settings(z_dim=2.5)),
            ("activation has to be", with_settings(activation="gelu")),
            ("batch_norm has to be", with_settings(batch_norm="yes")),
            ("as a pair", handing_in(lambda: trained("VAE")[1])),
        ],
        right=[SAME, toy("conv"), toy("tanh"), toy("beta 8")],
    ),
    "plain": Bank(
        "handed_in",
        of_variant=True,
        wrong=[
            ("like grey pictures", handing_in(lambda: untrained(SMALL))),
            ("which change gained most", toy("VAE")),
            ("which change gained most", toy("beta 8")),
            ("was the KL charged", toy("autoencoder")),
            ("not finite numbers", with_weights(not_numbers)),
        ],
        right=[SAME, HALVES, handing_in(tuned)],
    ),
    "tuned": Bank(
        "report",
        of_variant=True,
        wrong=[
            ("like grey pictures", claiming(handing_in(lambda: untrained(SMALL)))),
            ("which change gained most", claiming(toy("VAE"))),
            ("taken for probabilities", claiming(toy("logits as probabilities"))),
            ("are the weights of another model", lambda mine: (*with_settings(z_dim=8)(mine), 80.0)),
            ("yours 60, expected", lambda mine: (*SAME(mine), 60.0)),
            ("which sign has", claiming(SAME, lambda seen: -seen.minus_elbo)),
            ("what do the codes cost", claiming(SAME, lambda seen: seen.reconstruction)),
            ("what do the copies cost", claiming(SAME, lambda seen: seen.kl)),
            ("has to be numbers", lambda mine: (*SAME(mine), "about 78")),
        ],
        right=[
            lambda mine: solution(LESSON).names["report"],
            claiming(PERMUTED, lambda seen: round(seen.minus_elbo)),
            claiming(handing_in(tuned), lambda seen: torch.tensor(seen.minus_elbo)),
        ],
    ),
}


# The windows


def test_the_windows_are_those_of_the_results():
    stored = findings("capstone")["settings"]["windows"]
    assert stored == {"average picture": check.AVERAGE_PICTURE, "plain": check.PLAIN, "tuned": check.TUNED}
    assert check.TUNED < check.PLAIN < check.AVERAGE_PICTURE


@pytest.mark.parametrize("recipe", ["plain", "tuned"])
def test_a_window_lies_four_standard_deviations_above_the_mean_of_ten_seeds(recipe):
    stored = findings("capstone")
    costs = [cost for row in stored["rows"] if row["recipe"] == recipe for cost in row["minus_elbo"]]
    assert len(costs) == 10 * 10
    exact = statistics.mean(costs) + 4 * statistics.stdev(costs)
    assert exact <= stored["settings"]["windows"][recipe] < exact + 0.1
    assert all(cost < stored["settings"]["windows"][recipe] for cost in costs)


def test_the_exercise_tells_the_windows_and_what_they_come_from():
    notebook = nbformat.read(SOLUTIONS / LESSON / f"{LESSON}.ipynb", as_version=4)
    text = {cell.id: cell.source for cell in notebook.cells}
    for recipe, window in (("plain", check.PLAIN), ("tuned", check.TUNED)):
        rows = [row["minus_elbo"] for row in findings("capstone")["rows"] if row["recipe"] == recipe]
        assert f"reaches {np.mean(rows):.1f} nats" in text[f"{recipe}-task"]
        assert f"at most {window}" in text[f"{recipe}-task"]


def test_the_price_of_the_average_picture_is_the_least_without_a_code():
    """By an optimiser, which knows of no mean: the best picture for the first part, and its price there."""
    x = capstone.unseen(0).x.double() / 255
    logits = torch.zeros(1, 1, 28, 28, dtype=torch.double, requires_grad=True)
    optimizer = torch.optim.LBFGS([logits], max_iter=100, line_search_fn="strong_wolfe")

    def cost():
        optimizer.zero_grad()
        value = Bernoulli().nll(logits.expand(len(x), -1, -1, -1), x).mean()
        value.backward()
        return value

    optimizer.step(cost)
    least = cost().item()
    assert least - 0.5 < check.AVERAGE_PICTURE < least + 2  # which is of ten parts, by the training set's mean


def test_a_row_of_the_results_can_be_made_again():
    row = next(r for r in findings("capstone")["rows"] if (r["recipe"], r["seed"]) == ("tuned", 0))
    made = capstone.measure(*tuned(), part=2)
    assert made.minus_elbo == pytest.approx(row["minus_elbo"][2], abs=1.5)  # another processor is as another seed


def test_unseen_digits_stand_in_no_split_and_in_one_part():
    splits = [data.load("digits", split=split).factors for split in data.SPLITS]
    parts = [capstone.unseen(part).factors for part in range(10)]
    rows = [tuple(row) for factors in (*splits, *parts) for row in factors.tolist()]
    assert len(rows) == len(set(rows))


def test_models_are_set_apart_by_their_seeds_as_the_race_says():
    best = check.RACE["best"]
    apart = {name for name, values in check.RACE.items() if all(a > b for a in values for b in best)}
    assert apart == {"near", "wild", "worst"}
    assert min(check.RACE, key=lambda name: sum(check.RACE[name])) == "best"
