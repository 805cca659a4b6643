"""`fit` and `evaluate` with labels: who is told them, that each image keeps its own, and checkpoints of such runs."""

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from vae_tutorial.data import Images
from vae_tutorial.likelihoods import Bernoulli
from vae_tutorial.networks import conv, mlp
from vae_tutorial.objectives import IWAE, Objective
from vae_tutorial.regularizers import KL
from vae_tutorial.training import CheckpointError, History, evaluate, fit
from vae_tutorial.vae import ConditionalVAE

ELBO = Objective(KL())
RUN = {"batch_size": 8, "lr": 5e-3, "seed": 4, "progress": False}


def make(n_classes: int = 6, seed: int = 0, **options) -> ConditionalVAE:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return ConditionalVAE(*mlp((1, 6, 6), (8,), 2, n_classes=n_classes, **options), n_classes)


def convolutional() -> ConditionalVAE:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return ConditionalVAE(*conv((1, 6, 6), (4,), 2, n_classes=6), 6)


@pytest.fixture
def rows(bars):
    """A factory of bars labelled by the depth of their row."""

    def build(n: int = 40, seed: int = 0) -> Images:
        return Images(bars(n, seed), torch.arange(n) % 6, name="bars")

    return build


def numbered(n: int) -> Images:
    """Images that can be told apart, with labels that follow from the image."""
    x = torch.arange(n, dtype=torch.uint8).view(n, 1, 1, 1).expand(n, 1, 6, 6).contiguous()
    return Images(x, torch.arange(n) % 6)


class Spy:
    """An objective that notes the images and labels it is handed."""

    def __init__(self):
        self.x, self.y = [], []

    def __call__(self, model, x, y, step=None):
        self.x.append(x.clone())
        self.y.append(y.clone())
        return ELBO(model, x, y, step)


def same_run(a: tuple[ConditionalVAE, History], b: tuple[ConditionalVAE, History]) -> bool:
    curves = zip(a[1].terms, b[1].terms, strict=True)
    weights = zip(a[0].state_dict().values(), b[0].state_dict().values(), strict=True)
    return all(torch.equal(one, other) for one, other in [*curves, *weights])


# Who is told


def test_training_with_labels_is_a_plain_loop(rows):
    images, model = rows(40), make().double()
    plain = copy.deepcopy(model)
    history = fit(model, ELBO, images, epochs=3, batch_size=8, lr=0.01, seed=7)

    adam = torch.optim.Adam(plain.parameters(), lr=0.01)
    losses = []
    torch.manual_seed(7)
    for epoch in range(3):
        order = torch.from_numpy(np.random.default_rng([7, epoch]).permutation(40))
        for batch in order.split(8):
            x, y = images.x[batch].double() / 255, F.one_hot(images.y[batch], 6).double()
            q = plain.encoder(x, y)
            z = q.mu + (q.logvar / 2).exp() * torch.randn(8, 2, dtype=torch.float64)
            loss = (Bernoulli().nll(plain.decoder(z, y), x) + q.kl()).mean()
            adam.zero_grad()
            loss.backward()
            adam.step()
            losses.append(loss.item())
    torch.testing.assert_close(history.terms.loss, torch.tensor(losses, dtype=torch.float64), rtol=1e-9, atol=0)
    torch.testing.assert_close(dict(model.state_dict()), dict(plain.state_dict()), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("batch_size", [8, 7, 100])
def test_every_image_is_handed_over_with_its_own_label(batch_size):
    images, spy = numbered(43), Spy()
    fit(make(), spy, images, epochs=2, batch_size=batch_size)
    trained = len(spy.y)
    evaluate(make(), spy, images, batch_size=batch_size)
    for x, y in zip(spy.x, spy.y, strict=True):
        assert y.dtype == torch.int64
        assert torch.equal(y, (255 * x[:, 0, 0, 0]).round().long() % 6)
    assert sum(len(y) for y in spy.y[trained:]) == 43


def test_a_plain_model_trains_as_if_there_were_no_labels(small, rows):
    def without_labels(model, x, step=None):  # would fail if it were handed any
        return ELBO(model, x, step=step)

    images = rows()
    labelled, bare = small(), small()
    histories = [
        fit(labelled, without_labels, images, steps=10, **RUN),
        fit(bare, without_labels, images.x, steps=10, **RUN),
    ]
    assert same_run((labelled, histories[0]), (bare, histories[1]))
    assert evaluate(labelled, without_labels, images) == evaluate(bare, without_labels, images.x)


def test_the_caller_of_a_conditional_run_gets_the_same_curve_from_the_same_seed(rows):
    runs = []
    for state in (1, 2):
        torch.manual_seed(state)
        model = make(dropout=0.3)
        runs.append((model, fit(model, ELBO, rows(), steps=20, **RUN)))
    assert same_run(*runs)


@pytest.mark.parametrize("build", [make, convolutional])
@pytest.mark.parametrize("objective", [ELBO, IWAE(3), Objective(KL(), warmup=50)], ids=repr)
def test_a_conditional_model_learns_bars_and_the_truth_about_labels_pays(rows, bars, build, objective):
    x = bars(600)
    depth = (x[:, 0] > 0).sum(2).argmax(1)  # the row is the label
    images, model = Images(x, depth), build()
    before = evaluate(model, ELBO, images)
    fit(model, objective, images, steps=300, batch_size=64, lr=1e-2)
    after = evaluate(model, ELBO, images)
    shuffled = Images(x, depth[torch.randperm(600)])
    assert after.loss < before.loss - 4
    assert evaluate(model, ELBO, shuffled).loss > after.loss + 2


def test_evaluation_averages_over_all_images_with_their_labels(rows):
    images, model = rows(37), make().double()
    y = F.one_hot(images.y, 6).double()
    kl = model.encoder(images.x.double() / 255, y).kl().mean().detach()
    for batch_size in (1, 5, 36, 37, 1000):
        torch.testing.assert_close(evaluate(model, ELBO, images, batch_size=batch_size).kl, kl, rtol=1e-9, atol=0)


# Refused


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("call", [fit, evaluate])
def test_images_without_labels_are_refused_before_a_step(rows, call):
    options = {"steps": 3} if call is fit else {}
    model = make()
    before = copy.deepcopy(model.state_dict())
    words = r"^images must be an Images, for its labels, where the model is a ConditionalVAE, got a tensor without any"
    with pytest.raises(TypeError, match=words):
        call(model, ELBO, rows().x, **options)
    with pytest.raises(ValueError, match=r"^y must hold labels from 0 to 2: .*, got labels from 0 to 5"):
        call(make(3), ELBO, rows(), **options)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


# Checkpoints


@pytest.mark.parametrize("build", [lambda: make(batch_norm=True, dropout=0.3), convolutional], ids=["mlp", "conv"])
def test_a_resumed_run_ends_with_the_bits_of_an_unbroken_one(rows, tmp_path, build):
    whole, model, path = build(), build(), tmp_path / "run.safetensors"
    unbroken = fit(whole, ELBO, rows(), steps=17, **RUN)
    fit(build(), ELBO, rows(), epochs=2, checkpoint=path, **RUN)
    resumed = fit(model, ELBO, rows(), steps=17, checkpoint=path, **RUN)
    assert same_run((model, resumed), (whole, unbroken))


def test_a_run_with_other_labels_is_refused_by_name(rows, tmp_path):
    path = tmp_path / "run.safetensors"
    images = rows()
    fit(make(), ELBO, images, epochs=1, checkpoint=path, **RUN)
    content = path.read_bytes()
    other: Tensor = images.y.clone()
    other[3] = 5
    with pytest.raises(CheckpointError, match=r"is of another run: labels was .* and is now"):
        fit(make(), ELBO, Images(images.x, other), epochs=2, checkpoint=path, **RUN)
    assert path.read_bytes() == content
    assert len(fit(make(), ELBO, images, epochs=2, checkpoint=path, **RUN)) == 10


def test_a_plain_run_is_not_known_by_its_labels(small, rows, tmp_path):
    path = tmp_path / "run.safetensors"
    fit(small(), ELBO, rows(), epochs=1, checkpoint=path, **RUN)
    assert len(fit(small(), ELBO, rows().x, epochs=2, checkpoint=path, **RUN)) == 10
    with pytest.raises(CheckpointError, match=r"is of another (run|model)"):
        fit(make(), ELBO, rows(), epochs=2, checkpoint=path, **RUN)
