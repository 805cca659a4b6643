"""Where measured numbers in README.md, lessons and exercises come from; test_quoted_numbers.py compares.

`lesson_NN`, `exercises`, `readme` and `benchmarks` (README.md's other lines) hold quotes: a piece of text as it must
stand there if its numbers are worked out anew from stored rows, from what a cell has printed, or from a shipped model's
card. `side_by_side` is the first part of lesson 12's.
"""
