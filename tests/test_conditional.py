"""The conditional model: labels in every form that is one, what they change, and what is no label."""

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from oracles import F64, FixedEncoder
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

from vae_tutorial.data import Images
from vae_tutorial.gaussian import DiagGaussian
from vae_tutorial.likelihoods import Bernoulli, Gaussian
from vae_tutorial.networks import conv, mlp
from vae_tutorial.objectives import Objective
from vae_tutorial.regularizers import KL
from vae_tutorial.training import evaluate, fit
from vae_tutorial.vae import VAE, ConditionalVAE, Model

ELBO = Objective(KL())
LABELS = [0, 2, 1, 1, 0]
Y = torch.tensor(LABELS)
LOOKS = {
    "encode": lambda model, x, y: model.encode(x, y).mu,
    "decode": lambda model, x, y: model.decode(torch.ones(5, 2), y),
    "sample": lambda model, x, y: model.sample(5, y),
    "reconstruct": lambda model, x, y: model.reconstruct(x, y),
}
BUILDERS = {
    "mlp": lambda n_classes, **options: mlp((1, 6, 6), (16,), 2, n_classes=n_classes, **options),
    "conv": lambda n_classes, **options: conv((1, 6, 6), (4, 8), 2, n_classes=n_classes, **options),
}


def make(n_classes: int = 3, *likelihood, networks: str = "mlp", seed: int = 0, **options) -> ConditionalVAE:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return ConditionalVAE(*BUILDERS[networks](n_classes, **options), n_classes, *likelihood)


def seeded(look, *arguments) -> Tensor:
    torch.manual_seed(5)
    return look(*arguments)


@pytest.fixture
def x():
    return torch.rand(5, 1, 6, 6)


# What a pass is


@pytest.mark.parametrize("networks", BUILDERS)
def test_a_pass_hands_the_labels_one_hot_to_both_networks(x, networks):
    model = make(networks=networks)
    hot = torch.tensor([[1.0, 0, 0], [0, 0, 1], [0, 1, 0], [0, 1, 0], [1, 0, 0]])
    torch.manual_seed(4)
    q, z, logits = model(x, Y)
    torch.manual_seed(4)
    assert torch.equal(q.mu, model.encoder(x, hot).mu)
    torch.testing.assert_close(z, q.mu + (q.logvar / 2).exp() * torch.randn(5, 2))
    assert torch.equal(logits, model.decoder(z, hot))
    assert (q.mu.shape, z.shape, logits.shape) == ((5, 2), (5, 2), (5, 1, 6, 6))


@pytest.mark.parametrize("networks", BUILDERS)
def test_gradients_of_a_pass_reach_every_weight(x, networks):
    model = make(networks=networks)
    model(x, Y).logits.square().sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in model.parameters())


def test_looking_is_encoding_and_decoding_with_the_same_labels(x):
    model, hot = make(), F.one_hot(Y, 3).float()
    z = torch.randn(5, 2)
    with torch.no_grad():
        assert torch.equal(model.encode(x, Y).mu, model.encoder(x, hot).mu)
        assert torch.equal(model.decode(z, Y), torch.sigmoid(model.decoder(z, hot)))
        assert torch.equal(model.reconstruct(x, Y), torch.sigmoid(model.decoder(model.encoder(x, hot).mu, hot)))
    torch.manual_seed(1)
    images = model.sample(5, Y)
    torch.manual_seed(1)
    assert torch.equal(images, model.decode(torch.randn(5, 2), Y))


def test_the_likelihood_is_bernoulli_unless_another_is_given():
    assert make().likelihood == Bernoulli()
    assert make(3, Gaussian(link="tanh")).likelihood == Gaussian(link="tanh")


def test_any_modules_that_take_labels_make_a_model_and_get_them_in_its_precision(x):
    class Encode(nn.Module):
        def forward(self, x, y):
            return DiagGaussian(y[:, :2], torch.zeros_like(y[:, :2]))

    class Decode(nn.Linear):
        z_dim = 2

        def forward(self, z, y):
            return super().forward(torch.cat([z, y], 1)).view(-1, 1, 6, 6)

    model = ConditionalVAE(Encode(), Decode(5, 36), 3).double()
    q = model.encode(x, Y)
    assert q.mu.dtype == F64
    assert q.mu.tolist() == [[1, 0], [0, 0], [0, 1], [0, 1], [1, 0]]
    assert model.sample(4, 2).shape == (4, 1, 6, 6)


# Labels in all their forms


@pytest.mark.parametrize("name", LOOKS)
@pytest.mark.parametrize("dtype", [torch.int64, torch.int32, torch.uint8, torch.float32, F64, torch.bool])
def test_whole_numbers_and_one_hot_rows_of_any_type_are_the_same_labels(x, name, dtype):
    model = make()
    truth = seeded(LOOKS[name], model, x, Y)
    assert torch.equal(seeded(LOOKS[name], model, x, F.one_hot(Y, 3).to(dtype)), truth)
    if not (dtype.is_floating_point or dtype == torch.bool):
        assert torch.equal(seeded(LOOKS[name], model, x, Y.to(dtype)), truth)


@pytest.mark.parametrize("name", LOOKS)
@pytest.mark.parametrize("k", [0, 2])
def test_one_number_stands_for_as_many_as_there_are(x, name, k):
    model = make()
    assert torch.equal(seeded(LOOKS[name], model, x, k), seeded(LOOKS[name], model, x, torch.full((5,), k)))


def test_a_pass_takes_labels_in_both_forms_too(x):
    model = make()
    passes = [seeded(model, x, y) for y in (Y, F.one_hot(Y, 3), F.one_hot(Y, 3).float())]
    assert all(torch.equal(p.logits, passes[0].logits) for p in passes)


@pytest.mark.parametrize("n_classes", [1, 3, 40])
@pytest.mark.parametrize("networks", BUILDERS)
def test_any_number_of_classes_will_do(n_classes, networks):
    model = make(n_classes, networks=networks)
    y = torch.arange(n_classes)
    x = torch.rand(n_classes, 1, 6, 6)
    images = model.reconstruct(x, y)
    assert images.shape == x.shape
    assert torch.equal(images, model.reconstruct(x, torch.eye(n_classes)))
    assert len(model.decode(torch.zeros(n_classes, 2), y).unique(dim=0)) == n_classes


BAD = {
    "missing": None,
    "a name": "three",
    "a list": LABELS,
    "a fraction": 1.5,
    "a truth": True,
    "an array": np.array(LABELS),
    "floats in a row": Y.float(),
    "truths in a row": Y.bool(),
    "one too few": Y[:4],
    "one for all in a tensor": Y[:1],
    "no dimension": torch.tensor(1),
    "too large": torch.tensor([0, 1, 2, 3, 0]),
    "negative": torch.tensor([0, 1, 2, -1, 0]),
    "a number too large": 3,
    "a number far too large": 10**30,
    "a negative number": -1,
    "rows too short": torch.eye(2)[[0, 1, 0, 1, 0]],
    "rows too long": torch.eye(4)[[0, 1, 2, 1, 0]],
    "a row too few": torch.eye(3)[[0, 1, 2, 1]],
    "a row of zeros": torch.eye(3)[LABELS] * torch.tensor([1, 1, 0, 1, 1])[:, None],
    "two labels in a row": torch.eye(3)[LABELS] + torch.eye(3)[[1, 1, 0, 0, 1]],
    "probabilities": torch.full((5, 3), 1 / 3),
    "no numbers": torch.full((5, 3), float("nan")),
    "sums to one": torch.tensor([[2, -1, 0]] * 5),
}


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("bad", BAD)
def test_what_is_no_label_is_refused_as_y(x, bad):
    model = make()
    state = torch.get_rng_state()
    for look in (*LOOKS.values(), lambda model, x, y: model(x, y)):
        torch.set_rng_state(state)
        with pytest.raises(
            (ValueError, TypeError), match=r"^y must hold labels from 0 to 2: .*\[5\] or one-hot \[5, 3\]"
        ):
            look(model, x, BAD[bad])


@pytest.mark.usefixtures("plain")
def test_the_error_says_what_was_given():
    model = make()
    for y, words in (
        (None, "got None"),
        (torch.tensor([7, -2, 0]), "got labels from -2 to 7"),
        (torch.zeros(2, 3), r"got shape \[2, 3\]"),
        (torch.zeros(3, 3), "got rows that are not one-hot"),
        (torch.zeros(3), r"got torch\.float32 \[3\]"),
        (9, "got 9"),
    ):
        with pytest.raises((ValueError, TypeError), match=words):
            model.decode(torch.zeros(3, 2), y)


# Models and networks that belong together


@pytest.mark.usefixtures("plain")
def test_the_number_of_classes_must_be_that_of_the_networks():
    for networks, said in ((mlp((1, 6, 6), (8,), 2, n_classes=4), 4), (mlp((1, 6, 6), (8,), 2), 0)):
        with pytest.raises(ValueError, match=f"^n_classes must be that of the encoder, {said}, got 3"):
            ConditionalVAE(*networks, 3)
    with pytest.raises(ValueError, match=r"^n_classes must be that of the decoder, 4, got 3"):
        ConditionalVAE(mlp((1, 6, 6), (8,), 2, n_classes=3)[0], mlp((1, 6, 6), (8,), 2, n_classes=4)[1], 3)
    with pytest.raises(ValueError, match=r"^n_classes must be that of the encoder, 3, got 0; .* ConditionalVAE"):
        VAE(*mlp((1, 6, 6), (8,), 2, n_classes=3))
    for wrong in (0, -1, 2.5, "3", None):
        with pytest.raises((ValueError, TypeError), match=r"^n_classes must be "):
            ConditionalVAE(*mlp((1, 6, 6), (8,), 2), wrong)


@pytest.mark.usefixtures("plain")
def test_a_plain_model_takes_no_labels_and_says_so(small, x):
    assert small().n_classes == 0
    assert small().conditions(None, 5) == ()
    with pytest.raises(ValueError, match=r"^y must be None for a VAE, which takes no labels"):
        small().conditions(Y, 5)


def test_neither_model_is_the_other_and_both_say_where_they_are():
    model = make()
    assert isinstance(model, Model)
    assert not isinstance(model, VAE)
    assert not issubclass(VAE, ConditionalVAE)
    assert (model.n_classes, model.z_dim) == (3, 2)
    assert (model.device, model.double().dtype) == (torch.device("cpu"), F64)
    with pytest.raises(TypeError, match="abstract"):
        Model(*mlp((1, 6, 6), (8,), 2), Bernoulli())


# Looking


@pytest.mark.parametrize("networks", BUILDERS)
@pytest.mark.parametrize("name", LOOKS)
def test_looking_changes_nothing_about_the_model(x, name, networks):
    model = make(networks=networks, batch_norm=True)
    model.decoder.eval()
    model.encoder.body[1].eval()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    modes = [module.training for module in model.modules()]
    first = seeded(LOOKS[name], model, x, Y)
    assert torch.equal(seeded(LOOKS[name], model, x, Y), first)
    assert not first.requires_grad
    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


@pytest.mark.parametrize("name", ["encode", "reconstruct"])
def test_uint8_and_float_images_are_looked_at_alike(bars, name):
    images = bars(5)
    assert torch.equal(LOOKS[name](make(), images, Y), LOOKS[name](make(), images / 255, Y))
    assert LOOKS[name](make().double(), images, Y).dtype == F64


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("bad", [None, torch.zeros(1, 6, 6), 2 * torch.ones(5, 1, 6, 6), torch.zeros(5, 3, 6, 6)])
def test_what_is_no_image_of_this_model_is_refused_as_x(bad):
    for name in ("encode", "reconstruct"):
        with pytest.raises((ValueError, TypeError), match=r"^x must "):
            LOOKS[name](make(), bad, Y)


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("n", [0, -1, 2.5, "2", None])
def test_a_number_of_samples_below_one_or_of_another_kind_is_refused(n):
    with pytest.raises((ValueError, TypeError), match=r"^n must "):
        make().sample(n, 1)


def test_labels_can_be_all_that_an_image_depends_on():
    model = ConditionalVAE(Blind(FixedEncoder(2, constant=True)), mlp((1, 6, 6), (8,), 2, n_classes=3)[1], 3)
    images = model.reconstruct(torch.rand(5, 1, 6, 6), Y)
    for i, j in ((0, 4), (2, 3)):
        torch.testing.assert_close(images[i], images[j])
    assert not torch.allclose(images[0], images[1])


class Blind(nn.Module):
    """An encoder that is handed labels and does not look at them."""

    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder

    def forward(self, x, y):
        return self.encoder(x)


# What a trained one has learnt


@pytest.fixture(scope="module")
def digits() -> tuple[Images, Images]:
    """Scikit-learn's handwritten digits, 1,797 of 8 x 8 pixels: a training set and a held-out rest."""
    found = load_digits()
    x = (torch.from_numpy(found.images) * 255 / 16).round().to(torch.uint8).unsqueeze(1)
    y = torch.from_numpy(found.target).long()
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
    return Images(x[order[:1400]], y[order[:1400]]), Images(x[order[1400:]], y[order[1400:]])


@pytest.fixture(scope="module")
def trained(digits) -> dict[str, Model]:
    torch.manual_seed(0)
    models = {
        "vae": VAE(*mlp((1, 8, 8), (128,), 8)),
        "cvae": ConditionalVAE(*mlp((1, 8, 8), (128,), 8, n_classes=10), 10),
    }
    for model in models.values():
        fit(model, ELBO, digits[0], steps=500, batch_size=100, lr=5e-3, seed=1)
    return models


def test_the_label_helps_a_model_that_is_told_it_and_a_wrong_one_costs(trained, digits):
    test = digits[1]
    shuffled = Images(test.x, test.y[torch.randperm(len(test))])
    told, lied_to, untold = (
        evaluate(model, ELBO, images).loss
        for model, images in ((trained["cvae"], test), (trained["cvae"], shuffled), (trained["vae"], test))
    )
    assert told < untold - 1
    assert lied_to > told + 5
    assert evaluate(trained["vae"], ELBO, shuffled).loss == untold


def test_the_same_code_makes_another_digit_of_another_label(trained):
    z = torch.randn(4, 8)
    images = torch.stack([trained["cvae"].decode(z, k) for k in range(10)])
    for a, b in itertools.combinations(range(10), 2):
        assert (images[a] - images[b]).abs().amax((1, 2, 3)).min() > 0.1


def test_a_classifier_reads_the_labels_asked_for_off_the_samples(trained, digits):
    classifier = LogisticRegression(max_iter=300).fit(digits[0].x.flatten(1).numpy() / 255, digits[0].y.numpy())
    asked = torch.arange(10).repeat(30)
    samples = trained["cvae"].sample(300, asked)
    assert classifier.score(samples.flatten(1).numpy(), asked.numpy()) > 0.9


def test_codes_say_less_about_the_label_where_the_label_is_given(trained, digits):
    def probe(codes: list[Tensor]) -> float:
        train, test = (mu.numpy() for mu in codes)
        return LogisticRegression(max_iter=1000).fit(train, digits[0].y.numpy()).score(test, digits[1].y.numpy())

    vae = probe([trained["vae"].encode(images.x).mu for images in digits])
    cvae = probe([trained["cvae"].encode(images.x, images.y).mu for images in digits])
    assert cvae < vae - 0.3
