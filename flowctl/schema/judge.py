"""Judges located trees by JSON Schemas: each fault is one diagnostic at the one place it is about.

A schema is compiled once into a tree of closures, which makes a document of thousands of steps a
matter of milliseconds. Only what is met is compiled, since no document has all kinds of components
and all keywords of JSON Schema. Two keywords are ours: `kinds` picks the one fragment that belongs
to a mapping's kind key, so that nobody ever reads "is not valid under any of the given schemas",
and `names` says what the keys of a mapping are the names of.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Set
from dataclasses import field
from functools import cache
from typing import cast

from flowctl.codes import schema as codes
from flowctl.component import JsonSchema
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Diagnostic, Report
from flowctl.schema import wording
from flowctl.schema.foreign import foreign_check
from flowctl.schema.mappings import MappingRules, Owners
from flowctl.schema.values import all_differ, number, right_length, scalar_parts
from flowctl.schema.walk import TEMPLATE, Check, Walk, deferred
from flowctl.schema.wording import Item, Where
from flowctl.syntax.node import (
    Entry,
    Json,
    MappingNode,
    Node,
    ScalarNode,
    SequenceNode,
    UnknownNode,
)

ANNOTATIONS = frozenset(
    (
        *("$schema", "$id", "$comment", "title", "description", "default", "examples"),
        *("deprecated", "readOnly", "writeOnly", "format", "contentEncoding", "contentMediaType"),
    )
)


class Foreign(Exception):
    """A schema uses keywords that are left to a full JSON Schema validator."""


def compile_schema(schema: JsonSchema) -> Check:
    """A check for a schema; its `$ref` may point to its own `$defs` only.

    Parts with keywords that our own checks do not know are judged by the library `jsonschema`, in
    fewer words. Raises `re.error` for a pattern that is no regular expression, as the check does
    for one further below.
    """
    return Compiler(cast("dict[str, JsonSchema]", schema.get("$defs", {}))).check(schema)


@dataclass(slots=True)
class Compiler:
    """Makes the checks of schemas that share their definitions, each of which is made once."""

    definitions: Mapping[str, JsonSchema]
    done: dict[str, Check] = field(default_factory=dict)

    def check(self, schema: Json) -> Check:
        if schema is True or schema == {}:
            return _anything
        try:
            return self.own(schema)
        except Foreign:
            if isinstance(schema, dict):
                return foreign_check({**schema, "$defs": {**self.definitions}})
            return foreign_check({"not": {}})

    def own(self, schema: Json) -> Check:
        """A check by our own means; raises Foreign."""
        if not isinstance(schema, dict):
            raise Foreign
        if "$ref" in schema:
            return self.reference(str(schema["$ref"]))
        if "kinds" in schema:
            return self.kinds(cast("JsonSchema", schema["kinds"]))
        if "anyOf" in schema or "oneOf" in schema:
            return self.choice(schema)
        if schema.keys() - _KEYWORDS - ANNOTATIONS:
            raise Foreign
        return self.plain(schema)

    def reference(self, target: str) -> Check:
        name = target.removeprefix("#/$defs/")
        if name not in self.definitions:
            raise Foreign

        def check(node: Node, where: Where, walk: Walk) -> bool:
            return self.defined(name)(node, where, walk)

        return check

    def defined(self, name: str) -> Check:
        """The check of a definition."""
        if name not in self.done:
            self.done[name] = self.check(self.definitions[name])
        return self.done[name]

    def plain(self, schema: JsonSchema) -> Check:
        allowed = _allowed(schema)
        role = str(schema.get("format", ""))
        mapping = self.mapping(schema)
        sequence = self.sequence(schema)
        parts = scalar_parts(schema)
        opaque = role == "json-schema"

        def check(node: Node, where: Where, walk: Walk) -> bool:
            kind = type(node)
            if kind is ScalarNode:
                value = node.value  # type: ignore[union-attr]
                if (
                    type(value) is str
                    and walk.lenient
                    and "{{" in value
                    and TEMPLATE.search(value) is not None
                ):
                    return False
                if wording.scalar_type(value) not in allowed:
                    if value is None and walk.lenient:
                        return False
                    if listed:
                        return walk.wrong(node, wording.not_allowed(node, where, listed))
                    return walk.wrong(node, wording.wrong_type(node, where, shown, role))
                return all(part(node, where, walk) for part in parts)  # type: ignore[arg-type]
            if kind is UnknownNode:
                return False
            if kind is MappingNode:
                if "object" not in allowed:
                    if walk.lenient and deferred(node):
                        return False
                    return walk.wrong(node, wording.wrong_type(node, where, shown, role))
                return opaque or mapping(node, where, walk)
            if "array" not in allowed:
                return walk.wrong(node, wording.wrong_type(node, where, shown, role))
            return sequence(node, where, walk)

        shown = _shown_types(schema)
        listed = cast("list[Json]", schema.get("enum", []))
        return check

    def mapping(self, schema: JsonSchema, owners: Owners | None = None) -> Check:
        rules: MappingRules | None = None
        for pattern in cast("JsonSchema", schema.get("patternProperties", {})):
            re.compile(pattern)  # told also where no mapping is met

        def check(node: Node, where: Where, walk: Walk) -> bool:
            nonlocal rules
            assert isinstance(node, MappingNode)
            if id(node) in walk.settled:
                return True
            if rules is None:
                rules = MappingRules.of(schema, self.check, owners)
            right = rules.judge(node, where, walk)
            if right:
                walk.settled[id(node)] = node
            return right

        return check

    def sequence(self, schema: JsonSchema) -> Check:
        item = self.check(schema.get("items", True))
        least, most = number(schema, "minItems"), number(schema, "maxItems")
        unique = schema.get("uniqueItems") is True

        def check(node: Node, where: Where, walk: Walk) -> bool:
            assert isinstance(node, SequenceNode)
            if id(node) in walk.settled:
                return True
            # A reference to a list is spliced, so only an expanded list can be counted.
            open_ended = walk.lenient and any(deferred(below) for below in node.items)
            right = open_ended or right_length(node, where, walk, least, most)
            position = Item(where if isinstance(where, Entry) else None)
            for below in node.items:
                right = item(below, position, walk) and right
            if unique:
                right = all_differ(node, walk) and right
            if right and not open_ended:
                walk.settled[id(node)] = node
            return right and not open_ended

        return check

    def choice(self, schema: JsonSchema) -> Check:
        """`anyOf` and `oneOf`: the branches that a node's type admits are tried in order."""
        listed = cast("list[JsonSchema]", schema.get("anyOf", schema.get("oneOf")))
        rest = {key: value for key, value in schema.items() if key not in ("anyOf", "oneOf")}
        if rest.keys() - ANNOTATIONS - {"$defs"}:
            raise Foreign
        branches = [(self._types(branch), self.check(branch)) for branch in listed]
        shown = list(dict.fromkeys(name for types, _ in branches for name in _order(types)))
        role = next((str(branch["format"]) for branch in listed if "format" in branch), "")
        literal = any(self._literal(branch) for branch in listed)
        family = next((kinds for branch in listed if (kinds := self._kinds(branch))), None)

        def check(node: Node, where: Where, walk: Walk) -> bool:
            if isinstance(node, UnknownNode):
                return False
            judgeable = literal and isinstance(node, MappingNode)
            if walk.lenient and not judgeable and deferred(node):
                return False
            found = wording.type_of(node)
            fitting = [branch for types, branch in branches if found in types]
            if not fitting and family is not None:
                return walk.wrong(node, _no_mapping(node, where, *family))
            if not fitting:
                return walk.wrong(node, wording.wrong_type(node, where, shown, role))
            if len(fitting) == 1:
                return fitting[0](node, where, walk)
            return _first_right(fitting, node, where, walk)

        return check

    def _literal(self, schema: JsonSchema) -> bool:
        """Whether mappings are judged as they stand: `$ref` in them is a key as any other."""
        if "$ref" in schema:
            schema = self.definitions.get(str(schema["$ref"]).removeprefix("#/$defs/"), {})
        return schema.get("literal") is True

    def _kinds(self, schema: JsonSchema) -> tuple[str, Collection[str]] | None:
        """The noun and the kinds of a schema that picks its fragment by a kind key."""
        if "$ref" in schema:
            name = str(schema["$ref"]).removeprefix("#/$defs/")
            return self._kinds(self.definitions.get(name, {}))
        if "kinds" not in schema:
            return None
        kinds = cast("JsonSchema", schema["kinds"])
        return str(kinds["noun"]), cast("JsonSchema", kinds["of"])

    def _types(self, schema: JsonSchema) -> frozenset[str]:
        if "$ref" in schema:
            name = str(schema["$ref"]).removeprefix("#/$defs/")
            return self._types(self.definitions.get(name, {}))
        if "kinds" in schema:
            return frozenset({"object"})
        if "anyOf" in schema:
            branches = cast("list[JsonSchema]", schema["anyOf"])
            return frozenset().union(*(self._types(branch) for branch in branches))
        return _allowed(schema)

    def kinds(self, schema: JsonSchema) -> Check:
        """The fragment of a mapping's kind, which is compiled when that kind is met."""
        noun = str(schema["noun"])
        fragments = cast("Mapping[str, JsonSchema]", schema["of"])

        def owners(key: str) -> list[str]:
            return [kind for kind in fragments if key in _keys(fragments[kind])]

        @cache
        def compiled(kind: str) -> Check:
            return self.mapping(fragments[kind], owners)

        def check(node: Node, where: Where, walk: Walk) -> bool:
            if isinstance(node, UnknownNode) or (walk.lenient and deferred(node)):
                return False
            if not isinstance(node, MappingNode):
                return walk.wrong(node, _no_mapping(node, where, noun, fragments))
            found = [entry for entry in node.entries if entry.key.value in fragments]
            if not found:
                options = set[str]().union(*map(_keys, fragments.values())) - set(fragments)
                return walk.wrong(node, wording.no_kind(node, where, noun, fragments, options))
            if len(found) > 1:
                names = {entry.name for entry in found}
                found = [one for one in found if names <= _keys(fragments[one.name])] or found
                if not names <= _keys(fragments[found[0].name]):
                    return walk.wrong(node, wording.two_kinds(noun, found[0], found[1]))
            return compiled(found[0].name)(node, found[0], walk)

        return check


def _keys(fragment: JsonSchema) -> Set[str]:
    """The keys that a mapping of a kind may have."""
    return cast("JsonSchema", fragment["properties"]).keys()


_KEYWORDS = frozenset(
    (
        *("type", "enum", "const", "pattern", "patternName", "minLength", "maxLength"),
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
        *(
            "properties",
            "patternProperties",
            "additionalProperties",
            "required",
            "minProperties",
            "maxProperties",
        ),
        *("items", "minItems", "maxItems", "uniqueItems", "names", "literal", "$defs"),
    )
)
_ALL = ("null", "boolean", "integer", "number", "string", "array", "object")


def _anything(node: Node, where: Where, walk: Walk) -> bool:
    return True


def _shown_types(schema: JsonSchema) -> list[str]:
    named = schema.get("type")
    if named is None:
        values = cast("list[Json]", schema.get("enum", [schema.get("const")]))
        scalars = [value for value in values if not isinstance(value, dict | list)]
        return list(dict.fromkeys(wording.scalar_type(value) for value in scalars)) or list(_ALL)
    return cast("list[str]", named) if isinstance(named, list) else [str(named)]


def _allowed(schema: JsonSchema) -> frozenset[str]:
    if schema.get("type") is None and "enum" not in schema and "const" not in schema:
        return frozenset(_ALL)
    values = cast("list[Json]", schema.get("enum", [schema.get("const")]))
    if any(isinstance(value, dict | list) for value in values):
        raise Foreign
    named = set(_shown_types(schema))
    if not named <= set(_ALL):
        raise Foreign
    return frozenset(named | {"integer"} if "number" in named else named)


def _order(types: frozenset[str]) -> list[str]:
    return [
        name
        for name in ("string", "number", "integer", "boolean", "array", "object", "null")
        if name in types
    ]


def _first_right(branches: list[Check], node: Node, where: Where, walk: Walk) -> bool:
    """Tries branches aside; where none fits, the one that came furthest tells its faults."""
    trials: list[list[Diagnostic]] = []
    for branch in branches:
        trial = Walk(Report(), walk.lenient)
        right = branch(node, where, trial)
        if not len(trial.report):
            return right
        trials.append(list(trial.report))
    best = min(trials, key=lambda faults: (_shallow(node, faults), len(faults)))
    for fault in best:
        walk.report.add(fault)
    return False


def _shallow(node: Node, faults: Iterable[Diagnostic]) -> int:
    return sum(fault.span == node.span for fault in faults)


def _no_mapping(node: Node, where: Where, noun: str, kinds: Iterable[str]) -> Diagnostic:
    found = wording.type_of(node)
    shown = "a number" if found == "integer" else wording.TYPE_WORDS[found]
    article = "an" if noun[0] in "aeiou" else "a"
    span = node.span
    if found == "null":
        message = f"{wording.name_of(where)} needs a value: a mapping with one {noun}"
        span = wording.place_of(node, where)
        help = wording.listed(list(kinds), f"{article} {noun} is")
        return wording.fault(codes.EMPTY, node, message, help, span=span)
    message = f"{wording.name_of(where)} must be a mapping that says its kind, not {shown}"
    help = _by_extension(node, kinds) or wording.listed(list(kinds), f"{article} {noun} is")
    return wording.fault(codes.WRONG_TYPE, node, message, help)


def _by_extension(node: Node, kinds: Iterable[str]) -> str | None:
    """The mapping that was meant, where only a path is written."""
    path = str(node.value) if isinstance(node, ScalarNode) else ""
    for kind in kinds:
        if f".{kind}" in path.rpartition("/")[2]:
            return f"write `{{{kind}: {path}}}`"
    return None
