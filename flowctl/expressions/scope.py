"""What names mean where an expression stands."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import field, replace
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from flowctl.dataclass import dataclass
from flowctl.records import DataType, Schema

if TYPE_CHECKING:
    from flowctl.syntax.node import Json


class NotYet(Enum):
    """Stands in constants for a value that only the run will bring (a required param)."""

    KNOWN = "not yet known"


NOT_YET_KNOWN = NotYet.KNOWN

Constant: TypeAlias = "Json | NotYet | Mapping[str, Constant]"
Names: TypeAlias = "DataType | Mapping[str, Names]"


class Open(dict[str, Names]):
    """Names of which more may come to be than are listed; those have the type `rest`."""

    def __init__(self, known: Mapping[str, Names], rest: DataType) -> None:
        super().__init__(known)
        self.rest = rest


class Fanned(dict[str, Names]):
    """What the cells of a step have together of which none is known before the run."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The names that an expression may use.

    `columns` is None where no records are seen (`if`, `${{ }}`); a schema that is open may have
    more columns than it lists, whose type is then unknown. `constants` are `params`, `vars`,
    `matrix`, `item`, `index` and what else has a value at compile time. `runtime` holds the types
    of what becomes known when a step begins: `{"run": {"id": String()}, "steps": {"load":
    {"written": Integer(64), "us,2012": {...}}}}`, read as `steps.load.written` or
    `steps.load['us,2012'].written`; a type of `Unknown` stands for anything below it.

    A column wins over a constant of the same name, except that `params.x` beside a column `params`
    that is no struct still means the constant; a quoted name is always a column.
    """

    columns: Schema | None = None
    constants: Mapping[str, Constant] = field(default_factory=dict)
    runtime: Mapping[str, Names] = field(default_factory=dict)
    status: bool = False
    """Whether `always()`, `failure()` and `success()` exist here."""
    source: bool = False
    """Whether `source_file()` and `source_line()` exist here."""
    now: dt.datetime | None = None
    """The logical time of the run, for `now()`; None where only the run will bring it."""
    absent: Mapping[str, str] = field(default_factory=dict)
    """Names that only exist elsewhere, each with the reason."""

    def over(self, columns: Schema) -> Scope:
        """The same names beside these columns."""
        return replace(self, columns=columns)
