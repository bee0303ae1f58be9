"""The published JSON Schema of a line of `--log-format json`, made from the events themselves.

`text` is the file `schemas/events.schema.json`, which a test holds against it.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from dataclasses import is_dataclass
from datetime import datetime
from typing import Any, Literal, cast, get_args, get_origin

from flowctl.diagnostics import Diagnostic, Span
from flowctl.interpreter.eventjson import KINDS, hints, names, snake
from flowctl.syntax.node import Json


def events_schema() -> dict[str, Json]:
    """The JSON Schema of a line of `--log-format json`."""
    definitions: dict[str, Json] = {}
    branches: list[Json] = []
    for name, kind in KINDS.items():
        described = cast(dict[str, Json], _object(kind, definitions))
        properties = cast(dict[str, Json], described["properties"])
        required = cast(list[Json], described["required"])
        described["properties"] = {"event": {"const": name}, **properties}
        described["required"] = ["event", *required]
        definitions[name] = described
        branches.append({"$ref": f"#/$defs/{name}"})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "flowctl event",
        "description": "A line of `flowctl run --log-format json`.",
        "oneOf": branches,
        "$defs": dict(sorted(definitions.items())),
    }


def _object(kind: type, definitions: dict[str, Json]) -> Json:
    types = hints(kind)
    return {
        "description": " ".join((inspect.getdoc(kind) or "").split()),
        "type": "object",
        "properties": {name: _schema(types[name], definitions) for name in names(kind)},
        "required": [*names(kind)],
        "additionalProperties": False,
    }


def _schema(kind: Any, definitions: dict[str, Json]) -> Json:
    if kind in _SCALARS:
        return _SCALARS[kind]
    if kind is Diagnostic:
        definitions.setdefault("fault", _FAULT)
        return {"$ref": "#/$defs/fault"}
    if is_dataclass(kind):
        name = snake(cast(type, kind).__name__)
        if name not in definitions:
            definitions[name] = {}
            definitions[name] = _object(cast(type, kind), definitions)
        return {"$ref": f"#/$defs/{name}"}
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Literal:
        return {"enum": list(parts)}
    if origin is tuple:
        return {"type": "array", "items": _schema(parts[0], definitions)}
    if origin is dict:
        return {"type": "object", "additionalProperties": _schema(parts[1], definitions)}
    if list in {get_origin(part) for part in parts}:
        return {}  # any JSON
    return {"anyOf": [_schema(part, definitions) for part in parts]}


_SCALARS: Mapping[object, Json] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    type(None): {"type": "null"},
    datetime: {"type": "string", "format": "date-time"},
}
_PLACE: dict[str, Json] = {
    "file": {"type": ["string", "null"]},
    **{name: {"type": ["integer", "null"], "minimum": 1} for name in Span._fields[1:]},
}


def _closed(properties: dict[str, Json]) -> dict[str, Json]:
    return {
        "type": "object",
        "properties": properties,
        "required": [*properties],
        "additionalProperties": False,
    }


_FAULT: Json = {
    "description": "What is wrong and where it was written, as `validate --format json` has it.",
    **_closed(
        {
            "code": {"type": "string", "pattern": "^E[1-9][0-9]{2}$"},
            "severity": {"enum": ["error", "warning", "note"]},
            "message": {"type": "string"},
            **_PLACE,
            "help": {"type": ["string", "null"]},
            "related": {
                "type": "array",
                "items": _closed({"message": {"type": "string"}, **_PLACE}),
            },
            "trace": {
                "type": "array",
                "items": _closed(
                    {"kind": {"type": "string"}, "detail": {"type": "string"}, **_PLACE}
                ),
            },
        }
    ),
}


def text() -> str:
    """The file."""
    return json.dumps(events_schema(), indent=2, ensure_ascii=False) + "\n"
