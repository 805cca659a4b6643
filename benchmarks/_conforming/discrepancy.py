"""Properties of kernels and of the estimate of MMD^2 (Gretton et al. 2012; Tolstikhin et al. 2018)."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from _conforming.suite import F64, Subject, Verdict, close, on_average, property_of

D, KERNELS = 8, ("rbf", "imq")


def crowd(n: int, generator: torch.Generator, variance: float = 1.0, shift2: float = 0.0) -> Tensor:
    """Codes [n, 8] from N(m, variance I), |m|^2 = shift2."""
    z = variance**0.5 * torch.randn(n, D, dtype=F64, generator=generator)
    z[:, 0] += shift2**0.5
    return z


def kernel_by_hand(m: Subject, name: str, a: Tensor, b: Tensor) -> Tensor:
    squared = (a[:, None] - b[None]).square().sum(2)
    if name == "rbf":
        return torch.exp(-squared / (2 * D))
    return sum((2 * D * s / (2 * D * s + squared) for s in m.scales), torch.zeros_like(squared))


def expected_kernel(m: Subject, name: str, variance: float, shift2: float = 0.0) -> float:
    """E k(a, b) where a - b ~ N(q, variance I) with |q|^2 = shift2: closed form, Gauss-Laguerre for the IMQ."""
    if name == "rbf":
        return (D / (D + variance)) ** (D / 2) * math.exp(-shift2 / (2 * (D + variance)))
    nodes, weights = np.polynomial.laguerre.laggauss(120)
    total = 0.0
    for c in (2 * D * scale for scale in m.scales):
        spread = 1 + 2 * variance * nodes / c
        total += float(weights @ (spread ** (-D / 2) * np.exp(-(shift2 * nodes / c) / spread)))
    return total


def truth(m: Subject, name: str, n: int, variance: float, shift2: float) -> float:
    """E of the estimate between n codes of N(0, I) and n of N(m, variance I)."""
    within = [expected_kernel(m, name, 2.0), expected_kernel(m, name, 2 * variance)]
    bias = 0.0
    if m.pairs_with_itself:
        k0 = 1.0 if name == "rbf" else float(len(m.scales))
        bias = sum(k0 - one for one in within) / n
    return sum(within) - 2 * expected_kernel(m, name, 1 + variance, shift2) + bias


def estimates(m: Subject, name: str, repeats: int, n: int, variance: float = 1.0, shift2: float = 0.0) -> Tensor:
    generator = torch.Generator().manual_seed(n)
    pairs = [(crowd(n, generator, variance, shift2), crowd(n, generator)) for _ in range(repeats)]
    return torch.stack([m.mmd2(name, codes, prior).detach() for codes, prior in pairs])


def worst(verdicts: list[Verdict]) -> Verdict:
    return next((v for v in verdicts if not v.holds), verdicts[-1])


@property_of(
    "mmd2", "T28", "Between codes of the prior and the prior, MMD^2 is 0 on average, for n = 16 and 64.", "convention"
)
def no_bias(m: Subject) -> Verdict:
    return worst([on_average(estimates(m, name, 200, n), 0.0) for name in KERNELS for n in (16, 64)])


@property_of("kernel", "T30a", "The kernel is the formula, a matrix of all pairs.", "correctness")
def kernel_formula(m: Subject) -> Verdict:
    generator = torch.Generator().manual_seed(0)
    a, b = crowd(5, generator), crowd(5, generator)
    return worst([close(m.kernel(name, a, b), kernel_by_hand(m, name, a, b)) for name in KERNELS])


@property_of("kernel", "T30b", "In float32, codes around 100 keep their distances: the kernel to 1e-4.", "precision")
def kernel_far_out(m: Subject) -> Verdict:
    a = 100 + crowd(16, torch.Generator().manual_seed(0)).float()
    return worst([close(m.kernel(n, a, a), kernel_by_hand(m, n, a.double(), a.double()), 1e-4) for n in KERNELS])


@property_of("mmd2", "T30c", "For a shifted and narrower crowd the estimate has the closed form's mean.", "correctness")
def closed_form(m: Subject) -> Verdict:
    cases = [(name, v, s) for name in KERNELS for v, s in ((1.0, 0.25), (0.5, 1.0), (0.0, 0.0))]
    return worst([on_average(estimates(m, n, 40, 64, v, s), truth(m, n, 64, v, s)) for n, v, s in cases])


@property_of(
    "mmd2", "T31a", "Prior codes are nearer to the prior than a point mass, and than a shifted crowd.", "correctness"
)
def order(m: Subject) -> Verdict:
    generator = torch.Generator().manual_seed(0)
    prior = crowd(256, generator)
    others = [crowd(256, generator), torch.zeros(256, D, dtype=F64), crowd(256, generator, shift2=4.0 * D)]
    verdicts = []
    for name in KERNELS:
        seen = [m.mmd2(name, other, prior).item() for other in others]
        told = ", ".join(f"{v:.4f}" for v in seen)
        verdicts.append(Verdict(seen[0] < min(seen[1:]), told, "the first the least"))
    return worst(verdicts)


@property_of("kernel", "T31b", "A kernel's matrix is symmetric, without an eigenvalue below -1e-6.", "correctness")
def gram(m: Subject) -> Verdict:
    z = crowd(40, torch.Generator().manual_seed(0))
    verdicts = []
    for name in KERNELS:
        K = m.kernel(name, z, z)
        least = torch.linalg.eigvalsh(K).min().item()
        verdicts.append(Verdict(bool(torch.allclose(K, K.T)) and least > -1e-6, f"{least:.3g}", "> -1e-6"))
    return worst(verdicts)


@property_of("mmd2", "T32", "Order of the codes, and a rotation or shift of all, change nothing.", "correctness")
def invariance(m: Subject) -> Verdict:
    generator = torch.Generator().manual_seed(0)
    a, b = crowd(30, generator, 0.5, 1.0), crowd(30, generator)
    turn = torch.linalg.qr(torch.randn(D, D, dtype=F64, generator=generator))[0]
    others = ((a.flip(0), b), (a, b.roll(3, 0)), (a @ turn, b @ turn), (a + 3, b + 3))
    return worst([close(m.mmd2(n, *other), m.mmd2(n, a, b), 1e-9) for n in KERNELS for other in others])


@property_of("mmd2", "T33", "Codes that coincide have a finite gradient.", "correctness")
def coincident_codes(m: Subject) -> Verdict:
    prior, finite = crowd(16, torch.Generator().manual_seed(0)), []
    for name in KERNELS:
        z = torch.zeros(16, D, dtype=F64, requires_grad=True)
        (slope,) = torch.autograd.grad(m.mmd2(name, z, prior), z)
        finite.append(bool(slope.isfinite().all()))
    return Verdict(all(finite), "finite" if all(finite) else "NaN", "finite")


@property_of("wae", "T34b", "Pixels doubled in height and width: four times the cost, the same MMD.", "convention")
def weight_against_pixels(m: Subject) -> Verdict:
    codes = crowd(16, torch.Generator().manual_seed(0))
    x = torch.rand(16, 1, 4, 4, dtype=F64, generator=torch.Generator().manual_seed(1))
    seen = []
    for pictures in (x, F.interpolate(x, scale_factor=2)):
        torch.manual_seed(2)  # the prior's draws
        seen.append(torch.stack(m.wae(codes, lambda z, at=pictures: 0.5 * at, pictures)))
    return close(seen[1] / seen[0], torch.tensor([4.0, 1.0], dtype=F64))
