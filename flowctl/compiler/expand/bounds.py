"""How much a template may ask for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice

from flowctl.codes.templates import TEMPLATE_FAILS, TEMPLATE_TOO_LARGE
from flowctl.compiler.expand.faults import TemplateFault, Unavailable
from flowctl.expressions.scope import NotYet
from flowctl.syntax.node import Json

MAX_EXPRESSION = 4_000
MAX_TEXT = 1_000_000
MAX_ITEMS = 100_000
MAX_WIDTH = 10_000
MAX_BITS = 128
MAX_DEPTH = 32


def sized(value: object) -> object:
    """The value, where it is within bounds; raises TemplateFault."""
    if isinstance(value, str) and len(value) > MAX_TEXT:
        raise _too_large(f"a text has at most {MAX_TEXT:,} characters")
    if isinstance(value, list | tuple | dict):
        if len(value) > MAX_ITEMS:
            raise _too_large(f"a list has at most {MAX_ITEMS:,} items")
        if weight(value) > MAX_TEXT:
            raise _too_large(f"a value has at most {MAX_TEXT:,} characters in all")
    if type(value) is int and value.bit_length() > MAX_BITS:
        raise _too_large(f"a whole number has at most {MAX_BITS} bits")
    return value


def weight(value: object, limit: int = MAX_TEXT) -> int:
    """The characters and items of a value, with all below it; counts no further than the limit."""
    if isinstance(value, str):
        return len(value) + 1
    if isinstance(value, Mapping):
        value = [*value.keys(), *value.values()]
    if not isinstance(value, list | tuple):
        return 1
    total = 1
    for item in value:
        total += weight(item, limit - total)
        if total > limit:
            break
    return total


def listed(values: Iterable[object]) -> list[object]:
    """The items of something that may be endless; raises TemplateFault."""
    items = list(islice(values, MAX_ITEMS + 1))
    sized(items)
    return items


def foresee(operation: str, left: object, right: object) -> None:
    """Refuses what would be too large before it is computed; raises TemplateFault."""
    if operation == "*":
        sequence, count = (left, right) if isinstance(right, int) else (right, left)
        if isinstance(sequence, str | list | tuple) and isinstance(count, int):
            limit = MAX_TEXT if isinstance(sequence, str) else MAX_ITEMS
            if len(sequence) * count > limit or weight(sequence) * count > 2 * MAX_TEXT:
                raise _too_large("the result of `*` would be too large")
    elif operation == "**" and isinstance(left, int | float) and isinstance(right, int | float):
        bits = left.bit_length() if isinstance(left, int) else 1
        if isinstance(right, int) and bits * abs(right) > MAX_BITS * 8:
            raise _too_large("the result of `**` would be too large")
    elif operation == "%" and isinstance(left, str):
        raise TemplateFault(TEMPLATE_FAILS, "`%` works on numbers only", help="join text with `~`")


def foresee_call(name: str, subject: object, arguments: list[object]) -> None:
    """Refuses a method or filter whose result would be too large; raises TemplateFault."""
    for argument in arguments:
        if type(argument) is int and abs(argument) > MAX_WIDTH and name not in _ANY_NUMBER:
            raise _too_large(f"`{name}` takes numbers up to {MAX_WIDTH:,}")
    texts = [argument for argument in arguments if isinstance(argument, str)]
    if name == "replace" and isinstance(subject, str) and len(texts) > 1:
        times = subject.count(texts[0])
        if len(subject) + times * len(texts[1]) > MAX_TEXT:
            raise _too_large(f"the result of `{name}` would be too large")
    if name == "join":
        _foresee_join(subject, arguments)


def plain(value: object, depth: int = 0) -> Json | NotYet:
    """A result as JSON has it, lists for tuples; raises TemplateFault, or Unavailable."""
    if isinstance(value, NotYet):
        return value
    if value is None or isinstance(value, bool | str):
        return str(value) if isinstance(value, str) else value
    if isinstance(value, int):
        sized(value)
        return value
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            raise TemplateFault(TEMPLATE_FAILS, "the result is not a finite number")
        return value
    if depth > MAX_DEPTH:
        raise _too_large(f"values nest at most {MAX_DEPTH} deep")
    if isinstance(value, Mapping):
        keys = list(value)
        if not all(isinstance(key, str) for key in keys):
            raise TemplateFault(TEMPLATE_FAILS, "the keys of a mapping must be text")
        return {key: plain(value[key], depth + 1) for key in keys}  # type: ignore[misc]
    if isinstance(value, list | tuple):
        return [plain(item, depth + 1) for item in value]  # type: ignore[misc]
    message = f"the result is a {type(value).__name__}, and not a value that a document can hold"
    raise TemplateFault(TEMPLATE_FAILS, message)


def _foresee_join(subject: object, arguments: list[object]) -> None:
    glue, parts = (subject, arguments[0]) if isinstance(subject, str) else ("", subject)
    if not isinstance(subject, str) and arguments and isinstance(arguments[0], str):
        glue = arguments[0]
    if isinstance(parts, list) and isinstance(glue, str):
        size = sum(len(part) if isinstance(part, str) else 20 for part in parts)
        if size + len(glue) * len(parts) > MAX_TEXT:
            raise _too_large("the result of `join` would be too large")


_ANY_NUMBER = frozenset(["default", "d", "int", "float", "sum", "max", "min", "round", "abs"])


def _too_large(message: str) -> TemplateFault:
    return TemplateFault(TEMPLATE_TOO_LARGE, message)


__all__ = ["Unavailable", "foresee", "foresee_call", "listed", "plain", "sized"]
