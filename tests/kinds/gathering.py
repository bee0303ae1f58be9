"""Puts a blocking transform to work on splits, as the engine does, and holds what each owes."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from flowctl.component import Transform
from flowctl.expressions.polars_types import schema_of
from flowctl.expressions.scope import Scope
from flowctl.gathering import distinct, folding, grouping, heap, parts, scatter, sorting
from flowctl.operators import Blocking, Gathering
from flowctl.records import Schema
from flowctl.syntax.node import Json
from tests.kinds.transforming import as_promised, typed

PLENTY = 1 << 30
SCARCE = 4096


@dataclass(frozen=True)
class Gathered:
    """What left a blocking transform: frame by frame, and as one."""

    frames: list[pl.DataFrame]
    schema: Schema
    work: Path

    @property
    def whole(self) -> pl.DataFrame:
        if not self.frames:
            return pl.DataFrame(schema=self.schema.names)
        return pl.concat(self.frames)

    @property
    def bytes(self) -> list[bytes]:
        """All that could differ between two runs."""
        return [frame.serialize(format="binary") for frame in self.frames]


def gathered(
    transform: Transform,
    arguments: dict[str, Json],
    splits: Sequence[pl.DataFrame],
    memory: int = PLENTY,
    resumed: Sequence[int] = (),
) -> Gathered:
    """Sends splits through; before those in `resumed` the work is stopped and taken up again.

    After a checkpoint more is taken, whose loss a crash would mean; then the checkpoint is resumed
    from.
    """
    schema = schema_of(splits[0])
    answer = typed(transform, arguments, schema)
    assert not answer.faults, answer.faults
    operator = transform.prepare(answer.arguments, schema, Scope())
    assert isinstance(operator, Blocking)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder) / "work"
        gathering = operator.open(work, memory)
        for index, split in enumerate(splits):
            if index in resumed:
                gathering = _resumed(gathering, operator, work, memory, splits[index:])
            gathering.take(_condensed(operator, split))
        if len(splits) in resumed:
            gathering = _resumed(gathering, operator, work, memory, [])
        frames = [_after(operator, frame) for frame in gathering.leave()]
        gathering.close()
        assert not work.exists()
    for frame in frames:
        as_promised(frame, answer.schema)
    return Gathered(frames, answer.schema, work)


def steady(
    transform: Transform, arguments: dict[str, Json], splits: Sequence[pl.DataFrame]
) -> pl.DataFrame:
    """What leaves, which must be the same in scarce memory, and after interruptions."""
    with pytest.MonkeyPatch.context() as patch:
        # With few parts and small segments a little data goes through all that much data does.
        patch.setattr(folding, "FAN_IN", 3)
        patch.setattr(scatter, "SAMPLE", 4)
        patch.setattr(grouping, "MANY", 10)
        patch.setattr(distinct, "MANY", 6)
        first = gathered(transform, arguments, splits)
        patch.setattr(sorting, "FAN_IN", 3)
        patch.setattr(heap, "LEAST_BYTES", 512)
        patch.setattr(parts, "rows_of", lambda frame, size: 5)
        scarce = gathered(transform, arguments, splits, SCARCE)
        again = gathered(transform, arguments, splits, SCARCE, resumed=range(len(splits) + 1))
    assert _rows(scarce) == _rows(first)
    assert _rows(again) == _rows(first)
    return first.whole


def _rows(found: Gathered) -> list[str]:
    """Frame by frame, floats to their last bit."""
    return [repr(frame.rows()) for frame in found.frames]


def _resumed(
    gathering: Gathering,
    operator: Blocking,
    work: Path,
    memory: int,
    rest: Sequence[pl.DataFrame],
) -> Gathering:
    state = json.loads(json.dumps(gathering.checkpoint()))
    for split in rest[:2]:
        gathering.take(_condensed(operator, split))
    again = operator.open(work, memory)
    again.restore(state)
    return again


def _condensed(operator: Blocking, split: pl.DataFrame) -> pl.DataFrame:
    if operator.before is not None:
        split = operator.before.apply(split.lazy()).collect()
    return operator.condense(split)


def _after(operator: Blocking, frame: pl.DataFrame) -> pl.DataFrame:
    if operator.after is None:
        return frame
    return operator.after.apply(frame.lazy()).collect()


def cut(frame: pl.DataFrame, sizes: Sequence[int]) -> list[pl.DataFrame]:
    """The frame in splits of these sizes, and the rest; at least one."""
    splits, start = [], 0
    for size in sizes:
        splits.append(frame.slice(start, size))
        start += size
    return [*splits, frame.slice(start)]
