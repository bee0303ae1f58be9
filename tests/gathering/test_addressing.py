"""Records found in a table: the very frames that a hash join gives."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowctl.gathering.addressing import SPARSE, Addressed
from flowctl.gathering.joining import How, Join

ENDS: dict[pl.DataType, tuple[int, int]] = {
    pl.Int8(): (-(2**7), 2**7 - 1),
    pl.Int64(): (-(2**63), 2**63 - 1),
    pl.UInt64(): (0, 2**64 - 1),
}


def join(how: How, kind: pl.DataType) -> Join:
    types = {"k": kind, "n": pl.Int64(), "text": pl.String()}
    return Join(how, ((pl.col("k"), pl.col("id")),), ("k",), ("k", "n"), {"text": "t"}, types,
                (kind,))  # fmt: skip


@settings(deadline=None)
@given(st.data(), st.sampled_from(["inner", "left"]), st.sampled_from([*ENDS]))
def test_a_table_finds_what_a_hash_join_finds(
    data: st.DataObject, how: How, kind: pl.DataType
) -> None:
    low, high = ENDS[kind]
    near = st.one_of(st.integers(low, low + 20), st.integers(high - 20, high), st.just(low // 2))
    start = data.draw(near)
    own = data.draw(st.sets(st.integers(start, min(high, start + 20)), min_size=1))
    right = pl.DataFrame(
        {"id": [*own], "t": [str(key) for key in own]}, schema_overrides={"id": kind}
    )
    keys = data.draw(st.lists(st.one_of(st.none(), near, st.sampled_from([*own])), max_size=30))
    left = pl.DataFrame({"k": keys}, schema={"k": kind}).with_columns(
        n=pl.int_range(pl.len()), line=pl.int_range(pl.len()) + 7
    )
    one = join(how, kind)
    records = one.keep(right)
    addressed = Addressed.of(one, records)
    if max(own) - min(own) >= SPARSE * len(own) or max(own) >= 2**63:
        assert addressed is None
        return
    assert addressed is not None
    assert addressed.meet(left).equals(one.meet(left, records))
    assert addressed.meet(left).schema == one.meet(left, records).schema


@pytest.mark.parametrize(
    "right",
    [
        pl.DataFrame({"id": [1, 1], "t": ["a", "b"]}),
        pl.DataFrame({"id": [1, 10_000], "t": ["a", "b"]}),
        pl.DataFrame({"id": [1.0, 2.0], "t": ["a", "b"]}),
        pl.DataFrame({"id": [1], "t": ["a"]}).clear(),
    ],
)
def test_other_keys_are_hashed(right: pl.DataFrame) -> None:
    one = join("inner", right.schema["id"])
    assert Addressed.of(one, one.keep(right)) is None
