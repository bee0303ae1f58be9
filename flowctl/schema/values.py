"""What a schema says about texts, numbers and lists."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias, cast

from flowctl.codes import schema as codes
from flowctl.component import JsonSchema
from flowctl.diagnostics import Related
from flowctl.schema import wording
from flowctl.schema.walk import Walk
from flowctl.schema.wording import Where
from flowctl.syntax.node import Json, Node, ScalarNode, SequenceNode, UnknownNode, to_json

Part: TypeAlias = "Callable[[ScalarNode, Where, Walk], bool]"


def scalar_parts(schema: JsonSchema) -> list[Part]:
    parts: list[Part] = []
    if "enum" in schema or "const" in schema:
        parts.append(_one_of(cast("list[Json]", schema.get("enum", [schema.get("const")]))))
    if "pattern" in schema:
        parts.append(_matches(str(schema["pattern"]), str(schema.get("patternName", ""))))
    if schema.get("format") == "regex":
        parts.append(_regular_expression)
    if "minLength" in schema or "maxLength" in schema:
        parts.append(_long(number(schema, "minLength"), number(schema, "maxLength")))
    bounds = {
        name: limit
        for name in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
        if (limit := number(schema, name)) is not None
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
        return walk.wrong(node, wording.not_allowed(node, where, values))

    return part


def _matches(pattern: str, explained: str) -> Part:
    expression = re.compile(pattern)

    def part(node: ScalarNode, where: Where, walk: Walk) -> bool:
        if not isinstance(node.value, str) or expression.search(node.value):
            return True
        if not node.value:
            message = f"{wording.name_of(where)} is empty"
            return walk.wrong(
                node, wording.fault(codes.EMPTY, node, message, help=explained or None)
            )
        form = explained or f"text that matches `{pattern}`"
        message = f"{wording.name_of(where)} must be {form}, not `{_short(node.value)}`"
        return walk.wrong(node, wording.fault(codes.TEXT_FORM, node, message))

    return part


def _regular_expression(node: ScalarNode, where: Where, walk: Walk) -> bool:
    try:
        re.compile(str(node.value))
    except (re.error, OverflowError, RecursionError) as error:
        position = getattr(error, "pos", None)
        place = node.at(position, position + 1) if position is not None else node.span
        reason = str(error).partition(" at position")[0]
        message = f"{wording.name_of(where)} must be a regular expression: {reason}"
        return walk.wrong(node, wording.fault(codes.TEXT_FORM, node, message, span=place))
    return True


def _long(least: float | None, most: float | None) -> Part:
    def part(node: ScalarNode, where: Where, walk: Walk) -> bool:
        if not isinstance(node.value, str):
            return True
        name, size = wording.name_of(where), len(node.value)
        if size == 0 and least:
            return walk.wrong(node, wording.fault(codes.EMPTY, node, f"{name} is empty"))
        if least is not None and size < least:
            message = f"{name} must have at least {_count(least, 'character')}, not {size}"
            return walk.wrong(node, wording.fault(codes.OUT_OF_RANGE, node, message))
        if most is not None and size > most:
            message = f"{name} must have at most {_count(most, 'character')}, not {size}"
            return walk.wrong(node, wording.fault(codes.OUT_OF_RANGE, node, message))
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
                return walk.wrong(node, wording.fault(codes.OUT_OF_RANGE, node, message))
        return True

    return part


def right_length(
    node: SequenceNode, where: Where, walk: Walk, least: float | None, most: float | None
) -> bool:
    size = len(node.items)
    name = wording.name_of(where)
    if least and size == 0:
        return walk.wrong(node, wording.empty(node, where, "item"))
    if least is not None and size < least:
        message = f"{name} must have at least {_count(least, 'item')}, not {size}"
        return walk.wrong(node, wording.fault(codes.OUT_OF_RANGE, node, message))
    if most is not None and size > most:
        message = f"{name} must have at most {_count(most, 'item')}, not {size}"
        return walk.wrong(node, wording.fault(codes.OUT_OF_RANGE, node, message))
    return True


def all_differ(node: SequenceNode, walk: Walk) -> bool:
    """Whether no item stands twice; templates are compared as they are written."""
    first: dict[str, Node] = {}
    right = True
    for item in node.items:
        if isinstance(item, UnknownNode):
            continue
        value = to_json(item)
        key = _same(value)
        if key in first:
            related = (Related(first[key].span, "first stands here"),)
            what = wording.spelt(value) if isinstance(item, ScalarNode) else "this item"
            message = f"{what} stands twice in the list"
            fault = wording.fault(codes.REPEATED, item, message, related=related)
            right = walk.wrong(item, fault)
        first.setdefault(key, item)
    return right


def _same(value: Json) -> str:
    """One text for equal JSON values: 1 is 1.0 but not true, and the order of keys says nothing."""
    if isinstance(value, dict):
        return f"{{{','.join(f'{name!r}:{_same(value[name])}' for name in sorted(value))}}}"
    if isinstance(value, list):
        return f"[{','.join(map(_same, value))}]"
    return repr(float(value)) if type(value) is int and abs(value) < 2**53 else repr(value)


def number(schema: JsonSchema, name: str) -> float | None:
    value = schema.get(name)
    return value if isinstance(value, int | float) else None


def _count(number: float, noun: str) -> str:
    return f"{number:g} {noun}{'' if number == 1 else 's'}"


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."
