from __future__ import annotations

from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowctl.compiler.graph import order
from flowctl.compiler.paths import normal
from tests.compiler.plainly import Cells, Compiled, compiled


def needs(text: str, **cells: Cells) -> dict[str, tuple[str, ...]]:
    """The needs of each step, in the order of the plan; nothing may be wrong."""
    found = compiled(text, cells=cells)
    assert not [fault for fault in found.report if fault.severity == "error"], found.messages
    return {step.step.id: step.needs for step in found.linked.steps}


def wrong(text: str, **cells: Cells) -> Compiled:
    found = compiled(text, cells=cells)
    assert found.report.failed
    return found


def test_needs_by_name() -> None:
    assert needs("""
steps:
  c: {run: echo, needs: [a, b]}
  a: {run: echo}
  b: {run: echo, needs: a}
""") == {"a": (), "b": ("a",), "c": ("a", "b")}


def test_a_matrix_is_all_of_its_cells() -> None:
    cells = [{"r": "us"}, {"r": "eu"}]
    text = """
steps:
  all: {run: echo, needs: [load]}
  load: {run: echo}
"""
    assert needs(text, load=cells)["all"] == ("load[us]", "load[eu]")


def test_the_cells_of_the_same_value() -> None:
    text = """
steps:
  load: {run: echo}
  merge: {run: echo, needs: [{step: load, same: [r]}]}
"""
    load = [{"r": r, "y": y} for r in ("us", "eu") for y in (1, 2)]
    merge = [{"r": "us"}, {"r": "eu"}]
    found = needs(text, load=load, merge=merge)
    assert found["merge[us]"] == ("load[us,1]", "load[us,2]")
    assert found["merge[eu]"] == ("load[eu,1]", "load[eu,2]")


def test_cells_without_a_partner() -> None:
    text = """
steps:
  load: {run: echo}
  merge: {run: echo, needs: [{step: load, same: [r]}]}
"""
    found = wrong(text, load=[{"r": "us"}], merge=[{"r": "us"}, {"r": "eu"}])
    assert found.found == [("E406", 4, 49)]
    assert wrong(text, load=[{"x": 1}], merge=[{"r": 1}]).found == [("E406", 4, 50)]
    assert wrong(text, load=[{"r": 1}]).found == [("E406", 4, 50)]


def test_a_source_step_and_names_in_expressions() -> None:
    assert needs("""
steps:
  report:
    run: echo ${{ steps.b.written }}
    if: steps.a.read > 0 and always()
  b: {source: {step: a}, sink: {csv: b.csv}}
  a: {source: {csv: a.csv, columns: {x: int64}}, sink: {csv: x.csv}}
""") == {"a": (), "b": ("a",), "report": ("a", "b")}


def test_one_cell_by_its_index() -> None:
    text = """
steps:
  report: {run: "echo ${{ steps.load['us,1'].written }}"}
  load: {run: echo}
"""
    load = [{"r": "us", "y": 1}, {"r": "eu", "y": 1}]
    assert needs(text, load=load)["report"] == ("load[us,1]",)


READER = """
steps:
  reader: {source: {csv: %s, columns: {x: int64}}, sink: {ndjson: r.ndjson}}
  writer: {source: {csv: in.csv, columns: {x: int64}}, sink: {csv: %s}}
"""


@pytest.mark.parametrize(
    ("read", "written", "needed"),
    [
        ("out/a.csv", "out/a.csv", True),
        ("./out//x/../a.csv", "out/a.csv", True),
        ("/project/out/a.csv", "out/a.csv", True),
        ("[in2.csv, out/a.csv]", "out/a.csv", True),
        ("out", "out/a.csv", True),
        ("out/", "out/deep/a.csv", True),
        ("out/*.csv", "out/a.csv", True),
        ("out/a*", "out/a.csv", True),
        ("'out/[ab].csv'", "out/a.csv", True),
        ("out/**/*.csv", "out/x/y/a.csv", True),
        ("'**/a.csv'", "out/a.csv", True),
        ("out/part-0.csv", "out/", True),
        ("out/*.csv", "out/", True),
        ("'*/a.csv'", "out/", True),
        ("out/b*.csv", "out/a.csv", False),
        ("out/*.csv", "out/x/a.csv", False),
        ("'**/b.csv'", "out/a.csv", False),
        ("'out/[!a].csv'", "out/a.csv", False),
        ("outer/a.csv", "out/a.csv", False),
        ("out", "outer/a.csv", False),
        ("../out/a.csv", "out/a.csv", False),
        ("'out/[z-a].csv'", "out/a.csv", False),
    ],
)
def test_a_path_that_another_step_writes(read: str, written: str, *, needed: bool) -> None:
    found = needs(READER % (read, written))
    assert found["reader"] == (("writer",) if needed else ())


@pytest.mark.parametrize(
    ("first", "second", "column"),
    [
        ("out/a.csv", "./out/a.csv", 63),
        ("out/", "out/a.csv", 63),
        ("out/a.csv/b.csv", "out/a.csv", 63),
        ("out/a.csv", "/project/out", 63),
    ],
)
def test_a_path_that_is_written_twice(first: str, second: str, column: int) -> None:
    text = """
steps:
  a: {source: {csv: in.csv, columns: {x: int64}}, sink: {csv: %s}}
  b: {source: {csv: in.csv, columns: {x: int64}}, sink: {csv: %s}}
"""
    found = wrong(text % (first, second))
    assert len(found.found) == 1
    fault = next(iter(found.report))
    assert fault.code.id == "E404"
    assert fault.span is not None
    assert fault.span.column == column
    assert fault.related[0].span.line in (3, 4)
    assert fault.related[0].span != fault.span


def test_all_cells_write_one_path_is_said_once() -> None:
    text = """
steps:
  a: {source: {csv: in.csv, columns: {x: int64}}, sink: {csv: out.csv}}
"""
    cells = [{"r": index} for index in range(50)]
    assert wrong(text, a=cells).found == [("E404", 3, 63)]


def test_a_step_that_reads_what_it_writes() -> None:
    text = """
steps:
  a: {source: {csv: data/*.csv, columns: {x: int64}}, sink: {csv: data/out.csv}}
"""
    found = wrong(text)
    assert found.found == [("E405", 3, 21)]
    assert next(iter(found.report)).related[0].span.column == 67


def test_unknown_steps_and_the_step_itself() -> None:
    found = wrong("""
steps:
  load: {run: echo}
  clean: {run: echo, needs: [laod]}
  again: {run: echo, needs: [again]}
  other: {source: {step: clen}}
  noisy: {run: "echo ${{ steps.noisy.read }}"}
""")
    assert [place for place in found.found if place[0] in ("E401", "E402")] == [
        ("E401", 4, 30),
        ("E402", 5, 30),
        ("E401", 6, 26),
        ("E402", 7, 32),
    ]
    helps = [fault.help for fault in found.report]
    assert "did you mean `load`?" in helps
    assert "did you mean `clean`?" in helps


def test_a_cell_that_names_its_own_step() -> None:
    text = """
steps:
  load: {run: echo, needs: [load]}
  other: {run: "echo ${{ steps.other['us'].status }}"}
"""
    found = wrong(text, load=[{"r": "us"}, {"r": "eu"}], other=[{"r": "us"}, {"r": "eu"}])
    assert found.found == [("E402", 3, 29), ("E402", 4, 32)]


def test_a_cycle_is_printed_whole() -> None:
    found = wrong("""
steps:
  d: {run: echo, needs: [a]}
  a: {source: {csv: c.csv, columns: {x: int64}}, sink: {csv: a.csv}}
  b: {source: {step: a}, sink: {csv: b.csv}}
  c: {source: {csv: "*b.csv", columns: {x: int64}}, sink: {csv: c.csv}}
""")
    assert found.messages == ["these steps wait for each other: `a` -> `c` -> `b` -> `a`"]
    related = next(iter(found.report)).related
    assert [place.message for place in related] == [
        "`a` needs `c`: reads `c.csv`, which `c` writes",
        "`c` needs `b`: reads `*b.csv`, which `b` writes",
        "`b` needs `a`: reads the records of `a`",
    ]


def test_every_knot_is_told() -> None:
    found = wrong("""
steps:
  a: {run: echo, needs: [b]}
  b: {run: echo, needs: [a]}
  x: {run: echo, needs: [y]}
  y: {run: echo, needs: [z]}
  z: {run: echo, needs: [y, a]}
""")
    assert [message.split(": ")[1] for message in found.messages] == [
        "`a` -> `b` -> `a`",
        "`y` -> `z` -> `y`",
    ]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=25))
def test_an_order_or_a_cycle(pairs: list[tuple[int, int]]) -> None:
    names = [f"s{index}" for index in range(10)]
    graph: dict[str, list[str]] = {name: [] for name in names}
    for one, other in pairs:
        if one != other and f"s{other}" not in graph[f"s{one}"]:
            graph[f"s{one}"].append(f"s{other}")
    found = order(names, graph)
    assert sorted(found.nodes) == names
    place = {name: index for index, name in enumerate(found.nodes)}
    behind = all(place[need] < place[name] for name in names for need in graph[name])
    assert behind == (not found.cycles)
    for cycle in found.cycles:
        for name, following in zip(cycle, (*cycle[1:], cycle[0]), strict=True):
            assert following in graph[name]


def test_normal_paths() -> None:
    assert normal("a/../b/./c", "/p") == "/p/b/c"
    assert normal("/x//y/", "/p") == "/x/y"


def test_many_steps_take_time_that_grows_with_their_number() -> None:
    def seconds(count: int) -> float:
        steps = "\n".join(
            f"  s{index}: {{source: {{csv: d/{index}.csv, columns: {{x: int64}}}},"
            f" sink: {{csv: d/{index + 1}.csv}}}}"
            for index in range(count)
        )
        start = process_time()
        found = compiled(f"steps:\n{steps}\n")
        assert len(found.linked.steps) == count
        return process_time() - start

    seconds(10)
    assert seconds(2000) < 10 * max(seconds(500), 0.05)
