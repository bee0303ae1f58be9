"""The published schema: up to date, a schema, and of one mind with our own judge."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from flowctl.compiler.load import load, load_source
from flowctl.compiler.validate import Judge, validate
from flowctl.diagnostics import Report
from flowctl.registry import builtin
from flowctl.schema.published import text, workflow_schema
from flowctl.syntax import SourceFile
from flowctl.syntax.node import to_json

Json = Any  # documents are taken apart here as only a test would

ROOT = Path(__file__).parents[2]
REGISTRY = builtin()
SCHEMA: dict[str, Any] = workflow_schema(REGISTRY)
PUBLISHED = Draft202012Validator(SCHEMA)


def accepted(document: Json) -> bool:
    """Whether our judge finds nothing wrong with a document as it is written."""
    report = Report()
    source = SourceFile("/project/flow.json", json.dumps(document))
    loaded = load_source(source, Path("/project/flow.json"), report)
    if loaded is not None:
        validate(loaded, Judge.of(REGISTRY, report))
    return not report.failed


def test_the_file_is_what_the_components_say() -> None:
    """After a change of a component: `python -m flowctl.schema > schemas/workflow.schema.json`."""
    written = (ROOT / "schemas" / "workflow.schema.json").read_text(encoding="utf-8")
    assert written == text(SCHEMA)


def test_it_is_a_json_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_each_kind_describes_itself() -> None:
    for family in ("source", "transform", "sink", "step"):
        for branch in SCHEMA["$defs"][family]["anyOf"]:
            assert branch["description"], branch["title"]
            for name, option in branch["properties"].items():
                assert option.get("description"), f"{branch['title']}.{name}"


EXAMPLE: Json = {
    "flowctl": 1,
    "name": "flights",
    "description": "Cleans flights.",
    "labels": {"team": "data", "tier": 1},
    "x-note": [1, 2],
    "params": {
        "year": {"type": "integer", "minimum": 1987, "default": 2013},
        "carrier": {"type": ["string", "null"], "enum": ["UA", "AA"], "env": "CARRIER"},
        "columns": {"type": "array", "items": {"$ref": "#/$defs/x"}, "$defs": {"x": True}},
    },
    "vars": {"out": "build/{{ params.year }}"},
    "secrets": {"TOKEN": {"env": "API_TOKEN"}, "KEY": {"file": "key.txt"}},
    "defaults": {"labels": {"a": "b"}},
    "profiles": {"prod": {"vars": {"out": "/srv"}}},
    "steps": {
        "clean": {
            "matrix": {"region": ["us", "eu"], "exclude": [{"region": "eu"}]},
            "source": {"csv": ["a.csv", "b.csv"], "delimiter": ";", "columns": {"a": "int64"}},
            "transforms": [
                {"filter": "a > 1", "on_error": "skip"},
                {"derive": {"b": "a + 1", "c": 1}},
                {"extract": "line", "pattern": "(?P<x>.)"},
                {"select": ["a", "b"]},
                {"limit": 10},
                {"validate": {"type": "object", "$ref": "x.json"}},
                {"$ref": "#/x-note"},
            ],
            "sink": [{"csv": "out.csv"}, {"parquet": "{{ vars.out }}/x.parquet"}],
            "rejects": {"ndjson": "rejects.ndjson"},
            "max_rejects": "1%",
        },
        "report": {
            "needs": ["clean", {"step": "clean", "same": ["region"]}],
            "if": "steps.clean.written > 0",
            "run": ["make", "report"],
            "env": {"A": "b"},
            "description": "Tells.",
        },
    },
}

KEYS = st.sampled_from(
    (
        *("flowctl", "name", "steps", "params", "vars", "source", "transforms", "sink", "csv"),
        *("filter", "derive", "limit", "select", "pattern", "run", "needs", "matrix", "include"),
        *("exclude", "default", "env", "type", "minimum", "enum", "labels", "on_error", "columns"),
        *("delimiter", "rejects", "max_rejects", "x-y", "a", "1a", "a-b", "{{a}}", "${{a}}"),
        *("$ref", "description", "step", "same", "properties"),
    )
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 3),
    st.sampled_from(
        [0.5, 1.0, "", "a", "1a", "1%", "{{ a }}", "${{ a }}", "fail", "integer", "x y"]
    ),
)
VALUES = st.recursive(
    SCALARS,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(KEYS, below, max_size=3),
    max_leaves=5,
)


@st.composite
def mutations(draw: st.DrawFn) -> Json:
    """The example with one to three places changed, removed, renamed or added."""
    document = copy.deepcopy(EXAMPLE)
    for _ in range(draw(st.integers(1, 3))):
        container: Json = document
        for _ in range(draw(st.integers(0, 6))):
            children = _children(container)
            if not children:
                break
            container = draw(st.sampled_from(children))
        _mutate(draw, container)
    return document


def _children(value: Json) -> list[Json]:
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [item for item in items if isinstance(item, dict | list) and item]


def _mutate(draw: st.DrawFn, container: Json) -> None:
    action = draw(st.sampled_from(["change", "remove", "add", "rename"]))
    if isinstance(container, dict):
        key = draw(st.sampled_from(sorted(container))) if container else "a"
        if action == "remove":
            container.pop(key, None)
        elif action == "rename":
            container[draw(KEYS)] = container.pop(key, None)
        else:
            container[key if action == "change" else draw(KEYS)] = draw(VALUES)
    elif isinstance(container, list):
        if action == "add" or not container:
            container.append(draw(VALUES))
        else:
            container[draw(st.integers(0, len(container) - 1))] = draw(VALUES)


def test_the_example_is_accepted_by_both() -> None:
    assert accepted(EXAMPLE)
    assert PUBLISHED.is_valid(EXAMPLE)


@settings(max_examples=150, deadline=None)
@given(mutations())
def test_both_are_of_one_mind(document: Json) -> None:
    assert accepted(document) == PUBLISHED.is_valid(document)


def test_what_we_accept_of_the_mended_workflows_editors_accept() -> None:
    judge = Judge.of(REGISTRY, report := Report())
    for path in sorted((ROOT / "tests" / "err").glob("*.ok.yaml")):
        loaded = load(path, report)
        assert loaded is not None
        validate(loaded, judge)
        assert PUBLISHED.is_valid(to_json(loaded.root)), path.name
    assert not report.failed
