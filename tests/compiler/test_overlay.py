"""The one overlay rule against RFC 7396, in itself and where documents use it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowctl.compiler.expand.overlay import overlay
from flowctl.diagnostics import Report
from flowctl.syntax import SourceFile, parse
from flowctl.syntax.node import Json, Node, to_json
from tests.compiler.front import HEAD, front

KEYS = st.sampled_from(["a", "b", "c", "d"])
TREES = st.recursive(
    st.none() | st.integers(0, 3) | st.just("x"),
    lambda below: st.lists(below, max_size=2) | st.dictionaries(KEYS, below, max_size=3),
    max_leaves=8,
)


def tree(value: Json) -> Node:
    node = parse(SourceFile("/a.json", json.dumps([value])), Report())
    return node.items[0]  # type: ignore[union-attr]


def merge_patch(target: Json, patch: Json) -> Json:
    """RFC 7396, section 2, word for word."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge_patch(result.get(name), value)
    return result


@settings(max_examples=300, deadline=None)
@given(TREES, TREES)
def test_overlay_is_json_merge_patch(base: Json, patch: Json) -> None:
    assert to_json(overlay(tree(base), tree(patch), lambda node: node)) == merge_patch(base, patch)


def test_an_unchanged_part_stays_the_very_node() -> None:
    base, patch = tree({"a": {"b": 1}, "c": 2}), tree({"c": 3})
    laid = overlay(base, patch, lambda node: node)
    assert laid.get("a") is base.get("a")  # type: ignore[union-attr]


def test_defaults_lie_under_every_step() -> None:
    found = front(
        HEAD
        + "defaults: {labels: {team: data, tier: 1}, cwd: src}\n"
        + "steps:\n  a: {run: x}\n"
        + "  b: {run: x, cwd: null, labels: {tier: 2}}\n  c: {run: x, labels: null}\n"
    )
    assert found.found == []
    assert found.step("a") == {"labels": {"team": "data", "tier": 1}, "cwd": "src", "run": "x"}
    assert found.step("b") == {"labels": {"team": "data", "tier": 2}, "run": "x"}
    assert found.step("c") == {"cwd": "src", "run": "x"}


def test_defaults_may_use_the_matrix_of_their_step() -> None:
    found = front(
        HEAD + "defaults: {cwd: '{{ matrix.n }}'}\nsteps: {a: {run: x, matrix: {n: ['1', '2']}}}\n"
    )
    assert found.found == []
    assert [found.step(id) for id in found.ids] == [
        {"cwd": "1", "run": "x"},
        {"cwd": "2", "run": "x"},
    ]


def test_a_fault_in_the_defaults_tells_that_it_is_one_of_theirs() -> None:
    found = front(HEAD + "defaults: {cwd: 5}\nsteps: {a: {run: x}, b: {run: y}}\n")
    assert found.places == [("E203", 3, 17)]
    assert [frame.kind for frame in found.found[0].trace] == ["defaults"]


PROFILED = (
    HEAD
    + "vars: {out: build, keep: '{{ vars.out }}'}\n"
    + "steps: {a: {run: 'x {{ vars.keep }}', cwd: src}}\n"
    + "profiles:\n  prod: {vars: {out: /srv}, steps: {a: {cwd: null}, b: {run: y}}}\n"
)


@pytest.mark.parametrize(
    ("profile", "steps"),
    [
        (None, {"a": {"run": "x build", "cwd": "src"}}),
        ("prod", {"a": {"run": "x /srv"}, "b": {"run": "y"}}),
    ],
)
def test_a_profile_overlays_the_document(profile: str | None, steps: Json) -> None:
    found = front(PROFILED, profile=profile)
    assert found.found == []
    assert {id: found.step(id) for id in found.ids} == steps


def test_a_profile_may_overlay_what_a_reference_brings() -> None:
    found = front(
        HEAD
        + "x-a: {run: x, cwd: src, env: {A: '1', B: '2'}}\n"
        + "steps: {a: {$ref: '#/x-a'}}\n"
        + "profiles: {prod: {steps: {a: {env: {B: null, C: '3'}}}}}\n",
        profile="prod",
    )
    assert found.found == []
    assert found.step("a") == {"run": "x", "cwd": "src", "env": {"A": "1", "C": "3"}}


def test_an_unknown_profile_names_the_nearest() -> None:
    found = front(PROFILED, profile="pord")
    assert found.messages == ["there is no profile `pord`"]
    assert found.found[0].help == "did you mean `prod`?"
