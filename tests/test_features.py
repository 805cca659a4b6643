"""Crowds of images in the features of a network: against scipy, scikit-learn, closed forms and brute force."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import sqrtm
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from vae_tutorial import zoo
from vae_tutorial.measures import Classifier, frechet_distance, image_features, precision_recall

F64 = torch.float64


def gaussian(n: int, f: int, spread: Tensor | None = None) -> Tensor:
    """Draws with a covariance that mixes all features."""
    mixed = torch.randn(f, f, dtype=F64) if spread is None else spread
    return torch.randn(n, f, dtype=F64) @ mixed


def exactly(n: int, mean: Tensor, deviations: Tensor) -> Tensor:
    """Draws whose mean is the given one and whose covariance is diagonal, with these standard deviations, exactly."""
    draws = torch.randn(n, len(mean), dtype=F64)
    return math.sqrt(n - 1) * torch.linalg.qr(draws - draws.mean(0)).Q * deviations + mean


def rotation(f: int) -> Tensor:
    return torch.linalg.qr(torch.randn(f, f, dtype=F64)).Q


# Features


@pytest.fixture(scope="module")
def judge() -> Classifier:
    return zoo.classifier()


def test_features_are_what_the_head_of_the_classifier_reads():
    """More images than are looked at in one go; of bytes as of floats."""
    images, classifier = torch.randint(256, (1003, 1, 28, 28), dtype=torch.uint8), Classifier()
    features = image_features(classifier, images)
    assert features.shape == (1003, 64)
    assert features.dtype == F64
    assert not features.requires_grad
    assert features.min() == 0 < features.max()
    assert torch.equal(image_features(classifier, images / 255), features)
    with torch.no_grad():
        logits = classifier(images / 255)
    head = classifier.head
    torch.testing.assert_close((features @ head.weight.T.double() + head.bias).float(), logits, atol=1e-5, rtol=1e-4)


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("bad", [None, torch.zeros(28, 28), torch.zeros(0, 1, 28, 28), torch.full((1, 1, 28, 28), 2.0)])
def test_what_is_no_set_of_images_has_no_features(bad):
    with pytest.raises((TypeError, ValueError), match=r"^images must "):
        image_features(Classifier(), bad)


# Fréchet distance


@pytest.mark.parametrize(("n", "m", "f"), [(300, 200, 1), (300, 200, 5), (2000, 500, 64)])
def test_it_is_the_formula_with_scipys_matrix_root(n, m, f):
    a, b = gaussian(n, f), gaussian(m, f) + torch.randn(f)
    c_a, c_b = a.T.cov().view(f, f).numpy(), b.T.cov().view(f, f).numpy()
    root = sqrtm(c_a @ c_b).real
    truth = (a.mean(0) - b.mean(0)).square().sum().item() + (c_a + c_b - 2 * root).trace()
    assert truth > 0.05
    assert frechet_distance(a, b) == pytest.approx(truth, rel=1e-8)
    assert frechet_distance(b, a) == pytest.approx(truth, rel=1e-8)


def test_of_diagonal_covariances_it_is_the_sum_over_the_features():
    """(mean_a - mean_b)^2 + (sigma_a - sigma_b)^2 of each."""
    means, deviations = torch.randn(2, 6, dtype=F64), torch.rand(2, 6, dtype=F64) * 3
    a, b = (exactly(n, means[i], deviations[i]) for i, n in enumerate((100, 70)))
    truth = (means[0] - means[1]).square().sum() + (deviations[0] - deviations[1]).square().sum()
    assert frechet_distance(a, b) == pytest.approx(truth.item(), rel=1e-9)


def test_a_crowd_is_at_0_from_itself_and_moved_at_the_square_of_the_way():
    features, way = gaussian(500, 20), torch.randn(20, dtype=F64)
    assert 0 <= frechet_distance(features, features) < 1e-9
    assert 0 <= frechet_distance(features, features[torch.randperm(500)]) < 1e-9
    assert frechet_distance(features, features + way) == pytest.approx(way.square().sum().item(), rel=1e-9)


def test_turning_and_moving_both_crowds_changes_nothing_and_scaling_scales_by_its_square():
    a, b, turn = gaussian(400, 8), gaussian(300, 8) + 1, rotation(8)
    truth = frechet_distance(a, b)
    assert frechet_distance(a @ turn + 5, b @ turn + 5) == pytest.approx(truth, rel=1e-9)
    assert frechet_distance(3 * a, 3 * b) == pytest.approx(9 * truth, rel=1e-9)
    assert abs(frechet_distance(a @ turn, b) - truth) > 0.01


@pytest.mark.parametrize("turned", [False, True])
def test_features_that_never_fire_or_repeat_each_other_change_nothing(turned):
    """Singular covariances: 30 dead features beside 5 live ones, one of them twice."""
    a, b = gaussian(200, 5), gaussian(200, 5) + 0.5
    truth = frechet_distance(torch.cat([a, a[:, :1]], 1), torch.cat([b, b[:, :1]], 1))
    wide = [torch.cat([x, x[:, :1], torch.zeros(200, 30)], 1) for x in (a, b)]
    turn = rotation(36) if turned else torch.eye(36, dtype=F64)
    assert frechet_distance(*(x @ turn for x in wide)) == pytest.approx(truth, rel=1e-7)
    assert frechet_distance(wide[0] @ turn, wide[0] @ turn) < 1e-6


def test_crowds_that_vary_along_different_axes_share_nothing():
    x = exactly(100, torch.zeros(1, dtype=F64), torch.ones(1, dtype=F64))
    nothing = torch.zeros(100, 1, dtype=F64)
    apart = frechet_distance(torch.cat([2 * x, nothing], 1), torch.cat([nothing, 3 * x], 1))
    assert apart == pytest.approx(4 + 9, rel=1e-9)


def test_fewer_images_than_features_are_measured_too():
    """Without any covariance: the singular values of A B^T are those of the product of the roots of A^T A and B^T B."""
    a, b = gaussian(10, 40), gaussian(12, 40)
    centred = [(x - x.mean(0)) / math.sqrt(len(x) - 1) for x in (a, b)]
    overlap = torch.linalg.matrix_norm(centred[0] @ centred[1].T, ord="nuc")
    truth = (a.mean(0) - b.mean(0)).square().sum() + a.var(0).sum() + b.var(0).sum() - 2 * overlap
    assert frechet_distance(a, b) == pytest.approx(truth.item(), rel=1e-7)


def test_crowds_of_one_distribution_seem_further_apart_the_fewer_they_are():
    spread = torch.randn(20, 20, dtype=F64)
    values = {
        n: torch.tensor([frechet_distance(gaussian(n, 20, spread), gaussian(n, 20, spread)) for _ in range(20)])
        for n in (50, 200, 800)
    }
    assert values[50].min() > values[200].max()
    assert values[200].min() > values[800].max() > 0
    assert values[800].mean() < 0.1 * values[50].mean()


# Precision and recall


def by_hand(points: Tensor, crowd: Tensor, k: int) -> float:
    inside = 0
    for point in points.tolist():
        for i, centre in enumerate(crowd.tolist()):
            others = sorted(math.dist(centre, other) for j, other in enumerate(crowd.tolist()) if j != i)
            if math.dist(point, centre) <= others[k - 1]:
                inside += 1
                break
    return inside / len(points)


@given(
    n=st.integers(4, 14),
    m=st.integers(4, 14),
    f=st.integers(1, 4),
    k=st.integers(1, 3),
    shift=st.sampled_from([0.0, 1.0, 3.0]),
)
def test_it_is_the_count_over_all_balls(n, m, f, k, shift):
    real, fake = torch.randn(n, f, dtype=F64), torch.randn(m, f, dtype=F64) + shift
    assert precision_recall(real, fake, k) == (by_hand(fake, real, k), by_hand(real, fake, k))


@pytest.mark.parametrize("k", [1, 3, 10])
def test_it_is_the_count_with_the_neighbours_of_scikit_learn(k):
    """More points than are looked at in one go."""
    real, fake = gaussian(1203, 6), gaussian(1101, 6) + 1

    def inside(points: Tensor, crowd: Tensor) -> float:
        distances, _ = NearestNeighbors(n_neighbors=k).fit(crowd.numpy()).kneighbors()  # without the point itself
        radii = torch.from_numpy(distances)[:, -1]
        return (torch.cdist(points, crowd) <= radii).any(1).double().mean().item()

    precision, recall = precision_recall(real, fake, k)
    assert (precision, recall) == pytest.approx((inside(fake, real), inside(real, fake)), abs=1e-12)
    assert 0 < precision < 1
    assert 0 < recall < 1


def test_a_crowd_covers_itself_and_nothing_far_away():
    features = gaussian(200, 4)
    assert precision_recall(features, features) == (1, 1)
    assert precision_recall(features, features.flip(0)) == (1, 1)
    assert precision_recall(features, features + 1000) == (0, 0)


def test_one_mode_of_two_is_precise_and_recalls_half():
    modes = torch.tensor([[0.0, 0.0], [100.0, 0.0]], dtype=F64)
    real = torch.randn(2000, 2, dtype=F64) + modes.repeat(1000, 1)
    fake = torch.randn(1000, 2, dtype=F64)
    precision, recall = precision_recall(real, fake)
    assert precision > 0.97
    assert recall == pytest.approx(0.5, abs=0.02)
    assert precision_recall(fake, real) == (recall, precision)  # the other way round


def test_points_that_lie_on_each_other_have_no_ball_but_cover_each_other():
    """The nearest neighbour of a point that is there twice is its twin, at 0."""
    twins = torch.tensor([[0.0], [0.0], [5.0], [5.0]], dtype=F64)
    assert precision_recall(twins, torch.tensor([[0.0], [0.1], [5.0], [9.0]], dtype=F64), k=1).precision == 0.5


def test_larger_balls_cover_more():
    real, fake = gaussian(300, 10), gaussian(300, 10)
    values = [precision_recall(real, fake, k) for k in (1, 3, 10, 50)]
    assert values == sorted(values)
    assert values[0].precision < values[-1].precision


# Digits


@pytest.mark.mnist
def test_random_halves_of_the_test_set_are_as_far_apart_as_the_docstrings_say(mnist, judge):
    features = image_features(judge, mnist.x)
    shuffled = features[torch.randperm(10_000)]
    thousand = [frechet_distance(a, b) for a, b in zip(*[iter(shuffled.split(1000))] * 2, strict=True)]
    assert sum(thousand) / 5 == pytest.approx(16, abs=5)
    assert frechet_distance(*shuffled.split(5000)) == pytest.approx(3.1, abs=2)
    assert frechet_distance(*features.split(5000)) == pytest.approx(85, abs=2)
    assert precision_recall(*shuffled.split(1000)[:2]) == pytest.approx((0.89, 0.89), abs=0.05)


@pytest.mark.mnist
def test_a_code_of_two_numbers_draws_digits_that_are_digits_but_few_of_all(mnist, judge):
    real = image_features(judge, mnist.x[torch.randperm(10_000)[:1000]])
    fakes = {name: image_features(judge, zoo.load(name).sample(1000)) for name in ("vae-mnist", "vae-mnist-2d")}
    many, few = (precision_recall(real, fake) for fake in fakes.values())
    assert few.precision > 0.9
    assert few.recall < 0.1
    assert many.recall > 0.7


# Refused


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize(
    ("bad", "error", "words"),
    [
        (None, TypeError, r"must be a tensor of features \[n, f\], got NoneType"),
        ([[1.0]], TypeError, r"must be a tensor of features \[n, f\], got list"),
        (torch.zeros(9), ValueError, r"must hold at least . rows of features \[n, f\], got \[9\]"),
        (torch.zeros(1, 3), ValueError, r"must hold at least . rows of features \[n, f\], got \[1, 3\]"),
        (torch.zeros(9, 0), ValueError, r"must hold at least . rows of features \[n, f\], got \[9, 0\]"),
        (torch.full((9, 3), math.nan), ValueError, "must hold finite numbers only"),
        (torch.full((9, 3), math.inf), ValueError, "must hold finite numbers only"),
    ],
    ids=["none", "list", "row", "one", "no feature", "nan", "inf"],
)
def test_what_is_no_table_of_features_is_refused_by_name(bad, error, words):
    fine = torch.randn(9, 3)
    for measure, names in ((frechet_distance, ("features_a", "features_b")), (precision_recall, ("real", "fake"))):
        with pytest.raises(error, match=f"^{names[0]} {words}"):
            measure(bad, fine)
        with pytest.raises(error, match=f"^{names[1]} {words}"):
            measure(fine, bad)


@pytest.mark.usefixtures("plain")
def test_features_of_two_networks_and_crowds_smaller_than_a_ball_are_refused():
    with pytest.raises(ValueError, match=r"^features_b must have 3 features, as features_a has, got 4"):
        frechet_distance(torch.randn(9, 3), torch.randn(9, 4))
    with pytest.raises(ValueError, match=r"^fake must have 3 features, as real has, got 4"):
        precision_recall(torch.randn(9, 3), torch.randn(9, 4))
    with pytest.raises(ValueError, match=r"^fake must hold at least 6 rows"):
        precision_recall(torch.randn(9, 3), torch.randn(5, 3), k=5)
    assert precision_recall(torch.randn(9, 3), torch.randn(6, 3), k=5).recall <= 1
    for k, error in ((0, ValueError), (-1, ValueError), (2.5, TypeError), (None, TypeError), (True, TypeError)):
        with pytest.raises(error, match=r"^k must be a whole number of at least 1"):
            precision_recall(torch.randn(9, 3), torch.randn(9, 3), k=k)
