"""Whatever becomes of a document, the whole compiler answers with diagnostics or a sound plan."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from flowctl.compiler import Inputs, compile_workflow
from flowctl.diagnostics import Report
from flowctl.plan_file import plan_from_json, plan_to_json
from flowctl.registry import builtin

ERR = Path(__file__).parents[1] / "err"
REGISTRY = builtin()
INPUTS = Inputs(datetime(2024, 1, 1, tzinfo=UTC))
# What stands where it does not belong.
ODD: list[Any] = [
    *(None, True, 0, -1, 1.5, "", "x", "x > 1", "a b", "*", "**/*", "[", "../x", "/", "a/", "."),
    *("{{ params.x }}", "${{ run.id }}", "${{ steps.clean.written }}", "1%", "é\n", "'", "int64"),
    *([], {}, [[]], {"a": {}}, ["clean"], {"x": None}, {"step": "clean"}, {"csv": []}),
    *({"$ref": "#/steps"}, [{"step": "load", "same": ["region"]}], {"parquet": "build/a/"}),
]
KEYS = [
    *(
        "filter",
        "derive",
        "select",
        "drop",
        "rename",
        "cast",
        "fill",
        "limit",
        "extract",
        "flatten",
    ),
    *("pattern", "validate", "source", "sink", "rejects", "needs", "if", "run", "matrix", "env"),
    *("on_error", "columns", "max_rejects", "csv", "ndjson", "parquet", "step", "transforms"),
]


def documents() -> list[dict[str, Any]]:
    """The pairs about streams and graphs, as plain values."""
    reader = YAML(typ="safe", pure=True)
    texts = [path.read_text(encoding="utf-8") for path in sorted(ERR.glob("*_*.ok.yaml"))]
    return [reader.load(text) for text in texts if "_data/flights.csv" in text or "needs:" in text]


def places(value: Any, above: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The ways to all parts of a value."""
    pairs: Iterable[tuple[str | int, Any]] = ()
    if isinstance(value, dict):
        pairs = value.items()
    elif isinstance(value, list):
        pairs = enumerate(value)
    for key, item in pairs:
        yield (*above, key)
        yield from places(item, (*above, key))


@st.composite
def mutants(draw: st.DrawFn, sound: list[dict[str, Any]]) -> dict[str, Any]:
    """A sound document in which up to four things are replaced, added, renamed or copied."""
    document: dict[str, Any] = copy.deepcopy(draw(st.sampled_from(sound)))
    for _ in range(draw(st.integers(1, 4))):
        ways = list(places(document))
        *above, last = draw(st.sampled_from(ways))
        holder: Any = document
        for key in above:
            holder = holder[key]
        change = draw(st.sampled_from(["replace", "add", "rename", "copy"]))
        if change == "copy":
            source: Any = document
            for key in draw(st.sampled_from(ways)):
                source = source[key]
            holder[last] = copy.deepcopy(source)
        elif change == "add" and isinstance(holder, dict):
            holder[draw(st.sampled_from(KEYS))] = copy.deepcopy(draw(st.sampled_from(ODD)))
        elif change == "rename" and isinstance(holder, dict):
            holder[draw(st.sampled_from(KEYS))] = holder.pop(last)
        else:
            holder[last] = copy.deepcopy(draw(st.sampled_from(ODD)))
    return document


SOUND = documents()


@settings(max_examples=300, deadline=None)
@given(mutants(SOUND))
def test_no_document_breaks_the_compiler(
    tmp_path_factory: pytest.TempPathFactory, document: dict[str, Any]
) -> None:
    folder = tmp_path_factory.getbasetemp() / "whole_fuzz"
    folder.mkdir(exist_ok=True)
    if not (folder / "_data").exists():
        (folder / "_data").symlink_to(ERR / "_data")
    path = folder / "workflow.yaml"
    path.write_text(json.dumps(document), encoding="utf-8")
    report = Report()
    plan = compile_workflow(path, INPUTS, REGISTRY, report).plan
    found = list(report)
    assert (plan is None) or not report.failed
    assert plan is not None or found
    if plan is not None:
        assert plan_from_json(plan_to_json(plan)) == plan
