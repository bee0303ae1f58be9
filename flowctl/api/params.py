"""Values of params as a program gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, time

from flowctl.syntax.node import Json


def values_of(params: Mapping[str, object]) -> dict[str, Json]:
    """The values as a document could hold them; raises TypeError where one could not stand there.

    >>> from datetime import date
    >>> values_of({"day": date(2024, 2, 29), "regions": ("us", "eu")})
    {'day': '2024-02-29', 'regions': ['us', 'eu']}
    """
    return {name: _value(value, name) for name, value in params.items()}


def _value(value: object, name: str) -> Json:
    match value:
        case None | bool() | int() | float() | str():
            return value
        case date() | time():  # a datetime is a date
            return value.isoformat()
        case Mapping():
            return {str(key): _value(below, name) for key, below in value.items()}
        case Sequence() if not isinstance(value, bytes | bytearray | memoryview):
            return [_value(item, name) for item in value]
    kind = type(value).__name__
    raise TypeError(f"the param `{name}` holds a {kind}, which no workflow can hold")
