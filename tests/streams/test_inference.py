"""Columns of numbers are told at one look as they are value by value."""

from __future__ import annotations

from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from flowctl.files.inference import infer_text

TEXTS = (
    *("0", "1", "-5", "+3", "-0", "00", "007", "1_000", "99999999999999999", "9223372036854775807"),
    *("9223372036854775808", "1.5", ".5", "1.", "1e5", "1.e5", "0.0", "00.5", "inf", "nan"),
    *("true", "2020-01-01", "x", "-"),
)


def common(first: str, second: str) -> str:
    """What two types of columns come to, among those that these texts have."""
    numbers = {"int64", "float64"}
    if first == second:
        return first
    return "float64" if {first, second} <= numbers else "string"


@given(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=4))
def test_a_column_is_what_its_values_have_in_common(texts: list[str]) -> None:
    alone = [str(infer_text([text])) for text in texts]
    assert str(infer_text(texts)) == reduce(common, alone)


def test_values_alone() -> None:
    kinds = {text: str(infer_text([text])) for text in TEXTS}
    assert [text for text, kind in kinds.items() if kind == "int64"] == [
        *("0", "1", "-5", "+3", "-0", "99999999999999999", "9223372036854775807"),
    ]
    assert [text for text, kind in kinds.items() if kind == "float64"] == [
        *("1.5", ".5", "1.", "1e5", "1.e5", "0.0", "00.5", "inf", "nan"),
    ]
