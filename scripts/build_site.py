"""Builds the course's web site: executes the lessons, brings their explorers to life, lets Sphinx write the pages.

Sphinx with myst-nb and the theme furo, because they build without a network, ask nothing of one when read, and bring
search, light and dark themes and phone layout; all three are kept up by many. MyST and Jupyter Book 2 download their
theme when they build (jupyter-book/mystmd issues 210 and 1451), and nbconvert makes single pages, without navigation
or search.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from time import perf_counter

import lessons
import nbformat
from nbclient.exceptions import CellExecutionError

import vae_tutorial
from vae_tutorial import data, zoo
from vae_tutorial.lesson import RESULTS
from vae_tutorial.widgets import LatentExplorer, static

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "site"
LINK = re.compile(r"(?<!!)\[(?P<words>[^\]]*)\]\(\s*<?(?P<target>[^)\s>]+)>?[^)]*\)")
ON_THE_WEB = (
    "You are reading this lesson as a web page: its widgets work, its code runs with `make lab` in a {checkout}."
)
SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:|#")


def build(course: Path, site: Path, work: Path) -> None:
    """Make `site` from the lessons, README and pictures in `course`; `work` keeps what the next build can use again.

    Raises SystemExit with a sentence where a lesson stops with an error or Sphinx has a warning.
    """
    executed = [execute(path, work / "executed") for path in sorted((course / "notebooks").glob("*.ipynb"))]
    pages = work / "pages"
    shutil.rmtree(pages, ignore_errors=True)
    (pages / "notebooks").mkdir(parents=True)
    if (course / "docs").is_dir():
        shutil.copytree(course / "docs", pages / "docs", ignore=shutil.ignore_patterns("*.md"))
    for path in executed:
        shutil.copy(path, pages / "notebooks" / f"{path.stem}.ipynb")
    for page in (pages / "notebooks").iterdir():
        nbformat.write(enlivened(page, pages), page)
    front_page(course, pages)
    sphinx(pages, site, work)


def execute(path: Path, cache: Path) -> Path:
    """The executed copy of a lesson, in `cache`, with the state of its widgets; made anew only if it would differ."""
    sources = fingerprint_of_sources(path)
    made = cache / f"{path.stem}-{sources}-{fingerprint_of_data()}" / path.name
    if made.is_file():
        print(f"{path.name}: unchanged, not executed again", flush=True)
        return made
    start = perf_counter()
    with tempfile.TemporaryDirectory() as folder:  # a lesson may leave files where it runs
        try:
            notebook = lessons.execute(Path(shutil.copy(path, folder)))
        except CellExecutionError as error:
            raise SystemExit(f"{path.name} stopped with an error, so there is no site.\n{error}") from None
    for old in cache.glob(f"*/{path.name}"):
        old.unlink()
        old.parent.rmdir()
    made = cache / f"{path.stem}-{sources}-{fingerprint_of_data()}" / path.name  # it may have downloaded some
    made.parent.mkdir(parents=True)
    nbformat.write(notebook, made)
    print(f"{path.name}: executed in {perf_counter() - start:.0f} s", flush=True)
    return made


def fingerprint_of_sources(path: Path) -> str:
    """Changes with the cells of a lesson, the package and the stored findings."""
    cells = [[cell.cell_type, cell.source] for cell in nbformat.read(path, as_version=4).cells]
    contents = [file.read_bytes() for folder in (Path(vae_tutorial.__file__).parent, RESULTS) for file in files(folder)]
    return fingerprint([json.dumps(cells).encode(), *contents])


def fingerprint_of_data() -> str:
    """Changes with the names and sizes of the data sets' files."""
    return fingerprint([f"{file} {file.stat().st_size}".encode() for file in files(data.folder())])


def fingerprint(parts: list[bytes]) -> str:
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()[:12]


def files(folder: Path) -> Iterable[Path]:
    """All files in and below a folder, in one order, without what Python compiles there."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def enlivened(page: Path, pages: Path) -> nbformat.NotebookNode:
    """A lesson for the site: explorers that work without a kernel, and no link to what is not on the site."""
    executed = nbformat.read(page, as_version=4)
    notebook = static.enliven(executed, self_contained=False)
    for cell, before in zip(notebook.cells, executed.cells, strict=True):
        if cell.cell_type == "code":
            cell.outputs = [new for new, old in zip(cell.outputs, before.outputs, strict=True) if visible(new, old)]
        elif cell.cell_type == "markdown":
            cell.source = LINK.sub(lambda link: on_site(link, page, pages), cell.source)
    lessons.normalise(notebook)
    notebook.cells[0].source = with_a_word(notebook.cells[0].source)
    return notebook


def with_a_word(text: str) -> str:
    """A lesson's beginning with a word, below its title, to those who read it on the site."""
    title, _, rest = text.partition("\n")
    public = repository()
    checkout = f"[checkout]({public})" if public else "checkout"
    return f"{title}\n\n{{.on-the-web}}\n{ON_THE_WEB.format(checkout=checkout)}\n{rest}"


def visible(output: nbformat.NotebookNode, executed: nbformat.NotebookNode) -> bool:
    """Whether there is more to see of an output than the name of a widget that needs its kernel."""
    return lessons.WIDGET not in executed.get("data", {}) or not {"text/html", "image/png"}.isdisjoint(output.data)


def on_site(link: re.Match[str], page: Path, pages: Path) -> str:
    """A link as it is if it leads to a page or picture of the site, else to the public repository, if there is one."""
    if SCHEME.match(link["target"]) or (page.parent / link["target"].split("#")[0]).is_file():
        return link[0]
    public = repository()
    if public is None:
        return link["words"]
    path = os.path.relpath((page.parent / link["target"]).resolve(), pages.resolve())
    return f"[{link['words']}]({public}/blob/HEAD/{path})"


def repository() -> str | None:
    """The address of the public repository, which GitHub's runners know and a checkout need not have."""
    name = os.environ.get("GITHUB_REPOSITORY")
    return name and f"{os.environ['GITHUB_SERVER_URL']}/{name}"


def front_page(course: Path, pages: Path) -> None:
    """index.md, and beside it what it includes: an explorer, and the README's table and commands."""
    shutil.copy(SOURCES / "index.md", pages)
    parts = pages / "parts"
    parts.mkdir()
    readme = (course / "README.md").read_text(encoding="utf-8")
    (parts / "lessons.md").write_text(found(r"^## Lessons\n.*?^(\|.*?)\n\n", readme), encoding="utf-8")
    commands = found(r"^## Two commands\n.*?^(```\n.*?^```)", readme)
    if public := repository():
        commands += f"\nin a checkout of [{public}]({public}).\n"
    (parts / "commands.md").write_text(commands, encoding="utf-8")
    (parts / "explorer.html").write_text(explorer(), encoding="utf-8")


def found(pattern: str, readme: str) -> str:
    part = re.search(pattern, readme, re.DOTALL | re.MULTILINE)
    if part is None:
        raise SystemExit(f"README.md has nothing that matches {pattern!r}, which the front page shows.")
    return part[1] + "\n"


def explorer() -> str:
    """The shipped model; where MNIST is there, its latents in the order of their use and images to start from."""
    images = None if data.problems("mnist", "test") else data.load("mnist", "test")[:1000]
    return static.fragment(LatentExplorer(zoo.load("vae-mnist"), images).scene) + "\n"


def sphinx(pages: Path, site: Path, work: Path) -> None:
    shutil.rmtree(site, ignore_errors=True)
    options = ["-b", "html", "-W", "--keep-going", "-q", "-E", "-c", str(SOURCES), "-d", str(work / "doctrees")]
    if subprocess.run([sys.executable, "-m", "sphinx", *options, pages, site]).returncode:
        raise SystemExit("Sphinx has something to complain about, see above, so there is no site.")


def main() -> None:
    """Build the site of this checkout."""
    os.environ.setdefault("TQDM_DISABLE", "1")
    site = ROOT / "build" / "site"
    build(ROOT, site, ROOT / "build" / "site-work")
    size = sum(file.stat().st_size for file in files(site)) / 1e6
    print(f"{(site / 'index.html').relative_to(ROOT)}: the site, {size:.1f} MB. It works from the disk as well.")


if __name__ == "__main__":
    main()
