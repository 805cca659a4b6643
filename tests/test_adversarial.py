"""WAE-GAN: who pays for what, and who learns from it."""

import copy
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from vae_tutorial.likelihoods import Gaussian
from vae_tutorial.networks import mlp
from vae_tutorial.training.adversarial import critic, critic_loss, deception_loss, fit_wae_gan
from vae_tutorial.vae import VAE


def model() -> VAE:
    torch.manual_seed(0)
    return VAE(*mlp((1, 6, 6), (16,), 2), Gaussian(sigma=0.5**0.5))


class Undecided(nn.Module):
    """A critic that says 0 to everything."""

    def forward(self, z):
        return 0 * z[:, :1]


def test_a_critic_that_cannot_tell_pays_two_log_two_and_the_encoder_log_two():
    z, prior = torch.randn(2, 50, 3)
    assert critic_loss(Undecided(), z, prior).item() == pytest.approx(2 * math.log(2), abs=1e-6)
    assert deception_loss(Undecided(), z).item() == pytest.approx(math.log(2), abs=1e-6)


def test_the_losses_are_log_probabilities_of_the_right_answer():
    torch.manual_seed(0)
    judge, z, prior = critic(3, (8,)), torch.randn(5, 3), torch.randn(5, 3)
    truth = -(torch.sigmoid(judge(prior)).log().mean() + (1 - torch.sigmoid(judge(z))).log().mean())
    torch.testing.assert_close(critic_loss(judge, z, prior), truth)
    torch.testing.assert_close(deception_loss(judge, z), -torch.sigmoid(judge(z)).log().mean())


def test_the_critics_loss_sends_no_gradient_into_the_codes_and_the_encoders_does():
    judge, z = critic(3, (8,)), torch.randn(5, 3, requires_grad=True)
    critic_loss(judge, z, torch.randn(5, 3)).backward()
    assert z.grad is None
    deception_loss(judge, z).backward()
    assert z.grad.any()


def test_the_critic_has_the_layers_asked_for():
    assert [m.out_features for m in critic(8).modules() if isinstance(m, nn.Linear)] == [512, 512, 512, 512, 1]
    assert [(m.in_features, m.out_features) for m in critic(8, ()).modules() if isinstance(m, nn.Linear)] == [(8, 1)]


def test_training_is_two_adams_that_take_turns(bars):
    """One step each, written out by hand."""
    images = bars(20)
    ours, judge = model(), critic(2, (8,))
    theirs, other = copy.deepcopy(ours), copy.deepcopy(judge)
    history = fit_wae_gan(ours, judge, images, weight=3.0, steps=1, batch_size=20, lr=0.01, critic_lr=0.02, seed=5)

    order = torch.from_numpy(np.random.default_rng([5, 0]).permutation(20))
    x = images[order].float() / 255
    adam = torch.optim.Adam(theirs.parameters(), lr=0.01)
    critic_adam = torch.optim.Adam(other.parameters(), lr=0.02)
    q = theirs.encoder(x)
    torch.manual_seed(5)
    z = q.mu + torch.exp(q.logvar / 2) * torch.randn_like(q.mu)
    reconstruction = theirs.likelihood.nll(theirs.decoder(z), x).mean()
    deception = 3.0 * F.softplus(-other(z)).mean()
    (reconstruction + deception).backward()
    adam.step()
    critic_adam.zero_grad()
    prior = torch.randn_like(z)
    (F.softplus(-other(prior)).mean() + F.softplus(other(z.detach())).mean()).backward()
    critic_adam.step()
    assert history.terms.regularizer[0].item() == pytest.approx(deception.item(), rel=1e-5)
    assert history.terms.reconstruction[0].item() == pytest.approx(reconstruction.item(), rel=1e-5)
    for a, b in ((ours, theirs), (judge, other)):
        torch.testing.assert_close(dict(a.state_dict()), dict(b.state_dict()), rtol=1e-4, atol=1e-6)


def test_a_strong_weight_brings_the_codes_to_the_prior(bars):
    """Without it the codes spread or shrink as they like; with it, their spread comes near 1."""
    spreads = {}
    for weight in (0.0, 50.0):
        trained = model()
        fit_wae_gan(trained, critic(2, (64, 64)), bars(400), weight=weight, steps=600, batch_size=100, progress=False)
        q = trained.encode(bars(400))
        spreads[weight] = (q.mu.var(0) + q.logvar.exp().mean(0)).log().abs().max().item()
    assert spreads[50.0] < 0.7
    assert spreads[50.0] < spreads[0.0]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"steps": 1, "weight": -1.0}, "weight must be a finite number of at least 0, got -1"),
        ({"steps": 1, "critic_lr": 0.0}, "critic_lr must be a finite number above 0, got 0"),
        ({}, "give either epochs or steps"),
    ],
)
def test_arguments_out_of_range_are_refused_by_name(bars, options, words):
    with pytest.raises(ValueError, match=words):
        fit_wae_gan(model(), critic(2), bars(8), **options)
