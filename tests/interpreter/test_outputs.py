"""What steps hand on: written to a file, typed as declared, named by others, kept, hidden."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowctl.cli.main import main
from flowctl.declared import LARGEST, parsed, type_of
from flowctl.diagnostics import Fault
from flowctl.plan import Secret
from flowctl.syntax.node import Json
from tests.interpreter.running import Runner, command, plan, statuses

OUT = '>> "$FLOWCTL_OUTPUT"'


def test_outputs_are_typed_and_named_by_others(runner: Runner) -> None:
    schemas: Json = {
        "n": {"type": "integer"},
        "tags": {"type": "array", "items": {"type": "string"}},
    }
    steps = plan(
        command("a", f"printf 'n=41\\ntags=[\"x\"]\\nnote=a=b c\\n' {OUT}", outputs=schemas),
        command(
            "b",
            "cd .; echo ${{ steps.a.outputs.n + 1 }} ${{ steps.a.outputs.note }} "
            "${{ steps.a.outputs.tags }}",
            "a",
            condition="steps.a.outputs.n > 40 and len(steps.a.outputs.tags) = 1",
        ),
        command("c", "true", "a", condition="steps.a.outputs.none is not null"),
    )
    result = runner(steps)
    assert statuses(result) == {"a": "succeeded", "b": "succeeded", "c": "skipped"}
    assert runner.lines("b") == ['42 a=b c ["x"]']
    assert result.steps["a"].outputs == {"n": 41, "tags": ["x"], "note": "a=b c"}


def test_each_attempt_writes_anew_and_nothing_is_left(runner: Runner) -> None:
    script = f"echo n=$RANDOM {OUT}; echo x=1 {OUT}; echo $FLOWCTL_OUTPUT"
    runner(plan(command("a", script)))
    (path,) = runner.lines("a")
    assert not Path(path).exists()
    (runner.base / "gone").mkdir()
    result = runner(plan(command("a", 'rm "$FLOWCTL_OUTPUT"')))
    assert statuses(result) == {"a": "succeeded"}


@pytest.mark.parametrize(
    ("raw", "schema", "message"),
    [
        (b"n=x\n", {"type": "integer"}, "line 1 of the outputs: `n` must be integer, not `x`"),
        (
            b"a=1\n\nn=1.5\n",
            {"type": "integer"},
            "line 3 of the outputs: `n` must be integer, not `1.5`",
        ),
        (
            b"n=9223372036854775808\n",
            {"type": "integer"},
            "line 1 of the outputs: `n` must be integer, not `92",
        ),
        (
            b"n=TRUE\n",
            {"type": "boolean"},
            "line 1 of the outputs: `n` must be boolean, not `TRUE`",
        ),
        (
            b"n=5\n",
            {"type": "integer", "maximum": 4},
            "line 1 of the outputs: `n` is not as declared: 5 is greater",
        ),
        (b"m=5\n", {"type": "integer"}, "the output `n` is declared, but was not written"),
        (b"n 5\n", {"type": "integer"}, "line 1 of the outputs is not `name=value`: `n 5`"),
        (b"n-n=5\n", {}, "line 1 of the outputs is not `name=value`: `n-n=5`"),
        (b"a=1\nn=\xff\n", {}, "line 2 of the outputs is not UTF-8"),
        (b"n=" + b"x" * LARGEST, {}, "the outputs are longer than 1,048,576 bytes"),
    ],
)
def test_what_is_wrong_names_its_line(raw: bytes, schema: Json, message: str) -> None:
    found = parsed(raw, {"n": schema})
    assert isinstance(found, Fault)
    assert found.code.id == "E721"
    assert found.message.startswith(message)


def test_a_wrong_output_fails_the_step(runner: Runner) -> None:
    step = command("a", f"echo n=x {OUT}", outputs={"n": {"type": "integer"}})
    result = runner(plan(step))
    assert statuses(result) == {"a": "failed"}
    assert [fault.code.id for fault in result.steps["a"].faults] == ["E721"]


_WHOLE = st.integers(1 - 2**63, 2**63 - 1)
_VALUES = (
    st.none()
    | st.booleans()
    | _WHOLE
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.lists(_WHOLE, max_size=2)
    | st.dictionaries(st.text(max_size=3), st.text(max_size=3))
)


@given(st.dictionaries(st.from_regex(r"[a-z_]{1,5}", fullmatch=True), _VALUES, max_size=4))
def test_every_json_value_comes_back(values: dict[str, Json]) -> None:
    names = {
        bool: "boolean", int: "integer", float: "number", list: "array", dict: "object",
        type(None): "null",
    }  # fmt: skip
    schemas: Json = {name: {"type": names[type(value)]} for name, value in values.items()}
    lines = "".join(f"{name}={json.dumps(value)}\n" for name, value in values.items())
    assert parsed(lines.encode(), schemas) == values


def test_a_secret_in_an_output_is_hidden(runner: Runner) -> None:
    steps = plan(
        command("a", f"echo t=${{{{ secrets.T }}}} {OUT}; echo x=fine {OUT}"),
        command("b", "echo ${{ steps.a.outputs.t }} ${{ steps.a.outputs.x }}", "a"),
        secrets=(Secret("T", "env", "T"),),
    )
    result = runner(steps, environment={"PATH": "/usr/bin:/bin", "T": "canary-7d1"})
    assert result.steps["a"].outputs == {"t": "***", "x": "fine"}
    assert runner.lines("b") == ["*** fine"]
    for file in (runner.base / ".flowctl").rglob("*"):
        assert not file.is_file() or b"canary-7d1" not in file.read_bytes()


def test_what_is_declared_has_a_type() -> None:
    assert str(type_of({"type": "integer"})) == "int64"
    assert str(type_of({"type": ["number", "null"]})) == "float64"
    assert str(type_of({"type": "array", "items": {"type": "string"}})) == "list<string?>"


def test_a_document_of_cells_and_outputs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("w.yaml").write_text("""
flowctl: 1
steps:
  count:
    matrix: {k: [1, 2, 3]}
    run: echo n=${{ matrix.k * 10 }} >> "$FLOWCTL_OUTPUT"
    outputs: {n: {type: integer}}
  sum:
    if: len(steps.count.outputs.n) = 3 and steps.count['2'].outputs.n = 20
    run: echo all=${{ steps.count.outputs.n }} >> "$FLOWCTL_OUTPUT"
""")
    assert main(["run", "w.yaml", "--format", "json"]) == 0
    steps = json.loads(capsys.readouterr().out)["steps"]
    assert steps["sum"]["outputs"] == {"all": "[10, 20, 30]"}
    assert steps["count[3]"]["outputs"] == {"n": 30}
