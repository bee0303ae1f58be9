from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from flowctl.kinds.transforms.sample import COMPONENT
from tests.kinds.gathering import cut
from tests.kinds.transforming import passed, typed


def kept(share: float, seed: int, splits: list[pl.DataFrame]) -> list[int]:
    frames, _ = passed(COMPONENT, {"sample": share, "seed": seed}, splits)
    return [value for frame in frames for value in frame["n"]]


@settings(max_examples=40, deadline=None)
@given(st.floats(0, 1), st.integers(0, 2**63 - 1), st.lists(st.integers(0, 400), max_size=6))
def test_the_cut_changes_nothing(share: float, seed: int, sizes: list[int]) -> None:
    frame = pl.DataFrame({"n": range(1000)})
    assert kept(share, seed, cut(frame, sizes)) == kept(share, seed, [frame])


def test_the_share_is_about_what_was_asked_for() -> None:
    frame = pl.DataFrame({"n": range(200_000)})
    for share in (0.01, 0.25, 0.9):
        assert abs(len(kept(share, 3, [frame])) / 200_000 - share) < 0.005
    assert kept(0, 1, [frame]) == []
    assert len(kept(1, 1, [frame])) == 200_000


def split_mix(place: int, seed: int) -> int:
    """The algorithm as its authors wrote it, on numbers that do not end at 64 bits."""
    ones = 2**64 - 1
    mixed = (place + 1 + seed * 0xBF58476D1CE4E5B9) * 0x9E3779B97F4A7C15 & ones
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 & ones
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & ones
    return mixed ^ mixed >> 31


def test_the_records_chosen_stay_the_same_in_all_versions() -> None:
    assert split_mix(0, 0) == 0xE220A8397B1DCDAF
    for seed in (0, 1, 2**63 - 1):
        chosen = [n for n in range(500) if split_mix(n, seed) < 2**64 // 10]
        assert kept(0.1, seed, [pl.DataFrame({"n": range(500)})]) == chosen


def test_defaults_are_left_out() -> None:
    answer = typed(COMPONENT, {"sample": 0.5, "seed": 0}, {"a": "int64"})
    assert answer.arguments == {"sample": 0.5}
