"""What a schema says about the keys of a mapping."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from math import inf
from typing import TypeAlias, cast

from flowctl.component import JsonSchema
from flowctl.dataclass import dataclass
from flowctl.diagnostics import nearest
from flowctl.schema import wording
from flowctl.schema.values import number
from flowctl.schema.walk import Check, Walk, deferred
from flowctl.schema.wording import Where
from flowctl.syntax.node import Entry, Json, MappingNode

Owners: TypeAlias = "Callable[[str], Sequence[str]]"

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(slots=True)
class MappingRules:
    """The rules of one schema; `descriptions` are told with a key that is missing.

    Of a kind's mapping, `owners` tells which other kinds have a key that this one lacks.
    """

    properties: dict[str, Check]
    patterns: list[tuple[re.Pattern[str], Check]]
    others: Check | None
    required: list[str]
    descriptions: dict[str, str]
    least: int
    most: float
    literal: bool
    names: str
    owners: Owners | None
    thing: str

    @classmethod
    def of(
        cls, schema: JsonSchema, check: Callable[[Json], Check], owners: Owners | None
    ) -> MappingRules:
        properties = cast("dict[str, JsonSchema]", schema.get("properties", {}))
        patterns = cast("dict[str, JsonSchema]", schema.get("patternProperties", {}))
        others = schema.get("additionalProperties", True)
        return cls(
            {name: check(below) for name, below in properties.items()},
            [(re.compile(text), check(below)) for text, below in patterns.items()],
            None if others is False else check(others),
            cast("list[str]", schema.get("required", [])),
            {
                name: str(below["description"])
                for name, below in properties.items()
                if isinstance(below, dict) and "description" in below
            },
            int(number(schema, "minProperties") or 0),
            inf if (most := number(schema, "maxProperties")) is None else most,
            schema.get("literal") is True,
            str(schema.get("names", "")),
            owners,
            "entry" if schema.get("names") is None else str(schema["names"]),
        )

    def judge(self, node: MappingNode, where: Where, walk: Walk) -> bool:
        strangers = [entry for entry in node.entries if entry.key.value not in self.properties]
        if strangers and walk.lenient and not self.literal and deferred(node):
            return False
        right = True
        for entry in node.entries:
            check = self.properties.get(entry.key.value)  # type: ignore[arg-type]
            if check is not None:
                right = check(entry.value, entry, walk) and right
        for entry in strangers:
            right = self.stranger(entry, where, walk) and right
        return self.complete(node, where, walk, strangers) and right

    def stranger(self, entry: Entry, where: Where, walk: Walk) -> bool:
        for pattern, check in self.patterns:
            if pattern.search(entry.name):
                return check(entry.value, entry, walk)
        if self.others is None:
            owner = self._owner(where)
            legal = self.properties
            owners = self.owners(entry.name) if self.owners is not None else []
            return walk.stray(entry, wording.unknown_key(entry, owner, legal, owners))
        if self.names and not NAME.fullmatch(entry.name):
            word = re.sub(r"\W", "_", entry.name, flags=re.ASCII)
            suggestion = word if NAME.fullmatch(word) else None
            article = "an" if self.names[0] in "aeiou" else "a"
            walk.report.add(wording.bad_name(entry, f"{article} {self.names}", suggestion))
            self.others(entry.value, entry, walk)
            return False
        return self.others(entry.value, entry, walk)

    def complete(self, node: MappingNode, where: Where, walk: Walk, strangers: list[Entry]) -> bool:
        """Whether nothing is missing, and nothing is too many."""
        present = {entry.key.value for entry in node.entries} if self.required else set()
        missing = [name for name in self.required if name not in present]
        # A misspelt key is one fault, not also a missing one.
        misspelt = {nearest(entry.name, list(self.properties)) for entry in strangers if missing}
        for name in missing:
            if name in misspelt:
                walk.faulty.add(id(node))
                continue
            described = self.descriptions.get(name)
            walk.wrong(node, wording.missing_key(node, where, name, described))
        size = len(node.entries)
        if missing:
            return False
        if size == 0 < self.least:
            return walk.wrong(node, wording.empty(node, where, self.thing))
        if not self.least <= size <= self.most:
            return walk.wrong(node, wording.wrong_size(node, where, self.least, self.most))
        return True

    def _owner(self, where: Where) -> str:
        if where is None:
            return ""
        name = wording.name_of(where)
        return f" beside {name}" if self.owners is not None else f" in {name}"
