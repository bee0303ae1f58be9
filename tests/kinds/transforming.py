"""Puts a transform to work on a frame, as the engine does, and holds what every transform owes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from flowctl.component import Situation, Transform, Typed
from flowctl.diagnostics import Fault
from flowctl.expressions.polars_types import polars_type, schema_of
from flowctl.expressions.scope import Scope
from flowctl.files.paths import DataFile
from flowctl.operators import InOrder, Keep, Rowwise
from flowctl.records import Null, Schema, Unknown
from tests import duck


class NoFiles:
    """A project without data."""

    def expand(self, pattern: str, endings: tuple[str, ...] = ()) -> tuple[DataFile, ...]:
        return ()


@dataclass(frozen=True)
class Outcome:
    """What left the transform, and the fault of each record that did not."""

    frame: pl.DataFrame
    faults: dict[int, str]


def situation(constants: Mapping[str, Any] | None = None) -> Situation:
    return Situation(Scope(constants=constants or {}), NoFiles())


def typed(
    transform: Transform,
    arguments: Mapping[str, Any],
    columns: Schema | dict[str, str],
    constants: Mapping[str, Any] | None = None,
) -> Typed:
    """The rule's answer, which must be the same for the arguments that it made canonical."""
    schema = columns if isinstance(columns, Schema) else Schema.of(columns)
    answer = transform.rule(arguments, schema, situation(constants))
    if not answer.faults:
        again = transform.rule(answer.arguments, schema, situation())
        assert (again.arguments, again.schema) == (answer.arguments, answer.schema)
    return answer


def faults(
    transform: Transform,
    arguments: Mapping[str, Any],
    columns: Schema | dict[str, str],
) -> list[tuple[str, tuple[str | int, ...], int | None, int | None]]:
    """The codes and places of what the rule finds."""
    found: Sequence[Fault] = typed(transform, arguments, columns).faults
    return [(fault.code.id, fault.pointer, fault.start, fault.end) for fault in found]


def transformed(
    transform: Transform,
    arguments: Mapping[str, Any],
    frame: pl.DataFrame,
    constants: Mapping[str, Any] | None = None,
    schema: Schema | None = None,
) -> Outcome:
    """Sends a frame through a row-wise transform; records at fault are left out."""
    schema = schema or schema_of(frame)
    answer = typed(transform, arguments, schema, constants)
    assert not answer.faults, answer.faults
    operator = transform.prepare(answer.arguments, schema, Scope())
    assert isinstance(operator, Rowwise | Keep)
    wrong: dict[int, str] = {}
    for hazard in operator.hazards:
        messages = hazard.examine(frame).to_list()
        assert len(messages) == frame.height
        if hazard.suspect is not None:
            suspects = frame.with_columns(__suspect=hazard.suspect)["__suspect"].to_list()
            missed = [
                index
                for index, (message, suspect) in enumerate(zip(messages, suspects, strict=True))
                if message is not None and not suspect
            ]
            assert not missed, (missed, messages)
        for index, message in enumerate(messages):
            if message is not None:
                wrong.setdefault(index, message)
    kept = pl.Series([index not in wrong for index in range(frame.height)], dtype=pl.Boolean)
    sound = frame.lazy().filter(kept)
    if isinstance(operator, Keep):
        out = sound.filter(operator.predicate).collect()
    else:
        out = operator.apply(sound).collect()
    as_promised(out, answer.schema)
    return Outcome(out, wrong)


def passed(
    transform: Transform, arguments: Mapping[str, Any], frames: list[pl.DataFrame]
) -> tuple[list[pl.DataFrame], int]:
    """Sends splits through an in-order transform; also how many were read before it was done."""
    schema = schema_of(frames[0])
    answer = typed(transform, arguments, schema)
    operator = transform.prepare(answer.arguments, schema, Scope())
    assert isinstance(operator, InOrder)
    state, out = operator.initial, []
    for frame in frames:
        if operator.done(state):
            break
        state, leaving = operator.step(state, frame)
        out.append(leaving)
    return out, len(out)


def as_promised(frame: pl.DataFrame, schema: Schema) -> None:
    """The columns that leave are those that the rule said, in name, order and type."""
    assert frame.columns == schema.names
    for column in schema:
        if not isinstance(column.type, Null | Unknown):
            assert frame.schema[column.name] == polars_type(column.type), column
        if not column.nullable:
            assert not frame[column.name].has_nulls(), column


def judged(query: str, frame: pl.DataFrame) -> list[tuple[Any, ...]]:
    """The rows that DuckDB gives for a query over `frame`."""
    with duck.connect() as connection:
        return connection.register("frame", frame).execute(query).fetchall()
