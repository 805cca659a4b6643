"""Scores of disentanglement: their ceilings and floors on codes that are known, and what must not matter to them."""

import functools

import numpy as np
import pytest
import torch
from oracles import F64
from sklearn.metrics import mutual_info_score

from vae_tutorial import data
from vae_tutorial.data import sprites
from vae_tutorial.measures import (
    beta_vae_score,
    dci,
    disentanglement,
    factor_vae_score,
    mig,
    modularity,
    mutual_information,
    reference_codes,
    sap,
)
from vae_tutorial.measures.predictors import concentration

N = 6000
FACTORS = sprites.CELLS.shuffled(N, seed=1, skip=0)
SMALL = torch.tensor(np.random.default_rng(0).integers(3, size=(900, 3)))
votes = functools.partial(factor_vae_score, votes=1000, test_votes=500)
pairs = functools.partial(beta_vae_score, points=800, test_points=400)
few_sap = lambda codes, factors: sap(codes[:1500], factors[:1500])  # noqa: E731
SCORES = {"mig": mig, "modularity": modularity, "factor": votes, "beta": pairs}


def normal(n: int, d: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, d, dtype=F64, generator=torch.Generator().manual_seed(seed))


IDENTITY = 3**0.5 * (2 * FACTORS.to(F64) / (torch.tensor(sprites.CELLS.levels) - 1) - 1)  # variance near 1
CODES = {
    "the factors": IDENTITY,
    "and noise": torch.cat([IDENTITY, normal(N, 5)], 1),
    "rotated": IDENTITY @ torch.linalg.qr(normal(5, 5, 3)).Q,
    "twice": IDENTITY.repeat(1, 2),
    "noise": normal(N, 10),
    "cubed": IDENTITY**3,
}
# Ceilings and floors, without which a score says little: what codes without fault, or without sense, get.
KNOWN = [
    ("mig", "the factors", 0.896),
    ("mig", "and noise", 0.895),
    ("mig", "twice", 0.0),
    ("mig", "noise", 0.0),
    ("mig", "cubed", 0.825),
    ("modularity", "the factors", 1.0),
    ("modularity", "and noise", 0.83),
    ("modularity", "twice", 1.0),
    ("modularity", "noise", 0.68),
    ("factor", "the factors", 1.0),
    ("factor", "and noise", 1.0),
    ("factor", "twice", 1.0),
    ("factor", "cubed", 1.0),
    ("beta", "the factors", 1.0),
    ("beta", "and noise", 1.0),
    ("beta", "twice", 1.0),
]


@pytest.mark.parametrize(("score", "codes", "truth"), KNOWN, ids=lambda value: str(value).replace(" ", "_"))
def test_codes_without_fault_get_the_ceiling_and_senseless_ones_the_floor(score, codes, truth):
    room = 0.05 if (score, codes) in [("modularity", "noise"), ("modularity", "and noise")] else 0.02
    assert SCORES[score](CODES[codes], FACTORS) == pytest.approx(truth, abs=room)


@pytest.mark.parametrize(("score", "least"), [("mig", 0.2), ("factor", 0.85), ("beta", 0.95)])
def test_a_rotation_is_seen(score, least):
    assert SCORES[score](CODES["rotated"], FACTORS) < least


@pytest.mark.parametrize("score", ["factor", "beta"])
def test_noise_is_told_by_chance_alone(score):
    assert SCORES[score](CODES["noise"], FACTORS) < 0.3


@pytest.mark.parametrize("score", SCORES)
def test_the_order_of_the_codes_does_not_matter(score):
    codes = CODES["rotated"]
    assert SCORES[score](codes.flip(1), FACTORS) == pytest.approx(SCORES[score](codes, FACTORS), abs=0.02)


@pytest.mark.parametrize("score", ["mig", "modularity", "factor"])
def test_place_and_scale_of_a_code_do_not_matter(score):
    codes = CODES["rotated"]
    moved = codes * torch.tensor([2.0, 0.5, 3.0, 1.0, 4.0]) + 7
    assert SCORES[score](moved, FACTORS) == pytest.approx(SCORES[score](codes, FACTORS), abs=0.01)


@pytest.mark.parametrize("score", SCORES)
def test_the_same_points_get_the_same_score(score):
    assert SCORES[score](CODES["rotated"], FACTORS) == SCORES[score](CODES["rotated"], FACTORS)


def test_information_and_entropy_are_scikit_learns():
    information, entropy = mutual_information(CODES["rotated"], FACTORS)
    for i, code in enumerate(CODES["rotated"].T.numpy()):
        cut = np.digitize(code, np.histogram(code, 20)[1][:-1])
        for j, factor in enumerate(FACTORS.T.numpy()):
            assert information[i, j].item() == pytest.approx(mutual_info_score(cut, factor), abs=1e-5)
    for j, factor in enumerate(FACTORS.T.numpy()):
        assert entropy[j].item() == pytest.approx(mutual_info_score(factor, factor), abs=1e-5)


def test_the_gap_is_the_one_worked_out_by_hand():
    """One code tells factor 0 in full, another half of it; factor 1 is told by neither."""
    factors = torch.cartesian_prod(torch.arange(4), torch.arange(2), torch.arange(50))[:, :2]
    codes = torch.stack([factors[:, 0], factors[:, 0] // 2], 1).double()
    assert mig(codes, factors) == pytest.approx((1 - 0.5) / 2, abs=1e-6)
    assert modularity(codes, factors) == pytest.approx(1.0, abs=1e-6)


def test_a_dead_code_casts_no_vote():
    dead = 0.01 * normal(N, 1)
    assert votes(torch.cat([IDENTITY, dead], 1), FACTORS) == pytest.approx(1.0, abs=0.01)
    assert votes(dead, FACTORS) == 0.0


def test_a_single_machine_per_code_has_a_low_ceiling():
    assert few_sap(IDENTITY, FACTORS) == pytest.approx(0.18, abs=0.05)
    assert few_sap(IDENTITY.repeat(1, 2), FACTORS) == pytest.approx(0.0, abs=0.01)
    assert few_sap(normal(N, 5), FACTORS) < 0.05


def test_trees_find_codes_that_are_factors_and_not_rotated_ones():
    codes = SMALL.double() + 0.01 * normal(900, 3)
    perfect = dci(codes, SMALL, trees=10)
    assert perfect.disentanglement > 0.98
    assert perfect.completeness > 0.98
    assert perfect.informativeness == 1.0
    rotated = dci(codes @ torch.linalg.qr(normal(3, 3, 3)).Q, SMALL, trees=10)
    assert rotated.disentanglement < 0.6
    assert dci(normal(900, 3), SMALL, trees=10).informativeness < 0.5


def test_trees_with_nothing_left_to_learn_spoil_no_number():
    """On the factors of drawn digits themselves, importances of -1e-17 once made the score NaN."""
    factors = data.load("digits", "test", 3000).factors
    perfect = dci(reference_codes(factors, 10)["the factors"], factors, trees=10)
    assert perfect.disentanglement > 0.98
    assert perfect.completeness > 0.98


@pytest.mark.parametrize(
    ("table", "truth"),
    [
        (torch.eye(4), (1.0, 1.0)),
        (torch.ones(4, 4), (0.0, 0.0)),
        (torch.eye(4).repeat(2, 1), (1.0, 1 - np.log(2) / np.log(8))),
        (torch.tensor([[1.0, 1.0], [0.0, 0.0]]), (0.0, 1.0)),
    ],
)
def test_concentration_is_one_minus_the_weighted_entropy(table, truth):
    assert concentration(table) == pytest.approx(truth, abs=1e-6)


@pytest.mark.parametrize("score", [*SCORES.values(), sap, dci])
@pytest.mark.parametrize(
    ("codes", "factors", "words"),
    [
        (torch.zeros(5, 2), torch.zeros(4, 2, dtype=torch.int64), r"factors must be \[n, f\] beside codes \[n, z\]"),
        (torch.full((4, 2), torch.nan), torch.arange(8).view(4, 2), "codes must be finite"),
        (torch.zeros(4, 2), torch.tensor([[0, 1]] * 4), "factors must have at least 2 levels .* in column 0"),
    ],
)
@pytest.mark.usefixtures("plain")
def test_what_cannot_be_scored_is_refused_by_name(score, codes, factors, words):
    with pytest.raises(ValueError, match=words):
        score(codes, factors)


@pytest.mark.parametrize("score", [mig, sap])
def test_a_gap_needs_two_codes(score):
    with pytest.raises(ValueError, match="codes must have at least 2 latents for"):
        score(IDENTITY[:100, :1], FACTORS[:100])


def test_modularity_needs_two_factors():
    with pytest.raises(ValueError, match="factors must be at least 2, got 1"):
        modularity(IDENTITY, FACTORS[:, :1])


def test_all_scores_at_once_are_the_scores():
    codes = CODES["rotated"].float()
    scores = disentanglement(codes, FACTORS, seed=1)
    assert set(scores) == {"MIG", "SAP", "DCI", "FactorVAE", "BetaVAE", "modularity"}
    assert scores["MIG"] == mig(codes, FACTORS)
    assert scores["modularity"] == modularity(codes, FACTORS)
    assert scores["SAP"] == sap(codes, FACTORS, seed=1)
    assert scores["FactorVAE"] == factor_vae_score(codes, FACTORS, votes=2_000, test_votes=1_000, seed=1)
    assert scores["BetaVAE"] == beta_vae_score(codes, FACTORS, points=2_000, test_points=1_000, seed=1)
    assert scores["DCI"] == dci(codes[:3000], FACTORS[:3000], trees=10, seed=1).disentanglement


def test_reference_codes_are_the_ceiling_the_rotated_ceiling_and_the_floor():
    codes = reference_codes(FACTORS, 7)
    assert list(codes) == ["the factors", "the factors, rotated", "noise"]
    assert all(each.shape == (N, 7) for each in codes.values())
    mi = {name: mutual_information(each, FACTORS)[0] for name, each in codes.items()}
    assert mig(codes["the factors"], FACTORS) == pytest.approx(0.896, abs=0.02)
    assert mi["the factors"][5:].max() < 0.1
    assert mig(codes["the factors, rotated"], FACTORS) < 0.2
    assert mi["noise"].max() < 0.1
    turned, plain = codes["the factors, rotated"].double(), codes["the factors"].double()
    torch.testing.assert_close(turned @ turned.T[:, :5], plain @ plain.T[:, :5], atol=1e-4, rtol=1e-4)
    with pytest.raises(ValueError, match="z_dim must be at least the number of factors, 5, got 4"):
        reference_codes(FACTORS, 4)
