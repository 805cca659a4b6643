"""Exercises from solutions, by nbgrader."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path


def generate(course: Path, exercises: Path) -> None:
    """Write the student's version of every folder in `course`/solutions to `exercises`, and remove other folders there.

    nbgrader would publish every file beside a notebook, such as the weights that a solution has left there, so it works
    on a copy of the notebooks. Raises ValueError with its words where it stops; `exercises` is left as it was.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy, made = Path(folder), Path(folder, "exercises")
        shutil.copy(course / "nbgrader_config.py", copy)
        for solution in course.glob("solutions/*/*.ipynb"):
            (copy / "solutions" / solution.parent.name).mkdir(parents=True)
            shutil.copy(solution, copy / "solutions" / solution.parent.name)
        command = [sys.executable, "-m", "nbgrader", "generate_assignment", "--no-db", "--assignment=*"]
        done = subprocess.run(command, cwd=copy, capture_output=True, text=True)
        if done.returncode:
            raise ValueError(done.stderr)
        shutil.copytree(made, exercises, dirs_exist_ok=True)  # in place: somebody may be working in there
        for old in {path.name for path in exercises.iterdir()} - {path.name for path in made.iterdir()}:
            shutil.rmtree(exercises / old)
