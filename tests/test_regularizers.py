"""What every regularizer must do, found by discovery, and the KL against torch.distributions."""

import dataclasses
import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from oracles import F64, kl_oracle

from vae_tutorial import regularizers
from vae_tutorial.gaussian import DiagGaussian
from vae_tutorial.regularizers import KL, Capacity, Regularizer


def ready(cls: type) -> bool:
    """Whether a class is a regularizer that can be made without arguments."""
    if not dataclasses.is_dataclass(cls) or "__call__" not in vars(cls):
        return False
    missing = dataclasses.MISSING
    return all(f.default is not missing or f.default_factory is not missing for f in dataclasses.fields(cls))


EVERY = [cls() for cls in vars(regularizers).values() if isinstance(cls, type) and ready(cls)]


@pytest.fixture
def q():
    mu, logvar = torch.randn(2, 32, 3, dtype=F64)
    return DiagGaussian(mu.requires_grad_(), (0.5 * logvar).requires_grad_())


@pytest.mark.parametrize("regularizer", EVERY, ids=repr)
@pytest.mark.parametrize("step", [None, 0, 7, torch.tensor(7)])
def test_a_regularizer_is_a_finite_scalar(regularizer, q, step):
    assert isinstance(regularizer, Regularizer)
    value = regularizer(q, q.sample(), step)
    assert value.shape == ()
    assert value.isfinite()


@pytest.mark.parametrize("regularizer", EVERY, ids=repr)
def test_a_regularizer_pulls_on_the_means(regularizer, q):
    regularizer(q, q.sample()).backward()
    assert q.mu.grad.isfinite().all()
    assert q.mu.grad.any()


@pytest.mark.parametrize("regularizer", EVERY, ids=repr)
def test_a_regularizer_cannot_be_changed(regularizer):
    field = dataclasses.fields(regularizer)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(regularizer, field, 3.0)


@pytest.mark.parametrize("weight", [0, 0.25, 1, 4.0])
def test_kl_is_summed_over_latents_averaged_over_the_batch_and_weighted(q, weight):
    truth = weight * sum(kl_oracle(q.mu, q.logvar).flatten()) / len(q.mu)
    torch.testing.assert_close(KL(weight=weight)(q, q.sample()), truth, rtol=1e-10, atol=0)


def test_the_weight_of_kl_is_one_by_default(q):
    assert KL() == KL(1.0) == KL(weight=1)
    torch.testing.assert_close(KL()(q, q.mu), q.kl().mean())


def test_kl_reads_the_posterior_not_the_sample(q):
    assert KL()(q, q.mu) == KL()(q, torch.zeros_like(q.mu))


@given(weight=st.one_of(st.floats(), st.integers(-3, 3), st.just(10**400)))
def test_any_number_is_a_weight_or_is_refused_by_name(weight):
    if 0 <= weight <= sys.float_info.max:
        assert KL(weight).weight == weight
    else:
        with pytest.raises(ValueError, match="weight must be a finite number of at least 0, got"):
            KL(weight)


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("weight", ["4", None, [1.0], 1j])
def test_a_weight_that_is_no_number_is_refused_by_name(weight):
    with pytest.raises((ValueError, TypeError), match=r"^weight must "):
        KL(weight)


@pytest.mark.parametrize(
    ("step", "nats"),
    [(0, 0.0), (25, 5.0), (50, 10.0), (100, 20.0), (1e9, 20.0), (torch.tensor(50), 10.0), (None, 20.0)],
)
def test_the_capacity_grows_to_its_most_and_stays_there(step, nats):
    assert float(Capacity(c_max=20, steps=100).capacity(step)) == nats


@pytest.mark.parametrize("step", [0, 60, None])
def test_the_capacity_charges_the_distance_of_the_batchs_mean_kl(q, step):
    charge = Capacity(weight=3.0, c_max=7.0, steps=120)
    truth = 3.0 * abs(q.kl().mean().item() - {0: 0.0, 60: 3.5, None: 7.0}[step])
    assert charge(q, q.mu, step).item() == pytest.approx(truth, rel=1e-12)


def test_the_mean_is_taken_before_the_absolute_value():
    mu = torch.tensor([10.0, 20.0, 30.0, 40.0], dtype=F64)[:, None].mul(2).sqrt()
    q = DiagGaussian(mu, torch.zeros_like(mu))
    assert Capacity(weight=1.0, c_max=25.0)(q, mu).item() == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(("c_max", "sign"), [(0.0, 1), (1000.0, -1)])
def test_below_its_capacity_the_kl_is_pushed_up_and_above_it_down(q, c_max, sign):
    charge = Capacity(weight=5.0, c_max=c_max)
    charge(q, q.mu).backward()
    torch.testing.assert_close(q.mu.grad, sign * 5.0 * q.mu.detach() / len(q.mu))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"weight": -1}, "weight must be a finite number of at least 0, got -1"),
        ({"c_max": float("nan")}, "c_max must be a finite number of at least 0, got nan"),
        ({"steps": 0}, "steps must be a whole number of at least 1, got 0"),
    ],
)
def test_a_capacity_out_of_range_is_refused_by_name(options, words):
    with pytest.raises(ValueError, match=words):
        Capacity(**options)
