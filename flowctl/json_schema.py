"""JSON Schemas for records: whether a schema is one, and what it says about each record.

The schema has been bundled before: what it refers to lies inside it, and nothing is ever fetched.
"""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Protocol

from flowctl.codes.names import JSON_SCHEMA
from flowctl.diagnostics import Fault, nearest
from flowctl.syntax.node import Json, Pointer

if TYPE_CHECKING:
    import polars as pl

DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
TYPES: Final = ("array", "boolean", "integer", "null", "number", "object", "string")


class _Error(Protocol):
    @property
    def message(self) -> str: ...
    @property
    def instance_path(self) -> list[str | int]: ...


def schema_faults(schema: Json) -> Iterator[Fault]:
    """What is wrong with a JSON Schema, with pointers into it."""
    import jsonschema_rs

    if not isinstance(schema, dict | bool):
        yield Fault(JSON_SCHEMA, "a JSON Schema is a mapping, or `true` or `false`")
        return
    draft = schema.get("$schema", DRAFT) if isinstance(schema, dict) else DRAFT
    try:
        judge = jsonschema_rs.Draft202012Validator(
            {"$ref": str(draft).rstrip("#")}, retriever=_no_network
        )
    except (ValueError, jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError):
        message = f"`{draft}` is no version of JSON Schema"
        yield Fault(JSON_SCHEMA, message, ("$schema",), help=f"leave it out, or write `{DRAFT}`")
        return
    broken = False
    for error in judge.iter_errors(schema):
        broken = True
        yield _fault(error, schema)
    if not broken:
        yield from _unbuildable(schema)


def record_judge(schema: Json) -> Callable[[pl.DataFrame], list[str | None]]:
    """Tells for each record of a frame what the schema has against it; None where nothing."""
    import jsonschema_rs

    judge = jsonschema_rs.validator_for(_usable(schema), retriever=_no_network)

    def complaint(record: dict[str, Json]) -> str | None:
        error = next(iter(judge.iter_errors(record)), None)
        if error is None:
            return None
        where = ".".join(map(str, error.instance_path))
        return f"`{where}`: {error.message}" if where else error.message

    return lambda frame: [complaint(record) for record in _records(frame)]


def value_complaint(schema: Json, value: Json) -> str | None:
    """What a schema has against a value; None where nothing."""
    import jsonschema_rs

    judge = jsonschema_rs.validator_for(_usable(schema), retriever=_no_network)
    error = next(iter(judge.iter_errors(value)), None)
    return error.message if error is not None else None


def _records(frame: pl.DataFrame) -> Iterator[dict[str, Json]]:
    """The records as JSON has them: dates and times as ISO text, bytes as base64."""
    for record in frame.iter_rows(named=True):
        yield {name: _plain(value) for name, value in record.items()}


def _plain(value: object) -> Json:
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Mapping():
            return {str(name): _plain(item) for name, item in value.items()}
        case list():
            return [_plain(item) for item in value]
        case dt.date() | dt.time():
            return value.isoformat()
        case dt.timedelta():
            return value.total_seconds()
        case Decimal():
            return float(value)
        case bytes():
            return base64.b64encode(value).decode()
    raise TypeError(f"a column of {type(value).__name__} has no JSON")


def _fault(error: _Error, schema: Json) -> Fault:
    pointer: Pointer = tuple(error.instance_path)
    value = _at(schema, pointer)
    if "type" in pointer[-2:] and isinstance(value, str) and value not in TYPES:
        close = nearest(value, TYPES)
        help = f"did you mean `{close}`?" if close else None
        shown = ", ".join(f"`{name}`" for name in TYPES)
        message = f"JSON has no type `{value}`; types are {shown}"
        return Fault(JSON_SCHEMA, message, pointer, help=help)
    return Fault(JSON_SCHEMA, f"the JSON Schema is not valid: {error.message}", pointer)


def _unbuildable(schema: Json) -> Iterator[Fault]:
    """What the rules of JSON Schema admit but what means nothing: dangling `$ref`, bad patterns."""
    import jsonschema_rs

    try:
        jsonschema_rs.validator_for(_usable(schema), retriever=_no_network)
    except jsonschema_rs.ValidationError as error:
        pointer: Pointer = tuple(error.instance_path)
        for place, target in _references(schema, ()):
            if not pointer and target.strip("#") in error.message:
                message = f"`{target}` leads nowhere in this JSON Schema"
                yield Fault(JSON_SCHEMA, message, place)
                return
        message = f"the JSON Schema is not valid: {error.message}"
        if "pattern" in pointer[-1:]:
            message = f"`{_at(schema, pointer)}` is not a regular expression"
        yield Fault(JSON_SCHEMA, message, pointer)
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        yield Fault(JSON_SCHEMA, f"the JSON Schema is not valid: {error}")


def _references(value: Json, pointer: Pointer) -> Iterator[tuple[Pointer, str]]:
    if isinstance(value, dict):
        for name, item in value.items():
            if name == "$ref" and isinstance(item, str):
                yield (*pointer, name), item
            yield from _references(item, (*pointer, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _references(item, (*pointer, index))


def _at(value: Json, pointer: Pointer) -> Json:
    for part in pointer:
        if isinstance(value, dict) and isinstance(part, str):
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int):
            value = value[part]
    return value


def _usable(schema: Json) -> dict[str, Json] | bool:
    if not isinstance(schema, dict | bool):
        raise TypeError(f"a JSON Schema is a mapping or a boolean, not {schema!r}")
    return schema


def _no_network(uri: str) -> Json:
    raise ValueError(f"`{uri}` is not part of the schema, and nothing is fetched")
