"""nbgrader's settings: exercises are made from solutions, and what a stub is."""

c = get_config()  # noqa: F821

c.CourseDirectory.course_id = "vae_tutorial"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "exercises"
# A stub runs through, so that a notebook with open tasks does too; its checks say that it is not written yet.
c.ClearSolutions.code_stub = {"python": "# YOUR CODE HERE\npass"}
c.ClearSolutions.text_stub = "*Your answer here.*"
# A test cell that was deleted is put back before marking; what a learner prints must not run in a marker's browser.
c.OverwriteCells.add_missing_cells = True
c.HTMLExporter.sanitize_html = True
