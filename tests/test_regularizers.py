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
from vae_tutorial.regularizers import KL, Regularizer


def ready(cls: type) -> bool:
    """Whether a class is a regularizer that can be made without arguments."""
    if not dataclasses.is_dataclass(cls) or cls.__module__ != regularizers.__name__ or "__call__" not in vars(cls):
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
