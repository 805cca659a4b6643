"""MMD^2 and its kernels: closed forms for normal crowds, the null distribution, and what must not matter."""

import functools
import math

import numpy as np
import pytest
import torch
from oracles import F64, assert_within_4_standard_errors
from torch import nn

from vae_tutorial.gaussian import DiagGaussian
from vae_tutorial.likelihoods import Gaussian
from vae_tutorial.networks import mlp
from vae_tutorial.objectives import Objective
from vae_tutorial.regularizers import MMD, imq, mmd2, rbf
from vae_tutorial.vae import VAE

D = 8
SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
KERNELS = {
    "rbf": functools.partial(rbf, width2=8.0),
    "imq": functools.partial(imq, c=16.0, scales=(1.0,)),
    "imq of seven scales": imq,
}


def expected(name: str, variance: float, shift2: float = 0.0) -> float:
    """E k(a, b) where a - b ~ N(m, variance I) with |m|^2 = shift2, in D dimensions."""
    if name == "rbf":
        return (8 / (8 + variance)) ** (D / 2) * math.exp(-shift2 / (2 * (8 + variance)))
    nodes, weights = np.polynomial.laguerre.laggauss(120)
    total = 0.0
    for scale in SCALES if name == "imq of seven scales" else (1.0,):
        c = 16.0 * scale
        spread = 1 + 2 * variance * nodes / c
        total += float(weights @ (spread ** (-D / 2) * np.exp(-(shift2 * nodes / c) / spread)))
    return total


def truth(name: str, variance: float, shift2: float) -> float:
    """MMD^2 between N(0, I) and N(m, variance I)."""
    return expected(name, 2.0) + expected(name, 2 * variance) - 2 * expected(name, 1 + variance, shift2)


def crowd(n: int, generator: torch.Generator, variance: float = 1.0, shift2: float = 0.0) -> torch.Tensor:
    z = variance**0.5 * torch.randn(n, D, dtype=F64, generator=generator)
    z[:, 0] += shift2**0.5
    return z


def estimates(name: str, repeats: int, n: int, variance: float = 1.0, shift2: float = 0.0, seed: int = 0):
    generator = torch.Generator().manual_seed(seed)
    pairs = [(crowd(n, generator), crowd(n, generator, variance, shift2)) for _ in range(repeats)]
    return torch.stack([mmd2(a, b, KERNELS[name]) for a, b in pairs])


@pytest.mark.parametrize(
    ("name", "variance", "shift2", "number"),
    [
        ("rbf", 1.0, 0.25, 0.010176),
        ("rbf", 0.5, 0.0, 0.028132),
        ("rbf", 0.5, 1.0, 0.079698),
        ("imq", 1.0, 0.25, 0.007270),
        ("imq", 0.5, 0.0, 0.021528),
        ("imq", 0.0, 0.0, 0.16172),
        ("imq of seven scales", 1.0, 0.25, 0.0347),
        ("imq of seven scales", 0.5, 0.0, 0.1218),
        ("imq of seven scales", 0.0, 0.0, 1.8338),
    ],
)
def test_the_estimate_has_the_mean_of_the_closed_form(name, variance, shift2, number):
    assert truth(name, variance, shift2) == pytest.approx(number, rel=2e-3)
    values = estimates(name, repeats=60, n=200, variance=variance, shift2=shift2)
    assert_within_4_standard_errors(values, truth(name, variance, shift2), f"{name}, seed 0")


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("n", [16, 64])
def test_it_is_zero_on_average_between_equals_whatever_the_size_of_the_batch(name, n):
    values = estimates(name, repeats=500, n=n, seed=n)
    assert_within_4_standard_errors(values, 0.0, f"{name}, seed {n}")
    assert 0.3 < (values < 0).double().mean() < 0.8  # it is no square


@pytest.mark.parametrize("name", KERNELS)
def test_a_crowd_at_a_point_is_farther_than_the_prior_and_a_shifted_one_farther_still(name):
    generator = torch.Generator().manual_seed(0)
    prior = crowd(256, generator)
    others = [crowd(256, generator), torch.zeros(256, D, dtype=F64), crowd(256, generator, shift2=D * 4.0)]
    values = [mmd2(prior, other, KERNELS[name]).item() for other in others]
    assert values[0] < values[1]
    assert values[0] < values[2]


@pytest.mark.parametrize("name", KERNELS)
def test_it_is_a_brute_force_sum_over_pairs(name):
    generator = torch.Generator().manual_seed(0)
    a, b, kernel = crowd(5, generator), crowd(7, generator), KERNELS[name]

    def k(x, y):
        r2 = ((x - y) ** 2).sum().item()
        if name == "rbf":
            return math.exp(-r2 / 16)
        return sum(16 * s / (16 * s + r2) for s in (SCALES if "seven" in name else (1.0,)))

    within = [sum(k(c[i], c[j]) for i in range(len(c)) for j in range(len(c)) if i != j) for c in (a, b)]
    between = sum(k(x, y) for x in a for y in b)
    by_hand = within[0] / (5 * 4) + within[1] / (7 * 6) - 2 * between / (5 * 7)
    assert mmd2(a, b, kernel).item() == pytest.approx(by_hand, rel=1e-10)


@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_is_a_symmetric_matrix_without_negative_eigenvalues(name):
    z = crowd(40, torch.Generator().manual_seed(0))
    gram = KERNELS[name](z, z)
    assert gram.shape == (40, 40)
    torch.testing.assert_close(gram, gram.T)
    torch.testing.assert_close(gram.diagonal(), torch.full((40,), 7.0 if "seven" in name else 1.0, dtype=F64))
    assert torch.linalg.eigvalsh(gram).min() > -1e-6


def test_the_default_widths_are_those_of_codes_from_the_prior():
    a, b = torch.randn(2, 5, 3, dtype=F64)
    assert torch.equal(rbf(a, b), rbf(a, b, width2=3.0))
    assert torch.equal(imq(a, b), imq(a, b, c=6.0, scales=SCALES))


@pytest.mark.parametrize("name", KERNELS)
def test_order_place_and_direction_do_not_matter(name):
    generator = torch.Generator().manual_seed(0)
    a, b, kernel = crowd(30, generator), crowd(30, generator, 0.5, 1.0), KERNELS[name]
    rotation, _ = torch.linalg.qr(torch.randn(D, D, dtype=F64, generator=generator))
    value = mmd2(a, b, kernel)
    for x, y in ((a.flip(0), b), (a, b.flip(0)), (a @ rotation, b @ rotation), (a + 3, b + 3), (b, a)):
        torch.testing.assert_close(mmd2(x, y, kernel), value, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kernel", ["imq", "rbf"])
def test_coincident_codes_have_a_finite_gradient_and_no_negative_distance(kernel):
    z = (100 + torch.zeros(16, D)).requires_grad_()
    torch.manual_seed(0)
    value = MMD(kernel=kernel)(DiagGaussian(z, torch.zeros_like(z)), z)
    value.backward()
    assert value.isfinite()
    assert z.grad.isfinite().all()
    far = 100 + 1e-3 * torch.randn(50, D)
    assert rbf(far, far).max() <= 1


def test_far_away_the_imq_still_pulls_where_the_rbf_has_let_go():
    far = torch.zeros(1, D, dtype=F64)
    far[0, 0] = 20.0
    slopes = {}
    for name in ("rbf", "imq"):
        at = far.clone().requires_grad_()
        KERNELS[name](at, torch.zeros(1, D, dtype=F64)).sum().backward()
        slopes[name] = at.grad[0, 0].abs().item()
    assert slopes["rbf"] == pytest.approx(20 / 8 * math.exp(-400 / 16), rel=1e-9)
    assert slopes["imq"] == pytest.approx(2 * 20 * 16 / (16 + 400) ** 2, rel=1e-9)


@pytest.mark.parametrize("kernel", ["imq", "rbf"])
@pytest.mark.parametrize("prior_variance", [1.0, 2.0])
def test_the_charge_is_zero_on_average_for_codes_of_its_prior(kernel, prior_variance):
    generator = torch.Generator().manual_seed(0)
    charge = MMD(weight=3.0, kernel=kernel, prior_variance=prior_variance)
    torch.manual_seed(1)
    crowds = [crowd(32, generator, prior_variance) for _ in range(300)]
    values = torch.stack([charge(DiagGaussian(z, torch.zeros_like(z)), z) for z in crowds])
    assert_within_4_standard_errors(values, 0.0, "seed 0")
    wrong = torch.stack([charge(DiagGaussian(z, z), 2 * z) for z in crowds])
    assert wrong.mean() > 8 * values.std()


@pytest.mark.parametrize("kernel", ["imq", "rbf"])
def test_the_charge_has_the_closed_form_of_its_default_width(kernel):
    name = {"imq": "imq of seven scales", "rbf": "rbf"}[kernel]
    generator = torch.Generator().manual_seed(0)
    torch.manual_seed(1)  # other draws than the crowd's own
    crowds = [crowd(200, generator, 0.25) for _ in range(60)]
    values = torch.stack([MMD(weight=2.0, kernel=kernel)(DiagGaussian(z, z), z) for z in crowds])
    assert_within_4_standard_errors(values, 2 * truth(name, 0.25, 0.0), "seed 0")


class Finer(nn.Module):
    """A network for images of twice the resolution around one for images of half of it."""

    def __init__(self, network, encodes):
        super().__init__()
        self.network, self.encodes, self.z_dim = network, encodes, network.z_dim

    def forward(self, given):
        if self.encodes:
            return self.network(given[..., ::2, ::2])
        return doubled(self.network(given))


def doubled(x):
    return x.repeat_interleave(2, 2).repeat_interleave(2, 3)


def test_doubling_the_resolution_multiplies_the_error_by_four_and_leaves_the_distance():
    torch.manual_seed(0)
    error = Gaussian(sigma=0.5**0.5)
    encoder, decoder = mlp((1, 4, 4), (8,), 3)
    models = {16: VAE(encoder, decoder, error), 64: VAE(Finer(encoder, True), Finer(decoder, False), error)}
    x, sse, charge = torch.rand(20, 1, 4, 4), {}, {}
    for pixels, model in models.items():
        torch.manual_seed(1)  # the same codes and the same draws of the prior
        terms = Objective(MMD())(model, x if pixels == 16 else doubled(x))
        sse[pixels] = terms.reconstruction - pixels / 2 * math.log(2 * math.pi * 0.5)
        charge[pixels] = terms.regularizer
    torch.testing.assert_close(sse[64], 4 * sse[16], rtol=1e-5, atol=1e-4)
    assert charge[64] == charge[16]
    assert charge[16] != 0


def test_it_is_a_wae_with_a_summed_squared_error():
    torch.manual_seed(0)
    model, x = VAE(*mlp((1, 4, 4), (8,), 3), Gaussian(sigma=0.5**0.5)), torch.rand(20, 1, 4, 4)
    terms = Objective(MMD())(model, x)
    torch.testing.assert_close(terms.loss, terms.reconstruction + terms.regularizer)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: MMD(weight=-1), "weight must be a finite number of at least 0, got -1"),
        (lambda: MMD(kernel="linear"), "kernel must be one of imq, rbf, got 'linear'"),
        (lambda: MMD(prior_variance=0), "prior_variance must be a finite number above 0, got 0"),
        (lambda: rbf(torch.zeros(2, 3), torch.zeros(2, 4)), r"a and b must be codes .*, got \[2, 3\] and \[2, 4\]"),
        (lambda: rbf(torch.zeros(2, 3), torch.zeros(2, 3), width2=0.0), "width2 must be a finite number above 0"),
        (lambda: imq(torch.zeros(2, 3), torch.zeros(2, 3), c=-1.0), "c must be a finite number above 0, got -1"),
        (lambda: imq(torch.zeros(2, 3), torch.zeros(2, 3), scales=()), "scales must hold at least one number"),
        (lambda: mmd2(torch.zeros(1, 3), torch.zeros(5, 3), rbf), r"a must hold at least 2 codes \[n, z\], got \[1, 3"),
        (lambda: mmd2(torch.zeros(5, 3), torch.zeros(3), rbf), r"b must hold at least 2 codes \[n, z\], got \[3\]"),
    ],
)
@pytest.mark.usefixtures("plain")
def test_arguments_out_of_range_are_refused_by_name(call, words):
    with pytest.raises(ValueError, match=words):
        call()
