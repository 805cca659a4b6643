"""nbgrader's database: made whole, opened, and written in transactions."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import sqlalchemy
from filelock import FileLock
from nbgrader import api  # type: ignore[import-untyped]
from sqlalchemy import select

from vae_tutorial.grading.book.autograded import COURSE


class Database:
    """The gradebook.db of a folder, made where there is none; a context manager.

    Formgrader may be at work on it. Raises ValueError for a folder that does not exist, or whose gradebook nbgrader
    cannot open.
    """

    def __init__(self, folder: Path, ours: sqlalchemy.MetaData):
        if not folder.is_dir():
            raise ValueError(f"folder must exist, got {folder}")
        path = folder.absolute() / "gradebook.db"
        try:
            _create(path)
            self._gradebook = api.Gradebook(_url(path), COURSE)
            ours.create_all(self._gradebook.engine)
        except sqlalchemy.exc.DatabaseError as error:
            raise ValueError(f"folder must have a gradebook that nbgrader opens, got {path}: {error.orig}") from error
        self.session: Any = self._gradebook.db

    def __enter__(self) -> "Database":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._gradebook.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """What is written inside is there as a whole, or not at all."""
        self.session.rollback()
        # The lock comes first: what is read after it is what is there when it is written, formgrader or not.
        self.session.execute(sqlalchemy.text("BEGIN IMMEDIATE"))
        try:
            yield
            self.session.commit()
        except BaseException:
            self.session.rollback()
            raise

    def one(self, model: Any, place: dict[str, Any]) -> Any:
        """The row at a place, or None."""
        return self.session.scalars(select(model).filter_by(**place)).one_or_none()

    def by_name(self, model: Any, notebook: str) -> dict[str, Any]:
        """The cells of a kind that a notebook has."""
        return {row.name: row for row in self.session.scalars(select(model).filter_by(notebook_id=notebook))}

    def put(self, model: Any, place: dict[str, Any], values: dict[str, Any]) -> Any:
        """The row at a place, new or not, with these values."""
        row = self.one(model, place)
        if row is None:
            row = model(**place, **values)
            self.session.add(row)
        for name, value in values.items():
            setattr(row, name, value)
        self.session.flush()
        return row


def _create(path: Path) -> None:
    """Make a gradebook beside its place and move it there, so that there is a whole one or none."""
    with FileLock(f"{path}.lock"):
        if path.exists() and path.stat().st_size:
            return
        fresh = path.with_name(path.name + ".new")
        for left in path.parent.glob(f"{fresh.name}*"):  # by a killed process; SQLite's journal among them
            left.unlink()
        before = os.environ["PATH"]
        os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{before}"  # nbgrader runs alembic from PATH
        try:
            api.Gradebook(_url(fresh), COURSE).close()
        finally:
            os.environ["PATH"] = before
        os.replace(fresh, path)


def _url(path: Path) -> sqlalchemy.URL:
    return sqlalchemy.URL.create("sqlite", database=str(path), query={"timeout": "60"})
