"""Matrices: GitHub Actions' combinations, ids, and what cells know."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from flowctl.syntax.node import Json
from tests.compiler.front import HEAD, Front, front


def cells(matrix: Json) -> Front:
    return front(f"{HEAD}steps: {{s: {{run: x, matrix: {json.dumps(matrix)}}}}}\n")


def values(found: Front) -> list[dict[str, Json]]:
    assert found.expanded is not None
    return [step.cell for step in found.expanded.steps]


def test_the_documented_example_of_github() -> None:
    """https://docs.github.com, "Expanding or adding matrix configurations"."""
    found = cells(
        {
            "fruit": ["apple", "pear"],
            "animal": ["cat", "dog"],
            "include": [
                {"color": "green"},
                {"color": "pink", "animal": "cat"},
                {"fruit": "apple", "shape": "circle"},
                {"fruit": "banana"},
                {"fruit": "banana", "animal": "cat"},
            ],
        }
    )
    assert values(found) == [
        {"fruit": "apple", "animal": "cat", "color": "pink", "shape": "circle"},
        {"fruit": "apple", "animal": "dog", "color": "green", "shape": "circle"},
        {"fruit": "pear", "animal": "cat", "color": "pink"},
        {"fruit": "pear", "animal": "dog", "color": "green"},
        {"fruit": "banana"},
        {"fruit": "banana", "animal": "cat"},
    ]
    assert found.ids == [
        *("s[apple,cat]", "s[apple,dog]", "s[pear,cat]", "s[pear,dog]"),
        *("s[banana]", "s[banana,cat]"),
    ]
    assert found.found == []


def test_exclude_comes_before_include() -> None:
    found = cells(
        {"os": ["a", "b"], "v": [1, 2], "exclude": [{"os": "a"}], "include": [{"os": "a", "v": 1}]}
    )
    assert found.ids == ["s[b,1]", "s[b,2]", "s[a,1]"]


def test_ids_spell_values_as_documents_do() -> None:
    found = cells({"x": [True, None, 1.5, "a b", {"k": [1]}]})
    assert found.ids == ["s[true]", "s[null]", "s[1.5]", "s[a b]", 's[{"k":[1]}]']


def test_an_empty_dimension_makes_no_steps() -> None:
    found = cells({"x": [], "y": [1]})
    assert found.ids == []
    assert found.found == []


def test_cells_have_their_values_in_templates_and_keep_what_has_none() -> None:
    found = front(
        HEAD
        + "vars: {regions: [us, eu]}\n"
        + "steps:\n  load:\n    matrix: {region: '{{ vars.regions }}', n: [1]}\n"
        + "    run: 'echo {{ matrix.region }}{{ matrix.n }}'\n    env: {A: b}\n"
    )
    assert found.found == []
    assert [found.step(id) for id in ("load[us,1]", "load[eu,1]")] == [
        {"run": "echo us1", "env": {"A": "b"}},
        {"run": "echo eu1", "env": {"A": "b"}},
    ]
    assert found.expanded is not None
    first, second = (step.node.get("env") for step in found.expanded.steps)
    assert first is second


def test_a_reference_may_be_another_one_in_each_cell() -> None:
    found = front(
        HEAD
        + "x-us: {run: a}\nx-eu: {run: b}\n"
        + "steps: {s: {matrix: {r: [us, eu]}, $ref: '#/x-{{ matrix.r }}', cwd: '{{ matrix.r }}'}}\n"
    )
    assert found.found == []
    assert [found.step(id) for id in found.ids] == [
        {"run": "a", "cwd": "us"},
        {"run": "b", "cwd": "eu"},
    ]


def test_a_fault_tells_its_cell() -> None:
    found = front(HEAD + "steps: {s: {matrix: {n: [a, 2]}, run: x, cwd: '{{ matrix.n }}'}}\n")
    assert found.places == [("E203", 3, 47)]
    assert [(frame.kind, frame.detail) for frame in found.found[0].trace] == [
        ("template", "{{ matrix.n }}"),
        ("matrix", "s[2]"),
    ]


def test_a_matrix_that_is_not_known_makes_one_unknown_step() -> None:
    found = front(
        HEAD
        + "params: {r: {type: array}}\n"
        + "steps: {s: {matrix: {r: '{{ params.r }}'}, run: x}, t: {run: y}}\n"
    )
    assert found.ids == ["s", "t"]
    assert [code for code, _, _ in found.places] == ["E310"]


DIMENSIONS = st.dictionaries(
    st.sampled_from("abc"), st.lists(st.integers(0, 3), unique=True, max_size=3), min_size=1
)


@settings(max_examples=100, deadline=None)
@given(DIMENSIONS, st.data())
def test_without_include_a_matrix_is_a_product(
    dimensions: dict[str, list[int]], data: st.DataObject
) -> None:
    combinations = [
        dict(zip(dimensions, choice, strict=True)) for choice in product(*dimensions.values())
    ]
    excluded = (
        data.draw(st.lists(st.sampled_from(combinations), max_size=2)) if combinations else []
    )
    matrix: dict[str, Any] = {**dimensions, "exclude": excluded}
    found = cells(matrix)
    assert values(found) == [cell for cell in combinations if cell not in excluded]
    assert len(set(found.ids)) == len(found.ids)
