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
    fixed, rows = _groups(factors, votes + test_votes, (1, GROUP), rng)
    chosen = torch.cat([scaled[part].var(1, correction=0).argmin(1) for part in rows[:, 0].split(1000)])
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
    fixed, rows = _groups(factors, points + test_points, (GROUP, 2), np.random.default_rng(seed))
    pairs = [codes[part].diff(dim=2).abs().mean((1, 2)) for part in rows.split(1000)]
    x, y = torch.cat(pairs).numpy(), fixed.numpy()
    classifier = LogisticRegression(max_iter=1000, random_state=seed).fit(x[:points], y[:points])
    return float(classifier.score(x[points:], y[points:]))


def _groups(
    factors: Int64[Tensor, "n f"], count: int, shape: tuple[int, int], rng: np.random.Generator
) -> tuple[Int64[Tensor, " count"], Int64[Tensor, "count a b"]]:
    """Which factor each of `count` groups shares, and the rows of its points, of `shape` [a, b].

    The b points of each row share a level, which is that of a point drawn at random; other rows have others.
    """
    table = factors.numpy()
    fixed = rng.integers(table.shape[1], size=count)
    rows = np.empty((count, *shape), dtype=np.int64)
    for factor, column in enumerate(table.T):
        groups = np.flatnonzero(fixed == factor)
        order, counts = np.argsort(column, kind="stable"), np.bincount(column)
        starts = counts.cumsum() - counts
        levels = column[rng.integers(len(column), size=(len(groups), shape[0], 1))]
        rows[groups] = order[starts[levels] + (rng.random((len(groups), *shape)) * counts[levels]).astype(np.int64)]
    return torch.from_numpy(fixed), torch.from_numpy(rows)
