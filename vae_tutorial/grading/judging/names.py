"""Which global names a piece of Python binds and loads, and which statements of a notebook a value follows from."""

import ast
import builtins
import symtable
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

BUILTINS = frozenset(dir(builtins))
LONGEST = 100_000  # characters of a cell


@dataclass(frozen=True)
class Names:
    """Global names: `binds` get a value, into `writes` a part is written, `loads` are read, in functions too."""

    binds: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()
    loads: frozenset[str] = frozenset()

    @property
    def stores(self) -> frozenset[str]:
        return self.binds | self.writes


def python(source: str) -> str:
    """A cell without its magics, empty lines in their place."""
    return "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in source.splitlines())


def names_of(source: str) -> Names:
    """The names of one cell; none where it is not Python, or so long that reading it would take gigabytes."""
    if len(source) > LONGEST:
        return Names()
    try:
        tree = ast.parse(python(source))
        binds, loads = _symbols(symtable.symtable(python(source), "<cell>", "exec"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Names()
    nodes = list(ast.walk(tree))
    targets = [node.target for node in nodes if isinstance(node, ast.AugAssign)]
    loads |= binds & {target.id for target in targets if isinstance(target, ast.Name)}  # `x += 1` reads x
    return Names(frozenset(binds), frozenset(_written_into(nodes)), frozenset(loads - BUILTINS))


@dataclass(frozen=True)
class Unit:
    """A piece of a notebook that runs as a whole. cell: its place. learners: nobody but the learner knows it."""

    cell: int
    source: str
    learners: bool = False

    @cached_property
    def names(self) -> Names:
        return names_of(self.source)


def statements(cell: int, source: str) -> list[Unit]:
    """The statements of a cell, each by itself. Raises SyntaxError where it is not Python."""
    return [Unit(cell, ast.unparse(statement)) for statement in ast.parse(python(source)).body]


class Origins:
    """What the values of names follow from, in a notebook that is run from top to bottom."""

    def __init__(self, units: Sequence[Unit]):
        self.units = units

    def of(self, wanted: Iterable[str], cell: int, *, past_learners: bool = True) -> list[Unit]:
        """The units that the values of `wanted` just above a cell follow from, in order.

        past_learners: also those that the learner's own follow from.
        """
        found: set[int] = set()
        above = [i for i, unit in enumerate(self.units) if unit.cell < cell]
        waiting = [i for name in wanted for i in self._making(name, above, [])]
        while waiting:
            i = waiting.pop()
            if i in found:
                continue
            found.add(i)
            if past_learners or not self.units[i].learners:
                before, here = list(range(i)), [j for j, u in enumerate(self.units) if u.cell == self.units[i].cell]
                loads = self.units[i].names.loads | self.units[i].names.writes
                waiting += [j for name in loads for j in self._making(name, before, here)]
        return [self.units[i] for i in sorted(found)]

    def learners(self, name: str, cell: int) -> bool:
        """Whether the value of `name` just above a cell follows from anything of the learner's, or from nothing."""
        origins = self.of([name], cell)
        return not origins or any(unit.learners for unit in origins)

    def _making(self, name: str, before: Sequence[int], here: Sequence[int]) -> list[int]:
        """The last unit that binds a name, and those behind it that write into it; a function may be bound later."""
        storing = [i for i in before if name in self.units[i].names.stores]
        binding = [i for i in storing if name in self.units[i].names.binds]
        if not binding:
            return [i for i in here if name in self.units[i].names.binds]
        return [i for i in storing if i >= binding[-1]]


def _symbols(table: symtable.SymbolTable) -> tuple[set[str], set[str]]:
    symbols = [s for s in table.get_symbols() if table.get_type() == "module" or s.is_global()]
    binds = {symbol.get_name() for symbol in symbols if symbol.is_assigned() or symbol.is_imported()}
    loads = {symbol.get_name() for symbol in symbols if symbol.is_referenced()}
    for child in table.get_children():
        inner_binds, inner_loads = _symbols(child)
        binds |= inner_binds
        loads |= inner_loads
    return binds, loads


def _written_into(nodes: Iterable[ast.AST]) -> set[str]:
    """Names whose attributes or items are assigned, as in `model.bias = 0` and `images[0] = 1`."""
    found = set()
    for node in nodes:
        if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store):
            root: ast.expr = node
            while isinstance(root, ast.Attribute | ast.Subscript):
                root = root.value
            if isinstance(root, ast.Name):
                found.add(root.id)
    return found
