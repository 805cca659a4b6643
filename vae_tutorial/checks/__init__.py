"""Checks of what learners write: properties, judged by values alone, answered in a sentence."""

from vae_tutorial.checks.answers import Answer, ask, given
from vae_tutorial.checks.comparing import Verdict, holds, matches, one_of
from vae_tutorial.checks.item import Item, Points

__all__ = ["Answer", "Item", "Points", "Verdict", "ask", "given", "holds", "matches", "one_of"]
