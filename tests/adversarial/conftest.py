"""Attacks need a sandbox that holds; waits are short."""

import os
from functools import partial

import pytest

from vae_tutorial.grading.judging import learner, marking
from vae_tutorial.grading.sandbox import Limits, SandboxUnavailable, choose
from vae_tutorial.grading.sandbox.limits import GIBIBYTE


@pytest.fixture(autouse=True, scope="session")
def sandbox() -> None:
    """Without a sandbox nothing here may run; on the servers that test every change there has to be one."""
    try:
        choose()
    except SandboxUnavailable as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second for a cell and for an answer, and one more for code that does not let itself be interrupted."""
    for name in ("STEP", "CALL", "GRACE"):
        monkeypatch.setattr(learner, name, 1.0)


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A third of the memory, which is used up the sooner."""
    monkeypatch.setattr(marking, "Limits", partial(Limits, memory=GIBIBYTE, data=GIBIBYTE))
