"""One value without records, and the strings that hold expressions."""

from __future__ import annotations

from decimal import Decimal

import pytest

from flowctl.expressions import Scope, check
from flowctl.expressions.evaluate import Refused, as_text, evaluate
from flowctl.expressions.interpolation import Expression, Text, split
from flowctl.records import Integer, List, String, Unknown

SCOPE = Scope(
    runtime={"steps": {"load": {"written": Integer(64), "files": List(String())}}}, status=True
)
VALUES = {
    ("steps", "load", "written"): 7,
    ("steps", "load", "files"): ["a.csv", "b.csv"],
    ("always",): True,
    ("failure",): False,
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("steps.load.written > 5", True),
        ("steps.load.written // 2", 3),
        ("steps.load.written / 2", 3.5),
        ("steps.load.written * 1.5", Decimal("10.5")),
        ("steps.load.files[1]", "a.csv"),
        ("len(steps.load.files)", 2),
        ("always() and not failure()", True),
        ("null", None),
        ("1 + 1", 2),
        ("try(1 // 0)", None),
        ("success()", None),
        ("[1, 2]", [1, 2]),
        ("{'a': 1}", {"a": 1}),
    ],
)
def test_value(text: str, value: object) -> None:
    tree = check(text, SCOPE).tree
    assert tree is not None
    assert evaluate(tree, VALUES) == value


@pytest.mark.parametrize(
    ("text", "message", "part"),
    [
        ("1 // (steps.load.written - 7)", "division by zero", "1 // (steps.load.written - 7)"),
        ("cast(steps.load.files[1] as integer)", "cannot read 'a.csv' as int32", None),
        ("9223372036854775807 + steps.load.written", "overflow of int64", None),
    ],
)
def test_refused(text: str, message: str, part: str | None) -> None:
    tree = check(text, SCOPE).tree
    assert tree is not None
    found = evaluate(tree, VALUES)
    assert isinstance(found, Refused)
    assert message in found.message
    assert text[found.start : found.end] == (part or text)


def test_as_text() -> None:
    values = [None, True, 1, 1.5, "a", [1, "x"], {"a": None}]
    assert [as_text(value) for value in values] == [
        "", "true", "1", "1.5", "a", '[1, "x"]', '{"a": null}',
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expressions"),
    [
        ("plain", []),
        ("${{ a }}", ["a"]),
        ("x ${{a}} y ${{ b + 1 }}", ["a", "b + 1"]),
        ("${{ 'a}}b' }}", ["'a}}b'"]),
        ("${{ \"}}\" || 'it''s' }}", ["\"}}\" || 'it''s'"]),
        ("${{ {'a': 1}}}", ["{'a': 1}"]),
        ("${{ {'a': {'b': 1}}}}", ["{'a': {'b': 1}}"]),
        ("${{ a /* }} */ }}", ["a /* }} */"]),
        ("$ {{ a }}", []),
        ("${{ }}", [""]),
    ],
)
def test_split(text: str, expressions: list[str]) -> None:
    pieces, faults = split(text)
    assert not faults
    assert [piece.text for piece in pieces if isinstance(piece, Expression)] == expressions
    for piece in pieces:
        assert text[piece.start : piece.end] == piece.text
    kept = [piece.text for piece in pieces if isinstance(piece, Text)]
    assert "".join(kept).replace("$ {{", "") == "".join(kept).replace("${{", "").replace("$ {{", "")


@pytest.mark.parametrize("text", ["${{ a", "x ${{ a } b", "${{ a ${{ b }}"])
def test_never_closed(text: str) -> None:
    _, faults = split(text)
    assert [text[fault.start : fault.end] for fault in faults] == ["${{"]


def test_values_of_which_only_a_part_has_a_type() -> None:
    scope = Scope(runtime={"list": List(Unknown())})
    tree = check("list[2].a", scope).tree
    assert tree is not None
    found = evaluate(tree, {("list",): [{"a": 1}, {"a": 7}]})
    assert isinstance(found, Refused)
    assert "not known before the run" in found.message
