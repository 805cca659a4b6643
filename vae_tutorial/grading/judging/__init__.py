"""Judging one submission: its code in one process, the checks in another, data between them."""
