"""The one reduction rule, and what breaks without it: a mean in place of a sum decides how much the code may cost."""

import math

import pytest
import torch
import torch.nn.functional as F
from oracles import F64

from vae_tutorial.likelihoods import Gaussian
from vae_tutorial.measures import active_units
from vae_tutorial.objectives import Objective, Terms
from vae_tutorial.regularizers import KL
from vae_tutorial.training import evaluate, fit
from vae_tutorial.vae import VAE

P = 36


def mean_squared_error(weight: float = 1.0):
    """The widespread slip: errors averaged over pixels, KL summed over latents."""

    def objective(model: VAE, x: torch.Tensor, y: object = None, step: object = None) -> Terms:
        q, _, logits = model(x)
        reconstruction = F.mse_loss(torch.sigmoid(logits), x)
        kl = q.kl().mean()
        return Terms(reconstruction + weight * kl, reconstruction, kl, weight * kl)

    return objective


def gradients(objective, model: VAE, x: torch.Tensor) -> torch.Tensor:
    torch.manual_seed(11)
    slopes = torch.autograd.grad(objective(model, x).loss, list(model.parameters()))
    return torch.cat([slope.flatten() for slope in slopes])


@pytest.mark.parametrize("w", [1.0, 0.01, 0.00025])
def test_averaging_over_pixels_with_weight_w_is_a_gaussian_of_variance_w_p_half(small, w):
    x = torch.rand(7, 1, 6, 6, dtype=F64)
    model = small(likelihood=Gaussian(math.sqrt(w * P / 2))).double()
    ours, slip = gradients(Objective(KL()), model, x), gradients(mean_squared_error(w), model, x)
    torch.testing.assert_close(slip, w * ours, rtol=1e-6, atol=1e-12)


def test_the_sum_of_squares_without_a_half_is_a_gaussian_of_variance_one_half(small):
    def squares(model, x):
        q, _, logits = model(x)
        loss = (torch.sigmoid(logits) - x).square().sum() / len(x) + q.kl().mean()
        return Terms(loss, loss, loss, loss)

    x = torch.rand(7, 1, 6, 6, dtype=F64)
    model = small(likelihood=Gaussian(math.sqrt(0.5))).double()
    torch.testing.assert_close(
        gradients(squares, model, x), gradients(Objective(KL()), model, x), rtol=1e-6, atol=1e-12
    )


@pytest.mark.parametrize(("z_dim", "P_times"), [(2, 1), (4, 1), (2, P)])
def test_averaging_what_should_be_summed_changes_beta(small, z_dim, P_times):
    """KL averaged over D latents is beta / D; a reconstruction averaged over P pixels is beta * P."""

    def averaged(model, x):
        q, _, logits = model(x)
        reconstruction = model.likelihood.nll(logits, x).mean() / P_times
        kl = q.kl_terms().mean() if P_times == 1 else q.kl().mean()
        return Terms(reconstruction + kl, reconstruction, kl, kl)

    x = torch.rand(7, 1, 6, 6, dtype=F64)
    model = small(z_dim=z_dim).double()
    beta = 1 / z_dim if P_times == 1 else P
    ours = gradients(Objective(KL(weight=beta)), model, x)
    torch.testing.assert_close(P_times * gradients(averaged, model, x), ours, rtol=1e-6, atol=1e-12)


def test_a_mean_over_pixels_collapses_the_code_and_the_canonical_sum_does_not(small, bars):
    train, test = bars(800), bars(200, seed=9)
    options = {"steps": 400, "batch_size": 64, "lr": 5e-3}

    collapsed = small(hidden=(32,), likelihood=Gaussian(math.sqrt(P / 2)))
    fit(collapsed, mean_squared_error(), train, **options)
    assert evaluate(collapsed, Objective(KL()), test).kl < 0.01
    assert active_units(collapsed, test) == 0
    spread = collapsed.reconstruct(test).var(0).max()
    assert spread < 1e-3  # every image is answered with the same one

    canonical = small(hidden=(32,), likelihood=Gaussian(0.2))
    fit(canonical, Objective(KL()), train, **options)
    assert evaluate(canonical, Objective(KL()), test).kl > 1
    assert active_units(canonical, test) == 2
    assert canonical.reconstruct(test).var(0).max() > 100 * spread
