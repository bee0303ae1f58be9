from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from flowctl.compiler import Inputs, compile_workflow
from flowctl.diagnostics import Fault, Report
from flowctl.plan import (
    Check,
    Operation,
    Place,
    Plan,
    Retry,
    Secret,
    Step,
    Stream,
    canonical,
    digest_of,
)
from flowctl.plan_file import plan_from_json, plan_schema, plan_to_json, sealed
from tests.compiler.plainly import REGISTRY, compiled

SCHEMA = Path(__file__).parents[2] / "schemas" / "plan.schema.json"
INPUTS = Inputs(datetime(2024, 1, 1, tzinfo=UTC))

DOCUMENT: dict[str, Any] = {
    "flowctl": 1,
    "name": "flights",
    "params": {"limit": {"type": "integer", "default": 15}},
    "steps": {
        "clean": {
            "description": "what: it # does",
            "source": {"csv": "in.csv", "columns": {"dest": "string", "delay": "int64?"}},
            "transforms": [
                {"filter": "delay > params.limit and dest <> 'it''s'"},
                {"derive": {"late": "delay > 3", "b": "delay + 1", "a": "delay"}},
                {"validate": {"required": ["a"], "properties": {"b": {"type": "integer"}}}},
            ],
            "sink": [{"parquet": "out/a.parquet"}, {"csv": "out/a.csv"}],
        },
        "next": {
            "source": {"parquet": "out/a.parquet"},
            "transforms": [{"select": ["late", "dest"]}],
            "sink": {"ndjson": "out/b.ndjson"},
        },
        "report": {"run": "echo ${{ steps.next.written }}", "if": "steps.next.written > 0"},
    },
}
# Mappings whose order is part of what they mean.
ORDERED = {"derive", "rename", "cast", "fill", "columns", "steps", "select"}


def plan_of(text: str, folder: Path, name: str = "workflow.yaml") -> Plan:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    report = Report()
    plan = compile_workflow(path, INPUTS, REGISTRY, report).plan
    assert plan is not None, [(fault.message, fault.span) for fault in report]
    return plan


def as_flow(value: Any) -> str:
    """As JSON, which is YAML."""
    return json.dumps(value)


def test_the_bytes_are_the_same_in_another_folder(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other" / "deep"
    one.mkdir()
    other.mkdir(parents=True)
    text = as_flow(DOCUMENT)
    assert plan_to_json(plan_of(text, one)) == plan_to_json(plan_of(text, other))
    assert str(tmp_path) not in plan_to_json(plan_of(text, one))


def test_toml_gives_the_same_digests(tmp_path: Path) -> None:
    toml = """
flowctl = 1
name = "flights"
params.limit = {type = "integer", default = 15}

[steps.clean]
description = "another one"
source = {csv = "in.csv", columns = {dest = "string", delay = "int64?"}}
transforms = [
  {filter = "delay > params.limit and dest <> 'it''s'"},
  {derive = {late = "delay > 3", b = "delay + 1", a = "delay"}},
  {validate = {properties.b.type = "integer", required = ["a"]}},
]
sink = [{parquet = "out/a.parquet"}, {csv = "out/a.csv"}]

[steps.next]
source.parquet = "out/a.parquet"
transforms = [{select = ["late", "dest"]}]
sink.ndjson = "out/b.ndjson"

[steps.report]
run = "echo ${{ steps.next.written }}"
if = "steps.next.written > 0"
"""
    assert tomllib.loads(toml)["steps"].keys() == DOCUMENT["steps"].keys()
    from_toml = plan_of(toml, tmp_path, "workflow.toml")
    assert from_toml.digest == plan_of(as_flow(DOCUMENT), tmp_path).digest


@dataclass(frozen=True)
class Writer:
    """Writes a value as YAML in one of many ways, none of which means anything."""

    draw: st.DrawFn

    def block(self, value: Any, indent: str, key: str | None) -> str:
        if isinstance(value, dict) and value and self.draw(st.integers(0, 3)):
            return self.block_mapping(value, indent, key)
        if isinstance(value, list) and value and self.draw(st.booleans()):
            return self.block_list(value, indent)
        literal = isinstance(value, str) and key not in ("description", "name")
        if literal and self.draw(st.booleans()):
            return f" |-\n{indent}     {value}"
        return f" {self.flow(value, key)}{self.comment()}"

    def block_mapping(self, value: dict[str, Any], indent: str, key: str | None) -> str:
        inner = indent + " " * self.draw(st.integers(1, 4))
        lines = (
            f"{self.blank()}{inner}{self.scalar(name)}:{self.block(value[name], inner, name)}"
            for name in self.names(value, key)
        )
        return f"{self.comment()}\n" + "\n".join(lines)

    def block_list(self, value: list[Any], indent: str) -> str:
        inner = indent + " " * self.draw(st.integers(1, 3))
        items = (f"{self.blank()}{inner}-{self.block(item, inner + '  ', None)}" for item in value)
        return f"{self.comment()}\n" + "\n".join(items)

    def flow(self, value: Any, key: str | None) -> str:
        if isinstance(value, dict):
            pairs = (
                f"{self.scalar(name)}: {self.flow(value[name], name)}"
                for name in self.names(value, key)
            )
            return "{" + ", ".join(pairs) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(self.flow(item, None) for item in value) + "]"
        return self.scalar(value)

    def scalar(self, value: Any) -> str:
        if not isinstance(value, str):
            return json.dumps(value)
        style = self.draw(st.sampled_from(["plain", "single", "double"]))
        if style == "plain" and not set(value) & set("#:{}[],&*!|>'\"%@`?-\\"):
            return value
        if style == "single":
            return "'" + value.replace("'", "''") + "'"
        return json.dumps(value)

    def names(self, value: dict[str, Any], key: str | None) -> list[str]:
        """The keys, in any order where order means nothing."""
        return list(value) if key in ORDERED else self.draw(st.permutations(list(value)))

    def comment(self) -> str:
        return self.draw(st.sampled_from(["", "", "  # why: {not}", " #"]))

    def blank(self) -> str:
        return self.draw(st.sampled_from(["", "", "\n", "# a line\n"]))


@st.composite
def layouts(draw: st.DrawFn) -> str:
    """The document, written in some way that means the same."""
    return Writer(draw).block(DOCUMENT, "", "") + "\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("layout")


@pytest.fixture(scope="module")
def plain(folder: Path) -> Plan:
    return plan_of(as_flow(DOCUMENT), folder)


@settings(max_examples=60, deadline=None)
@given(layouts())
def test_layout_means_nothing(folder: Path, plain: Plan, text: str) -> None:
    found = plan_of(text, folder)
    assert found.digest == plain.digest, text
    assert [step.digest for step in found.steps] == [step.digest for step in plain.steps]


def test_what_is_for_people_means_nothing(tmp_path: Path) -> None:
    changed = json.loads(as_flow(DOCUMENT))
    changed["steps"]["clean"] |= {"description": "new", "labels": {"team": "x"}}
    changed["description"] = "also new"
    changed["steps"]["clean"]["transforms"][0]["filter"] = "((delay>params.limit))AND dest!='it''s'"
    assert plan_of(as_flow(changed), tmp_path).digest == plan_of(as_flow(DOCUMENT), tmp_path).digest


def test_a_step_means_what_the_steps_that_it_reads_mean(tmp_path: Path) -> None:
    changed = json.loads(as_flow(DOCUMENT))
    changed["steps"]["clean"]["transforms"][0]["filter"] = "delay > 16"
    one = {step.id: step.digest for step in plan_of(as_flow(DOCUMENT), tmp_path).steps}
    other = {step.id: step.digest for step in plan_of(as_flow(changed), tmp_path).steps}
    assert all(one[name] != other[name] for name in ("clean", "next", "report"))
    changed = json.loads(as_flow(DOCUMENT))
    changed["steps"]["next"]["transforms"] = [{"select": ["dest"]}]
    other = {step.id: step.digest for step in plan_of(as_flow(changed), tmp_path).steps}
    assert one["clean"] == other["clean"]
    assert one["next"] != other["next"]


def test_the_plan_knows_the_place_of_each_part() -> None:
    found = compiled("""
steps:
  a:
    source: {csv: a.csv, columns: {x: int64}}
    transforms:
      - derive: {y: x + 1}
    sink:
      csv: b.csv
""")
    assert found.plan is not None
    places = found.plan.positions
    assert places["a"] == Place("workflow.yaml", 3, 3, 3, 4)
    assert places["a/transforms/0/derive/y"] == Place("workflow.yaml", 6, 21, 6, 26)
    assert places["a/sink/csv"] == Place("workflow.yaml", 8, 12, 8, 17)
    assert places["a/source/columns/x"].column == 39


def test_constants_are_typed_literals_in_the_plan() -> None:
    text = """
steps:
  a:
    source: {csv: a.csv, columns: {x: string}}
    transforms: [filter: x = params.x and x <> vars.y]
    sink: {csv: b.csv}
"""
    found = compiled(text, {"params": {"x": "it's"}, "vars": {"y": "' or true"}})
    assert found.plan is not None
    body = found.plan.steps[0].body
    assert isinstance(body, Stream)
    assert body.transforms[0].arguments == {"filter": "x = 'it''s' and x <> ''' or true'"}


@pytest.mark.parametrize(("written", "canonical_form"), [
    ("10", "10"), ("'1.50 %'", "1.5%"), ("0.0%", "0%"), ("007", "7"),
])  # fmt: skip
def test_limits_of_rejects_in_one_spelling(written: str, canonical_form: str) -> None:
    found = compiled(f"""
steps:
  a:
    source: {{csv: a.csv, columns: {{x: string}}, on_error: reject}}
    sink: {{csv: b.csv}}
    rejects: {{ndjson: r.ndjson}}
    max_rejects: {written}
""")
    assert found.plan is not None
    body = found.plan.steps[0].body
    assert isinstance(body, Stream)
    assert body.max_rejects == canonical_form
    assert body.source.on_error == "reject"
    assert "on_error" not in body.source.arguments
    assert body.rejects is not None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)
OPERATIONS = st.builds(
    Operation,
    st.text(max_size=4),
    st.dictionaries(st.text(max_size=4), JSON, max_size=3),
    st.sampled_from(["fail", "skip", "reject"]),
)
CHECKS = st.builds(
    Check,
    st.none() | st.just("> 5"),
    st.none() | st.just("< 1%"),
    st.lists(st.text(max_size=3), max_size=2).map(tuple),
    st.lists(st.text(max_size=3), max_size=2).map(tuple),
    st.none() | st.text(max_size=5),
)
STREAMS = st.builds(
    Stream,
    OPERATIONS,
    st.lists(OPERATIONS, max_size=2).map(tuple),
    st.lists(OPERATIONS, max_size=2).map(tuple),
    st.none() | OPERATIONS,
    st.none() | st.just("1%"),
    st.lists(st.tuples(st.text(max_size=3), st.just("int64?")), max_size=2).map(tuple),
    st.none() | CHECKS,
)
STEPS = st.lists(
    st.builds(
        Step,
        st.text(max_size=5),
        STREAMS | OPERATIONS,
        condition=st.none() | st.text(max_size=5),
        about=st.dictionaries(st.text(max_size=3), JSON, max_size=2),
    ),
    max_size=3,
    unique_by=lambda step: step.id,
)
PUBLISHED = Draft202012Validator(plan_schema())
PLANS = st.builds(
    Plan,
    st.text(max_size=5),
    STEPS.map(tuple),
    params=st.dictionaries(st.text(max_size=3), JSON, max_size=2),
    secrets=st.just((Secret("A", "env", "B"),)) | st.just(()),
    positions=st.just({"a/b": Place("w.yaml", 1, 2, 3, 4)}) | st.just({}),
).map(sealed)


@settings(max_examples=80, deadline=None)
@given(PLANS)
def test_what_is_written_is_read(plan: Plan) -> None:
    text = plan_to_json(plan)
    assert plan_from_json(text) == plan
    PUBLISHED.validate(json.loads(text))
    assert text.startswith('{\n"digest":"sha256:')


@settings(max_examples=80, deadline=None)
@given(PLANS, st.data())
def test_whatever_is_edited_is_refused(plan: Plan, data: st.DataObject) -> None:
    text = plan_to_json(plan)
    position = data.draw(st.integers(0, len(text) - 1))
    mark = data.draw(st.sampled_from('a0"{}[],: \n\\'))
    edited = text[:position] + mark + text[position + 1 :]
    found = plan_from_json(edited)
    same = _json(edited) == _json(text)
    assert (found == plan) if same else isinstance(found, Fault), (position, mark)


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None


@pytest.mark.parametrize(
    ("edit", "code", "message"),
    [
        ({"format": 99}, "E419", "the plan has format 99; this flowctl reads 1"),
        ({"nmae": "x"}, "E418", "at nmae: unknown key `nmae`"),
        ({"steps": 3}, "E418", "at steps: a list should stand here"),
        ({"name": "other"}, "E420", "the plan is not what its digest says"),
        ({"positions": {}}, "E420", "the plan is not what its digest says"),
    ],
)
def test_what_is_wrong_with_a_plan(edit: dict[str, Any], code: str, message: str) -> None:
    plan = Plan(
        "x", (Step("a", Operation("run", {"run": "x"})),), positions={"a": Place("w", 1, 1, 1, 2)}
    )
    value = json.loads(plan_to_json(sealed(plan)))
    found = plan_from_json(json.dumps(value | edit))
    assert isinstance(found, Fault)
    assert found.code.id == code
    assert found.message.startswith(message)


def test_an_edited_step_is_named() -> None:
    plan = sealed(Plan("x", (Step("a", Operation("run", {"run": "x"})),)))
    found = plan_from_json(plan_to_json(plan).replace('{"run":"x"}', '{"run":"rm"}'))
    assert isinstance(found, Fault)
    assert found.message == "step `a` is not what its digest says: the plan was edited"


@pytest.mark.parametrize("text", ["", "[]", "{}", "nonsense", "[" * 5000, '{"format": NaN}'])
def test_what_is_no_plan(text: str) -> None:
    found = plan_from_json(text)
    assert isinstance(found, Fault)
    assert found.code.id in ("E418", "E419")


def test_canonical_json() -> None:
    assert canonical({"b": [1, None], "a": "é"}) == '{"a":"é","b":[1,null]}'
    assert digest_of({}) == digest_of({})
    with pytest.raises(ValueError, match="JSON compliant"):
        canonical(float("nan"))


def test_the_published_schema_is_the_one_of_the_code() -> None:
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == plan_schema()
    Draft202012Validator.check_schema(plan_schema())


def test_how_a_step_is_run_is_no_part_of_what_it_means(tmp_path: Path) -> None:
    plain: dict[str, Any] = {"run": "make"}
    how: dict[str, Any] = {
        "timeout": "1m30s",
        "retry": {"attempts": 3, "backoff": "exponential", "delay": "0.5s", "on": ["timeout", 75]},
        "labels": {"team": "a"},
    }
    document = {"flowctl": 1, "name": "w", "steps": {"s": plain}}
    bare = plan_of(as_flow(document), tmp_path)
    full = plan_of(as_flow({**document, "defaults": how}), tmp_path)
    assert bare.digest == full.digest
    (step,) = full.steps
    assert step.timeout == 90_000
    assert step.retry == Retry(3, "exponential", 500, on=("timeout", "75"))
    assert plan_from_json(plan_to_json(full)) == full
