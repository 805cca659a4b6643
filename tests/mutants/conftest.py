"""One test for each answer in a module's BANKS."""

import pytest


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    banks = getattr(metafunc.module, "BANKS", {})
    if "wrong" in metafunc.fixturenames:
        cases = [(task, number) for task, bank in banks.items() for number in range(len(bank.wrong))]
        metafunc.parametrize(("task", "wrong"), cases)
    elif "right" in metafunc.fixturenames:
        cases = [(task, number) for task, bank in banks.items() for number in range(len(bank.right))]
        metafunc.parametrize(("task", "right"), cases)
