"""The value of one expression: plain paths at once, all else by Jinja."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import TYPE_CHECKING

from flowctl.codes.templates import TEMPLATE_TOO_LARGE
from flowctl.compiler.expand.bounds import MAX_EXPRESSION, plain
from flowctl.compiler.expand.faults import TemplateFault, Unavailable
from flowctl.compiler.expand.names import Names
from flowctl.dataclass import dataclass
from flowctl.expressions.scope import NotYet
from flowctl.syntax.node import Json, MappingNode, Node

if TYPE_CHECKING:
    from flowctl.compiler.expand.jinja import Jinja

Function = Callable[..., object]

_PATH = re.compile(r"\s*([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+)\s*", re.ASCII)


@dataclass(slots=True)
class Evaluator:
    """Evaluates expressions; jinja2 is imported with the first one that needs it.

    `functions` makes the functions for a file, since `file`, `glob` and `table` start there.
    """

    functions: Callable[[str], Mapping[str, Function]]
    filters: Mapping[str, Function]
    _jinja: dict[str, Jinja] = field(default_factory=dict)

    def value(self, expression: str, names: Names, file: str) -> Json | NotYet:
        """The value of an expression that stands in a file; raises TemplateFault, Unavailable."""
        path = _PATH.fullmatch(expression)
        if path is not None:
            found = _walk(path[1], names)
            if found is not _MISSING:
                return plain(found)
        if len(expression) > MAX_EXPRESSION:
            message = f"an expression has at most {MAX_EXPRESSION:,} characters"
            raise TemplateFault(TEMPLATE_TOO_LARGE, message)
        return self._engine(file).evaluate(expression, names)

    def _engine(self, file: str) -> Jinja:
        from flowctl.compiler.expand.jinja import Jinja

        folder = file.rpartition("/")[0]
        if folder not in self._jinja:
            self._jinja[folder] = Jinja(self.functions(file), self.filters)
        return self._jinja[folder]


def place_of(expression: str, names: Names) -> Node | None:
    """Where the value of a plain path (`vars.columns`) was written, if it was in a file."""
    path = _PATH.fullmatch(expression)
    if path is None:
        return None
    top, first, *rest = path[1].split(".")
    node = names.places.get(top, {}).get(first)
    for name in rest:
        node = node.get(name) if isinstance(node, MappingNode) else None
    return node


class _Missing:
    """Says that a path leads nowhere: Jinja then says what is wrong with it."""


_MISSING = _Missing()


def _walk(path: str, names: Names) -> object:
    top, *rest = path.split(".")
    found: object = names.values.get(top, _MISSING)
    for name in rest:
        if isinstance(found, NotYet):
            raise Unavailable
        if not isinstance(found, Mapping) or name not in found:
            return _MISSING
        found = found[name]
    if isinstance(found, NotYet):
        raise Unavailable
    return found
