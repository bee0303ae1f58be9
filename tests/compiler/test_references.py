"""`$ref`: what it brings, what is laid over it, how its faults tell the way, and its bounds."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowctl.syntax.node import Json
from tests.compiler.front import HEAD, Front, front, front_of


def value_of(reference: str, fragments: str = "") -> Json:
    """What a variable that is this comes to."""
    found = variable(reference, fragments)
    assert [one for one in found.found if one.severity == "error"] == []
    assert found.expanded is not None
    return found.expanded.constants["vars"]["x"]  # type: ignore[index,call-overload,return-value]


def variable(reference: str, fragments: str = "") -> Front:
    return front(f"{HEAD}{fragments}vars: {{x: {reference}}}\nsteps: {{a: {{run: y}}}}\n")


@pytest.mark.parametrize(
    ("reference", "value"),
    [
        ("{$ref: '#/x-a'}", {"b": [1, {"c": 2}], "d/e": 3, "f~g": 4, "": 5, "h i": 6}),
        ("{$ref: '#/x-a/b'}", [1, {"c": 2}]),
        ("{$ref: '#/x-a/b/1/c'}", 2),
        ("{$ref: '#/x-a/d~1e'}", 3),
        ("{$ref: '#/x-a/f~0g'}", 4),
        ("{$ref: '#/x-a/'}", 5),
        ("{$ref: '#/x-a/h%20i'}", 6),
        ("{$ref: '#/x-b'}", [1, {"c": 2}]),
        ("{$ref: '#/x-b/1'}", {"c": 2}),
        ("{$ref: '#/x-b/1', d: 3}", {"c": 2, "d": 3}),
        ("{$ref: '#/x-b/1', c: null, d: {e: null, f: 1}}", {"d": {"f": 1}}),
        ("[0, {$ref: '#/x-b'}, 3]", [0, 1, {"c": 2}, 3]),
        ("[{$ref: '#/x-b/1'}]", [{"c": 2}]),
        ("[[{$ref: '#/x-b'}]]", [[1, {"c": 2}]]),
        ("{a: {$ref: '#/x-b/1'}, b: {$ref: '#/x-b/1'}}", {"a": {"c": 2}, "b": {"c": 2}}),
        ("{$ref: '#/x-{{ \"b\" }}'}", [1, {"c": 2}]),
        ("{$ref: '#/x-t'}", "test"),
    ],
)
def test_what_a_reference_brings(reference: str, value: Json) -> None:
    fragments = (
        "x-a: {b: [1, {c: 2}], d/e: 3, f~g: 4, '': 5, h i: 6}\n"
        "x-b: {$ref: '#/x-a/b'}\n"
        "x-t: \"{{ 'te' }}st\"\n"
    )
    assert value_of(reference, fragments) == value


@pytest.mark.parametrize(
    ("reference", "code", "message", "column"),
    [
        ("{$ref: '#/x-c'}", "E315", "there is no `x-c` in this document", 21),
        (
            "{$ref: '#/x-b/7'}",
            "E315",
            "`7` leads nowhere in this document: the list there has 2 items, from 0 on",
            25,
        ),
        (
            "{$ref: '#/x-b/01x'}",
            "E315",
            "`01x` leads nowhere in this document: the list there has 2 items, from 0 on",
            25,
        ),
        (
            "{$ref: '#/name/a'}",
            "E315",
            "`a` leads nowhere in this document: there is a single value",
            26,
        ),
        ("{$ref: '#x-b'}", "E315", "`#x-b` is no JSON pointer", 20),
        ("{$ref: 5}", "E317", "`$ref` must be text: a file, a `#` and a JSON pointer", 18),
        ("{$ref: none.yaml}", "E315", "there is no file `none.yaml`", 18),
        (
            "{$ref: 'https://a/b.yaml'}",
            "E316",
            "`https://a/b.yaml` is not in the project; nothing is read from the network",
            19,
        ),
        ("{$ref: '#/x-b', c: 1}", "E317", "`c` cannot be laid over a list, which `#/x-b` is", 27),
        (
            "{$ref: '#/name', c: 1}",
            "E317",
            "`c` cannot be laid over a single value, which `#/name` is",
            28,
        ),
        ("{$ref: '#/vars'}", "E314", "these references go in a circle: `#/vars` → `#/vars`", 18),
        ("{$ref: ''}", "E314", "these references go in a circle: `#` → `#`", 18),
        ('{$ref: "a\\0b"}', "E315", "a path holds no NUL character", 19),
    ],
)
def test_faults_of_references(reference: str, code: str, message: str, column: int) -> None:
    found = variable(reference, "x-b: [1, {c: 2}]\n")
    errors = [one for one in found.found if one.severity == "error"]
    assert [(one.code.id, one.message) for one in errors] == [(code, message)]
    assert errors[0].span is not None
    assert errors[0].span.column == column


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "flowctl.toml").touch()
    (tmp_path / "flows").mkdir()
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "sinks.toml").write_text(
        '[parquet]\nparquet = "{{ vars.out }}/x.parquet"\n\n[own]\n"$ref" = "#/parquet"\n'
    )
    (tmp_path / "shared" / "data.json").write_text('{"rows": [1, 2]}')
    return tmp_path


def test_a_reference_starts_at_the_file_that_holds_it(project: Path) -> None:
    (project / "flows" / "flow.yaml").write_text(
        HEAD
        + "vars: {out: build, rows: {$ref: ../shared/data.json#/rows}}\n"
        + "steps: {a: {source: {csv: a.csv}, sink: {$ref: '../shared/sinks.toml#/own'}}}\n"
    )
    found = front_of(project / "flows" / "flow.yaml")
    assert [one for one in found.found if one.severity == "error"] == []
    assert found.step("a") == {"source": {"csv": "a.csv"}, "sink": {"parquet": "build/x.parquet"}}
    assert found.expanded is not None
    assert [path.name for path in found.expanded.dependencies] == [
        "flow.yaml",
        "data.json",
        "sinks.toml",
    ]


def test_a_fault_tells_the_whole_way(project: Path) -> None:
    flow, steps = project / "flows" / "flow.yaml", project / "flows" / "steps.yaml"
    flow.write_text(HEAD + "steps:\n  a: {$ref: 'steps.yaml#/outer'}\n")
    steps.write_text("outer:\n  $ref: '#/inner'\ninner:\n  run: x\n  cwdd: y\n")
    fault = front_of(flow).found[0]
    assert fault.span is not None
    assert (fault.span.file, fault.span.line, fault.span.column) == (steps.as_posix(), 5, 3)
    assert [
        (frame.kind, frame.detail, frame.span.file, frame.span.line) for frame in fault.trace
    ] == [
        ("$ref", "#/inner", steps.as_posix(), 2),
        ("$ref", "steps.yaml#/outer", flow.as_posix(), 4),
    ]


@pytest.mark.parametrize("path", ["../../out.yaml", "link.yaml", "folder/out.yaml"])
def test_nothing_outside_of_the_project_is_read(project: Path, path: str) -> None:
    outside = project.parent / "out.yaml"
    outside.write_text("a: 1\n")
    (project / "flows" / "link.yaml").symlink_to(outside)
    (project / "flows" / "folder").symlink_to(project.parent)
    (project / "flows" / "flow.yaml").write_text(
        HEAD + f"vars: {{x: {{$ref: '{path}#/a'}}}}\nsteps: {{a: {{run: '{{{{ vars.x }}}}'}}}}\n"
    )
    found = front_of(project / "flows" / "flow.yaml")
    assert found.messages == [f"`{path}` lies outside of the project folder"]


def test_without_a_project_file_the_folder_of_the_workflow_is_the_project(tmp_path: Path) -> None:
    (tmp_path / "shared.yaml").write_text("a: 1\n")
    (tmp_path / "flows").mkdir()
    flow = tmp_path / "flows" / "flow.yaml"
    flow.write_text(HEAD + "vars: {x: {$ref: ../shared.yaml}}\nsteps: {a: {run: '{{ vars.x }}'}}\n")
    assert [one.code.id for one in front_of(flow).found] == ["E316"]
    (tmp_path / "flowctl.toml").touch()
    assert [one.code.id for one in front_of(flow).found] == ["E203"]


def test_a_circle_is_told_once_with_all_its_places(project: Path) -> None:
    flow = project / "flows" / "flow.yaml"
    flow.write_text(
        HEAD
        + "x-a: {$ref: '#/x-b'}\nx-b: {$ref: '#/x-c/d'}\nx-c: {d: {$ref: '#/x-a'}}\n"
        + "steps: {a: {$ref: '#/x-a'}, b: {$ref: '#/x-c/d'}, c: {run: x, env: {$ref: '#/x-b'}}}\n"
    )
    found = front_of(flow)
    assert found.messages == [
        "these references go in a circle: `#/x-b` → `#/x-c/d` → `#/x-a` → `#/x-b`"
    ]
    assert found.places == [("E314", 3, 13)]
    assert [related.span.line for related in found.found[0].related] == [4, 5]
    assert found.step("c") == {"run": "x", "env": "?"}


def test_references_that_grow_without_end_are_stopped() -> None:
    deep = "".join(f"x-{n}: {{a: {{$ref: '#/x-{n + 1}'}}}}\n" for n in range(150)) + "x-150: 1\n"
    found = variable("{$ref: '#/x-0'}", deep)
    assert {one.code.id for one in found.found} == {"E312", "E318"}


def test_a_long_way_of_overlays() -> None:
    chain = (
        "".join(f"x-{n}: {{$ref: '#/x-{n + 1}', k{n}: {n}}}\n" for n in range(90)) + "x-90: {}\n"
    )
    value = value_of("{$ref: '#/x-0'}", chain)
    assert value == {f"k{n}": n for n in range(90)}


def test_a_fault_in_a_file_that_is_not_reached_is_not_told(project: Path) -> None:
    (project / "flows" / "broken.yaml").write_text("a: [\n")
    flow = project / "flows" / "flow.yaml"
    flow.write_text(HEAD + "x-a: {$ref: broken.yaml}\nsteps: {a: {run: x}}\n")
    assert front_of(flow).found == []


def test_a_file_with_faults_tells_them_itself(project: Path) -> None:
    (project / "flows" / "broken.yaml").write_text("a: [\n")
    flow = project / "flows" / "flow.yaml"
    flow.write_text(HEAD + "steps: {a: {$ref: broken.yaml}, b: {$ref: broken.yaml}}\n")
    found = front_of(flow)
    assert [one.code.id for one in found.found] == ["E118"]
    assert found.ids == ["a", "b"]
