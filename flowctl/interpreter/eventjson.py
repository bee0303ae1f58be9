"""Events as JSON: one shape for the run store and for `--log-format json`, with its schema.

Every field stands there, also where it is null, under the name that it has in `events`; times are
ISO 8601 in UTC. `event` names what has happened: `run_started`, `step_ended`, …
"""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

from flowctl.codec import Malformed, defaults, diagnostic_to_json
from flowctl.codes import CODES
from flowctl.diagnostics import (
    Code,
    Diagnostic,
    Frame,
    Related,
    Severity,
    Span,
)
from flowctl.interpreter.events import Event
from flowctl.syntax.node import Json

EVENTS: tuple[type[Event], ...] = get_args(Event)
Told = Callable[[Diagnostic], Json]


def kind_of(event: Event) -> str:
    """The name of what has happened.

    >>> from flowctl.interpreter.events import RunEnded
    >>> kind_of(RunEnded(datetime(2024, 1, 1), "r1", "failed"))
    'run_ended'
    """
    return snake(type(event).__name__)


@cache
def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


KINDS: Mapping[str, type[Event]] = {snake(event.__name__): event for event in EVENTS}


def event_to_json(event: Event, told: Told = diagnostic_to_json) -> dict[str, Json]:
    """An event as a JSON object; `told` says how faults are."""
    return {"event": kind_of(event), **_fields_to_json(event, told)}


def event_to_row(event: Event) -> dict[str, Json]:
    """An event as the run store holds it: what `event_from_json` knows anyway is left out.

    >>> from flowctl.interpreter.events import RunEnded
    >>> event_to_row(RunEnded(datetime(2024, 1, 1), "r1", "failed"))
    {'event': 'run_ended', 'at': '2024-01-01T00:00:00', 'run': 'r1', 'status': 'failed'}
    """
    kept: dict[str, Json] = {"event": kind_of(event)}
    known, values = _kept(cast(type, type(event)))
    for (name, default), value in zip(known, values(event), strict=True):
        if type(value) in _PLAIN:
            if value != default:
                kept[name] = value
        elif value != default:
            kept[name] = _to_json(value, diagnostic_to_json)
    return kept


@cache
def _kept(kind: type) -> tuple[Sequence[tuple[str, object]], Callable[[object], Iterable[Any]]]:
    """The fields of an event with what they are by default, and what takes all of them at once."""
    return defaults(kind), attrgetter(*names(kind))


def _fields_to_json(value: object, told: Told) -> dict[str, Json]:
    return {name: _to_json(getattr(value, name), told) for name in names(cast(type, type(value)))}


@cache
def names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


_PLAIN = frozenset((type(None), bool, int, float, str))


def _to_json(value: object, told: Told) -> Json:
    if type(value) in _PLAIN:
        return cast(Json, value)
    match value:
        case datetime():
            return value.isoformat()
        case tuple() | list():
            return [_to_json(item, told) for item in value]
        case dict():
            return {str(name): _to_json(item, told) for name, item in value.items()}
        case Diagnostic():
            return told(value)
        case Mapping():
            return {str(name): _to_json(item, told) for name, item in value.items()}
    return _fields_to_json(value, told)


def event_from_json(value: Json) -> Event:
    """The event that an object tells; raises Malformed. Fields that it lacks are at their default.

    >>> from flowctl.interpreter.events import RunEnded
    >>> event = RunEnded(datetime(2024, 1, 1), "r1", "failed")
    >>> event_from_json(event_to_json(event)) == event
    True
    """
    if not isinstance(value, dict) or value.get("event") not in KINDS:
        raise Malformed((), "this is no event that is known here")
    kind = KINDS[str(value["event"])]
    return cast(Event, _from_json(kind, {k: v for k, v in value.items() if k != "event"}))


def _from_json(kind: Any, value: Json) -> object:
    """A value of a type, as `_to_json` wrote it; what it does not know is left as it is."""
    if kind is datetime:
        return datetime.fromisoformat(str(value))
    if kind is Diagnostic:
        return _fault(_mapping(value))
    if is_dataclass(kind):
        given, known = _mapping(value), hints(cast(type, kind))
        try:
            return cast(Any, kind)(
                **{name: _from_json(known[name], item) for name, item in given.items()}
            )
        except (KeyError, TypeError, ValueError) as error:
            raise Malformed(
                (), f"{snake(str(getattr(kind, '__name__', kind)))}: {error}"
            ) from error
    origin, parts = get_origin(kind), get_args(kind)
    if origin is tuple and isinstance(value, list):
        many = parts[1:] == (...,)
        return tuple(
            _from_json(parts[0 if many else index], item) for index, item in enumerate(value)
        )
    if origin in (Union, types.UnionType) and value is not None:
        real = [part for part in parts if part is not type(None)]
        return _from_json(real[0], value) if len(real) == 1 else value
    return value


@cache
def hints(kind: type) -> Mapping[str, Any]:
    return get_type_hints(kind)


def _mapping(value: Json) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise Malformed((), "a mapping should stand here")
    return value


def _fault(value: dict[str, Json]) -> Diagnostic:
    id = str(value["code"])
    code = CODES.get(id) or Code(id, "", "", cast(Severity, value["severity"]))
    help = value["help"]
    return Diagnostic(
        code,
        str(value["message"]),
        _span(value),
        str(help) if help is not None else None,
        tuple(
            Related(span, str(one["message"]))
            for one in map(_mapping, cast(list[Json], value["related"]))
            if (span := _span(one))
        ),
        tuple(
            Frame(str(one["kind"]), str(one["detail"]), span)
            for one in map(_mapping, cast(list[Json], value["trace"]))
            if (span := _span(one))
        ),
    )


def _span(value: dict[str, Json]) -> Span | None:
    if value.get("file") is None:
        return None
    return Span(*(cast(Any, value[name]) for name in Span._fields))
