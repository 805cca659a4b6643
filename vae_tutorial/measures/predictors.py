"""Disentanglement read off classifiers that predict the factors from codes."""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from vae_tutorial.arguments import check_whole
from vae_tutorial.measures.mutual_information import check_pairs

TEST_SHARE = 1 / 3  # 10,000 points to fit and 5,000 to test of 15,000, as in Locatello et al. 2019


class DCI(NamedTuple):
    """From 0 to 1 each: does a code serve one factor, is a factor served by one code, can it be read at all?"""

    disentanglement: float
    completeness: float
    informativeness: float


def sap(codes: Float[Tensor, "n z"], factors: Int64[Tensor, "n f"], *, seed: int = 0) -> float:
    """Separated attribute predictability: how far the best single code is ahead of the second best at telling a factor.

    A linear support vector machine (C = 0.01, classes weighted alike) is fitted to one code at a time; the difference
    of the two best test accuracies, averaged over factors. One threshold per class on one number cannot tell 40 levels
    apart: the factors themselves get about 0.2 on sprites. A third of the points, chosen by `seed`, is kept for the
    test. Kumar, Sattigeri & Balakrishnan 2018, section 3. At least 2 latents, else ValueError; and as `check_pairs`.
    """
    from sklearn.svm import LinearSVC  # loading scikit-learn takes a second, which others need not wait for

    check_pairs(codes, factors)
    if codes.shape[1] < 2:
        raise ValueError("codes must have at least 2 latents for a difference between them, got 1")
    fit, test = _split(len(codes), seed)
    x, gaps = codes.double().numpy(), []
    for y in factors.T.numpy():
        scores = []
        for code in x.T:
            machine = LinearSVC(C=0.01, class_weight="balanced", random_state=seed)
            scores.append(machine.fit(code[fit, None], y[fit]).score(code[test, None], y[test]))
        second, first = np.sort(scores)[-2:]
        gaps.append(first - second)
    return float(np.mean(gaps))


def dci(codes: Float[Tensor, "n z"], factors: Int64[Tensor, "n f"], *, trees: int = 100, seed: int = 0) -> DCI:
    """Disentanglement, completeness and informativeness of the codes (Eastwood & Williams 2018, section 3).

    Gradient boosted trees, `trees` for each class of a factor, predict every factor from all codes; how much they use
    which code is the importance R [z, f]. Disentanglement is 1 minus the entropy of each code's row of R, in units of
    log f, weighted by the row's share of R; completeness the same of columns; informativeness the mean test accuracy.
    It is by far the slowest of the scores: minutes for 10,000 points and 100 trees. A third of the points, chosen by
    `seed`, is kept for the test. Raises TypeError or ValueError for trees below 1, and as `check_pairs`.
    """
    from sklearn.ensemble import GradientBoostingClassifier  # as above

    check_pairs(codes, factors)
    check_whole(trees, name="trees")
    fit, test = _split(len(codes), seed)
    x, importances, accuracies = codes.double().numpy(), [], []
    for y in factors.T.numpy():
        forest = GradientBoostingClassifier(n_estimators=trees, random_state=seed).fit(x[fit], y[fit])
        importances.append(forest.feature_importances_)
        accuracies.append(forest.score(x[test], y[test]))
    # Where a tree has nothing left to learn, rounding leaves importances a little below 0.
    disentanglement, completeness = concentration(torch.tensor(np.array(importances)).clamp_min(0).T)
    return DCI(disentanglement, completeness, float(np.mean(accuracies)))


def concentration(importances: Float[Tensor, "z f"]) -> tuple[float, float]:
    """Disentanglement and completeness of a table of importances, which may be any numbers of at least 0."""
    return _peaked(importances), _peaked(importances.T)


def _peaked(table: Tensor) -> float:
    """1 minus the entropy of each row, in units of that of a flat one, weighted by the rows' sums."""
    sums = table.sum(1)
    shares = table / sums.clamp_min(1e-30)[:, None]
    entropy = -torch.special.xlogy(shares, shares).sum(1) / np.log(max(table.shape[1], 2))
    return ((1 - entropy) * sums / sums.sum().clamp_min(1e-30)).sum().item()


def _split(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    order = np.random.default_rng(seed).permutation(n)
    held = round(n * TEST_SHARE)
    return order[held:], order[:held]
