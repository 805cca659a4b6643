"""The test of the codes of all images against the prior: right under equality, awake otherwise."""

import pytest
import torch
from oracles import F64

from vae_tutorial.measures import prior_test
from vae_tutorial.regularizers import imq, mmd2


def crowd(seed: int, n: int = 100, d: int = 8, scale: float = 1.0) -> torch.Tensor:
    return scale * torch.randn(n, d, dtype=F64, generator=torch.Generator().manual_seed(1000 + seed))


def test_codes_of_the_prior_are_called_different_as_rarely_as_promised():
    p = torch.tensor([prior_test(crowd(seed), permutations=100, seed=seed).p_value for seed in range(150)])
    assert (p <= 0.05).double().mean() < 0.05 + 4 * (0.05 * 0.95 / 150) ** 0.5
    assert 0.35 < p.mean() < 0.65


@pytest.mark.parametrize("change", [lambda z: 0.8 * z, lambda z: z + 0.3, lambda z: torch.cat([z[:, :4]] * 2, 1)])
def test_narrower_shifted_and_repeated_codes_are_found(change):
    p = [prior_test(change(crowd(seed)), permutations=100, seed=seed).p_value for seed in range(10)]
    assert sum(value <= 0.05 for value in p) >= 7


def test_the_statistic_is_the_unbiased_estimate_of_the_objective():
    z = crowd(0, n=60)
    prior = torch.randn(z.shape, dtype=F64, generator=torch.Generator().manual_seed(5))
    assert prior_test(z, seed=5).mmd2 == pytest.approx(mmd2(z, prior, imq).item(), rel=1e-10)


def test_the_null_is_as_wide_as_the_estimate_scatters_between_equals():
    nulls = [prior_test(crowd(seed), seed=seed).null for seed in range(5)]
    values = torch.tensor([mmd2(crowd(seed), crowd(seed + 500), imq) for seed in range(300)])
    assert sum(nulls) / 5 == pytest.approx(values.std().item(), rel=0.25)


def test_far_away_codes_get_the_smallest_p_value_there_is():
    assert prior_test(crowd(0) + 3, permutations=200).p_value == 1 / 201


def test_the_callers_random_state_is_left_as_found_and_the_answer_repeats():
    state = torch.get_rng_state()
    assert prior_test(crowd(0)) == prior_test(crowd(0))
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.usefixtures("plain")
def test_a_single_code_is_no_crowd():
    with pytest.raises(ValueError, match=r"z must hold at least 2 codes \[n, z\], got \[1, 3\]"):
        prior_test(torch.zeros(1, 3))
