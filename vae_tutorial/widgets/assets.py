"""The browser's side of the widgets: plain JavaScript modules and style sheets, read from the folder `browser`."""

import re
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).with_name("browser")
IMPORT = re.compile(r'^import \{[^}]*\} from "\./([\w.]+)";\n', re.MULTILINE)


@cache
def javascript(name: str = "widgets.js") -> str:
    """One ES module: the file `name` behind all the files that it imports from.

    A widget's code reaches the page as a single text without an address, so `import "./layers.js"` could not be
    resolved there: the files are laid end to end and the imports between them dropped. They stay ordinary modules for
    editors, tests and static pages, at the price that no two of them may use one name at top level.
    """
    files: dict[str, None] = {}
    _collect(name, files)
    return "\n".join(IMPORT.sub("", _read(file)) for file in files)


@cache
def css() -> str:
    """The style sheets of all widgets."""
    return "\n".join(file.read_text(encoding="utf-8") for file in sorted(FOLDER.glob("*.css")))


def _collect(name: str, files: dict[str, None]) -> None:
    """Every file once, each behind those it imports from."""
    for other in IMPORT.findall(_read(name)):
        if other not in files:
            _collect(other, files)
    files[name] = None


def _read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")
