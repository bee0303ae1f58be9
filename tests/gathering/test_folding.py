"""A fold that is interrupted while its result leaves."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from flowctl.expressions.polars_types import schema_of
from flowctl.expressions.scope import Scope
from flowctl.gathering import evenly
from flowctl.kinds.transforms.aggregate import COMPONENT
from flowctl.operators import Blocking, Gathering
from flowctl.syntax.node import Json
from tests.kinds.transforming import typed

SPLIT = pl.DataFrame({"k": range(3000), "x": [0.1 * (i % 7) for i in range(3000)]})
ARGUMENTS: dict[str, Json] = {
    # Folded twice, deviations would not be what they are.
    "aggregate": {"s": "sum(x)", "d": "stddev(x)", "l": "list(x)"},
    "by": ["k"],
}


@pytest.mark.parametrize("memory", [1 << 30, 200_000])
@pytest.mark.parametrize("later", [1 << 30, 200_000])
def test_what_has_left_is_folded_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, memory: int, later: int
) -> None:
    monkeypatch.setattr(evenly, "MOST_ROWS", 1000)
    schema = schema_of(SPLIT)
    operator = COMPONENT.prepare(typed(COMPONENT, ARGUMENTS, schema).arguments, schema, Scope())
    assert isinstance(operator, Blocking)
    assert operator.before is not None
    before = operator.before.apply

    def begun(folder: Path) -> Gathering:
        gathering = operator.open(folder, memory)
        for part in (SPLIT, SPLIT.with_columns(pl.col("x") * 3), SPLIT.reverse()):
            gathering.take(operator.condense(before(part.lazy()).collect()))
        return gathering

    expected = [frame.rows() for frame in begun(tmp_path / "whole").leave()]
    assert len(expected) > 1
    interrupted = begun(tmp_path / "work")
    leaving = interrupted.leave()
    state: Json = None
    for _ in range(2):  # the second time, the first one's files are not needed any more
        next(leaving)
        state = json.loads(json.dumps(interrupted.checkpoint()))
    again = operator.open(tmp_path / "work", later)
    again.restore(state)
    assert [frame.rows() for frame in again.leave()] == expected
    again.close()
    assert not (tmp_path / "work").exists()
