"""Choosing a device, and random numbers that leave no trace."""

import subprocess
import sys

import pytest
import torch

from vae_tutorial.devices import get_rng_state, pick_device, seeded, set_rng_state

CPU = torch.device("cpu")


@pytest.mark.parametrize("wish", ["cpu", torch.device("cpu")])
def test_the_cpu_can_always_be_had(wish):
    assert pick_device(wish) == CPU


@pytest.mark.parametrize("accelerator", [None, torch.device("cuda"), torch.device("mps")])
def test_the_machines_accelerator_comes_before_the_cpu_and_others_are_refused(monkeypatch, accelerator):
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda check_available=False: accelerator)
    assert pick_device() == pick_device(None) == (accelerator or CPU)
    assert pick_device("cpu") == CPU
    for kind in ("cuda", "mps", "xpu", "meta"):
        if accelerator is not None and accelerator.type == kind:
            assert pick_device(kind).type == kind
        else:
            has = "cpu and " + accelerator.type if accelerator else "cpu"
            with pytest.raises(ValueError, match=rf"device must be one this machine has \({has}\), got '{kind}'"):
                pick_device(kind)


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("wish", ["gpu", "", "cuda:x", "cpu:-2", 1.5, [], object()])
def test_what_is_no_device_is_refused_by_name(wish):
    with pytest.raises((ValueError, TypeError), match=r"^device must "):
        pick_device(wish)


def test_a_machine_without_cuda_is_not_warned_about():
    code = "from vae_tutorial.devices import pick_device; print(pick_device().type)"
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={"CUDA_VISIBLE_DEVICES": ""})
    assert done.stderr == ""


def test_seeded_draws_repeat_and_the_callers_go_on_as_if_nothing_had_been_drawn():
    torch.manual_seed(5)
    first, second = torch.rand(3), torch.rand(3)
    torch.manual_seed(5)
    assert torch.equal(torch.rand(3), first)
    with seeded(9, CPU):
        inside = torch.rand(4)
    assert torch.equal(torch.rand(3), second)
    with seeded(9, CPU):
        assert torch.equal(torch.rand(4), inside)
    with seeded(10, CPU):
        assert not torch.equal(torch.rand(4), inside)


def test_seeded_restores_the_state_after_an_error_too():
    state = torch.get_rng_state()
    with pytest.raises(ZeroDivisionError), seeded(9, CPU):
        _ = torch.rand(3), 1 / 0
    assert torch.equal(torch.get_rng_state(), state)


def test_a_saved_state_brings_the_same_numbers_back():
    states = get_rng_state(CPU)
    first = torch.rand(3)
    set_rng_state(CPU, states)
    assert torch.equal(torch.rand(3), first)
