"""`vars`: each is expanded when it is first asked for, so that they may stand in any order."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import field, replace

from flowctl.codes.templates import TOO_LARGE, VAR_CYCLE
from flowctl.compiler.expand.faults import Unavailable
from flowctl.compiler.expand.names import Names
from flowctl.compiler.expand.tree import Expander
from flowctl.compiler.expand.usage import texts
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Related, Report
from flowctl.expressions.scope import NOT_YET_KNOWN, Constant
from flowctl.syntax.node import Entry, MappingNode, Node, ScalarNode, to_json

MAX_NESTING = 20

_USE = re.compile(r"\bvars\s*(?:\.\s*|\[\s*['\"])(\w+)", re.ASCII)


@dataclass(eq=False)
class Variables(Mapping[str, object]):
    """The values of `vars` by name; `nodes` are those that were asked for, with their places."""

    declared: dict[str, Entry]
    expander: Expander
    report: Report
    names: Names
    nodes: dict[str, Node] = field(default_factory=dict)
    _values: dict[str, object] = field(default_factory=dict)
    _active: list[str] = field(default_factory=list)

    @classmethod
    def of(
        cls, written: MappingNode | None, expander: Expander, report: Report, names: Names
    ) -> Variables:
        """The variables of a document, which may use these names and each other."""
        declared = {entry.name: entry for entry in written.entries} if written else {}
        variables = cls(declared, expander, report, names)
        variables.names = variables.seen_from(names)
        return variables

    def seen_from(self, names: Names) -> Names:
        """These names and `vars`."""
        return replace(
            names,
            values={**names.values, "vars": self},
            places={**names.places, "vars": self.nodes},
        )

    def constants(self) -> dict[str, Constant]:
        """All values; NOT_YET_KNOWN stands for what is unknown, wherever it stands."""
        for name in self._in_order_of_need():
            self._plain(name)
        return {name: self._plain(name) for name in self.declared}

    def _in_order_of_need(self) -> list[str]:
        """The names so that each comes after those that its texts mention, as far as that goes.

        Asked for in this order, even a long chain of variables needs no deep recursion.
        """
        order: dict[str, None] = {}
        mentioned: dict[str, Iterator[str]] = {}
        for start in self.declared:
            way = [start]
            while way:
                name = way[-1]
                if name not in mentioned:
                    uses = set(_USE.findall("\n".join(texts(self.declared[name].value))))
                    mentioned[name] = iter(sorted(uses & self.declared.keys()))
                following = next((one for one in mentioned[name] if one not in mentioned), None)
                if following is not None:
                    way.append(following)
                else:
                    order[way.pop()] = None
        return list(order)

    def _plain(self, name: str) -> Constant:
        try:
            return self[name]  # type: ignore[return-value]
        except Unavailable:
            return NOT_YET_KNOWN

    def __getitem__(self, name: str) -> object:
        if name not in self._values:
            self._values[name] = self._expanded(name)
        return self._values[name]

    def __contains__(self, name: object) -> bool:
        return name in self.declared

    def __iter__(self) -> Iterator[str]:
        return iter(self.declared)

    def __len__(self) -> int:
        return len(self.declared)

    def _expanded(self, name: str) -> object:
        if name in self._active:
            self._circle(self._active[self._active.index(name) :])
            raise Unavailable
        if len(self._active) > MAX_NESTING:
            self._too_deep(name)
            raise Unavailable
        self._active.append(name)
        try:
            node = self.expander.expand(self.declared[name].value, self.names)
        finally:
            self._active.pop()
        self.nodes[name] = node
        if isinstance(node, ScalarNode):
            return node.value
        return to_json(node, NOT_YET_KNOWN)

    def _too_deep(self, name: str) -> None:
        key = self.declared[name].key
        message = f"variables refer to each other more than {MAX_NESTING} deep here"
        self.report.say(TOO_LARGE, key.span, message, trace=key.trace)

    def _circle(self, names: list[str]) -> None:
        order = list(self.declared)
        first = min(range(len(names)), key=lambda index: order.index(names[index]))
        circle = names[first:] + names[:first]
        shown = " → ".join(f"`{name}`" for name in [*circle, circle[0]])
        related = tuple(
            Related(self.declared[name].key.span, f"`{name}` stands here") for name in circle[1:]
        )
        key = self.declared[circle[0]].key
        message = f"these variables go in a circle: {shown}"
        self.report.say(VAR_CYCLE, key.span, message, related=related, trace=key.trace)
