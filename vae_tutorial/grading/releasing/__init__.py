"""What students get: exercises made from solutions, and a zip without answers."""
