"""Judges located trees by JSON Schemas: each fault is one diagnostic at the one place it is about.

A schema is compiled once into a tree of closures, which makes a document of thousands of steps a
matter of milliseconds. Two keywords are ours: `kinds` picks the one fragment that belongs to a
mapping's kind key, so that nobody ever reads "is not valid under any of the given schemas", and
`names` says what the keys of a mapping are the names of.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, cast

from flowctl.codes import schema as codes
from flowctl.component import JsonSchema
from flowctl.diagnostics import Diagnostic, Related, Report
from flowctl.schema import wording
from flowctl.schema.wording import Item, Where
from flowctl.syntax.node import (
    Entry,
    Json,
    MappingNode,
    Node,
    ScalarNode,
    SequenceNode,
    UnknownNode,
    to_json,
)

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
TEMPLATE = re.compile(r"(?<!\$)\{\{")
ANNOTATIONS = frozenset(
    "$schema $id $comment title description default examples deprecated readOnly writeOnly format"
    " env markdownDescription contentEncoding contentMediaType".split()
)


@dataclass(slots=True)
class Walk:
    """One look at a tree.

    `lenient` while templates and references are still in place: what contains one is accepted, to
    be judged again after expansion. `settled` are the ids of nodes that need no second look.
    """

    report: Report
    lenient: bool = False
    settled: set[int] = field(default_factory=set)

    def wrong(self, fault: Diagnostic) -> bool:
        self.report.add(fault)
        return False


Check: TypeAlias = "Callable[[Node, Where, Walk], bool]"
"""Judges a node; whether it is right and holds nothing that must be looked at again."""

Part: TypeAlias = "Callable[[ScalarNode, Where, Walk], bool]"


class Foreign(Exception):
    """A schema uses keywords that are left to a full JSON Schema validator."""


def deferred(node: Node) -> bool:
    """Whether this very node can only be judged after expansion."""
    if isinstance(node, ScalarNode):
        # Until everything is laid over each other, `null` may be there to remove something.
        return node.value is None or (
            type(node.value) is str and TEMPLATE.search(node.value) is not None
        )
    if isinstance(node, MappingNode):
        return any(
            entry.key.value == "$ref" or TEMPLATE.search(entry.name) for entry in node.entries
        )
    return isinstance(node, UnknownNode)


def compile_schema(schema: JsonSchema) -> Check:
    """A check for a schema; its `$ref` may point to its own `$defs` only.

    What our own checks do not know is judged by the library `jsonschema`, in fewer words.
    """
    definitions = cast("dict[str, JsonSchema]", schema.get("$defs", {}))
    try:
        return _Compiler(definitions).check(schema)
    except Foreign:
        from flowctl.schema.foreign import foreign_check

        return foreign_check(schema)


@dataclass(slots=True)
class _Compiler:
    definitions: Mapping[str, JsonSchema]
    done: dict[str, Check] = field(default_factory=dict)

    def check(self, schema: Json) -> Check:
        if schema is True or schema == {}:
            return _anything
        if not isinstance(schema, dict):
            raise Foreign
        if "$ref" in schema:
            return self.reference(str(schema["$ref"]))
        if "kinds" in schema:
            return self.kinds(cast("JsonSchema", schema["kinds"]))
        if "anyOf" in schema or "oneOf" in schema:
            return self.choice(schema)
        unknown = schema.keys() - _KEYWORDS - ANNOTATIONS
        if unknown:
            raise Foreign
        return self.plain(schema)

    def reference(self, target: str) -> Check:
        name = target.removeprefix("#/$defs/")
        if name not in self.definitions:
            raise Foreign
        if name not in self.done:
            # Recursive schemas meet this name again while it is being compiled.
            self.done[name] = lambda node, where, walk: self.done[name](node, where, walk)
            self.done[name] = self.check(self.definitions[name])
        return self.done[name]

    def plain(self, schema: JsonSchema) -> Check:
        allowed = _allowed(schema)
        role = str(schema.get("format", ""))
        mapping = self.mapping(schema)
        sequence = self.sequence(schema)
        parts = _scalar_parts(schema)
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
                    return walk.wrong(wording.wrong_type(node, where, shown, role))
                for part in parts:
                    if not part(node, where, walk):  # type: ignore[arg-type]
                        return False
                return True
            if kind is UnknownNode:
                return False
            if kind is MappingNode:
                if "object" not in allowed:
                    if walk.lenient and deferred(node):
                        return False
                    return walk.wrong(wording.wrong_type(node, where, shown, role))
                return opaque or mapping(node, where, walk)
            if "array" not in allowed:
                return walk.wrong(wording.wrong_type(node, where, shown, role))
            return sequence(node, where, walk)

        shown = _shown_types(schema)
        return check

    def mapping(self, schema: JsonSchema) -> Check:
        rules = _MappingRules.of(schema, self)

        def check(node: Node, where: Where, walk: Walk) -> bool:
            assert isinstance(node, MappingNode)
            if id(node) in walk.settled:
                return True
            right = rules.judge(node, where, walk)
            if right:
                walk.settled.add(id(node))
            return right

        return check

    def sequence(self, schema: JsonSchema) -> Check:
        item = self.check(schema.get("items", True))
        least, most = _number(schema, "minItems"), _number(schema, "maxItems")
        unique = schema.get("uniqueItems") is True

        def check(node: Node, where: Where, walk: Walk) -> bool:
            assert isinstance(node, SequenceNode)
            if id(node) in walk.settled:
                return True
            # A reference to a list is spliced, so only an expanded list can be counted.
            open_ended = walk.lenient and any(deferred(below) for below in node.items)
            right = open_ended or _right_length(node, where, walk, least, most)
            position = Item(where if isinstance(where, Entry) else None)
            for below in node.items:
                right = item(below, position, walk) and right
            if unique:
                right = _all_differ(node, walk) and right
            if right and not open_ended:
                walk.settled.add(id(node))
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

        def check(node: Node, where: Where, walk: Walk) -> bool:
            if isinstance(node, UnknownNode) or (walk.lenient and deferred(node)):
                return False
            found = wording.type_of(node)
            fitting = [branch for types, branch in branches if found in types]
            if not fitting:
                return walk.wrong(wording.wrong_type(node, where, shown, role))
            if len(fitting) == 1:
                return fitting[0](node, where, walk)
            return _first_right(fitting, node, where, walk)

        return check

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
        noun = str(schema["noun"])
        fragments = cast("dict[str, JsonSchema]", schema["of"])
        checks = {kind: self.mapping(fragment) for kind, fragment in fragments.items()}
        keys = {
            kind: set(cast("JsonSchema", fragment["properties"]))
            for kind, fragment in fragments.items()
        }
        options = set[str]().union(*keys.values()) - set(fragments)

        def check(node: Node, where: Where, walk: Walk) -> bool:
            if isinstance(node, UnknownNode) or (walk.lenient and deferred(node)):
                return False
            if not isinstance(node, MappingNode):
                return walk.wrong(_no_mapping(node, where, noun, checks))
            found = [entry for entry in node.entries if entry.key.value in checks]
            if not found:
                return walk.wrong(wording.no_kind(node, where, noun, checks, options))
            if len(found) > 1:
                names = {entry.name for entry in found}
                found = [entry for entry in found if names <= keys[entry.name]] or found
                if not names <= keys[found[0].name]:
                    return walk.wrong(wording.two_kinds(noun, found[0], found[1]))
            return checks[found[0].name](node, found[0], walk)

        return check


@dataclass(slots=True)
class _MappingRules:
    """What a schema says about the keys of a mapping."""

    properties: dict[str, Check]
    patterns: list[tuple[re.Pattern[str], Check]]
    others: Check | None
    required: list[str]
    descriptions: dict[str, str]
    least: float | None
    literal: bool
    names: str
    owners: dict[str, list[str]]
    thing: str
    beside: bool

    @classmethod
    def of(cls, schema: JsonSchema, compiler: _Compiler) -> _MappingRules:
        properties = cast("dict[str, JsonSchema]", schema.get("properties", {}))
        patterns = cast("dict[str, JsonSchema]", schema.get("patternProperties", {}))
        others = schema.get("additionalProperties", True)
        return cls(
            {name: compiler.check(below) for name, below in properties.items()},
            [(re.compile(text), compiler.check(below)) for text, below in patterns.items()],
            None if others is False else compiler.check(others),
            cast("list[str]", schema.get("required", [])),
            {
                name: str(below["description"])
                for name, below in properties.items()
                if isinstance(below, dict) and "description" in below
            },
            _number(schema, "minProperties"),
            schema.get("literal") is True,
            str(schema.get("names", "")),
            cast("dict[str, list[str]]", schema.get("owners", {})),
            "entry" if schema.get("names") is None else str(schema["names"]),
            "owners" in schema,
        )

    def judge(self, node: MappingNode, where: Where, walk: Walk) -> bool:
        strangers = [
            entry for entry in node.entries if entry.key.value not in self.properties
        ]
        if strangers and walk.lenient and not self.literal and deferred(node):
            return False
        right = True
        for entry in node.entries:
            check = self.properties.get(entry.key.value)  # type: ignore[arg-type]
            if check is not None:
                right = check(entry.value, entry, walk) and right
        for entry in strangers:
            right = self.stranger(entry, where, walk) and right
        return self.complete(node, where, walk) and right

    def stranger(self, entry: Entry, where: Where, walk: Walk) -> bool:
        for pattern, check in self.patterns:
            if pattern.search(entry.name):
                return check(entry.value, entry, walk)
        if self.others is None:
            owner = self._owner(where)
            legal = self.properties
            owners = self.owners.get(entry.name, [])
            return walk.wrong(wording.unknown_key(entry, owner, legal, owners))
        if self.names and not NAME.fullmatch(entry.name):
            word = re.sub(r"\W", "_", entry.name, flags=re.ASCII)
            suggestion = word if NAME.fullmatch(word) else None
            article = "an" if self.names[0] in "aeiou" else "a"
            walk.wrong(wording.bad_name(entry, f"{article} {self.names}", suggestion))
            self.others(entry.value, entry, walk)
            return False
        return self.others(entry.value, entry, walk)

    def complete(self, node: MappingNode, where: Where, walk: Walk) -> bool:
        if self.least and len(node.entries) < self.least and not self.required:
            return walk.wrong(wording.empty(node, where, self.thing))
        right = True
        if self.required:
            present = {entry.key.value for entry in node.entries}
            for name in self.required:
                if name not in present:
                    described = self.descriptions.get(name)
                    walk.wrong(wording.missing_key(node, where, name, described))
                    right = False
        return right

    def _owner(self, where: Where) -> str:
        if where is None:
            return ""
        name = wording.name_of(where)
        return f" beside {name}" if self.beside else f" in {name}"


_KEYWORDS = frozenset(
    "type enum const pattern minLength maxLength minimum maximum exclusiveMinimum exclusiveMaximum"
    " properties patternProperties additionalProperties required minProperties items minItems"
    " maxItems uniqueItems names literal owners patternName $defs".split()
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
    if schema.get("type") is None:
        return frozenset(_ALL)
    named = set(_shown_types(schema))
    if not named <= set(_ALL):
        raise Foreign
    return frozenset(named | {"integer"} if "number" in named else named)


def _order(types: frozenset[str]) -> list[str]:
    return [name for name in ("string", "number", "integer", "boolean", "array", "object", "null")
            if name in types]


def _scalar_parts(schema: JsonSchema) -> list[Part]:
    parts: list[Part] = []
    if "enum" in schema or "const" in schema:
        parts.append(_one_of(cast("list[Json]", schema.get("enum", [schema.get("const")]))))
    if "pattern" in schema:
        parts.append(_matches(str(schema["pattern"]), str(schema.get("patternName", ""))))
    if "minLength" in schema or "maxLength" in schema:
        parts.append(_long(_number(schema, "minLength"), _number(schema, "maxLength")))
    bounds = {
        name: limit
        for name in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
        if (limit := _number(schema, name)) is not None
    }
    if bounds:
        parts.append(_within(bounds))
    return parts


def _one_of(values: list[Json]) -> Part:
    def part(node: ScalarNode, where: Where, walk: Walk) -> bool:
        found = node.value
        if any(found == value and type(found) is type(value) for value in values):
            return True
        if isinstance(found, float | int) and not isinstance(found, bool):
            numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
            if found in numbers:
                return True
        return walk.wrong(wording.not_allowed(node, where, values))

    return part


def _matches(pattern: str, explained: str) -> Part:
    expression = re.compile(pattern)

    def part(node: ScalarNode, where: Where, walk: Walk) -> bool:
        if not isinstance(node.value, str) or expression.search(node.value):
            return True
        if not node.value:
            message = f"{wording.name_of(where)} is empty"
            return walk.wrong(wording.fault(codes.EMPTY, node, message, help=explained or None))
        form = explained or f"text that matches `{pattern}`"
        message = f"{wording.name_of(where)} must be {form}, not `{_short(node.value)}`"
        return walk.wrong(wording.fault(codes.TEXT_FORM, node, message))

    return part


def _long(least: float | None, most: float | None) -> Part:
    def part(node: ScalarNode, where: Where, walk: Walk) -> bool:
        if not isinstance(node.value, str):
            return True
        name, size = wording.name_of(where), len(node.value)
        if size == 0 and least:
            return walk.wrong(wording.fault(codes.EMPTY, node, f"{name} is empty"))
        if least is not None and size < least:
            message = f"{name} must have at least {_count(least, 'character')}, not {size}"
            return walk.wrong(wording.fault(codes.OUT_OF_RANGE, node, message))
        if most is not None and size > most:
            message = f"{name} must have at most {_count(most, 'character')}, not {size}"
            return walk.wrong(wording.fault(codes.OUT_OF_RANGE, node, message))
        return True

    return part


def _within(bounds: dict[str, float]) -> Part:
    tests: dict[str, tuple[Callable[[float, float], bool], str]] = {
        "minimum": (lambda value, limit: value >= limit, "at least"),
        "maximum": (lambda value, limit: value <= limit, "at most"),
        "exclusiveMinimum": (lambda value, limit: value > limit, "more than"),
        "exclusiveMaximum": (lambda value, limit: value < limit, "less than"),
    }

    def part(node: ScalarNode, where: Where, walk: Walk) -> bool:
        value = node.value
        if isinstance(value, str | bool) or value is None:
            return True
        for name, limit in bounds.items():
            holds, words = tests[name]
            if not holds(value, limit):
                message = f"{wording.name_of(where)} must be {words} {limit}, not {value}"
                return walk.wrong(wording.fault(codes.OUT_OF_RANGE, node, message))
        return True

    return part


def _right_length(
    node: SequenceNode, where: Where, walk: Walk, least: float | None, most: float | None
) -> bool:
    size = len(node.items)
    name = wording.name_of(where)
    if least and size == 0:
        return walk.wrong(wording.empty(node, where, "item"))
    if least is not None and size < least:
        message = f"{name} must have at least {_count(least, 'item')}, not {size}"
        return walk.wrong(wording.fault(codes.OUT_OF_RANGE, node, message))
    if most is not None and size > most:
        message = f"{name} must have at most {_count(most, 'item')}, not {size}"
        return walk.wrong(wording.fault(codes.OUT_OF_RANGE, node, message))
    return True


def _all_differ(node: SequenceNode, walk: Walk) -> bool:
    first: dict[str, Node] = {}
    right = True
    for item in node.items:
        if isinstance(item, UnknownNode) or (walk.lenient and deferred(item)):
            continue
        value = to_json(item)
        # JSON makes no difference between 1 and 1.0, but does between 1 and true.
        key = repr(float(value) if type(value) is int else value)
        if key in first:
            related = (Related(first[key].span, "first stands here"),)
            what = wording.spelt(value) if isinstance(item, ScalarNode) else "this item"
            message = f"{what} stands twice in the list"
            walk.wrong(wording.fault(codes.REPEATED, item, message, related=related))
            right = False
        first.setdefault(key, item)
    return right


def _first_right(branches: list[Check], node: Node, where: Where, walk: Walk) -> bool:
    """Tries branches aside; where none fits, the one that came furthest tells its faults."""
    trials: list[list[Diagnostic]] = []
    for branch in branches:
        trial = Walk(Report(), walk.lenient, set())
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
        return wording.fault(
            codes.EMPTY, node, message, wording.listed(list(kinds), f"{article} {noun} is"), span=span
        )
    message = f"{wording.name_of(where)} must be a mapping that says its kind, not {shown}"
    help = wording.listed(list(kinds), f"{article} {noun} is")
    return wording.fault(codes.WRONG_TYPE, node, message, help)


def _number(schema: JsonSchema, name: str) -> float | None:
    value = schema.get(name)
    return value if isinstance(value, int | float) else None


def _count(number: float, noun: str) -> str:
    return f"{number:g} {noun}{'' if number == 1 else 's'}"


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."
