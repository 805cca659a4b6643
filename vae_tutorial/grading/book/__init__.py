"""What lasts of a grading: the journal of verdicts, nbgrader's gradebook, the notebooks that are marked by hand."""
