"""Makes exercises/ from solutions/: answers and hidden checks taken out by nbgrader, nothing left of removed ones."""

from pathlib import Path

from vae_tutorial.grading.releasing.generating import generate

ROOT = Path(__file__).parents[1]


def make(course: Path, exercises: Path) -> None:
    """As generate. Raises SystemExit with nbgrader's words where it stops."""
    try:
        generate(course, exercises)
    except ValueError as error:
        raise SystemExit(str(error)) from None


def main() -> None:
    """Make the exercises of this checkout."""
    make(ROOT, ROOT / "exercises")
    made = sorted(path.name for path in (ROOT / "exercises").iterdir())
    print(f"exercises/: {len(made)} made from solutions/, {made[0]} to {made[-1]}")


if __name__ == "__main__":
    main()
