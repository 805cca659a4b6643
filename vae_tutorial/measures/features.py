"""Two crowds of images compared by what a small frozen network sees in them: no download, no published scale."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from vae_tutorial.arguments import check_whole
from vae_tutorial.measures.classifier import Classifier
from vae_tutorial.pixels import as_float, check_images


class PrecisionRecall(NamedTuple):
    """precision: the share of fakes that lie among the real; recall: the share of the real that lie among fakes."""

    precision: float
    recall: float


@torch.no_grad()
def image_features(classifier: Classifier, images: Tensor) -> Float[Tensor, "n f"]:
    """The numbers that the classifier judges each image by, its 64 last hidden units: [n, 64], float64, on the CPU.

    images [n, 1, 28, 28], uint8 or in [0, 1]. Raises as `check_images` does.
    """
    device = next(classifier.parameters()).device
    parts = check_images(images).split(1000)
    return torch.cat([classifier.features(as_float(part.to(device))).cpu() for part in parts]).double()


def frechet_distance(features_a: Float[Tensor, "n f"], features_b: Float[Tensor, "m f"]) -> float:
    """|m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)) of the features' means m and covariances C.

    The squared distance between two Gaussians fitted to the features (Dowson & Landau 1982); with Inception's features
    it is the FID (Heusel et al. 2017). With those of another network it is another scale: never set a number of it
    beside a published FID. It is biased upwards, the more so the fewer images there are, so compare only values of as
    many images, and with the value between two random halves of the data: of MNIST's test set, in the features of
    `zoo.classifier()`, 16 (standard deviation 3) for 1,000 images each and 3.1 (0.6) for 5,000. Random, because the
    first and the last 5,000 as they stand differ by 85. Raises TypeError or ValueError unless both hold at least 2
    finite rows of one length.
    """
    a, b = _check(features_a, features_b, names=("features_a", "features_b"), least=2)
    c_a, c_b = (x.T.cov().view(x.shape[1], -1) for x in (a, b))
    # tr (C_a C_b)^(1/2) is the sum of the singular values of C_a^(1/2) C_b^(1/2): real also where C is singular.
    overlap = torch.linalg.svdvals(_root(c_a) @ _root(c_b)).sum()
    distance = (a.mean(0) - b.mean(0)).square().sum() + c_a.trace() + c_b.trace() - 2 * overlap
    return max(distance.item(), 0.0)  # rounding


def precision_recall(real: Float[Tensor, "n f"], fake: Float[Tensor, "m f"], k: int = 3) -> PrecisionRecall:
    """How many fakes lie in the region of the real features, and how many of the real in the region of the fakes.

    The region of a crowd is made of a ball around each of its points that reaches to its k-th nearest neighbour in the
    crowd. Low precision: odd images; low recall: parts of the data that are never drawn. Kynkäänniemi et al. 2019,
    equations 1 and 2. Points far out have large balls, and both numbers depend on k, n and m: compare them with those
    of two random halves of the data, about 0.89 both for 1,000 to 5,000 images of MNIST's test set. Needs memory for
    1,000 m distances. Raises TypeError or ValueError unless k is a whole number of at least 1 and both hold more than k
    finite rows of one length.
    """
    check_whole(k, name="k")
    a, b = _check(real, fake, names=("real", "fake"), least=k + 1)
    return PrecisionRecall(_share_inside(b, a, k), _share_inside(a, b, k))


def _share_inside(points: Tensor, crowd: Tensor, k: int) -> float:
    """The share of `points` that lie in at least one of the balls around `crowd`."""
    # The nearest of all is the point itself.
    radii = torch.cat([_distances(part, crowd).kthvalue(k + 1, dim=1).values for part in crowd.split(1000)])
    inside = torch.cat([(_distances(part, crowd) <= radii).any(1) for part in points.split(1000)])
    return inside.double().mean().item()


def _distances(a: Tensor, b: Tensor) -> Float[Tensor, "n m"]:
    """From the differences: by way of |a|^2 + |b|^2 - 2 ab a point would not lie at 0 from itself."""
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")


def _root(covariance: Float[Tensor, "f f"]) -> Float[Tensor, "f f"]:
    """The symmetric square root; eigenvalues that rounding left below 0 count as 0."""
    values, vectors = torch.linalg.eigh(covariance)
    return (vectors * values.clamp_min(0).sqrt()) @ vectors.T


def _check(a: Tensor, b: Tensor, *, names: tuple[str, str], least: int) -> tuple[Tensor, Tensor]:
    """Both in float64 on the CPU."""
    for name, features in zip(names, (a, b), strict=True):
        if not isinstance(features, Tensor):
            raise TypeError(f"{name} must be a tensor of features [n, f], got {type(features).__name__}")
        if features.ndim != 2 or len(features) < least or features.shape[1] < 1:
            raise ValueError(f"{name} must hold at least {least} rows of features [n, f], got {list(features.shape)}")
        if not features.isfinite().all():
            raise ValueError(f"{name} must hold finite numbers only, got NaN or infinity")
    if a.shape[1] != b.shape[1]:
        raise ValueError(f"{names[1]} must have {a.shape[1]} features, as {names[0]} has, got {b.shape[1]}")
    return a.detach().cpu().double(), b.detach().cpu().double()
