"""Sorting in ranges, with whatever memory, through checkpoints: as Polars' own stable sort."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowctl.gathering import heap
from flowctl.gathering.interleaving import Interleaved
from flowctl.gathering.order import Order
from flowctl.gathering.sorting import Sorting
from flowctl.gathering.spill import Spill

ORDER = Order(("k", "t"), (True, False))
KEYS = st.tuples(st.one_of(st.none(), st.integers(-2, 2)), st.sampled_from(["", "a", "ä", None]))
FRAMES = st.lists(st.lists(KEYS, max_size=12), min_size=1, max_size=8)


def numbered(frames: list[list[tuple[int | None, str | None]]]) -> list[pl.DataFrame]:
    """Each record with the place at which it came."""
    schema, place, found = {"k": pl.Int64, "t": pl.String}, 0, []
    for rows in frames:
        frame = pl.DataFrame(rows, schema=schema, orient="row")
        places = pl.int_range(place, place + frame.height, eager=True, dtype=pl.Int64)
        found.append(frame.with_columns(places.alias("place")))
        place += frame.height
    return found


def expected(frames: list[pl.DataFrame]) -> pl.DataFrame:
    flags = {"descending": [*ORDER.descending], "nulls_last": True, "maintain_order": True}
    return pl.concat(frames).sort(ORDER.columns, **flags)  # type: ignore[arg-type]


@settings(deadline=None)
@given(FRAMES, st.integers(1, 20))
def test_ranges_are_the_records_in_order(
    rows: list[list[tuple[int | None, str | None]]], size: int
) -> None:
    frames = numbered(rows)
    whole = expected(frames)
    ranges = [*Interleaved.of([ORDER.sorted(frame) for frame in frames], ORDER).ranges(size)]
    assert [one.height for one in ranges] == [
        min(size, whole.height - start) for start in range(0, whole.height, size)
    ]
    gathered = [one.gathered() for one in reversed(ranges)]
    assert pl.concat([frames[0].clear(), *reversed(gathered)]).equals(whole)


@settings(deadline=None, max_examples=50)
@given(
    FRAMES,
    st.sampled_from([0, 200, 1500, 1 << 20]),
    st.sampled_from([0, 150, 1 << 20]),
    st.lists(st.sampled_from(["go on", "checkpoint", "die"]), min_size=8, max_size=8),
    st.booleans(),
    st.booleans(),
)
def test_neither_memory_nor_deaths_change_the_order(
    rows: list[list[tuple[int | None, str | None]]],
    memory: int,
    least: int,
    fates: list[str],
    ordered: bool,
    ahead: bool,
) -> None:
    frames = numbered(rows)
    with (
        TemporaryDirectory() as folder,
        pytest.MonkeyPatch.context() as patch,
        ExitStack() as executors,
    ):
        patch.setattr(heap, "LEAST_BYTES", least)

        def opened() -> Sorting:
            made = Sorting(ORDER, Spill(Path(folder) / "work"), memory, ordered=ordered, rows=5)
            executors.close()  # no thread outlives its process
            if ahead:
                made.write_ahead(executors.enter_context(ThreadPoolExecutor(2)))
            return made

        sorting, kept = opened(), 0
        state = json.dumps(sorting.checkpoint())
        number = 0
        while number < len(frames):
            sorting.take(ORDER.sorted(frames[number]) if ordered else frames[number])
            number, fate = number + 1, fates[number]
            if fate == "checkpoint":
                state, kept = json.dumps(sorting.checkpoint()), number
            if fate == "die":
                fates[number - 1] = "go on"
                sorting, number = opened(), kept
                sorting.restore(json.loads(state))
        left = [*sorting.leave()]
        assert pl.concat([frames[0].clear(), *left]).equals(expected(frames))
        assert all(frame.height == 5 for frame in left[:-1])
        sorting.close()
        assert not [*Path(folder).rglob("*.run")]
