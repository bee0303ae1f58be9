"""Outputs of steps: what a document declares of them, and the file in which a command writes them.

An output is declared by a JSON Schema, whose type says how its text is read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from flowctl.codes.runs import BAD_OUTPUT
from flowctl.diagnostics import Fault, nearest
from flowctl.json_schema import schema_faults, value_complaint
from flowctl.records import (
    Boolean,
    DataType,
    Date,
    Datetime,
    Decimal,
    Float,
    Integer,
    List,
    String,
    Time,
    Unknown,
)
from flowctl.syntax.node import Json, Pointer

LARGEST: Final = 1 << 20
"""Bytes of a file of outputs: they are values, not data."""

OUTPUTS: Final[dict[str, Json]] = {
    "type": "object",
    "names": "output",
    "description": "What the step hands on, as `${{ steps.NAME.outputs.OUTPUT }}`: the JSON Schema "
    "of each, whose type says how its text is read. One that is not declared is text.",
    "additionalProperties": {
        "type": "object",
        "format": "json-schema",
        "description": "A JSON Schema, mostly no more than a `type`.",
    },
}
_MOST: Final = 2**63 - 1
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SIMPLE: Final[Mapping[str, DataType]] = {
    "integer": Integer(64),
    "number": Float(64),
    "boolean": Boolean(),
    "string": String(),
}


def declared(outputs: Json) -> dict[str, Json]:
    """The schemas of the declared outputs, by their names."""
    return dict(outputs) if isinstance(outputs, dict) else {}


def named(name: str) -> bool:
    """Whether this can be the name of an output."""
    return _NAME.fullmatch(name) is not None


def type_of(schema: Json) -> DataType:
    """The type that an expression sees; of what several types may have, none is known."""
    named = _types(schema)
    if named is None:
        return Unknown()
    named = [name for name in named if name != "null"]
    if len(named) != 1:
        return Unknown()
    if named[0] == "array":
        items = schema.get("items") if isinstance(schema, dict) else None
        return List(type_of(items))
    return _SIMPLE.get(named[0], Unknown())


def schema_of(kind: DataType) -> dict[str, Json]:
    """The schema of the JSON in which a value of a type is handed on.

    >>> schema_of(List(Integer(64)))
    {'type': 'array', 'items': {'type': 'integer'}}
    """
    match kind:
        case List():
            return {"type": "array", "items": schema_of(kind.item)}
        case Integer():
            return {"type": "integer"}
        case Float():
            return {"type": "number"}
        case Boolean():
            return {"type": "boolean"}
        case String() | Date() | Time() | Datetime() | Decimal():
            return {"type": "string"}
    return {}


def declaration_faults(outputs: Json, pointer: Pointer) -> Iterator[Fault]:
    """What is wrong with the schemas of declared outputs."""
    for name, schema in declared(outputs).items():
        for fault in schema_faults(schema):
            yield fault.below(*pointer, name)


def read_outputs(file: Path, outputs: Json) -> dict[str, Json] | Fault:
    """The values in a file of `name=value` lines, as `parsed`; a file that is gone has none."""
    raw = b""
    with suppress(FileNotFoundError):
        if file.stat().st_size:  # most commands write none
            with file.open("rb") as opened:
                raw = opened.read(LARGEST + 1)
    return parsed(raw, outputs)


def parsed(raw: bytes, outputs: Json) -> dict[str, Json] | Fault:
    r"""The values of `name=value` lines, typed as declared; or the first fault in them.

    >>> parsed(b"n=3\nnote=a=b\n", {"n": {"type": "integer"}})
    {'n': 3, 'note': 'a=b'}
    """
    schemas = declared(outputs)
    if len(raw) > LARGEST:
        message = f"the outputs are longer than {LARGEST:,} bytes"
        return Fault(BAD_OUTPUT, message, help="write data to a file, and its path to the outputs")
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        place = raw[: error.start].count(b"\n") + 1
        return Fault(BAD_OUTPUT, f"line {place} of the outputs is not UTF-8")
    found: dict[str, Json] = {}
    lines: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        line = line.removesuffix("\r")
        if not line:
            continue
        name, equals, value = line.partition("=")
        if not equals or _NAME.fullmatch(name) is None:
            message = f"line {number} of the outputs is not `name=value`: `{_short(line)}`"
            return Fault(BAD_OUTPUT, message)
        try:
            found[name] = _read(value, schemas[name]) if name in schemas else value
        except ValueError:
            wanted = " or ".join(_types(schemas[name]) or ())
            message = f"line {number} of the outputs: `{name}` must be {wanted}, not `{value}`"
            return Fault(BAD_OUTPUT, message, ("outputs", name))
        lines[name] = number
    return judged(
        found, outputs, {name: f"line {line} of the outputs: " for name, line in lines.items()}
    )


def judged(
    found: dict[str, Json], outputs: Json, places: Mapping[str, str] | None = None
) -> dict[str, Json] | Fault:
    """The outputs, if each that is declared is there and as its schema says; or the first fault."""
    for name, schema in declared(outputs).items():
        if name not in found:
            if "null" in (_types(schema) or ("null",)):
                continue
            near = nearest(name, [given for given in found if given not in declared(outputs)])
            help = f"`{near}` was written: did it mean `{name}`?" if near else None
            message = f"the output `{name}` is declared, but was not written"
            return Fault(BAD_OUTPUT, message, ("outputs", name), help=help, key=True)
        complaint = value_complaint(schema, found[name])
        if complaint is not None:
            place = (places or {}).get(name, "")
            message = f"{place}`{name}` is not as declared: {complaint}"
            return Fault(BAD_OUTPUT, message, ("outputs", name))
    return found


def _types(schema: Json) -> list[str] | None:
    named = schema.get("type") if isinstance(schema, dict) else None
    if isinstance(named, str):
        return [named]
    return [str(name) for name in named] if isinstance(named, list) else None


def _read(text: str, schema: Json) -> Json:
    """The value of a text, by the types that it may have; raises ValueError."""
    types = _types(schema)
    if types is None or types == ["string"]:
        return text
    if "null" in types and text in ("", "null"):
        return None
    try:
        value: Json = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        value = text
    found = {
        bool: ("boolean",),
        int: ("integer", "number"),
        float: ("number",),
        list: ("array",),
        dict: ("object",),
        str: (),
        type(None): ("null",),
    }[type(value)]
    if not set(found).isdisjoint(types) and not (isinstance(value, int) and abs(value) > _MOST):
        return value
    if "string" in types:
        return text
    raise ValueError(text)


def _refuse(name: str) -> Json:
    raise ValueError(name)


def _short(line: str) -> str:
    return line if len(line) <= 60 else line[:57] + "..."
