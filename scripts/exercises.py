"""Makes exercises/ from solutions/: answers and hidden checks taken out by nbgrader, nothing left of removed ones."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]


def make(course: Path, exercises: Path) -> None:
    """Write the student's version of every folder in `course`/solutions to `exercises`, and remove other folders there.

    Raises SystemExit with nbgrader's words where it stops; `exercises` is left as it was.
    """
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder, "exercises")
        where = [f"--CourseDirectory.root={course}", f"--CourseDirectory.release_directory={made}"]
        command = ["-m", "nbgrader", "generate_assignment", "--no-db", "--assignment=*", *where]
        done = subprocess.run([sys.executable, *command], cwd=course, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(done.stderr)
        shutil.copytree(made, exercises, dirs_exist_ok=True)  # in place: somebody may be working in there
        for old in {path.name for path in exercises.iterdir()} - {path.name for path in made.iterdir()}:
            shutil.rmtree(exercises / old)


def main() -> None:
    """Make the exercises of this checkout."""
    make(ROOT, ROOT / "exercises")
    made = sorted(path.name for path in (ROOT / "exercises").iterdir())
    print(f"exercises/: {len(made)} made from solutions/, {made[0]} to {made[-1]}")


if __name__ == "__main__":
    main()
