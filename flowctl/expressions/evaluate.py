"""One value without records: `if`, guards and `${{ }}`, by the same lowering on one row."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING

from flowctl.dataclass import dataclass
from flowctl.expressions.canonical import canonical
from flowctl.expressions.lazily import pl
from flowctl.expressions.lower import NotLowerable, lower
from flowctl.expressions.polars_types import polars_type
from flowctl.expressions.tree import Call, Runtime, Tree, walk
from flowctl.records import DataType, List, Struct, Unknown

if TYPE_CHECKING:
    from flowctl.syntax.node import Json

STATUS = ("always", "failure", "success", "now")


@dataclass(frozen=True, slots=True)
class Refused:
    """The expression has no value; `start` and `end` are offsets into its text."""

    message: str
    start: int
    end: int


def evaluate(tree: Tree, values: Mapping[tuple[str, ...], object]) -> object | Refused:
    """The value of a checked tree.

    `values` has what the tree's run-time names stand for, under their paths
    (`("steps", "load", "written")`), and under `("always",)`, `("failure",)`, `("success",)` what
    those functions give. A path without value is null.

    >>> from flowctl.expressions import Scope, check
    >>> from flowctl.records import Integer
    >>> scope = Scope(runtime={"steps": {"load": {"written": Integer(64)}}})
    >>> tree = check("steps.load.written // 2 > 3", scope).tree
    >>> evaluate(tree, {("steps", "load", "written"): 8})
    True
    """
    columns: dict[str, pl.Series] = {"": pl.Series([None])}
    for node in walk(tree):
        if isinstance(node, Runtime):
            name = canonical(node)
            columns[name] = _series(values.get(node.path), node.type)
        elif isinstance(node, Call) and node.name in STATUS and not node.arguments:
            columns[canonical(node)] = _series(values.get((node.name,)), node.type)
    try:
        lowered = lower(tree)
    except NotLowerable as problem:
        return Refused(str(problem), tree.start, tree.end)
    row = pl.DataFrame(columns).with_columns(lowered.value.alias("value"))
    for check in lowered.checks:
        told = row.select(fault=check.fault, message=check.message)
        if told["fault"][0]:
            return Refused(str(told["message"][0]), check.start, check.end)
    found: object = row["value"][0]
    return found.to_list() if isinstance(found, pl.Series) else found


def as_text(value: object) -> str:
    """How `${{ }}` puts a value into a string: null is empty, a boolean is `true` or `false`.

    >>> as_text(True), as_text(None), as_text([1, "a"])
    ('true', '', '[1, "a"]')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.datetime):
        return value.isoformat(" ")
    if isinstance(value, list | dict):
        import json

        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _series(value: object, kind: DataType) -> pl.Series:
    if not _known(kind):
        return pl.Series([value], strict=False)
    return pl.Series([value], dtype=polars_type(kind), strict=False)


def _known(kind: DataType) -> bool:
    """Whether all of a type is known."""
    if isinstance(kind, List):
        return _known(kind.item)
    if isinstance(kind, Struct):
        return all(_known(column.type) for column in kind.fields)
    return not isinstance(kind, Unknown)


def json_value(value: object) -> Json:
    """The value as JSON has it: points in time and decimals as text."""
    if isinstance(value, list):
        return [json_value(item) for item in value]
    if isinstance(value, dict):
        return {str(key): json_value(item) for key, item in value.items()}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return as_text(value)
