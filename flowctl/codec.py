"""Frozen dataclasses as JSON: written without what is default, read strictly, with their schema.

The types of the fields say everything: `str`, `int`, `bool`, `Literal`, `X | None`,
`tuple[X, ...]`, `tuple[X, Y]`, `dict[str, X]`, other dataclasses, and `Json` for any value.
"""

from __future__ import annotations

import dataclasses
import inspect
import types
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from flowctl.diagnostics import Diagnostic, Span
from flowctl.syntax.node import Json, Pointer

T = TypeVar("T")
_PLAIN: Final = frozenset((type(None), bool, int, float, str))


class Malformed(Exception):
    """A JSON value that is not of the type; `pointer` leads to the part that is wrong."""

    def __init__(self, pointer: Pointer, message: str) -> None:
        super().__init__(message)
        self.pointer = pointer
        self.message = message


def encode(value: object) -> Json:
    """The JSON of dataclasses, tuples and mappings; fields at their default are left out."""
    kind = cast("Any", type(value))
    if kind in _PLAIN:
        return cast(Json, value)
    if isinstance(value, tuple | list):
        return [encode(item) for item in value]
    if isinstance(value, Mapping):
        return {key: encode(item) for key, item in value.items()}
    if isinstance(value, str | int | float):
        return value
    return {
        name: cast(Json, found) if type(found) in _PLAIN else encode(found)
        for name, default in defaults(kind)
        if (found := getattr(value, name)) is not default and found != default
    }


def decode(kind: type[T], value: Json, pointer: Pointer = ()) -> T:
    """The dataclass that a JSON value stands for; raises Malformed."""
    return cast(T, _decode(kind, value, pointer))


def diagnostic_to_json(
    found: Diagnostic, shown: Callable[[str], str] = lambda file: file
) -> dict[str, Json]:
    """A fault as programs get it, with null for what it lacks; `shown` says how files are named."""
    return {
        "code": found.code.id,
        "severity": found.severity,
        "message": found.message,
        **_span_to_json(found.span, shown),
        "help": found.help,
        "related": [
            {"message": other.message, **_span_to_json(other.span, shown)}
            for other in found.related
        ],
        "trace": [
            {"kind": frame.kind, "detail": frame.detail, **_span_to_json(frame.span, shown)}
            for frame in found.trace
        ],
    }


def _span_to_json(span: Span | None, shown: Callable[[str], str]) -> dict[str, Json]:
    if span is None:
        return dict.fromkeys(Span._fields)
    return {**span._asdict(), "file": shown(span.file)}


def schema(kind: type[object]) -> Json:
    """The JSON Schema of a dataclass; its docstring and those of its parts become descriptions."""
    definitions: dict[str, Json] = {}
    top = _schema(kind, definitions)
    return {"$ref": cast(dict[str, Json], top)["$ref"], "$defs": definitions}


def _default(field: dataclasses.Field[Any]) -> object:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


@cache
def defaults(kind: Any) -> tuple[tuple[str, object], ...]:
    """The fields of a dataclass with what they are where nothing is said."""
    return tuple((field.name, _default(field)) for field in dataclasses.fields(kind))


@cache
def _fields(kind: type) -> dict[str, tuple[object, bool]]:
    """The fields of a dataclass with their types, and whether each must be there."""
    hints = get_type_hints(kind)
    return {
        field.name: (hints[field.name], _default(field) is dataclasses.MISSING)
        for field in dataclasses.fields(kind)
    }


def _is_union(kind: object) -> bool:
    return get_origin(kind) in (Union, types.UnionType)


def _is_json(kind: object) -> bool:
    """Whether this is the recursive alias `Json`, which the typing module leaves unresolved."""
    return _is_union(kind) and list in {get_origin(part) for part in get_args(kind)}


def _decode(kind: Any, value: Json, pointer: Pointer) -> object:
    if _is_json(kind):
        return value
    if _is_union(kind):
        return _decode_union(get_args(kind), value, pointer)
    if dataclasses.is_dataclass(kind):
        return _decode_fields(kind, value, pointer)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        if value not in arguments:
            raise Malformed(pointer, f"one of {', '.join(map(repr, arguments))} should stand here")
        return value
    if origin is tuple:
        return _decode_tuple(arguments, value, pointer)
    if origin is dict:
        if not isinstance(value, dict):
            raise Malformed(pointer, "a mapping should stand here")
        return {key: _decode(arguments[1], item, (*pointer, key)) for key, item in value.items()}
    if type(value) is not kind:
        raise Malformed(pointer, f"a value of type {kind.__name__} should stand here")
    return value


def _decode_union(kinds: tuple[Any, ...], value: Json, pointer: Pointer) -> object:
    if value is None and type(None) in kinds:
        return None
    kinds = tuple(kind for kind in kinds if kind is not type(None))
    if len(kinds) > 1 and isinstance(value, dict):
        # Dataclasses are told apart by their fields: the one that knows most of the keys is meant.
        kinds = (max(kinds, key=lambda kind: len(value.keys() & _fields(kind).keys())),)
    return _decode(kinds[0], value, pointer)


def _decode_tuple(kinds: tuple[Any, ...], value: Json, pointer: Pointer) -> tuple[object, ...]:
    if not isinstance(value, list):
        raise Malformed(pointer, "a list should stand here")
    if kinds[1:] == (...,):
        kinds = (kinds[0],) * len(value)
    if len(kinds) != len(value):
        raise Malformed(pointer, f"a list of {len(kinds)} should stand here")
    return tuple(
        _decode(kind, item, (*pointer, index))
        for index, (kind, item) in enumerate(zip(kinds, value, strict=True))
    )


def _decode_fields(kind: Any, value: Json, pointer: Pointer) -> object:
    if not isinstance(value, dict):
        raise Malformed(pointer, "a mapping should stand here")
    fields = _fields(kind)
    for name in value:
        if name not in fields:
            raise Malformed((*pointer, name), f"unknown key `{name}`")
    for name, (_, required) in fields.items():
        if required and name not in value:
            raise Malformed(pointer, f"`{name}` is missing")
    return kind(
        **{name: _decode(fields[name][0], item, (*pointer, name)) for name, item in value.items()}
    )


_SIMPLE: dict[object, Json] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    type(None): {"type": "null"},
}


def _schema(kind: Any, definitions: dict[str, Json]) -> Json:
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    if _is_json(kind):
        return {}
    if _is_union(kind):
        return {"anyOf": [_schema(part, definitions) for part in get_args(kind)]}
    if dataclasses.is_dataclass(kind):
        return _schema_of_fields(kind, definitions)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin is dict:
        return {"type": "object", "additionalProperties": _schema(arguments[1], definitions)}
    if arguments[1:] == (...,):
        return {"type": "array", "items": _schema(arguments[0], definitions)}
    parts: list[Json] = [_schema(part, definitions) for part in arguments]
    return {"type": "array", "prefixItems": parts, "minItems": len(parts), "maxItems": len(parts)}


def _schema_of_fields(kind: Any, definitions: dict[str, Json]) -> Json:
    name = kind.__name__.lower()
    if name not in definitions:
        definitions[name] = {}  # A type that holds itself finds its name taken.
        fields = _fields(kind)
        definitions[name] = {
            "description": " ".join((inspect.getdoc(kind) or "").split()),
            "type": "object",
            "properties": {
                field: _schema(hint, definitions) for field, (hint, _) in fields.items()
            },
            "required": [field for field, (_, required) in fields.items() if required],
            "additionalProperties": False,
        }
    return {"$ref": f"#/$defs/{name}"}
