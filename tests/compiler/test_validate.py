"""The shape of documents: each fault is one sentence about one thing, with its mend."""

from __future__ import annotations

import pytest

from tests.compiler.front import HEAD, front


def transform(text: str) -> str:
    """A workflow with this as the first transform, which begins in column 9 of line 7."""
    return (
        f"{HEAD}steps:\n  a:\n    source: {{csv: a.csv}}\n    transforms:\n      - {text}\n"
        "    sink: {csv: b.csv}\n"
    )


@pytest.mark.parametrize(
    ("text", "code", "message", "help"),
    [
        ("fliter: x", "E206", "unknown transform `fliter`", "did you mean `filter`?"),
        ("limit: '3'", "E203", "`limit` must be a whole number, not text", "remove the quotes: 3"),
        ("limit: 1.5", "E203", "`limit` must be a whole number, not 1.5", None),
        ("limit: -1", "E210", "`limit` must be at least 0, not -1", None),
        ("limit:", "E208", "`limit` needs a value: a whole number", None),
        (
            "select: a",
            "E203",
            "`select` must be a list, not text",
            "write a list: `[...]`, or `- ` before each item",
        ),
        ("select: []", "E208", "`select` is empty; it needs at least one item", None),
        (
            "select: [a, 1]",
            "E203",
            "an item of `select` must be text, not a number",
            "put quotes around it to make it text",
        ),
        ("drop: [a, a]", "E211", "`a` stands twice in the list", None),
        ("derive: {}", "E208", "`derive` is empty; it needs at least one entry", None),
        (
            "derive: {a: {b: c}}",
            "E215",
            "`a` is an expression, but without quotes this is a mapping",
            "put quotes around the whole expression",
        ),
        (
            "{filter: x, on_error: Skip}",
            "E204",
            "`on_error` must be `fail`, `skip` or `reject`, not `Skip`",
            "did you mean `skip`?",
        ),
        (
            "{filter: x, on_error: 5}",
            "E204",
            "`on_error` must be `fail`, `skip` or `reject`, not `5`",
            None,
        ),
        (
            "{filter: x, on_eror: skip}",
            "E201",
            "unknown key `on_eror` beside `filter`",
            "did you mean `on_error`?",
        ),
        (
            "{limit: 3, pattern: x}",
            "E201",
            "unknown key `pattern` beside `limit`",
            "`pattern` belongs to `extract`",
        ),
        (
            "{filter: x, derive: {a: b}}",
            "E207",
            "a transform has one kind, but here stand both `filter` and `derive`",
            "make two of it, or remove one",
        ),
        (
            "filter",
            "E203",
            "an item of `transforms` must be a mapping that says its kind, not text",
            None,
        ),
        ("", "E208", "an item of `transforms` needs a value: a mapping with one transform", None),
        (
            "[limit: 3]",
            "E203",
            "an item of `transforms` must be a mapping that says its kind, not a list",
            None,
        ),
    ],
)
def test_faults_of_a_transform(text: str, code: str, message: str, help: str | None) -> None:
    found = front(transform(text)).found
    assert [(one.code.id, one.message) for one in found] == [(code, message)]
    if help is not None:
        assert found[0].help == help


@pytest.mark.parametrize(
    ("body", "code", "message", "help"),
    [
        (
            "{run: 5}",
            "E203",
            "`run` must be text or a list, not a number",
            "put quotes around it to make it text",
        ),
        ("{run: ''}", "E208", "`run` is empty", None),
        (
            "{run: x, sink: {csv: a}}",
            "E201",
            "unknown key `sink` beside `run`",
            "`sink` belongs to `source`",
        ),
        ("{run: x, needs: {a: b}}", "E203", "`needs` must be text or a list, not a mapping", None),
        (
            "{run: x, needs: [a b]}",
            "E209",
            "an item of `needs` must be the name of a step, not `a b`",
            None,
        ),
        ("{run: x, if: [1]}", "E203", "`if` must be text or a boolean, not a list", None),
        ("{run: x, matrix: {a: 1}}", "E203", "`a` must be a list, not a number", None),
        (
            "{run: x, labels: {a: [1]}}",
            "E203",
            "`a` must be text, a number or a boolean, not a list",
            None,
        ),
        (
            "{source: {csv: a.csv}, sink: b.csv}",
            "E203",
            "`sink` must be a mapping that says its kind, not text",
            "write `{csv: b.csv}`",
        ),
        (
            "{source: {csv: a.csv}, sink: []}",
            "E208",
            "`sink` is empty; it needs at least one item",
            None,
        ),
        (
            "{source: {csv: a.csv}, sink: {csv: b}, max_rejects: lots}",
            "E209",
            "`max_rejects` must be a count such as `10` or a share such as `1%`, not `lots`",
            None,
        ),
        ("{sorce: {csv: a.csv}}", "E206", "unknown step `sorce`", "did you mean `source`?"),
        (
            "{transforms: [], sink: {csv: b}}",
            "E212",
            "`transforms` is an option, but no key beside it says which step this is",
            None,
        ),
        ("{}", "E208", "a step is missing: the mapping is empty", None),
        ("x", "E203", "`s` must be a mapping that says its kind, not text", None),
    ],
)
def test_faults_of_a_step(body: str, code: str, message: str, help: str | None) -> None:
    found = front(f"{HEAD}steps:\n  s: {body}\n").found
    assert [(one.code.id, one.message) for one in found] == [(code, message)]
    if help is not None:
        assert found[0].help == help


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        ("stepz: 1", "E201", "unknown key `stepz`"),
        ("$ref: a.yaml", "E201", "unknown key `$ref`"),
        ("'{{ a }}': 1", "E201", "unknown key `{{ a }}`"),
        ("tests: []", "E201", "unknown key `tests`"),
        ("vars: []", "E203", "`vars` must be a mapping, not a list"),
        (
            "vars: {a-b: 1}",
            "E205",
            "`a-b` is no name for a variable: names match `[A-Za-z_][A-Za-z0-9_]*`",
        ),
        ("secrets: {A: x}", "E203", "`A` must be a mapping that says its kind, not text"),
        (
            "secrets: {A: {env: x, file: y}}",
            "E207",
            "a secret has one kind, but here stand both `env` and `file`",
        ),
        ("profiles: {prod: 5}", "E203", "`prod` must be a mapping, not a number"),
        ("description: [a]", "E203", "`description` must be text, not a list"),
    ],
)
def test_faults_at_the_top(line: str, code: str, message: str) -> None:
    found = front(f"{HEAD}{line}\nsteps: {{a: {{run: x}}}}\n")
    errors = [one for one in found.found if one.severity == "error"]
    assert [(one.code.id, one.message) for one in errors] == [(code, message)]


def test_free_keys_are_free() -> None:
    found = front(
        HEAD
        + "x-anything: [{fliter: x}, {$ref: nowhere.yaml}, '{{ nope }}']\nsteps: {a: {run: x}}\n"
    )
    assert found.found == []


def test_all_faults_are_told_at_once() -> None:
    found = front(
        HEAD
        + "nme: x\nsteps:\n"
        + "  a-b: {source: {csvv: a}, transforms: [{limit: x}, {fliter: y}], sink: 5}\n"
        + "  c: {rn: x}\n"
    )
    assert [code for code, _, _ in found.places] == [
        "E201",
        "E205",
        "E206",
        "E203",
        "E206",
        "E203",
        "E206",
    ]


@pytest.mark.parametrize("value", ["'{{ params.p }}'", "{$ref: '#/x-n'}", "'{{ params.p + 0 }}'"])
def test_what_was_put_off_is_judged_after_expansion(value: str) -> None:
    head = "params: {p: {type: integer, default: -1}}\nx-n: -1\nx-use: '{{ params.p }}'\n"
    text = transform(f"limit: {value}").replace("steps:", f"{head}steps:")
    assert front(text).messages == ["`limit` must be at least 0, not -1"]


def test_what_is_not_known_is_not_judged() -> None:
    text = transform("limit: '{{ params.p }}'").replace(
        "steps:", "params: {p: {type: integer}}\nsteps:"
    )
    assert [code for code, _, _ in front(text).places] == ["E310"]


def test_what_is_wrong_is_kept_from_later_passes() -> None:
    found = front(
        HEAD
        + "steps:\n  a:\n    source: {csv: a.csv, nope: 1}\n"
        + "    transforms: [{limit: x}, {fliter: y}]\n    sink: {csv: b}\n"
    )
    assert found.step("a") == {
        "source": {"csv": "a.csv"},
        "transforms": [{"limit": "?"}, "?"],
        "sink": {"csv": "b"},
    }


@pytest.mark.parametrize(
    ("expression", "whole"),
    [
        ("tag = 'a #b'", False),
        ("x > #y", False),
        ("(a + b #c", False),
        ("x in [1, 2 # 3]", False),
        ("a and # b", False),
        ("x > 3 # only long ones", True),
        ("tag = 'it''s' # fine", True),
        ("not_ # fine", True),
    ],
)
def test_a_comment_that_cuts_an_expression(expression: str, whole: bool) -> None:
    found = front(transform(f"filter: {expression}"))
    column = len("      - filter: ") + expression.index("#") + 1
    assert found.places == ([] if whole else [("E216", 7, column)])
