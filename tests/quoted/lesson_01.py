"""Lesson 01, From autoencoder to VAE."""

from collections.abc import Iterator
from math import exp

from quoted.quotes import Quote, given, says


def quotes() -> Iterator[Quote]:
    yield from given("([1] nat = [1.44] bits)", "with learning rate [0.001]", "straight from the [1]s to the [0]s")
    rings = [f"{100 * (1 - exp(-(radius**2) / 2)):.0f}" for radius in (1, 2)]  # of two normal numbers
    yield says("the inner ring holds {} % of random codes, the outer {} %", *rings)
