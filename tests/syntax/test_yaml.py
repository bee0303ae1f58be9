"""YAML into the tree: values, places, aliases, merges, tags, and keys that are none."""

from __future__ import annotations

import pytest

from flowctl.diagnostics import Frame, Report, Span
from flowctl.syntax import SourceFile
from flowctl.syntax.node import MappingNode, UnknownNode, to_json
from flowctl.syntax.yaml import parse_yaml
from tests.syntax.reading import at, nodes, places, read, scalar, tree

DOCUMENT = """\
# a comment
flowctl: 1
name: "flights"
steps:
  clean: &clean
    source: {csv: 'data/*.csv', null_values: [NA, ~]}
    transforms:
      - filter: a > 1
          and b < 2   # folded
      - &last
        derive:
          c: |-
            a
              + 1

    sink:
  other:
    <<: *clean
    transforms: [*last]
"""


def spans(text: str, *pointer: str | int) -> tuple[int, int, int, int]:
    span = at(tree(text), *pointer).span
    return span.line, span.column, span.end_line, span.end_column


def test_values() -> None:
    clean = {
        "source": {"csv": "data/*.csv", "null_values": ["NA", None]},
        "transforms": [{"filter": "a > 1 and b < 2"}, {"derive": {"c": "a\n  + 1"}}],
        "sink": None,
    }
    other = clean | {"transforms": [{"derive": {"c": "a\n  + 1"}}]}
    steps = {"clean": clean, "other": other}
    assert to_json(tree(DOCUMENT)) == {"flowctl": 1, "name": "flights", "steps": steps}


@pytest.mark.parametrize(
    ("pointer", "place"),
    [
        ((), (2, 1, 19, 24)),
        (("flowctl",), (2, 10, 2, 11)),
        (("name",), (3, 7, 3, 16)),
        (("steps", "clean"), (6, 5, 16, 10)),
        (("steps", "clean", "source"), (6, 13, 6, 54)),
        (("steps", "clean", "source", "csv"), (6, 19, 6, 31)),
        (("steps", "clean", "source", "null_values", 1), (6, 51, 6, 52)),
        (("steps", "clean", "transforms"), (8, 7, 14, 18)),
        (("steps", "clean", "transforms", 0, "filter"), (8, 17, 9, 20)),
        (("steps", "clean", "transforms", 1), (11, 9, 14, 18)),
        (("steps", "clean", "transforms", 1, "derive", "c"), (12, 14, 14, 18)),
        (("steps", "clean", "sink"), (16, 10, 16, 10)),
        (("steps", "other", "source", "csv"), (6, 19, 6, 31)),
        (("steps", "other", "transforms", 0), (11, 9, 14, 18)),
    ],
)
def test_places(pointer: tuple[str | int, ...], place: tuple[int, int, int, int]) -> None:
    assert spans(DOCUMENT, *pointer) == place


def test_keys_have_places() -> None:
    steps = at(tree(DOCUMENT), "steps")
    assert isinstance(steps, MappingNode)
    key = steps.entries[1].key
    assert key.span == Span("/project/flow.yaml", 17, 3, 17, 8)
    assert key.at(1, 3) == Span("/project/flow.yaml", 17, 4, 17, 6)


def test_both_parsers_give_one_tree() -> None:
    source = SourceFile("/a.yaml", DOCUMENT)
    trees = [parse_yaml(source, Report(), compiled=compiled) for compiled in (True, False)]
    assert trees[0] == trees[1]


def test_which_scalars_are_plain() -> None:
    node = tree("a: x\nb: 'x'\nc: \"x\"\nd: |\n  x\ne: 1\nf:\n'g': h")
    plain = [scalar(node, name).plain for name in "abcdef"]
    assert plain == [True, False, False, False, True, True]


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{a: https://x.org:80/?y=:z}", {"a": "https://x.org:80/?y=:z"}),
        ("{a: b::int, c: string?}", {"a": "b::int", "c": "string?"}),
        ("{d: list<int8?>?}", {"d": "list<int8?>?"}),
        ("[10:30, a:b, ?c, :d]", ["10:30", "a:b", "?c", ":d"]),
        ("{a: b ? c, d: e}", {"a": "b ? c", "d": "e"}),
        ('{"a":1,\'b\':"x:?y", c: {"d":[1]}}', {"a": 1, "b": "x:?y", "c": {"d": [1]}}),
        ("a?: b?\nc:d: 'e?:f'\n? g\n: |\n  h?:i\n", {"a?": "b?", "c:d": "e?:f", "g": "h?:i\n"}),
        ("[\ue000?, \ue001:a]", ["\ue000?", "\ue001:a"]),
    ],
)
def test_colons_and_question_marks_are_text(text: str, value: object, compiled: bool) -> None:
    # libyaml refuses them inside brackets, as YAML 1.1 did.
    report = Report()
    node = parse_yaml(SourceFile("/a.yaml", text), report, compiled=compiled)
    assert list(report) == []
    assert node is not None
    assert to_json(node) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: !!str 1", "1"),
        ("a: !!int '1'", 1),
        ("a: !!float 1", 1.0),
        ("a: !!bool 'true'", True),
        ("a: !!null ''", None),
        ("a: !!map {}", {}),
        ("a: !!seq\n- 1", [1]),
        ("a: !!str", ""),
    ],
)
def test_core_tags(text: str, value: object) -> None:
    found = to_json(tree(text))
    assert found == {"a": value}


@pytest.mark.parametrize(
    ("text", "column"),
    [
        *(("a: !x 1", 4), ("a: !!binary eA==", 4), ("a: !!timestamp 2024-01-01", 4)),
        *(("a: !!int x", 4), ("a: !!bool 1", 4), ("a: !!int true", 4), ("a: !!map []", 4)),
        *(("a: &b !!seq {}", 7), ("a: !!set {b}", 4), ("a: ! b", 4), ("a: !e!x b", 4)),
        *(("a: !<x", 4), ("a: !!int []", 4)),
    ],
)
def test_tags_that_cannot_be_followed(text: str, column: int) -> None:
    assert read(text)[1] == [("E112", 1, column)]


def test_merge() -> None:
    node = tree(
        "a: &a {x: 1, y: 1}\n"
        "b: &b {y: 2, z: 2}\n"
        "one: {w: 0, <<: *a, y: 9}\n"
        "list: {<<: [*a, *b]}\n"
        "inline: {<<: {x: 5}}\n"
        "quoted: {'<<': {x: 5}}\n"
    )
    assert to_json(at(node, "one")) == {"w": 0, "x": 1, "y": 9}
    assert list(to_json(at(node, "one"))) == ["w", "x", "y"]  # type: ignore[arg-type]
    assert to_json(at(node, "list")) == {"x": 1, "y": 1, "z": 2}
    assert to_json(at(node, "inline")) == {"x": 5}
    assert to_json(at(node, "quoted")) == {"<<": {"x": 5}}
    assert scalar(node, "one", "x").span.line == 1
    assert scalar(node, "one", "y").span.line == 3


@pytest.mark.parametrize("value", ["1", "text", "[1]", "[{}, x]", "", "[[{}]]"])
def test_a_merge_of_something_else(value: str) -> None:
    assert [code for code, _, _ in read(f"a: {{<<: {value}}}")[1]] == ["E113"]


def test_a_key_that_stands_twice() -> None:
    report = Report()
    text = "a: 1\nb: {c: 1, c: 2}\na: 3\na: 4\n"
    node = parse_yaml(SourceFile("/a.yaml", text), report)
    assert places(report) == [("E107", 2, 11), ("E107", 3, 1), ("E107", 4, 1)]
    assert all("`a`" in found.message or "`c`" in found.message for found in report)
    related = [found.related[0] for found in report]
    assert [(place.span.line, place.span.column) for place in related] == [(2, 5), (1, 1), (1, 1)]
    assert node is not None
    assert to_json(node) == {"a": 1, "b": {"c": 1}}


@pytest.mark.parametrize("key", ["1", "-1.5", "true", "null", "~", "0x1F", ".inf", "!!int 1"])
def test_keys_that_are_no_text(key: str) -> None:
    assert [code for code, _, _ in read(f"{key}: x")[1]] == ["E108"]
    assert read(f"'{key}': x")[1] == []


@pytest.mark.parametrize("key", ["on", "yes", "2024-01-01", "1_000", "a b", "1:30", "!!str 1"])
def test_keys_that_are_text(key: str) -> None:
    tree(f"{key}: x")


@pytest.mark.parametrize("text", ["? [a]\n: b", "? {a: b}\n: c", "{[a]: b}", "{a: {b: c}: d}"])
def test_keys_that_hold_others(text: str) -> None:
    assert {code for code, _, _ in read(text)[1]} <= {"E108", "E119"}
    assert read(text)[1]


def test_a_missing_key() -> None:
    assert read("{: a}")[1] == [("E108", 1, 2)]
    assert read("{ : a}")[1][0][0] == "E108"
    assert read("{b: {: a}, c: d: e}")[1] == [("E108", 1, 6), ("E119", 1, 16)]


def test_aliases() -> None:
    node = tree("a: &x [1, {b: 2}]\nc: *x\n? &k key\n: *x\nd: {*k : 1}\n")
    assert to_json(at(node, "c")) == [1, {"b": 2}]
    assert at(node, "c", 0).span == at(node, "a", 0).span
    place = Span("/project/flow.yaml", 2, 4, 2, 6)
    assert at(node, "c", 1, "b").trace == (Frame("alias", "*x", place),)
    assert at(node, "a", 1, "b").trace == ()
    assert to_json(at(node, "d")) == {"key": 1}


def test_aliases_within_aliases_tell_both_places() -> None:
    node = tree("a: &a {x: 1}\nb: &b {<<: *a}\nc: *b")
    trace = at(node, "c", "x").trace
    assert [(frame.detail, frame.span.line) for frame in trace] == [("*a", 2), ("*b", 3)]


def test_what_is_large_is_shared() -> None:
    node = tree(f"a: &a [{', '.join('1' * 2000)}]\nb: *a")
    assert at(node, "a") is at(node, "b")


def test_an_anchor_may_be_set_again() -> None:
    assert to_json(tree("a: &x 1\nb: *x\nc: &x 2\nd: *x")) == {"a": 1, "b": 1, "c": 2, "d": 2}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: *b", (1, 4)),
        ("a: &x [*x]", (1, 8)),
        ("a: &x\n  b: {c: *x}", (2, 10)),
        ("a: *.csv", (1, 4)),
        ("a: *", (1, 4)),
    ],
)
def test_aliases_without_a_value(text: str, place: tuple[int, int]) -> None:
    assert read(text)[1] == [("E111", *place)]


def test_the_nearest_anchor_is_named() -> None:
    report = Report()
    node = parse_yaml(SourceFile("/a.yaml", "a: &retry 1\nb: *rety"), report)
    assert "`*retry`" in next(iter(report)).message
    assert isinstance(at(node, "b") if node else None, UnknownNode)


@pytest.mark.parametrize("text", ["", " \n\n", "# c\n", "---\n", "---\n...\n", "null", "~"])
def test_an_empty_document(text: str) -> None:
    assert read(text) == (None, [("E105", 1, 1)])


@pytest.mark.parametrize("text", ["---\na: 1", "a: 1\n...\n", "%YAML 1.2\n---\na: 1", "# c\na: 1"])
def test_one_document(text: str) -> None:
    assert to_json(tree(text)) == {"a": 1}


def test_several_documents() -> None:
    node, found = read("a: 1\n---\nb: 2\n---\nc: 3")
    assert found == [("E106", 2, 1)]
    assert node is not None
    assert to_json(node) == {"a": 1}


def test_yaml_1_1_is_refused() -> None:
    assert read("# c\n%YAML 1.1\n---\na: yes")[1] == [("E115", 2, 1)]


def test_every_place_lies_in_the_text() -> None:
    source = SourceFile("/a.yaml", DOCUMENT)
    for node in nodes(tree(DOCUMENT)):
        assert source.offset(node.span.end_line, node.span.end_column) <= len(DOCUMENT)
