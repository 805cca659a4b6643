"""Marking what learners hand in: contained, by one key, with nothing lost."""
