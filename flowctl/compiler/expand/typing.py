"""Texts from a command line or an environment, typed by the schema of their param."""

from __future__ import annotations

import json
import math
import re
from typing import cast

from flowctl.component import JsonSchema
from flowctl.schema.wording import TYPE_WORDS, either
from flowctl.syntax.node import Json

_INTEGER = re.compile(r"[-+]?[0-9]{1,4000}", re.ASCII)
_NUMBER = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_ORDER = ("null", "boolean", "integer", "number", "array", "object", "string")
_SPELLINGS = {
    "boolean": "`true` or `false`",
    "array": "JSON, such as `[1, 2]`",
    "object": 'JSON, such as `{"a": 1}`',
}


class Untypable(Exception):
    """The text cannot be a value of any allowed type; the message ends `must be`."""

    def __init__(self, allowed: list[str]) -> None:
        super().__init__(either([TYPE_WORDS[name] for name in allowed]))
        spelled = [_SPELLINGS[name] for name in allowed if name in _SPELLINGS]
        self.help = f"write it as {' or '.join(spelled)}" if spelled else None


def typed(text: str, schema: JsonSchema) -> Json:
    """The value that a text stands for; raises Untypable.

    >>> typed("2013", {"type": "integer"}), typed("2013", {"type": "string"}), typed("x", {})
    (2013, '2013', 'x')
    """
    allowed = _types(schema)
    if allowed is None:
        return _untyped(text, schema)
    for name in _ORDER:
        if name in allowed:
            found, value = _read(text, name)
            if found:
                return value
    raise Untypable([name for name in _ORDER if name in allowed])


def _types(schema: JsonSchema) -> list[str] | None:
    while isinstance(target := schema.get("$ref"), str):
        name = target.removeprefix("#/$defs/")
        below = cast("dict[str, Json]", schema.get("$defs", {})).get(name)
        if not isinstance(below, dict) or "$ref" in below:
            return None
        schema = below
    named = schema.get("type")
    if isinstance(named, str):
        return [named]
    return [str(name) for name in named] if isinstance(named, list) else None


def _untyped(text: str, schema: JsonSchema) -> Json:
    """Without a type: the member of the `enum` that is written like it, else JSON, else text."""
    values = schema.get("enum", [schema["const"]] if "const" in schema else [])
    for value in values if isinstance(values, list) else []:
        if text == (value if isinstance(value, str) else json.dumps(value)):
            return value
    for name in ("null", "boolean", "integer", "number", "array", "object"):
        found, value = _read(text, name)
        if found:
            return value
    return text


def _read(text: str, name: str) -> tuple[bool, Json]:
    if name == "string":
        return True, text
    if name == "null":
        return text in ("null", ""), None
    if name == "boolean":
        return text in ("true", "false"), text == "true"
    if name == "integer" or (name == "number" and _INTEGER.fullmatch(text)):
        return (True, int(text)) if _INTEGER.fullmatch(text) else (False, None)
    if name == "number":
        value = float(text) if _NUMBER.fullmatch(text) else math.inf
        return math.isfinite(value), value
    try:
        parsed: Json = json.loads(text)
    except (ValueError, RecursionError):
        return False, None
    return isinstance(parsed, list if name == "array" else dict), parsed
