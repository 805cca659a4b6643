"""Disentanglement read off groups of images that share one factor."""

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from vae_tutorial.arguments import check_whole
from vae_tutorial.measures.mutual_information import check_pairs

GROUP = 64  # images that share a factor, or pairs of such
IDLE = 0.05  # standard deviation below which a code is left out


def factor_vae_score(
    codes: Float[Tensor, "n z"],
    factors: Int64[Tensor, "n f"],
    *,
    votes: int = 10_000,
    test_votes: int = 5_000,
    seed: int = 0,
) -> float:
    """How often the code that varies least within a group tells which factor the group shares.

    Each vote is a group of 64 points that share the level of one factor; it goes to the code with the smallest variance
    in units of that over all points, codes with a standard deviation below 0.05 left out. Each code is taken to stand
    for the factor of most of its `votes`; the score is the share of `test_votes` it then gets right. Groups are drawn,
    with replacement, from the points given. Kim & Mnih 2018, section 4. Raises as `check_pairs`; TypeError or
    ValueError for votes below 1.
    """
    check_pairs(codes, factors)
    check_whole(votes, name="votes")
    check_whole(test_votes, name="test_votes")
    active = codes.std(0, correction=0) >= IDLE
    if not active.any():
        return 0.0
    scaled = codes[:, active] / codes[:, active].std(0, correction=0)
    rng = np.random.default_rng(seed)
    fixed, rows = _groups(factors, votes + test_votes, GROUP, rng)
    chosen = torch.cat([scaled[part].var(1, correction=0).argmin(1) for part in rows.split(1000)])
    table = torch.zeros(scaled.shape[1], factors.shape[1])
    table.index_put_((chosen[:votes], fixed[:votes]), torch.ones(votes), accumulate=True)
    return (table.argmax(1)[chosen[votes:]] == fixed[votes:]).double().mean().item()


def beta_vae_score(
    codes: Float[Tensor, "n z"],
    factors: Int64[Tensor, "n f"],
    *,
    points: int = 10_000,
    test_points: int = 5_000,
    seed: int = 0,
) -> float:
    """How well a linear classifier tells which factor two images share from the difference of their codes.

    Each point is the mean, over 64 pairs that share the level of one factor, of the absolute difference of codes;
    scikit-learn's logistic regression is fitted on `points` and its accuracy on `test_points` is the score. Pairs are
    drawn, with replacement, from the points given. Higgins et al. 2017, section 3. Raises as `check_pairs`; TypeError
    or ValueError for points below 1.
    """
    from sklearn.linear_model import LogisticRegression  # loading it takes a second, which others need not wait for

    check_pairs(codes, factors)
    check_whole(points, name="points")
    check_whole(test_points, name="test_points")
    fixed, rows = _groups(factors, points + test_points, 2 * GROUP, np.random.default_rng(seed))
    pairs = [codes[part].unflatten(1, (GROUP, 2)).diff(dim=2).abs().mean((1, 2)) for part in rows.split(1000)]
    x, y = torch.cat(pairs).numpy(), fixed.numpy()
    classifier = LogisticRegression(max_iter=1000, random_state=seed).fit(x[:points], y[:points])
    return float(classifier.score(x[points:], y[points:]))


def _groups(
    factors: Int64[Tensor, "n f"], count: int, size: int, rng: np.random.Generator
) -> tuple[Int64[Tensor, " count"], Int64[Tensor, "count size"]]:
    """Which factor each group shares, and the rows of its points; its level is that of a point drawn at random.

    Of a group of pairs, 2 i and 2 i + 1, each pair shares a level of its own.
    """
    table = factors.numpy()
    fixed = rng.integers(table.shape[1], size=count)
    rows = np.empty((count, size), dtype=np.int64)
    for factor in range(table.shape[1]):
        groups = np.flatnonzero(fixed == factor)
        column = table[:, factor]
        order, counts = np.argsort(column, kind="stable"), np.bincount(column)
        starts = counts.cumsum() - counts
        shape = (len(groups), size // 2, 2) if size == 2 * GROUP else (len(groups), 1, size)
        levels = column[rng.integers(len(column), size=(*shape[:2], 1))]
        places = starts[levels] + (rng.random(shape) * counts[levels]).astype(np.int64)
        rows[groups] = order[places].reshape(len(groups), size)
    return torch.from_numpy(fixed), torch.from_numpy(rows)
