"""What `check` demands of a stream's output: read and judged before the run, held at its end."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Final, Literal, NamedTuple, TypeAlias

from flowctl.arguments import expression, expression_schema, texts, unknown_column
from flowctl.codes.schema import COMPARISON
from flowctl.component import JsonSchema
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Fault
from flowctl.expressions.scope import Scope
from flowctl.plan import Check
from flowctl.records import Boolean, Schema
from flowctl.syntax.node import Json

Sign: TypeAlias = Literal[">=", "<=", "<>", ">", "<", "="]

_SIGNS: Final[dict[str, Sign]] = {
    ">=": ">=", "<=": "<=", "<>": "<>", "!=": "<>", "==": "=", ">": ">", "<": "<", "=": "=",
}  # fmt: skip
_HOLDS: Final[dict[Sign, Callable[[Fraction, Fraction], bool]]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "<>": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
}
_SPACE: Final = re.compile(r"\s*")
_SIGN: Final = re.compile("|".join(_SIGNS))
_NUMBER: Final = re.compile(r"[0-9]+(\.[0-9]+)?")
_AND: Final = re.compile(r"and\b", re.IGNORECASE)
_COLUMNS: Final[JsonSchema] = {
    "type": "array",
    "items": {"type": "string", "format": "column"},
    "minItems": 1,
    "uniqueItems": True,
}

SCHEMA: Final[JsonSchema] = {
    "type": "object",
    "description": "What must hold of the output; else the step fails and publishes nothing.",
    "minProperties": 1,
    "properties": {
        "rows": {
            "description": "How many records are written: `> 1000`, `>= 1 and < 10`, or `500`.",
            "anyOf": [{"type": "string"}, {"type": "integer", "minimum": 0}],
        },
        "rejected": {
            "description": "How many records are rejected, as a count (`< 10`) or as a share of "
            "those read (`< 1%`).",
            "anyOf": [{"type": "string"}, {"type": "integer", "minimum": 0}],
        },
        "unique": {
            **_COLUMNS,
            "description": "Columns that together differ from record to record; nulls are equal to "
            "each other.",
        },
        "not_null": {**_COLUMNS, "description": "Columns without a null."},
        "where": expression_schema("What is true for each record; null is not true."),
    },
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """One demand on a figure; a share is one of 1, not of 100."""

    sign: Sign
    number: Fraction
    share: bool

    def holds(self, count: int, of: int) -> bool:
        """Whether a count is as demanded, or its share of so many; no share of nothing is 0."""
        figure = Fraction(count, of or 1) if self.share else Fraction(count)
        return _HOLDS[self.sign](figure, self.number)


class _Misread(Exception):
    """A comparison that is none; the offsets are those of the part that is wrong."""

    def __init__(self, message: str, start: int, end: int) -> None:
        super().__init__(message)
        self.message = message
        self.start = start
        self.end = end


class _Read(NamedTuple):
    text: str
    comparisons: tuple[Comparison, ...]


def comparisons(text: str) -> tuple[Comparison, ...]:
    """The demands of a text that was read before, all of which must hold.

    >>> [(one.sign, float(one.number), one.share) for one in comparisons("> 1000 and <= 2000")]
    [('>', 1000.0, False), ('<=', 2000.0, False)]
    """
    return _read(text, shares=True).comparisons


def _read(text: str, *, shares: bool) -> _Read:
    """The comparisons of a text, and one spelling for it; raises _Misread."""
    place = 0
    found: list[Comparison] = []
    spelled: list[str] = []
    while True:
        place = _behind_space(text, place)
        sign = _SIGN.match(text, place)
        if sign is None:
            raise _misread(
                "a comparison begins with `>`, `>=`, `<`, `<=`, `=` or `<>`", text, place
            )
        place = _behind_space(text, sign.end())
        number = _NUMBER.match(text, place)
        if number is None:
            raise _misread("a number must stand here", text, place)
        start, place = place, _behind_space(text, number.end())
        share = text[place : place + 1] == "%"
        if share:
            if not shares:
                raise _Misread("a number of rows is no share of anything", place, place + 1)
            place = _behind_space(text, place + 1)
        value = Decimal(number[0])
        if share and value > 100:
            raise _Misread("a share is at most 100%", start, number.end())
        if not share and number[1]:
            raise _Misread("a count of records is a whole number", start, number.end())
        form = _SIGNS[sign[0]]
        found.append(Comparison(form, Fraction(value) / (100 if share else 1), share))
        spelled.append(f"{form} {value.normalize():f}{'%' if share else ''}")
        if place == len(text):
            return _Read(" and ".join(spelled), tuple(found))
        following = _AND.match(text, place)
        if following is None:
            raise _misread("the comparison ends here, or goes on with `and`", text, place)
        place = following.end()


def _misread(message: str, text: str, place: int) -> _Misread:
    return _Misread(message, place, min(place + 1, len(text)))


def _behind_space(text: str, place: int) -> int:
    found = _SPACE.match(text, place)
    return found.end() if found else place


class Checked(NamedTuple):
    """The check in its one spelling, and what is wrong with it as it is written."""

    check: Check
    faults: tuple[Fault, ...]


def rule(check: Mapping[str, Json], schema: Schema, scope: Scope) -> Checked:
    """Judges a check against the columns of the output; pointers start at the check itself."""
    faults: list[Fault] = []
    told: dict[str, str | None] = {}
    for name in ("rows", "rejected"):
        told[name] = None
        given = check.get(name)
        if isinstance(given, str | int):
            text = given if isinstance(given, str) else f"= {given}"
            try:
                told[name] = _read(text, shares=name == "rejected").text
            except _Misread as wrong:
                faults.append(_misread_fault(name, wrong))
    unique, not_null = texts(check.get("unique")), texts(check.get("not_null"))
    faults += _unknown("unique", unique, schema)
    faults += _unknown("not_null", not_null, schema)
    where = None
    if check.get("where") is not None:
        found = expression(check["where"], schema, _of_output(scope), ("where",), Boolean())
        where = found.text
        faults += found.faults
    made = Check(told["rows"], told["rejected"], tuple(unique), tuple(not_null), where)
    return Checked(made, tuple(faults))


def plain(check: Check) -> dict[str, Json]:
    """A check as `rule` takes it."""
    found: dict[str, Json] = {
        "rows": check.rows,
        "rejected": check.rejected,
        "unique": list(check.unique),
        "not_null": list(check.not_null),
        "where": check.where,
    }
    return {name: value for name, value in found.items() if value}


def _of_output(scope: Scope) -> Scope:
    """What is written has no place in a source any more."""
    return replace(scope, source=False)


def _misread_fault(name: str, wrong: _Misread) -> Fault:
    help = "as in `> 1000`" if name == "rows" else "as in `< 1%` or `<= 10`"
    return Fault(COMPARISON, wrong.message, (name,), wrong.start, wrong.end, help)


def _unknown(name: str, columns: list[str], schema: Schema) -> Iterator[Fault]:
    for index, column in enumerate(columns):
        if fault := unknown_column(column, schema, (name, index)):
            yield fault
