"""The core schema of YAML 1.2, judged by the words of its specification (section 10.3)."""

from __future__ import annotations

import math

import pytest

from flowctl.syntax.core import MAX_DIGITS, TooLarge, finite, resolve


@pytest.mark.parametrize("text", ["", "~", "null", "Null", "NULL"])
def test_null(text: str) -> None:
    assert resolve(text) is None


@pytest.mark.parametrize("text", ["true", "True", "TRUE", "false", "False", "FALSE"])
def test_boolean(text: str) -> None:
    assert resolve(text) is (text.lower() == "true")


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", 0), ("-0", 0), ("+12", 12), ("007", 7), ("0o17", 15), ("0x1F", 31), ("-3", -3)],
)
def test_integer(text: str, value: int) -> None:
    found = resolve(text)
    assert found == value
    assert type(found) is int


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.", 1.0),
        (".5", 0.5),
        ("-1e3", -1000.0),
        ("+1.5E-2", 0.015),
        ("1e3", 1000.0),
        (".inf", math.inf),
        ("+.INF", math.inf),
        ("-.Inf", -math.inf),
    ],
)
def test_float(text: str, value: float) -> None:
    found = resolve(text)
    assert found == value
    assert type(found) is float


@pytest.mark.parametrize("text", [".nan", ".NaN", ".NAN"])
def test_not_a_number(text: str) -> None:
    found = resolve(text)
    assert isinstance(found, float)
    assert math.isnan(found)


@pytest.mark.parametrize(
    "text",
    [
        *("on", "off", "yes", "no", "y", "n", "On", "YES", "tRUE", "nULL", "none"),
        *("1_000", "0b1", "1:30", "190:20:30", "2024-01-01", "2024-01-01T00:00:00Z"),
        *("-0x1F", "+0o7", "0o8", "0xg", "1e", "e3", ".", "-", "+", "1.5.2", "nan", "inf", ".Nan"),
        *("<<", "=", "1 2", "1,5", "١٢"),
    ],
)
def test_everything_else_is_text(text: str) -> None:
    assert resolve(text) == text


def test_large_integers_are_kept_up_to_a_bound() -> None:
    assert resolve("9" * MAX_DIGITS) == int("9" * MAX_DIGITS)
    found = resolve("9" * (MAX_DIGITS + 1))
    assert isinstance(found, TooLarge)
    assert "4001 digits" in found.reason


def test_no_float_becomes_infinity() -> None:
    assert isinstance(resolve("1e999"), TooLarge)
    assert isinstance(finite("-" + "9" * 400), TooLarge)
