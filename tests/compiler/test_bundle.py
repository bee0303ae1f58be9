"""JSON Schemas: their references keep JSON Schema's meaning, and end up within the document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from flowctl.syntax.node import to_json
from tests.compiler.front import HEAD, Front, front


def bundled(schema: Any, folder: Path, files: dict[str, Any]) -> tuple[Any, Front]:
    """The schema of a `validate` as a component gets it, with other files beside the workflow."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps(content))
    text = (
        f"{HEAD}steps: {{a: {{source: {{csv: a.csv}}, sink: {{csv: b.csv}},"
        f" transforms: [{{validate: {json.dumps(schema)}}}]}}}}\n"
    )
    found = front(text, path=folder / "flow.yaml")
    assert found.expanded is not None
    transforms = found.expanded.steps[0].node.get("transforms")
    assert transforms is not None
    value: Any = to_json(transforms, "?")
    return value[0]["validate"], found


def oracle(schema: Any, folder: Path) -> Draft202012Validator:
    """The library's own resolution of the same files."""

    def retrieve(uri: str) -> Any:
        content = json.loads(Path(uri.removeprefix("file://")).read_text())
        return Resource.from_contents(content, default_specification=DRAFT202012)

    base = (folder / "flow.yaml").as_uri()
    registry: Any = Registry(retrieve=retrieve)  # type: ignore[call-arg]
    rooted = {"$id": base, **schema} if isinstance(schema, dict) else schema
    return Draft202012Validator(rooted, registry=registry)


TREE = {
    "$ref": "#/$defs/node",
    "$defs": {"node": {"properties": {"next": {"$ref": "#/$defs/node"}, "n": {"type": "integer"}}}},
}
FILES: dict[str, Any] = {
    "tree.json": TREE,
    "flight.json": {
        "type": "object",
        "properties": {"delay": {"$ref": "types/number.json"}, "leg": {"$ref": "#/$defs/leg"}},
        "required": ["delay"],
        "$defs": {"leg": {"$anchor": "leg", "type": "string", "maxLength": 3}},
    },
    "types/number.json": {
        "anyOf": [{"$ref": "#/$defs/int"}, {"$ref": "../nothing.json"}],
        "$defs": {"int": {"type": "integer"}},
    },
    "nothing.json": {"type": "null"},
    "circle_a.json": {"properties": {"b": {"$ref": "circle_b.json"}}, "type": "object"},
    "circle_b.json": {"properties": {"a": {"$ref": "circle_a.json"}}, "required": ["a"]},
    "odd.json": {"$defs": {"a/b": {"type": "string"}, "c d": {"type": "integer"}}},
}
INSTANCES: list[Any] = [
    *({}, {"delay": 1}, {"delay": None}, {"delay": "x"}, {"delay": 1, "leg": "abc"}),
    *({"delay": 1, "leg": "abcd"}, {"next": {"next": {"n": "x"}}}, {"next": {"n": 1}}, {"n": "x"}),
    *({"b": {}}, {"b": {"a": 5}}, {"b": {"a": {"b": {}}}}, {"b": {"a": {"b": {"a": {}}}}}),
    *(1, "abc", "abcd", None, {"x": 1}, {"x": "a"}, {"x": None}),
]


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "flight.json"},
        {"$ref": "flight.json", "minProperties": 1},
        {"$ref": "flight.json#/$defs/leg"},
        {"$ref": "flight.json#leg"},
        {"$ref": "tree.json"},
        {"$ref": "tree.json#/$defs/node"},
        {"properties": {"next": {"$ref": "tree.json"}}},
        {"properties": {"next": {"$ref": "tree.json"}, "x": {"$ref": "types/number.json"}}},
        {"$ref": "circle_a.json"},
        {"properties": {"b": {"$ref": "circle_b.json"}}},
        {"properties": {"x": {"$ref": "odd.json#/$defs/a~1b"}}},
        {"properties": {"x": {"$ref": "odd.json#/$defs/c%20d"}}},
        {
            "$defs": {"int": {"type": "string"}},
            "properties": {"x": {"$ref": "#/$defs/int"}, "delay": {"$ref": "types/number.json"}},
        },
        {
            "$defs": {"leg": {"type": "null"}},
            "properties": {"x": {"$ref": "#/$defs/leg"}, "leg": {"$ref": "flight.json#/$defs/leg"}},
        },
        {"properties": {"x": {"const": {"$ref": "flight.json"}}}},
        {"properties": {"$ref": {"type": "integer"}}},
        TREE,
    ],
    ids=json.dumps,
)
def test_a_bundle_means_what_its_files_mean(schema: Any, tmp_path: Path) -> None:
    made, found = bundled(schema, tmp_path, FILES)
    assert found.found == []
    Draft202012Validator.check_schema(made)
    ours, theirs = Draft202012Validator(made), oracle(schema, tmp_path)
    for instance in INSTANCES:
        assert ours.is_valid(instance) == theirs.is_valid(instance), instance


def test_a_schema_without_outside_references_stays_as_it_is(tmp_path: Path) -> None:
    assert bundled(TREE, tmp_path, {})[0] == TREE


def test_a_reference_alone_becomes_the_schema_itself(tmp_path: Path) -> None:
    assert bundled({"$ref": "nothing.json"}, tmp_path, FILES)[0] == {"type": "null"}


def test_a_schema_may_stand_elsewhere_in_the_document() -> None:
    text = (
        HEAD
        + "x-record: {properties: {id: {$ref: '#/x-id'}}}\nx-id: {type: integer}\n"
        + "steps: {a: {source: {csv: a}, sink: {csv: b}, transforms: [{validate: SCHEMA}]}}\n"
    )
    made = {}
    for schema in ("{$ref: '#/x-record'}", "{items: {$ref: '#/x-record'}}"):
        found = front(text.replace("SCHEMA", schema))
        assert found.found == []
        step: Any = found.step("a")
        made[schema] = step["transforms"][0]["validate"]
    id = {"id": {"$ref": "#/$defs/x-id"}}
    assert list(made.values()) == [
        {"properties": id, "$defs": {"x-id": {"type": "integer"}}},
        {
            "items": {"$ref": "#/$defs/x-record"},
            "$defs": {"x-record": {"properties": id}, "x-id": {"type": "integer"}},
        },
    ]


def test_what_a_bundle_reads_are_dependencies(tmp_path: Path) -> None:
    _, found = bundled({"$ref": "flight.json"}, tmp_path, FILES)
    assert found.expanded is not None
    names = [path.name for path in found.expanded.dependencies]
    assert names == ["flow.yaml", "flight.json", "number.json", "nothing.json"]


@pytest.mark.parametrize(
    ("reference", "code", "message"),
    [
        ("fligt.json", "E323", "there is no file `fligt.json`"),
        ("flight.json#/$defs/lag", "E323", "there is no `lag` in `flight.json`"),
        ("flight.json#lag", "E323", "there is no `$anchor: lag` in `flight.json`"),
        ("../flight.json", "E316", "`../flight.json` lies outside of the project folder"),
        (
            "https://example.com/x.json",
            "E316",
            "`https://example.com/x.json` is not in the project; nothing is read from the network",
        ),
    ],
)
def test_faults_of_references(reference: str, code: str, message: str, tmp_path: Path) -> None:
    made, found = bundled({"properties": {"x": {"$ref": reference}}}, tmp_path, FILES)
    assert [(one.code.id, one.message) for one in found.found] == [(code, message)]
    assert made == "?"


NAMES = ["a.json", "b.json", "c.json"]
REFERENCES = st.sampled_from(
    [name + way for name in NAMES for way in ("", "#/$defs/p", "#/$defs/q", "#/properties/x")]
    + ["#/$defs/p"]
)
SCHEMAS = st.recursive(
    st.sampled_from([True, {"type": "integer"}, {"type": "object"}, {"maxLength": 1}])
    | REFERENCES.map(lambda target: {"$ref": target}),
    lambda below: st.fixed_dictionaries(
        {"properties": st.dictionaries(st.sampled_from("xy"), below, min_size=1)}
    ),
    max_leaves=3,
)
FILE = st.fixed_dictionaries(
    {
        "$defs": st.fixed_dictionaries({"p": SCHEMAS, "q": SCHEMAS}),
        "properties": st.fixed_dictionaries({"x": SCHEMAS}),
    }
)
VALUES = st.recursive(
    st.sampled_from([1, "a", "ab", None]),
    lambda below: st.dictionaries(st.sampled_from("xy"), below, max_size=2),
    max_leaves=4,
)


@settings(max_examples=60, deadline=None)
@given(
    files=st.fixed_dictionaries(dict.fromkeys(NAMES, FILE)),
    root=FILE,
    instances=st.lists(VALUES, min_size=3, max_size=6),
)
def test_any_web_of_files_keeps_its_meaning(
    files: dict[str, Any], root: Any, instances: list[Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("web")
    made, found = bundled(root, folder, files)
    assert found.found == []
    ours, theirs = Draft202012Validator(made), oracle(root, folder)
    for instance in instances:
        assert judged(ours, instance) == judged(theirs, instance)


def judged(validator: Draft202012Validator, instance: Any) -> bool | None:
    """Whether it is valid; None where the schema refers to itself without end."""
    try:
        return validator.is_valid(instance)
    except RecursionError:
        return None
