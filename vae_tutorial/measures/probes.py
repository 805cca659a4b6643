"""What a simple classifier can read off codes."""

import warnings

from jaxtyping import Float, Int64
from torch import Tensor


def probe_accuracy(
    codes: Float[Tensor, "n z"], y: Int64[Tensor, " n"], test_codes: Float[Tensor, "m z"], test_y: Int64[Tensor, " m"]
) -> float:
    """The share of test codes whose class a linear probe names: how much of the class lies open in the codes.

    The probe is scikit-learn's logistic regression on standardised codes, fitted on `codes` with their classes y.
    Compare it with the largest class's share, which a probe of no knowledge reaches. Raises ValueError unless there are
    as many classes as codes in each pair, latents as many in both, and at least two classes.
    """
    # Loading scikit-learn takes a second, which a lesson that opens with a slider would have to wait for.
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    for name, pair in {"y": (codes, y), "test_y": (test_codes, test_y)}.items():
        if len(pair[0]) != len(pair[1]):
            raise ValueError(f"{name} must hold one class for each of the {len(pair[0])} codes, got {len(pair[1])}")
    if codes.shape[1] != test_codes.shape[1]:
        raise ValueError(f"test_codes must have {codes.shape[1]} latents, as codes have, got {test_codes.shape[1]}")
    if len(y.unique()) < 2:
        raise ValueError(f"y must hold at least two classes, got only {y.unique().tolist()}")
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # near enough: the last digits of a boundary
        probe.fit(codes.numpy(), y.numpy())
    return float(probe.score(test_codes.numpy(), test_y.numpy()))
