"""The table of a component's arguments, made from its Spec."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import TYPE_CHECKING

from flowctl.cli.paint import Paint, width

if TYPE_CHECKING:
    from flowctl.component import JsonSchema, Spec
    from flowctl.syntax.node import Json

_NAME_MOST = 18
_TYPE_MOST = 24
_SCALAR = {"text", "number", "true | false"}
_WORDS = {
    "expression": "expression",
    "path": "path",
    "json-schema": "JSON Schema",
    "type": "type",
    "column": "column",
}


def table(spec: Spec, room: int, paint: Paint) -> str:
    """A line for the kind key and one for each option: name, type, what it does."""
    rows = [(spec.kind, spec.argument, False)]
    rows += [(name, of, name in spec.required) for name, of in spec.options.items()]
    cells = [(name, described(of), _meaning(of, needed)) for name, of, needed in rows]
    names = min(max(width(name) for name, _, _ in cells), _NAME_MOST)
    types = min(max(width(kind) for _, kind, _ in cells), _TYPE_MOST)
    lines: list[str] = []
    for name, kind, meaning in cells:
        beside = textwrap.wrap(kind, types, break_long_words=False, break_on_hyphens=False) or [""]
        beyond = max(room - names - types - 6, 24)
        text = textwrap.wrap(meaning, beyond, break_on_hyphens=False) or [""]
        for number, (left, right) in enumerate(zip_longest(beside, text, fillvalue="")):
            head = name if number == 0 else ""
            space = " " * max(names - width(head), 0)
            lines.append(f"  {paint('strong', head)}{space}  {left:<{types}}  {right}".rstrip())
    return "\n".join(lines)


def described(schema: JsonSchema) -> str:
    """A JSON Schema as a person would say it.

    >>> described({"anyOf": [{"type": "string", "format": "path"}, {"type": "array"}]})
    'path or list'
    >>> described({"enum": ["fail", "skip"]})
    'fail | skip'
    >>> described({"type": "array", "items": {"type": "string"}})
    'list of text'
    """
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    words = list(dict.fromkeys(_words(schema)))
    if _SCALAR.issubset(words):
        words = ["scalar", *(word for word in words if word not in _SCALAR)]
    return " or ".join(words) or "any value"


def _words(schema: JsonSchema) -> Iterator[str]:
    for key in ("anyOf", "oneOf"):
        for one in _schemas(schema.get(key)):
            yield from _words(one)
    if "const" in schema:
        yield _literal(schema["const"])
    values = schema.get("enum")
    if isinstance(values, list):
        yield " | ".join(_literal(value) for value in values)
        return
    types = schema.get("type", [])
    for kind in types if isinstance(types, list) else [types]:
        yield _type(str(kind), schema)


def _type(kind: str, schema: JsonSchema) -> str:
    if kind == "string":
        return _WORDS.get(str(schema.get("format")), "text")
    if kind == "array":
        items = schema.get("items")
        inner = described(items) if isinstance(items, dict) else ""
        return f"list of {inner}" if inner and inner != "any value" else "list"
    if kind == "object":
        if schema.get("format") == "json-schema":
            return "JSON Schema"
        values = schema.get("additionalProperties")
        inner = described(values) if isinstance(values, dict) else ""
        return f"name: {inner}" if inner and inner != "any value" else "mapping"
    return {"boolean": "true | false", "null": "null"}.get(kind, kind)


def _meaning(schema: JsonSchema, needed: bool) -> str:
    text = str(schema.get("description", "")).rstrip(".")
    notes = ["required"] if needed else []
    if not needed and "default" in schema:
        notes.append(f"default {_literal(schema['default'])}")
    return f"{text} ({'; '.join(notes)})" if notes else text


def _literal(value: Json) -> str:
    return value if isinstance(value, str) and value.isidentifier() else json.dumps(value)


def _schemas(value: Json) -> list[dict[str, Json]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def by_kind(groups: Mapping[str, Mapping[str, Spec]], kind: str) -> list[tuple[str, Spec]]:
    """The components of this name with their groups; one name may read and write."""
    return [(group, specs[kind]) for group, specs in groups.items() if kind in specs]
