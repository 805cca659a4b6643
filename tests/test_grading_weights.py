"""Trained models that were handed in: copies are noticed, models that learners trained by themselves are not."""

import copy
import json

import pytest
import torch

from vae_tutorial import data
from vae_tutorial.checks.capstone import build
from vae_tutorial.grading.judging.weights import copies, sketch, with_copies
from vae_tutorial.grading.records import Verdict
from vae_tutorial.objectives import Objective
from vae_tutorial.regularizers import KL
from vae_tutorial.training import fit
from vae_tutorial.vae import VAE

SETTINGS = {"network": "mlp", "hidden": [128, 64], "z_dim": 8, "activation": "relu", "batch_norm": True}


def trained(start: int, batches: int, steps: int = 60) -> VAE:
    torch.manual_seed(start)
    model = build(SETTINGS)
    return go_on(model, batches, steps)


def go_on(model: VAE, batches: int, steps: int, lr: float = 5e-3) -> VAE:
    images = data.load("digits", limit=4000)
    fit(model, Objective(KL()), images, steps=steps, lr=lr, seed=batches, device="cpu", progress=False)
    return model


@pytest.fixture(scope="module")
def model() -> VAE:
    return trained(0, 0)


def compared(one: VAE, two: VAE) -> list[tuple[str, str, str]]:
    sketches = [json.loads(json.dumps(sketch((SETTINGS, model.state_dict())))) for model in (one, two)]
    verdicts = [Verdict(learner, "x", "", "", (), weights={"m": s}) for learner, s in zip("ab", sketches, strict=True)]
    return copies(verdicts)


def test_models_of_other_starts_are_not_alike(model):
    assert compared(model, trained(1, 0)) == []
    assert compared(model, trained(1, 1)) == []


def test_models_of_one_start_and_other_batches_are_not_alike(model):
    assert compared(model, trained(0, 1)) == []


def test_the_same_seeds_make_the_same_model(model):
    assert compared(model, trained(0, 0)) == [("a", "b", "the same weights")]


def test_a_copy_that_was_trained_on_is_noticed(model):
    ((_, _, how),) = compared(model, go_on(copy.deepcopy(model), 9, 20, lr=1e-3))
    assert how.startswith("nearly the same weights (correlation 0.9")


@pytest.mark.parametrize("noise", [1e-4, 0.1, 0.3])
def test_a_copy_with_noise_on_it_is_noticed(model, noise):
    other = copy.deepcopy(model)
    with torch.no_grad():
        for weight in other.parameters():
            weight += noise * weight.std() * torch.randn_like(weight)
    assert "nearly the same weights" in compared(model, other)[0][2]


def test_a_copy_in_half_precision_is_noticed(model):
    assert "nearly the same weights" in compared(model, copy.deepcopy(model).half())[0][2]


def test_a_copy_with_its_hidden_units_in_another_order_is_noticed(model):
    other, order = copy.deepcopy(model), torch.randperm(128)
    first, norm, _, second = list(other.encoder.body)[1:5]
    with torch.no_grad():
        for tensor in (first.weight, first.bias, norm.weight, norm.bias, norm.running_mean, norm.running_var):
            tensor.copy_(tensor[order])
        second.weight.copy_(second.weight[:, order])
    x = data.load("digits", limit=20).x
    torch.testing.assert_close(other.encode(x).mu, model.encode(x).mu)
    assert compared(model, other) == [("a", "b", "the same weights, in another order,")]


def test_other_sizes_and_small_values_are_no_matter(model):
    assert compared(model, build(SETTINGS | {"z_dim": 9})) == []
    assert sketch({"w": torch.ones(10, 99)}) is None
    assert sketch([1.0, "text", torch.ones(5000, dtype=torch.int64)]) is None
    broken = {"w": torch.full((40, 40), torch.nan)}
    assert sketch(broken) is not None


def test_both_learners_are_told_of_to_who_marks(model):
    same = sketch(model.state_dict())
    verdicts = [Verdict(learner, "x", "", "", (), ("odd",), weights={"m": same}) for learner in "ab"]
    alone = Verdict("c", "x", "", "", ())
    told = with_copies([*verdicts, alone])
    assert [v.remarks for v in told] == [
        ("odd", "the same weights as b: a copy, or the same settings with the same seed"),
        ("odd", "the same weights as a: a copy, or the same settings with the same seed"),
        (),
    ]
