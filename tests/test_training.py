"""`fit` and `evaluate`: what they compute, what they leave alone, and how they end."""

import copy
import io
import itertools
import math
import pickle
import random
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracles import F64, FixedEncoder
from torch import nn
from torch.optim.optimizer import register_optimizer_step_pre_hook

from vae_tutorial.data import Images
from vae_tutorial.likelihoods import Bernoulli, ContinuousBernoulli, Gaussian
from vae_tutorial.networks import mlp
from vae_tutorial.objectives import IWAE, Objective, Terms
from vae_tutorial.regularizers import KL
from vae_tutorial.training import History, TrainingDivergedError, evaluate, fit, generalization_gap
from vae_tutorial.training.plan import Plan
from vae_tutorial.vae import VAE, ConditionalVAE

ELBO = Objective(KL())


def same_curves(a: History, b: History) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.terms, b.terms, strict=True))


def same_weights(a: nn.Module, b: nn.Module) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


def finite(model: nn.Module) -> bool:
    return all(value.isfinite().all() for value in model.state_dict().values())


class Spy:
    """An objective that notes what `fit` hands to it."""

    def __init__(self, objective=ELBO):
        self.objective, self.batches, self.steps, self.modes = objective, [], [], []

    def __call__(self, model, x, y=None, step=None):
        self.batches.append(x.detach().clone())
        self.steps.append(None if step is None else int(step))
        self.modes.append(model.training)
        return self.objective(model, x, step=step)


class At:
    """An objective to which something happens at one step."""

    def __init__(self, step, happen, objective=ELBO):
        self.step, self.happen, self.objective = step, happen, objective

    def __call__(self, model, x, y=None, step=None):
        terms = self.objective(model, x, step=step)
        return self.happen(model, terms) if step is not None and int(step) == self.step else terms


@pytest.fixture
def updates():
    """What the optimizer is given at each step: the norm of the gradient, and the options of its one group."""
    seen = []

    def note(optimizer, args, kwargs):
        group = optimizer.param_groups[0]
        squares = [p.grad.square().sum() for p in group["params"] if p.grad is not None]
        seen.append((torch.stack(squares).sum().sqrt().item(), group["lr"], group["weight_decay"], type(optimizer)))

    handle = register_optimizer_step_pre_hook(note)
    yield seen
    handle.remove()


# One run


def quiet_model(seed: int = 0) -> VAE:
    """No noise in z, so that two ways of training can be compared number by number; float64."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        encoder, decoder = mlp((1, 6, 6), (8,), 2)
        encoder.body[-1].bias.data[2:] = -200
        encoder.body[-1].weight.data[2:] = 0
    return VAE(Quiet(encoder), decoder).double()


class Quiet(nn.Module):
    """An encoder whose log variance is so low that float64 does not see the noise."""

    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder

    def forward(self, x):
        q = self.encoder(x)
        return type(q)(q.mu, torch.full_like(q.logvar, -200.0))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"lr": 0.02},
        {"weight_decay": 0.3},
        {"clip_norm": 0.5},
        {"schedule": "cosine", "lr": 0.01},
        {"schedule": "cosine", "lr": 0.01, "weight_decay": 0.1, "clip_norm": 2.0},
    ],
    ids=str,
)
def test_training_on_whole_batches_is_a_plain_loop_with_adam(bars, options):
    images, model = bars(20).double() / 255, quiet_model()
    plain = copy.deepcopy(model)
    history = fit(model, Objective(), images, steps=12, batch_size=20, **options)

    options = {"lr": 1e-3, "weight_decay": 0.0, "clip_norm": None, "schedule": "constant"} | options
    adam = torch.optim.Adam(plain.parameters(), lr=options["lr"], weight_decay=options["weight_decay"])
    losses = []
    for step in range(12):
        loss = Bernoulli().nll(plain.decoder(plain.encoder(images).mu), images).mean()
        adam.zero_grad()
        loss.backward()
        if options["clip_norm"]:
            norm = math.sqrt(sum(p.grad.square().sum() for p in plain.parameters() if p.grad is not None))
            for p in plain.parameters():
                if p.grad is not None:
                    p.grad *= min(1.0, options["clip_norm"] / norm)
        if options["schedule"] == "cosine":
            adam.param_groups[0]["lr"] = options["lr"] * (1 + math.cos(math.pi * step / 12)) / 2
        adam.step()
        losses.append(loss.item())
    torch.testing.assert_close(history.terms.loss, torch.tensor(losses, dtype=F64), rtol=1e-5, atol=0)
    torch.testing.assert_close(dict(model.state_dict()), dict(plain.state_dict()), rtol=1e-5, atol=1e-6)


def test_curves_hold_the_terms_of_every_step(small, bars):
    spied = []

    def objective(model, x, y=None, step=None):
        spied.append(ELBO(model, x, step=step))
        return spied[-1]

    history = fit(small(), objective, bars(), steps=123, batch_size=8)
    assert len(history) == len(spied) == 123
    for curve, name in zip(history.terms, Terms._fields, strict=True):
        assert torch.equal(curve, torch.stack([getattr(terms, name).detach() for terms in spied])), name


def test_the_same_seed_gives_the_same_curve_and_weights(small, bars):
    first, second = small(dropout=0.2), small(dropout=0.2)
    torch.manual_seed(1)
    a = fit(first, ELBO, bars(), steps=20, batch_size=8, seed=5)
    torch.manual_seed(2)
    b = fit(second, ELBO, bars(), steps=20, batch_size=8, seed=5)
    assert same_curves(a, b)
    assert same_weights(first, second)


def test_other_seeds_give_other_batches_and_other_noise(small, bars):
    first, second = Spy(), Spy()
    a = fit(small(), first, bars(), steps=5, batch_size=8, seed=1)
    b = fit(small(), second, bars(), steps=5, batch_size=8, seed=2)
    assert not torch.equal(first.batches[0], second.batches[0])
    assert not torch.isin(a.terms.loss, b.terms.loss).any()
    same = bars(1).expand(8, 1, 6, 6).contiguous()  # the batches are alike here, the noise is not
    a, b = (fit(small(), ELBO, same, steps=5, seed=seed) for seed in (1, 2))
    assert not torch.equal(a.terms.loss, b.terms.loss)


@pytest.mark.usefixtures("plain")  # the type checker itself draws from `random`
@pytest.mark.parametrize("how", ["returns", "diverges", "is interrupted", "fails"])
def test_the_callers_random_state_is_left_as_found(small, bars, how):
    def happen(model, terms):
        if how == "diverges":
            return terms._replace(loss=terms.loss * math.nan)
        raise {"is interrupted": KeyboardInterrupt, "fails": ZeroDivisionError}[how]

    objective = ELBO if how == "returns" else At(2, happen)
    states = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].copy()  # noqa: NPY002
    try:
        fit(small(), objective, bars(), steps=5, batch_size=8, seed=3)
    except (TrainingDivergedError, ZeroDivisionError):
        assert how in ("diverges", "fails")
    except KeyboardInterrupt:  # which would end the whole test run
        pytest.fail("Ctrl-C went through")
    assert torch.equal(torch.get_rng_state(), states[0])
    assert random.getstate() == states[1]
    assert (np.random.get_state()[1] == states[2]).all()  # noqa: NPY002


def test_training_is_in_train_mode_and_counts_its_steps_from_zero(small, bars):
    spy = Spy()
    fit(small().eval(), spy, bars(), steps=7, batch_size=8)
    assert spy.modes == [True] * 7
    assert spy.steps == list(range(7))


@pytest.mark.parametrize(("epochs", "steps", "expected"), [(3, None, 15), (None, 4, 4), (None, 13, 13), (None, 5, 5)])
def test_a_run_is_as_long_as_asked(small, bars, epochs, steps, expected):
    history = fit(small(), ELBO, bars(42), epochs=epochs, steps=steps, batch_size=8)
    assert len(history) == expected
    assert history.steps_per_epoch == 5
    assert history.batch_size == 8


def numbered(n: int) -> torch.Tensor:
    """Images that can be told apart."""
    return torch.arange(n, dtype=torch.uint8).view(n, 1, 1, 1).expand(n, 1, 6, 6).contiguous()


def who(batches: list[torch.Tensor]) -> list[int]:
    return (255 * torch.cat(batches)[:, 0, 0, 0]).round().int().tolist()


def test_an_epoch_meets_every_image_once_in_an_order_of_its_own(small):
    spy = Spy()
    fit(small(), spy, numbered(40), epochs=3, batch_size=8)
    epochs = [who(spy.batches[i : i + 5]) for i in (0, 5, 10)]
    assert [sorted(epoch) for epoch in epochs] == [list(range(40))] * 3
    assert epochs[0] != epochs[1] != epochs[2] != epochs[0]
    assert epochs[0] != list(range(40))


def test_what_does_not_fill_a_batch_is_left_out_another_each_epoch(small):
    spy = Spy()
    fit(small(), spy, numbered(43), epochs=6, batch_size=8)
    assert {len(batch) for batch in spy.batches} == {8}
    epochs = [set(who(spy.batches[i : i + 5])) for i in range(0, 30, 5)]
    assert {len(epoch) for epoch in epochs} == {40}
    assert len({frozenset(set(range(43)) - epoch) for epoch in epochs}) > 1


@pytest.mark.parametrize("batch_size", [40, 41, 10**9])
def test_a_batch_size_beyond_the_set_takes_the_set(small, batch_size):
    spy = Spy()
    history = fit(small(), spy, numbered(40), epochs=2, batch_size=batch_size)
    assert [sorted(who([batch])) for batch in spy.batches] == [list(range(40))] * 2
    assert (len(history), history.batch_size, history.steps_per_epoch) == (2, 40, 1)


def test_uint8_float_and_labelled_images_give_the_same_result(small, bars):
    x = bars()
    kinds = [x, x / 255, Images(x, torch.zeros(len(x), dtype=torch.int64))]
    models = [small() for _ in kinds]
    histories = [fit(model, ELBO, images, steps=10, batch_size=8) for model, images in zip(models, kinds, strict=True)]
    for model, history in zip(models[1:], histories[1:], strict=True):
        assert same_curves(history, histories[0])
        assert same_weights(model, models[0])


def test_the_images_are_not_changed(small, bars):
    x = bars()
    before = x.clone()
    fit(small(), ELBO, x, steps=5)
    evaluate(small(), ELBO, x)
    assert torch.equal(x, before)


@pytest.mark.parametrize("dtype", [torch.float32, F64])
def test_the_model_and_not_the_images_decides_the_precision(small, bars, dtype):
    kinds = [bars(), bars() / 255, bars().double() / 255]
    losses = [fit(small().to(dtype), ELBO, images, steps=3, batch_size=8).terms.loss for images in kinds]
    assert [loss.dtype for loss in losses] == [dtype] * 3
    torch.testing.assert_close(losses[1:], [losses[0]] * 2, rtol=1e-5, atol=0)
    for images in kinds:
        assert evaluate(small().to(dtype), ELBO, images).loss.isfinite()


def test_on_request_the_objective_is_compiled_once_and_the_run_stays_the_same(small, bars, monkeypatch):
    compiled = []

    def compiler(objective):  # the real one cannot see through the type checker that watches these tests
        compiled.append(Spy(objective))
        return compiled[-1]

    monkeypatch.setattr(torch, "compile", compiler)
    plain = fit(small(), ELBO, bars(), steps=20, batch_size=8)
    assert compiled == []
    assert same_curves(fit(small(), ELBO, bars(), steps=20, batch_size=8, compile=True), plain)
    assert [spy.steps for spy in compiled] == [list(range(20))]


# The optimizer


def test_the_cosine_schedule_falls_from_lr_to_almost_nothing_and_the_constant_one_stays(small, bars, updates):
    fit(small(), ELBO, bars(), steps=40, batch_size=8, lr=0.01, schedule="cosine")
    rates = [lr for _, lr, _, _ in updates]
    assert rates[0] == 0.01
    assert rates[20] == pytest.approx(0.005)
    assert 0 < rates[-1] < 1e-4
    assert all(later < earlier for earlier, later in itertools.pairwise(rates))
    updates.clear()
    fit(small(), ELBO, bars(), steps=5, batch_size=8, lr=0.01)
    assert [lr for _, lr, _, _ in updates] == [0.01] * 5
    assert {kind for *_, kind in updates} == {torch.optim.Adam}


def test_clip_norm_bounds_the_gradient_and_leaves_small_ones_alone(small, bars, updates):
    fit(small(), ELBO, bars(), steps=10, batch_size=8)
    free = [norm for norm, *_ in updates]
    assert min(free) > 0.5
    updates.clear()
    fit(small(), ELBO, bars(), steps=10, batch_size=8, clip_norm=0.5)
    assert [norm for norm, *_ in updates] == pytest.approx([0.5] * 10, rel=1e-4)
    updates.clear()
    fit(small(), ELBO, bars(), steps=10, batch_size=8, clip_norm=1e6)
    assert [norm for norm, *_ in updates] == free


def test_the_history_keeps_the_norm_of_the_gradient_before_clipping(small, bars, updates):
    assert fit(small(), ELBO, bars(), steps=10, batch_size=8).gradient_norm is None
    free = [norm for norm, *_ in updates]
    watched = fit(small(), ELBO, bars(), steps=10, batch_size=8, clip_norm=math.inf)
    assert watched.gradient_norm.tolist() == pytest.approx(free, rel=1e-5)
    assert [norm for norm, *_ in updates[10:]] == pytest.approx(free, rel=1e-5)
    clipped = fit(small(), ELBO, bars(), steps=10, batch_size=8, clip_norm=0.5)
    assert clipped.gradient_norm[0].item() == pytest.approx(free[0], rel=1e-5)
    assert len(clipped.gradient_norm) == len(clipped.terms.loss) == 10


def test_a_run_that_ends_before_its_first_step_keeps_no_norm_yet(small, bars):
    def interrupt(model, terms):
        raise KeyboardInterrupt

    try:
        history = fit(small(), At(0, interrupt), bars(), steps=9, clip_norm=1.0)
    except KeyboardInterrupt:  # which would end the whole test run
        pytest.fail("Ctrl-C went through")
    assert history.gradient_norm.shape == history.terms.loss.shape == (0,)


def test_weight_decay_is_adams_and_makes_weights_smaller(small, bars, updates):
    size = {}
    for weight_decay in (0.0, 0.5):
        model = small()
        fit(model, ELBO, bars(), steps=100, batch_size=8, lr=0.01, weight_decay=weight_decay)
        size[weight_decay] = sum(p.square().sum().item() for p in model.parameters())
        assert updates[-1][2] == weight_decay
    assert size[0.5] < 0.5 * size[0.0]


def test_gradients_do_not_pile_up(small, bars, updates):
    model = small()
    for p in model.parameters():
        p.grad = torch.full_like(p, 1e6)  # left over from something else
    fit(model, ELBO, bars(), steps=3, batch_size=8)
    assert max(norm for norm, *_ in updates) < 1e4


def test_frozen_weights_stay_where_they_are(small, bars):
    model = small()
    model.encoder.requires_grad_(False)
    frozen, moving = copy.deepcopy(model.encoder), copy.deepcopy(model.decoder)
    fit(model, ELBO, bars(), steps=3, batch_size=8)
    assert same_weights(model.encoder, frozen)
    assert not same_weights(model.decoder, moving)


# Learning


@pytest.mark.parametrize(
    ("likelihood", "margin"),
    [(Bernoulli(), 4.0), (ContinuousBernoulli(), 4.0), (Gaussian("calibrated"), 8.0), (Gaussian(0.2), 8.0)],
    ids=repr,
)
def test_a_small_model_learns_bars(small, bars, likelihood, margin):
    model, held_out = small(likelihood=likelihood, hidden=(32,), z_dim=3), bars(200, seed=9)
    before = evaluate(model, ELBO, held_out)
    history = fit(model, ELBO, bars(600), steps=400, batch_size=64, lr=5e-3)
    after = evaluate(model, ELBO, held_out)
    assert after.loss < before.loss - margin
    assert history.per_epoch().loss[-1] < history.per_epoch().loss[0] - margin
    assert after.kl > 0.5


def test_iwae_trains_in_the_same_loop(small, bars):
    model = small()
    before = evaluate(model, IWAE(5), bars(100, seed=9))
    fit(model, IWAE(5), bars(400), steps=200, batch_size=64, lr=5e-3)
    assert evaluate(model, IWAE(5), bars(100, seed=9)).loss < before.loss - 2


def overfit(x: torch.Tensor) -> float:
    """Reconstruction of the images after 600 steps on them alone, without a charge for the code."""
    model = VAE(*mlp(tuple(x.shape[1:]), (64,), 8))
    fit(model, Objective(KL(weight=0)), x, steps=600)
    return evaluate(model, Objective(), x).reconstruction.item()


def entropy(x: torch.Tensor) -> float:
    """The floor of the binary cross-entropy, in nats per image."""
    x = x.double() / 255
    return -(torch.xlogy(x, x) + torch.xlogy(1 - x, 1 - x)).sum().item() / len(x)


def test_without_a_charge_sixteen_images_are_learnt_by_heart(bars):
    x = bars(16)
    binary = (x > 127).to(torch.uint8) * 255
    assert overfit(binary) < 1
    assert overfit(x) < entropy(x) + 1


@pytest.mark.mnist
def test_without_a_charge_sixteen_digits_are_learnt_by_heart(mnist):
    x = mnist.x[:16]
    assert overfit((x > 127).to(torch.uint8) * 255) < 1
    assert overfit(x) < entropy(x) + 1


# Ends before its time


@pytest.mark.parametrize("step", [0, 1, 49, 50, 51, 77])
def test_ctrl_c_gives_the_history_so_far_and_a_usable_model(small, bars, step):
    def interrupt(model, terms):
        raise KeyboardInterrupt

    model, unbroken = small(), small()
    try:
        history = fit(model, At(step, interrupt), bars(), steps=100, batch_size=8)
    except KeyboardInterrupt:  # which would end the whole test run
        pytest.fail("Ctrl-C went through")
    assert len(history) == step
    if step:
        whole = fit(unbroken, ELBO, bars(), steps=step, batch_size=8)
        assert same_curves(history, whole)
        assert same_weights(model, unbroken)
    assert str(step or "no steps") in repr(history)
    assert evaluate(model, ELBO, bars()).loss.isfinite()
    assert len(fit(model, ELBO, bars(), steps=2)) == 2


@pytest.mark.parametrize("step", [0, 1, 49, 50, 60])
@pytest.mark.parametrize(
    ("term", "value"), [("kl", math.nan), ("reconstruction", math.inf), ("regularizer", math.nan), ("loss", math.inf)]
)
def test_a_loss_that_is_no_number_stops_the_run_and_brings_good_weights_back(small, bars, step, term, value):
    def spoil(model, terms):
        return terms._replace(**{term: terms.loss * value})

    model = small(batch_norm=True)
    start = copy.deepcopy(model)
    words = rf"training stopped at step {step}: the {term} term is {value}; likely cause: .*(lower|warm)"
    with pytest.raises(TrainingDivergedError, match=words) as error:
        fit(model, At(step, spoil), bars(), steps=100, batch_size=8)
    assert finite(model)
    assert len(error.value.history) == step
    sent = pickle.loads(pickle.dumps(error.value))
    assert (str(sent), len(sent.history)) == (str(error.value), step)
    assert all(curve.isfinite().all() for curve in error.value.history.terms)
    if step < 50:
        assert same_weights(model, start)
    else:
        assert not same_weights(model, start)  # what was learnt in the first fifty steps is kept
    assert evaluate(model, ELBO, bars()).loss.isfinite()


@pytest.mark.parametrize("last", [0, 30, 64])
def test_weights_that_run_away_unseen_by_the_loss_stop_the_run_too(small, bars, last):
    model = small()
    weight = next(model.decoder.parameters())
    calls = itertools.count()
    weight.register_hook(lambda grad: grad * math.inf if next(calls) == last else grad)
    words = r"training stopped at step \d+: the weights are not finite though the loss was; likely cause: .* lower lr"
    with pytest.raises(TrainingDivergedError, match=words) as error:
        fit(model, ELBO, bars(), steps=last + 1, batch_size=8)
    assert f"step {last}:" in str(error.value)
    assert finite(model)


def test_a_learning_rate_beyond_all_measure_ends_in_a_named_error(small, bars):
    model = small()
    with pytest.raises(TrainingDivergedError, match=r"training stopped at step \d+: .* lower lr"):
        fit(model, ELBO, bars(), steps=200, batch_size=8, lr=1e30)
    assert finite(model)


def test_other_errors_pass_as_they_are(small, bars):
    def fail(model, terms):
        raise ZeroDivisionError("not the loop's business")

    with pytest.raises(ZeroDivisionError, match="not the loop's business"):
        fit(small(), At(3, fail), bars(), steps=9)


def test_a_set_that_leaves_one_image_to_batch_norm_is_refused_in_words(small, bars):
    with pytest.raises(ValueError, match=r"at least 2 images for batch norm in train mode, got 1"):
        fit(small(batch_norm=True), ELBO, bars(1), steps=2)
    with pytest.raises(ValueError, match=r"at least 2 images for batch norm in train mode, got 1"):
        fit(small(batch_norm=True), ELBO, bars(9), steps=2, batch_size=1)
    assert len(fit(small(batch_norm=True), ELBO, bars(9), epochs=2, batch_size=8)) == 2
    assert len(fit(small(), ELBO, bars(1), steps=2)) == 2


# Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def no_kernel(monkeypatch):
    """As outside of a notebook, whatever other tests have imported."""
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)


@pytest.mark.usefixtures("no_kernel")
@pytest.mark.parametrize(("progress", "stream"), [(False, Terminal), (True, io.StringIO), (False, io.StringIO)])
def test_nothing_is_printed_unasked_or_where_nobody_looks(small, bars, monkeypatch, capfd, progress, stream):
    quiet = stream()
    monkeypatch.setattr(sys, "stderr", quiet)
    fit(small(), ELBO, bars(), steps=60, batch_size=8, progress=progress)
    assert quiet.getvalue() == ""
    assert capfd.readouterr().out == ""


ON_A_TERMINAL = """
import io, sys
class Terminal(io.StringIO):
    def isatty(self): return True
sys.stderr = terminal = Terminal()
import torch
from vae_tutorial.networks import mlp
from vae_tutorial.objectives import Objective
from vae_tutorial.training import fit
from vae_tutorial.vae import VAE, ConditionalVAE
fit(VAE(*mlp((1, 2, 2), (2,), 1)), Objective(), torch.rand(40, 1, 2, 2), steps=60, batch_size=8)
print(terminal.getvalue())
"""


def on_a_terminal(home, **environment):
    """What a run shows; in a process of its own, since tqdm reads the environment when it is imported."""
    environment |= {"HOME": str(home), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", ON_A_TERMINAL]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()


def test_progress_is_shown_on_a_terminal_in_images_and_nats(tmp_path):
    shown = on_a_terminal(tmp_path)
    for word in ("loss", "reconstruction", "KL", "nats", "images", "100%", "480/480"):
        assert word in shown


def test_tqdm_disable_in_the_environment_is_respected(tmp_path):
    assert on_a_terminal(tmp_path, TQDM_DISABLE="1") == ""


# History


def history(losses: list[float], steps_per_epoch: int = 2) -> History:
    loss = torch.tensor(losses)
    return History(Terms(loss, loss + 1, loss + 2, loss + 3), steps_per_epoch, batch_size=10, seconds=4.0)


def test_per_epoch_averages_each_epoch_and_counts_the_last_one_however_short():
    means = history([1.0, 3.0, 5.0, 7.0, 100.0]).per_epoch()
    assert means.loss.tolist() == [2, 6, 100]
    assert means.regularizer.tolist() == [5, 9, 103]
    assert history([1.0, 3.0]).per_epoch().kl.tolist() == [4]
    assert history([]).per_epoch().loss.shape == (0,)


def test_a_history_can_be_read_off_its_repr():
    assert repr(history([])) == "History(no steps)"
    words = repr(history([1.0, 3.0, 5.0, 7.0]))
    assert words == ("History(4 steps in 4.0 s, 10 images/s; last epoch: loss 6.00, reconstruction 7.00, KL 8.00 nats)")


def test_a_history_knows_its_length_and_speed():
    assert len(history([1.0, 2.0, 3.0])) == 3
    assert history([1.0, 2.0]).images_per_second == 5.0


def test_training_takes_time(small, bars):
    run = fit(small(), ELBO, bars(), steps=5, batch_size=8)
    assert 0 < run.seconds < 60
    assert run.images_per_second == pytest.approx(40 / run.seconds)


# Evaluation


def test_evaluate_averages_over_all_images_also_those_of_a_short_last_batch(bars):
    floats = bars(37).double() / 255
    model = VAE(FixedEncoder(2, logvar=-200.0), mlp((1, 6, 6), (8,), 2)[1]).double()
    reconstruction = Bernoulli().nll(model.decoder(model.encoder(floats).mu), floats).mean()
    kl = model.encoder(floats).kl().mean()
    for batch_size in (1, 5, 36, 37, 1000):
        terms = evaluate(model, Objective(KL(2)), floats, batch_size=batch_size)
        torch.testing.assert_close(
            torch.stack(terms), torch.stack([reconstruction + 2 * kl, reconstruction, kl, 2 * kl]).detach(),
            rtol=1e-6, atol=1e-6,
        )  # fmt: skip


@pytest.mark.parametrize("likelihood", [Bernoulli(), Gaussian("calibrated")], ids=repr)
def test_the_batch_size_of_evaluation_moves_no_more_than_the_noise(small, bars, likelihood):
    model = small(likelihood=likelihood)
    fit(model, ELBO, bars(300), steps=150, batch_size=64, lr=5e-3)
    whole, parts = (evaluate(model, ELBO, bars(300), batch_size=size).loss for size in (300, 30))
    assert abs(whole - parts) < 0.5


def test_evaluate_repeats_itself_and_its_seed_decides(small, bars):
    model = small(dropout=0.5)
    first = evaluate(model, ELBO, bars())
    torch.manual_seed(99)
    assert evaluate(model, ELBO, bars()) == first
    assert evaluate(model, ELBO, bars(), seed=1).reconstruction != first.reconstruction
    assert evaluate(model, ELBO, bars(), seed=1).kl == first.kl


def test_evaluate_leaves_modes_weights_gradients_and_random_state_alone(small, bars):
    model, spy = small(batch_norm=True, dropout=0.5), Spy()
    model.decoder.eval()
    modes, before, state = [m.training for m in model.modules()], copy.deepcopy(model), torch.get_rng_state()
    terms = evaluate(model, spy, bars())
    assert spy.modes == [False]
    assert spy.steps == [None]
    assert [m.training for m in model.modules()] == modes
    assert same_weights(model, before)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(p.grad is None for p in model.parameters())
    assert not any(term.requires_grad for term in terms)


def test_evaluation_comes_after_warmup(small, bars):
    model = small()
    assert evaluate(model, Objective(KL(), warmup=10**6), bars()) == evaluate(model, ELBO, bars())


def test_labelled_and_bare_images_evaluate_alike(small, bars):
    images = Images(bars(), torch.zeros(40, dtype=torch.int64))
    assert evaluate(small(), ELBO, images) == evaluate(small(), ELBO, bars()) == evaluate(small(), ELBO, bars() / 255)


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("batch_size", [0, -1, 2.5, "8", None])
def test_evaluate_refuses_another_batch_size_by_name(small, bars, batch_size):
    with pytest.raises((ValueError, TypeError), match=r"^batch_size must "):
        evaluate(small(), ELBO, bars(), batch_size=batch_size)


# What was learnt by heart


def test_the_gap_is_what_unseen_images_cost_above_as_many_of_the_first_that_were_seen(bars):
    train, test = bars(30).double() / 255, bars(13, seed=5).double() / 255
    model = VAE(FixedEncoder(2, logvar=-200.0), mlp((1, 6, 6), (8,), 2)[1]).double()

    def cost(x):
        """Reconstruction and KL, mean over images; the noise in z is too small to count."""
        q = model.encoder(x)
        nll = torch.nn.functional.binary_cross_entropy_with_logits(model.decoder(q.mu), x, reduction="sum") / len(x)
        kl = 0.5 * (q.mu.square() + math.exp(-200) + 200 - 1).sum() / len(x)
        return torch.stack([nll, kl]).detach()

    reconstruction, kl = (cost(test) - cost(train[:13])).tolist()
    truth = (reconstruction + 2 * kl, reconstruction, kl, 2 * kl)
    assert tuple(map(float, generalization_gap(model, Objective(KL(2)), train, test))) == pytest.approx(truth, rel=1e-6)
    assert abs(reconstruction) > 0.1
    assert abs(kl) > 0.01


def test_there_is_no_gap_between_a_set_and_itself(small, bars):
    model, x = small(), bars()
    assert all(term == 0 for term in generalization_gap(model, ELBO, x, x))
    assert all(term == 0 for term in generalization_gap(model, ELBO, torch.cat([x, bars(9, seed=2)]), x, seed=3))


def test_tensors_and_labelled_images_have_the_same_gap_and_the_seed_decides_it(small, bars):
    model, sets = small(), (bars(40), bars(20, seed=3))
    gap = generalization_gap(model, ELBO, *sets)
    labelled = [Images(x, torch.zeros(len(x), dtype=torch.int64)) for x in sets]
    torch.manual_seed(99)
    assert generalization_gap(model, ELBO, *labelled) == gap
    assert generalization_gap(model, ELBO, labelled[0], sets[1]) == gap
    assert generalization_gap(model, ELBO, *sets, seed=1) != gap


def test_a_conditional_model_is_told_the_labels_of_both_sets(bars):
    model, seen = ConditionalVAE(*mlp((1, 6, 6), (8,), 2, n_classes=6), 6), []

    def objective(model, x, y, step=None):
        seen.append((x, y))
        return ELBO(model, x, y, step)

    train, test = (Images(bars(n, seed=n), torch.arange(n) % 6) for n in (40, 17))
    generalization_gap(model, objective, train, test)
    handed = {tuple(y.tolist()): x for x, y in seen}
    assert len(seen) == 2
    assert {len(x) for x in handed.values()} == {17}
    sets = [255 * x for x, _ in seen]
    assert all(any(torch.equal(x.round().byte(), images) for x in sets) for images in (train.x[:17], test.x))


def test_images_learnt_by_heart_leave_a_gap(bars):
    x = bars(16)
    model = VAE(*mlp((1, 6, 6), (64,), 8))
    fit(model, Objective(KL(weight=0)), x, steps=300, lr=3e-3)
    assert generalization_gap(model, Objective(KL(weight=0)), x, bars(16, seed=8)).reconstruction > 5


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("bad", [None, 5, "mnist", [[1]], torch.zeros(5, 36), 2 * torch.ones(2, 1, 6, 6)])
def test_a_gap_of_what_is_no_image_set_is_refused(small, bars, bad):
    for sets in ((bars(), bad), (bad, bars())):
        with pytest.raises((ValueError, TypeError), match=r"^images must "):
            generalization_gap(small(), ELBO, *sets)


# Arguments


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "give either epochs or steps, got epochs=None and steps=None"),
        ({"epochs": 1, "steps": 1}, "give either epochs or steps, got epochs=1 and steps=1"),
        ({"epochs": 0}, "epochs must be a whole number of at least 1, got 0"),
        ({"steps": -5}, "steps must be a whole number of at least 1, got -5"),
        ({"steps": 1.5}, "steps must be a whole number of at least 1, got 1.5"),
        ({"steps": 1, "batch_size": 0}, "batch_size must be a whole number of at least 1, got 0"),
        ({"steps": 1, "lr": 0}, "lr must be a finite number above 0, got 0"),
        ({"steps": 1, "lr": -1e-3}, "lr must be a finite number above 0, got -0.001"),
        ({"steps": 1, "lr": math.nan}, "lr must be a finite number above 0, got nan"),
        ({"steps": 1, "clip_norm": 0.0}, "clip_norm must be a finite number above 0, got 0.0"),
        ({"steps": 1, "clip_norm": -math.inf}, "clip_norm must be a finite number above 0, got -inf"),
        ({"steps": 1, "clip_norm": math.nan}, "clip_norm must be a finite number above 0, got nan"),
        ({"steps": 1, "weight_decay": -0.1}, "weight_decay must be a finite number of at least 0, got -0.1"),
        ({"steps": 1, "schedule": "linear"}, "schedule must be one of constant, cosine, got 'linear'"),
        ({"steps": 1, "seed": -1}, "seed must be a whole number .*, got -1"),
        ({"steps": 1, "seed": 2**70}, "seed must be a whole number .*, got 1180591620717411303424"),
        ({"steps": 1, "device": "meta"}, r"device must be one this machine has \(.*\), got 'meta'"),
        ({"steps": 1, "checkpoint": "no/such/folder/run"}, "checkpoint must lie in a folder that exists, got no/such"),
    ],
)
def test_arguments_out_of_range_are_refused_by_name_before_anything_happens(small, bars, options, words):
    model, spy = small(), Spy()
    with pytest.raises((ValueError, TypeError), match=words):
        fit(model, spy, bars(), **options)
    assert spy.batches == []
    assert same_weights(model, small())


GOOD = {
    "steps": [1, 3, True],
    "batch_size": [1, 7, 10**12],
    "lr": [1e-6, 1, 0.5],
    "schedule": ["cosine"],
    "weight_decay": [0, 0.1],
    "clip_norm": [None, 1e-3, 10],
    "seed": [0, 2**63 - 1],
    "device": [None, "cpu"],
    "checkpoint": [None],
    "progress": [False, True],
}
JUNK = [
    None, True, -1, 0, 2.5, math.nan, math.inf, -math.inf, 2**70, 10**400, 1j, "", "3", "cosine", b"1", [], [1], {}, (),
    object(), int, torch.tensor(-2.0), torch.zeros(3), np.float64(-1.0),
]  # fmt: skip


@pytest.mark.usefixtures("plain", "no_kernel")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(name=st.sampled_from([name for name in GOOD if name != "progress"]), data=st.data())
def test_any_argument_either_works_or_is_refused_by_its_name(small, bars, tmp_path, monkeypatch, name, data):
    monkeypatch.chdir(tmp_path)  # "3" and "cosine" are good names for a checkpoint
    value = data.draw(st.one_of(st.sampled_from(JUNK), st.sampled_from(GOOD[name])))
    options = {"steps": 1, "progress": False} | {name: value}
    if name == "steps" and isinstance(value, int) and value > 100:
        return  # a long run, and a valid one
    try:
        run = fit(small(), ELBO, bars(5), **options)
    except (ValueError, TypeError) as error:
        assert name in str(error), f"{name}={value!r} was refused with: {error}"  # noqa: PT017
    else:
        assert run.terms.loss.isfinite().all()


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("images", [None, 5, "mnist", [[1]], torch.zeros(5, 36), 2 * torch.ones(2, 1, 6, 6)])
def test_what_is_no_image_set_is_refused_by_name(small, images):
    for call in (fit, evaluate):
        with pytest.raises((ValueError, TypeError), match=r"^images must "):
            call(small(), ELBO, images, **({"steps": 1} if call is fit else {}))


@pytest.mark.usefixtures("plain")
def test_images_of_another_shape_than_the_models_are_refused_with_both_shapes(small):
    for call in (fit, evaluate):
        with pytest.raises(ValueError, match=r"\[b, 1, 6, 6\], got \[3, 1, 5, 5\]"):
            call(small(), ELBO, torch.zeros(3, 1, 5, 5), **({"steps": 1} if call is fit else {}))


@given(n=st.integers(1, 60), batch_size=st.integers(1, 70), length=st.integers(1, 50), cut=st.integers(0, 50))
def test_a_plan_resumed_anywhere_meets_the_batches_it_would_have_met(n, batch_size, length, cut):
    plan = Plan(n, None, length, batch_size, 1e-3, "constant", 0.0, None, seed=7)
    whole = list(plan.batches(0, torch.device("cpu")))
    assert [step for step, _ in whole] == list(range(length))
    rest = list(plan.batches(min(cut, length), torch.device("cpu")))
    assert len(rest) == length - min(cut, length)
    for (step, batch), (again, same) in zip(whole[min(cut, length) :], rest, strict=True):
        assert step == again
        assert torch.equal(batch, same)
        assert len(batch) == min(batch_size, n) == len(batch.unique())
        assert 0 <= batch.min() <= batch.max() < n
