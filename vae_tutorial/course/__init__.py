"""What surrounds a lesson: concept questions, the hints and the variants of its exercise."""

from vae_tutorial.course.exercise import Exercise
from vae_tutorial.course.hints import Hint

__all__ = ["Exercise", "Hint"]
