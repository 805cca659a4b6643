"""Runs that end half-way: killed, interrupted or resumed from a file that is not theirs."""

import copy
import json
import math
import os
import random
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from vae_tutorial.data import Images
from vae_tutorial.likelihoods import Gaussian
from vae_tutorial.networks import conv, mlp
from vae_tutorial.objectives import IWAE, Objective
from vae_tutorial.regularizers import KL
from vae_tutorial.training import CheckpointError, History, TrainingDivergedError, evaluate, fit
from vae_tutorial.training.checkpoint import Checkpoint
from vae_tutorial.training.plan import Plan
from vae_tutorial.training.watch import Watch
from vae_tutorial.vae import VAE

ELBO = Objective(KL())
RUN = {"batch_size": 8, "lr": 5e-3, "seed": 4, "progress": False}


class PowerCutError(Exception):
    """The plug, pulled."""


class PulledAt:
    """An objective that ends the run at one step, and is taken for the one inside."""

    def __init__(self, step: int, error: type[BaseException] = PowerCutError, objective=ELBO):
        self.step, self.error, self.objective = step, error, objective

    def __repr__(self) -> str:
        return repr(self.objective)

    def __call__(self, model, x, y=None, step=None):
        if int(step) == self.step:
            raise self.error
        return self.objective(model, x, step=step)


@pytest.fixture
def fresh(small):
    """A factory of a model with everything that a checkpoint may forget: batch norm's buffers and dropout's draws."""
    return lambda **options: small(**({"batch_norm": True, "dropout": 0.3, "hidden": (12, 8)} | options))


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "run.safetensors"


@pytest.fixture
def saved(fresh, bars, path) -> Path:
    """The checkpoint of a finished run of 3 epochs of 5 steps."""
    fit(fresh(), ELBO, bars(), epochs=3, checkpoint=path, **RUN)
    return path


def bits(model: nn.Module) -> dict[str, bytes]:
    return {name: value.numpy().tobytes() for name, value in model.state_dict().items()}


def assert_same_run(model: VAE, history: History, other: VAE, other_history: History) -> None:
    assert bits(model) == bits(other)
    for curve, other_curve in zip(history.terms, other_history.terms, strict=True):
        assert torch.equal(curve, other_curve)
    norms = [run.gradient_norm for run in (history, other_history) if run.gradient_norm is not None]
    assert len(norms) != 1
    assert all(len(norm) == len(history) and torch.equal(norm, norms[0]) for norm in norms)


def no_partial_files(path: Path) -> bool:
    return [file.name for file in path.parent.iterdir() if file.name.startswith(path.name)] in ([], [path.name])


# Going on


@pytest.mark.parametrize("step", [5, 6, 9, 10, 24])
@pytest.mark.parametrize(
    "options",
    [{}, {"schedule": "cosine"}, {"weight_decay": 0.1, "clip_norm": 1.0}, {"clip_norm": math.inf}],
    ids=str,
)
def test_a_broken_run_resumed_ends_with_the_bits_of_an_unbroken_one(fresh, bars, path, step, options):
    options = RUN | options
    whole = fresh()
    unbroken = fit(whole, ELBO, bars(), epochs=5, **options)
    with pytest.raises(PowerCutError):
        fit(fresh(), PulledAt(step), bars(), epochs=5, checkpoint=path, **options)
    torch.manual_seed(step)  # whatever the caller has done in between
    model = fresh(seed=77)  # other first weights: all must come from the file
    assert_same_run(model, fit(model, ELBO, bars(), epochs=5, checkpoint=path, **options), whole, unbroken)
    assert no_partial_files(path)


def test_convolutions_resume_with_their_bits_though_they_lie_channels_last(bars, path):
    def fresh() -> VAE:
        torch.manual_seed(0)
        return VAE(*conv((1, 6, 6), channels=(4, 8), z_dim=2))

    whole = fresh()
    assert not whole.encoder.body[3].weight.is_contiguous()
    unbroken = fit(whole, ELBO, bars(), epochs=5, **RUN)
    with pytest.raises(PowerCutError):
        fit(fresh(), PulledAt(9), bars(), epochs=5, checkpoint=path, **RUN)
    model = fresh()
    assert_same_run(model, fit(model, ELBO, bars(), epochs=5, checkpoint=path, **RUN), whole, unbroken)


def test_a_run_can_break_again_and_again(fresh, bars, path):
    whole = fresh()
    unbroken = fit(whole, ELBO, bars(), steps=32, **RUN)
    for step in (3, 7, 11, 13, 31):
        with pytest.raises(PowerCutError):
            fit(fresh(), PulledAt(step), bars(), steps=32, checkpoint=path, **RUN)
    model = fresh()
    assert_same_run(model, fit(model, ELBO, bars(), steps=32, checkpoint=path, **RUN), whole, unbroken)


@pytest.mark.parametrize(("steps", "saves"), [(15, 3), (12, 3), (3, 1)])
def test_a_run_is_saved_after_each_epoch_and_at_its_end(fresh, bars, path, monkeypatch, steps, saves):
    replaced, replace = [], os.replace
    monkeypatch.setattr(os, "replace", lambda *files: replaced.append(files) or replace(*files))
    fit(fresh(), ELBO, bars(), steps=steps, checkpoint=path, **RUN)
    assert [target for _, target in replaced] == [path] * saves


def test_a_checkpoint_changes_nothing_about_the_run(fresh, bars, path):
    with_file, without = fresh(), fresh()
    histories = [
        fit(with_file, ELBO, bars(), epochs=3, checkpoint=path, **RUN),
        fit(without, ELBO, bars(), epochs=3, **RUN),
    ]
    assert_same_run(with_file, histories[0], without, histories[1])


@pytest.mark.parametrize("options", [{}, {"objective": Objective(KL(), warmup=30)}, {"objective": IWAE(3)}], ids=str)
def test_a_longer_run_goes_on_from_a_finished_one(fresh, bars, path, options):
    objective = options.get("objective", ELBO)
    whole, model = fresh(), fresh()
    unbroken = fit(whole, objective, bars(), steps=27, **RUN)
    fit(model, objective, bars(), epochs=2, checkpoint=path, **RUN)
    fit(fresh(), objective, bars(), steps=12, checkpoint=path, **RUN)  # stops within an epoch
    model = fresh()
    assert_same_run(model, fit(model, objective, bars(), steps=27, checkpoint=path, **RUN), whole, unbroken)


def test_a_finished_run_is_read_back_without_a_step(fresh, bars, saved):
    model, other = fresh(seed=5), fresh()
    again = fit(model, PulledAt(-1), bars(), epochs=3, checkpoint=saved, **RUN)
    assert_same_run(model, again, other, fit(other, ELBO, bars(), epochs=3, **RUN))
    assert again.seconds > 0


def test_a_string_will_do_as_a_path_and_labels_do_not_matter(fresh, bars, saved):
    labelled = Images(bars(), torch.zeros(40, dtype=torch.int64))
    assert len(fit(fresh(), ELBO, labelled, epochs=3, checkpoint=str(saved), **RUN)) == 15


def test_ctrl_c_keeps_the_checkpoint_and_the_run_goes_on_from_it(fresh, bars, path):
    whole = fresh()
    unbroken = fit(whole, ELBO, bars(), epochs=4, **RUN)
    history = fit(fresh(), PulledAt(13, KeyboardInterrupt), bars(), epochs=4, checkpoint=path, **RUN)
    assert len(history) == 13
    model = fresh()
    assert_same_run(model, fit(model, ELBO, bars(), epochs=4, checkpoint=path, **RUN), whole, unbroken)


def test_a_run_gone_bad_is_not_saved_over_the_last_good_one(fresh, bars, path):
    def bad(model, x, y=None, step=None):
        terms = ELBO(model, x, step=step)
        return terms._replace(loss=terms.loss * float("nan")) if int(step) == 13 else terms

    class Bad(PulledAt):
        def __call__(self, model, x, y=None, step=None):
            return bad(model, x, step=step)

    whole = fresh()
    unbroken = fit(whole, ELBO, bars(), epochs=4, **RUN)
    with pytest.raises(TrainingDivergedError, match="step 13"):
        fit(fresh(), Bad(13), bars(), epochs=4, checkpoint=path, **RUN)
    model = fresh()
    assert_same_run(model, fit(model, ELBO, bars(), epochs=4, checkpoint=path, **RUN), whole, unbroken)


# Killed


SCRIPT = """
import os, signal, sys
import torch
torch.set_num_threads(1)
from vae_tutorial.networks import mlp
from vae_tutorial.objectives import Objective
from vae_tutorial.regularizers import KL
from vae_tutorial.training import fit
from vae_tutorial.vae import VAE

path, images, epochs, last_save = sys.argv[1], torch.load(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
saves, replace = 0, os.replace

def deadly(*files):  # after the new file is written, before it takes the old one's place
    global saves
    saves += 1
    if saves == last_save:
        os.kill(os.getpid(), signal.SIGKILL)
    replace(*files)

os.replace = deadly
torch.manual_seed(0)
model = VAE(*mlp((1, 6, 6), (12, 8), 2, batch_norm=True, dropout=0.3))
fit(model, Objective(KL()), images, epochs=epochs, checkpoint=path, batch_size=8, lr=5e-3, seed=4, progress=False)
"""


def start(path: Path, images: Tensor, epochs: int, last_save: int = 0) -> subprocess.Popen:
    torch.save(images, path.parent / "images.pt")
    command = [sys.executable, "-c", SCRIPT, str(path), str(path.parent / "images.pt"), str(epochs), str(last_save)]
    return subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "1"})


def test_a_run_killed_at_any_moment_and_resumed_ends_with_the_bits_of_an_unbroken_one(fresh, bars, path):
    run = start(path, bars(), epochs=100_000)
    while not path.exists():
        assert run.poll() is None
        time.sleep(0.01)
    time.sleep(random.SystemRandom().uniform(0, 0.3))
    run.send_signal(signal.SIGKILL)
    assert run.wait() == -signal.SIGKILL
    with safe_open(path, framework="pt") as file:  # whole, whenever the end came
        steps = file.get_slice("curves").get_shape()[0]
    whole, model = fresh(), fresh()
    unbroken = fit(whole, ELBO, bars(), steps=steps + 7, **RUN)
    resumed = fit(model, ELBO, bars(), steps=steps + 7, checkpoint=path, **RUN)
    assert_same_run(model, resumed, whole, unbroken)


def test_a_run_killed_while_it_saves_keeps_the_save_before_and_no_litter_stays(fresh, bars, path):
    assert start(path, bars(), epochs=9, last_save=3).wait() == -signal.SIGKILL
    whole, model = fresh(), fresh()
    unbroken = fit(whole, ELBO, bars(), epochs=9, **RUN)
    resumed = fit(model, ELBO, bars(), epochs=9, checkpoint=path, **RUN)
    assert_same_run(model, resumed, whole, unbroken)
    assert no_partial_files(path)


@pytest.mark.parametrize("error", [OSError("no space left"), KeyboardInterrupt()], ids=repr)
def test_a_save_that_fails_leaves_the_file_before_and_no_litter(fresh, bars, saved, monkeypatch, error):
    before = saved.read_bytes()

    def fail(*files):
        raise error

    monkeypatch.setattr(os, "replace", fail)
    if isinstance(error, OSError):
        with pytest.raises(OSError, match="no space left"):
            fit(fresh(), ELBO, bars(), epochs=4, checkpoint=saved, **RUN)
    else:
        assert len(fit(fresh(), ELBO, bars(), epochs=4, checkpoint=saved, **RUN)) == 20
    assert saved.read_bytes() == before
    assert no_partial_files(saved)


# Refused


def assert_refused(path: Path, model: VAE, images: Tensor, words: str, objective=ELBO, **options) -> None:
    """As `fit` meets it: named, with the model, the random state and the file as they were."""
    before, state, content = bits(model), torch.get_rng_state(), path.read_bytes() if path.is_file() else None
    with pytest.raises(CheckpointError, match=words) as error:
        fit(model, objective, images, checkpoint=path, **(RUN | {"epochs": 4} | options))
    assert str(path) in str(error.value)
    assert bits(model) == before
    assert torch.equal(torch.get_rng_state(), state)
    assert (path.read_bytes() if path.is_file() else None) == content
    assert no_partial_files(path)


def header_length(content: bytes) -> int:
    return 8 + struct.unpack("<Q", content[:8])[0]


def test_a_file_cut_short_anywhere_is_refused(fresh, bars, saved):
    content, model, images = saved.read_bytes(), fresh(), bars()
    start, size = header_length(content), len(content)
    cuts = {0, 1, 7, 8, 9, start - 1, start, start + 1, size - 1, *range(0, size, size // 40)}
    for cut in sorted(cuts):
        saved.write_bytes(content[:cut])
        assert_refused(saved, model, images, "cannot be read|damaged|not one that")


def test_a_file_with_bytes_behind_its_end_is_refused(fresh, bars, saved):
    saved.write_bytes(saved.read_bytes() + b"\0")
    assert_refused(saved, fresh(), bars(), "cannot be read|damaged")


def flips(content: bytes, n: int) -> list[tuple[int, int]]:
    """n bits spread over the tensors, and as many over the header."""
    generator, start = random.Random(0), header_length(content)
    places = [generator.randrange(start) for _ in range(n)] + [
        generator.randrange(start, len(content)) for _ in range(n)
    ]
    return [(place, generator.randrange(8)) for place in places]


def test_a_file_with_any_one_bit_flipped_is_refused(fresh, bars, saved):
    content, model, images = bytearray(saved.read_bytes()), fresh(), bars()
    for place, bit in flips(content, 150):
        content[place] ^= 1 << bit
        saved.write_bytes(content)
        assert_refused(saved, model, images, "checkpoint")
        content[place] ^= 1 << bit


def test_a_flip_in_what_is_no_tensor_is_refused_too(fresh, bars, saved):
    """Settings, seconds and their names: not covered by a digest of the tensors alone."""
    content, model, images = bytearray(saved.read_bytes()), fresh(), bars()
    text = bytes(content)
    for word in (b'"seconds"', b'"settings"', b'"format"', b'"digest"'):
        place = text.index(word) + 2
        for where in (place, place + len(word) + 1):  # in the name, in the value
            content[where] ^= 1
            saved.write_bytes(content)
            assert_refused(saved, model, images, "checkpoint")
            content[where] ^= 1


@pytest.mark.parametrize("kind", ["empty", "text", "json", "pickle", "zeros", "folder"])
def test_a_file_of_another_kind_is_refused(fresh, bars, path, kind):
    if kind == "folder":
        path.mkdir()
    elif kind == "pickle":
        torch.save(fresh().state_dict(), path)
    else:
        content = {"empty": b"", "text": b"not a checkpoint", "json": b"{}", "zeros": bytes(1000)}[kind]
        path.write_bytes(content)
    assert_refused(path, fresh(), bars(), "cannot be read|not one that")


def test_a_pickle_is_never_run(fresh, bars, path, tmp_path):
    class Evil:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "pwned",))

    torch.save(Evil(), path)
    assert_refused(path, fresh(), bars(), "cannot be read")
    assert not (tmp_path / "pwned").exists()


def test_safetensors_of_somebody_else_are_refused(fresh, bars, path):
    save_file({"weight": torch.ones(3)}, path)
    assert_refused(path, fresh(), bars(), "not one that `fit` wrote")
    save_file({"weight": torch.ones(3)}, path, {"format": "pt", "digest": "0"})
    assert_refused(path, fresh(), bars(), "not one that `fit` wrote")


def test_tensors_or_settings_edited_by_hand_are_refused(fresh, bars, saved):
    with safe_open(saved, framework="pt") as file:
        tensors, metadata = {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118
    for broken in ("", "not json", "[]", "null", json.dumps({})):
        save_file(tensors, saved, metadata | {"settings": broken})
        assert_refused(saved, fresh(), bars(), "checkpoint")
    save_file({name: tensor + 1 for name, tensor in tensors.items()}, saved, metadata)
    assert_refused(saved, fresh(), bars(), "damaged")
    del tensors["curves"]
    save_file(tensors, saved, metadata)
    assert_refused(saved, fresh(), bars(), "damaged")


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"batch_size": 4}, "batch_size"),
        ({"lr": 1e-4}, "lr"),
        ({"seed": 5}, "seed"),
        ({"weight_decay": 0.1}, "weight_decay"),
        ({"clip_norm": 1.0}, "clip_norm"),
        ({"clip_norm": math.inf}, "clip_norm"),
        ({"schedule": "cosine"}, "schedule"),
        ({"objective": Objective()}, "objective"),
        ({"objective": Objective(KL(weight=2))}, "objective"),
        ({"objective": Objective(KL(), warmup=3)}, "objective"),
        ({"objective": IWAE(1)}, "objective"),
    ],
    ids=str,
)
def test_a_run_with_other_settings_is_refused_by_the_name_of_the_setting(fresh, bars, saved, options, name):
    assert_refused(saved, fresh(), bars(), rf"is of another run: {name} was .* and is now", **options)


def test_a_run_on_other_images_is_refused(fresh, bars, saved):
    one_pixel = bars()
    one_pixel[3, 0, 2, 2] += 1
    for images in (one_pixel, bars().flip(0), bars()[:39], bars() / 255):
        assert_refused(saved, fresh(), images, "is of another run: images was .* and is now")


@pytest.mark.parametrize(
    "options",
    [
        {"hidden": (12,)}, {"hidden": (8, 12)}, {"z_dim": 3}, {"batch_norm": False}, {"activation": "tanh"},
        {"dropout": 0.1}, {"dropout": 0.0}, {"likelihood": Gaussian()}, {"latent_dropout": 0.1},
    ],
    ids=str,
)  # fmt: skip
def test_another_model_is_refused(fresh, bars, saved, options):
    assert_refused(saved, fresh(**options), bars(), "is of another (model|run)")


def test_a_model_of_another_precision_is_refused(fresh, bars, saved):
    assert_refused(saved, fresh().double(), bars(), "is of another (model|run)")


def test_a_shorter_run_and_a_cosine_of_another_length_are_refused(fresh, bars, saved, path):
    assert_refused(saved, fresh(), bars(), "15 steps into its run, more than the 10 asked for", epochs=2)
    saved.unlink()
    fit(fresh(), ELBO, bars(), epochs=2, schedule="cosine", checkpoint=path, **RUN)
    assert_refused(path, fresh(), bars(), "is of another run: total steps was 10 and is now 20", schedule="cosine")


def test_a_refusal_leaves_the_optimizer_untouched(fresh, bars, saved):
    model, images = fresh(z_dim=3), bars()
    adam = torch.optim.Adam(model.parameters())
    evaluated = ELBO(model, images / 255)
    evaluated.loss.backward()
    adam.step()
    before, options = copy.deepcopy(adam.state_dict()), {k: RUN[k] for k in ("batch_size", "lr", "seed")}
    plan = Plan(40, 4, None, schedule="constant", weight_decay=0.0, clip_norm=None, **options)
    watch = Watch(model, plan, progress=False)
    with pytest.raises(CheckpointError):
        Checkpoint(saved, plan, ELBO, images).resume(model, adam, watch)
    torch.testing.assert_close(adam.state_dict(), before, rtol=0, atol=0)
    assert watch.step == 0


def test_a_checkpoint_in_a_missing_folder_is_refused_before_training(fresh, bars, tmp_path):
    calls = []

    def objective(model, x, y=None, step=None):
        calls.append(step)
        return ELBO(model, x, step=step)

    missing = tmp_path / "no" / "run.safetensors"
    with pytest.raises(ValueError, match="checkpoint must lie in a folder that exists, got ") as error:
        fit(fresh(), objective, bars(), epochs=1, checkpoint=missing)
    assert str(missing) in str(error.value)
    assert calls == []
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_error_is_a_value_error_and_the_file_stays_for_another_try(fresh, bars, saved):
    assert issubclass(CheckpointError, ValueError)
    assert_refused(saved, fresh(), bars(), "another run", lr=1.0)
    assert len(fit(fresh(), ELBO, bars(), epochs=4, checkpoint=saved, **RUN)) == 20


def test_an_objective_without_a_repr_of_its_own_is_known_by_name_not_by_address(fresh, bars, path):
    def plain(model, x, y=None, step=None):
        return ELBO(model, x, step=step)

    fit(fresh(), plain, bars(), epochs=1, checkpoint=path, **RUN)
    with safe_open(path, framework="pt") as file:
        assert "0x" not in file.metadata()["settings"]
        assert "plain" in file.metadata()["settings"]


def test_a_resumed_model_can_be_used_and_evaluated(fresh, bars, saved):
    model, trained = fresh(seed=9), fresh()
    fit(model, ELBO, bars(), epochs=3, checkpoint=saved, **RUN)
    fit(trained, ELBO, bars(), epochs=3, **RUN)
    assert evaluate(model, ELBO, bars()) == evaluate(trained, ELBO, bars())
    assert VAE(*mlp((1, 6, 6), (4,), 2)).z_dim == model.z_dim
