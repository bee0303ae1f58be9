"""Where in a document JSON Schemas and expressions stand, which expansion treats as such."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field, replace
from functools import cache
from typing import cast

from flowctl.component import JsonSchema
from flowctl.dataclass import dataclass
from flowctl.syntax.node import Json

EXPRESSIONS = ("expression", "condition")


@dataclass(frozen=True, slots=True)
class Guide:
    """What is known of the values below a place.

    `schema` where a mapping is a JSON Schema, whose `$ref` keeps its own meaning; `expression`
    where a text is a SQL expression. `kinds`, where a mapping's kind tells more of it.
    """

    schema: bool = False
    expression: bool = False
    keys: Mapping[str, Guide] = field(default_factory=dict)
    others: Guide | None = None
    items: Guide | None = None
    kinds: Callable[[Iterable[str]], Guide | None] | None = None

    def within(self, keys: Iterable[str]) -> Guide | None:
        """The guide for a mapping that has these keys."""
        return self if self.kinds is None else self.kinds(keys)

    def below(self, key: str) -> Guide | None:
        return self.keys.get(key, self.others)


def guide_of(definitions: Mapping[str, JsonSchema], part: str) -> Guide | None:
    """The guide for a definition of a grammar; None where nothing of interest stands below it."""
    return _guide(definitions[part], definitions, ())


def _guide(
    schema: Json, definitions: Mapping[str, JsonSchema], way: tuple[str, ...]
) -> Guide | None:
    if not isinstance(schema, dict):
        return None
    if "$ref" in schema:
        name = str(schema["$ref"]).removeprefix("#/$defs/")
        if name in ("jsonSchema", "param"):
            return Guide(schema=True)
        return None if name in way else _guide(definitions[name], definitions, (*way, name))
    if schema.get("format") == "json-schema":
        return Guide(schema=True)
    if schema.get("format") in EXPRESSIONS:
        return Guide(expression=True)
    if "kinds" in schema:
        return _of_kinds(cast("JsonSchema", schema["kinds"]), definitions)
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            branches = cast("list[Json]", schema[choice])
            return _union([_guide(branch, definitions, way) for branch in branches])
    properties = cast("JsonSchema", schema.get("properties", {}))
    keys = {
        name: found
        for name, below in properties.items()
        if (found := _guide(below, definitions, way)) is not None
    }
    others = _guide(schema.get("additionalProperties"), definitions, way)
    items = _guide(schema.get("items"), definitions, way)
    if not keys and others is None and items is None:
        return None
    return Guide(keys=keys, others=others, items=items)


def _of_kinds(kinds: JsonSchema, definitions: Mapping[str, JsonSchema]) -> Guide:
    """A guide by the kind that a mapping has, or by all of them, where it has several."""
    fragments = cast("Mapping[str, JsonSchema]", kinds["of"])

    @cache
    def one(kind: str) -> Guide | None:
        return _guide(fragments[kind], definitions, ())

    return Guide(kinds=lambda keys: _union([one(key) for key in keys if key in fragments]))


def _union(guides: Sequence[Guide | None]) -> Guide | None:
    known = [guide for guide in guides if guide is not None]
    if len(known) <= 1:
        return known[0] if known else None
    keys: dict[str, Guide] = {}
    for guide in known:
        for name, below in guide.keys.items():
            keys[name] = _union([keys.get(name), below]) or below
    plain = Guide(
        any(guide.schema for guide in known),
        any(guide.expression for guide in known),
        keys,
        next((guide.others for guide in known if guide.others), None),
        next((guide.items for guide in known if guide.items), None),
    )
    chosen = [guide.kinds for guide in known if guide.kinds is not None]
    if not chosen:
        return plain
    return replace(plain, kinds=lambda had: _union([plain, *(choose(had) for choose in chosen)]))
