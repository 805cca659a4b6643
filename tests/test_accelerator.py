"""The same lessons on an accelerator, where the machine has one."""

import pytest
import torch

from vae_tutorial.devices import pick_device
from vae_tutorial.measures import active_units, log_likelihood
from vae_tutorial.objectives import Objective
from vae_tutorial.regularizers import KL
from vae_tutorial.training import evaluate, fit
from vae_tutorial.widgets import LatentExplorer

pytestmark = pytest.mark.skipif(not torch.accelerator.is_available(), reason="this machine has no accelerator")


@pytest.fixture(autouse=True)
def on_the_accelerator(on_the_cpu, monkeypatch):
    """Take back what the other tests ask for."""
    monkeypatch.undo()


def test_training_chooses_the_accelerator_and_learns_as_on_the_cpu(small, bars):
    losses = {}
    for device in (None, "cpu"):
        model = small(z_dim=4)
        history = fit(model, Objective(KL()), bars(n=256), steps=300, lr=3e-3, device=device)
        assert model.device.type == pick_device(device).type
        losses[device] = history.terms.loss[-50:].mean().item()
    assert losses[None] == pytest.approx(losses["cpu"], rel=0.05)


def test_the_same_seed_gives_the_same_curve_and_leaves_the_random_state(small, bars):
    device = pick_device()
    state = torch.get_device_module(device).get_rng_state()
    first, second = (fit(small(), Objective(KL()), bars(), steps=30).terms.loss for _ in range(2))
    torch.testing.assert_close(first, second, rtol=1e-4, atol=1e-4)
    assert torch.equal(state, torch.get_device_module(device).get_rng_state())


def test_an_interrupted_run_goes_on_from_its_checkpoint(small, bars, tmp_path):
    fit(small(), Objective(KL()), bars(), epochs=2, batch_size=8, checkpoint=tmp_path / "run")
    resumed = fit(small(), Objective(KL()), bars(), epochs=4, batch_size=8, checkpoint=tmp_path / "run")
    unbroken = fit(small(), Objective(KL()), bars(), epochs=4, batch_size=8)
    torch.testing.assert_close(resumed.terms.loss, unbroken.terms.loss, rtol=1e-3, atol=1e-3)


def test_what_looks_at_a_model_takes_images_from_the_cpu(small, bars):
    model = small().to(pick_device())
    images = bars()
    assert model.reconstruct(images).device.type == model.sample(3).device.type == pick_device().type
    assert evaluate(model, Objective(KL()), images).loss.isfinite()
    assert log_likelihood(model, images, k=5).device.type == "cpu"
    assert active_units(model, images) <= 2
    assert "z_dim=2" in repr(LatentExplorer(model, images))
