"""The browser's side of the widgets: plain JavaScript modules and style sheets, read from the folder `browser`."""

import re
from pathlib import Path

FOLDER = Path(__file__).with_name("browser")
IMPORT = re.compile(r'^import \{[^}]*\} from "\./[\w.]+";\n', re.MULTILINE)


def javascript(*names: str) -> str:
    """One ES module made of the files `names`, each after those it imports from.

    A widget's code reaches the page as a single text without an address, so `import "./decode.js"` could not be
    resolved there: the files are laid end to end and the imports between them dropped. They stay ordinary modules for
    editors, tests and static pages, at the price that no two of them may use one name at top level.
    """
    return "\n".join(IMPORT.sub("", read(name)) for name in names)


def read(name: str) -> str:
    """The text of one file in the folder."""
    return (FOLDER / name).read_text(encoding="utf-8")
