from __future__ import annotations

from textwrap import dedent

import pytest

from flowctl.expressions.scope import NOT_YET_KNOWN
from tests.compiler.plainly import Cells, Compiled, compiled

COLUMNS = "{dest: string, delay: 'int64?', day: date}"


def stream(*transforms: str) -> Compiled:
    """A step with these transforms, of which the first stands in line 5."""
    lines = "".join(f"      - {text}\n" for text in transforms)
    return compiled(
        f"steps:\n  clean:\n    source: {{csv: a.csv, columns: {COLUMNS}}}\n"
        f"    transforms:\n{lines}    sink: {{csv: b.csv}}\n"
    )


@pytest.mark.parametrize(
    ("transform", "code", "column"),
    [
        ("filter: dealy > 3", "E505", 17),
        ("filter: delay > 3 and dset = 'x'", "E505", 31),
        ('filter: "delay > 3 and dset = 1"', "E505", 32),
        ("filter: 'dest = ''x'' and dset = 1'", "E505", 35),
        ("filter: delay", "E510", 17),
        ("filter: dest > 3", "E509", 17),
        ("filter: dest || 'x", "E501", 25),
        ("filter: sum(delay) > 3", "E503", 17),
        ("filter: lenght(dest) > 3", "E507", 17),
        ("derive: {a: delay + 1, b: dest * 2}", "E509", 35),
        ("derive: {a: a}", "E505", 21),
        ("select: [dest, dley]", "E505", 24),
        ("drop: [dest, delay, day]", "E408", 15),
        ("rename: {delay: dest}", "E407", 18),
        ("rename: {x: dset}", "E505", 21),
        ("cast: {dely: int64}", "E505", 16),
        ("cast: {delay: int46}", "E409", 23),
        ("cast: {day: int64}", "E410", 21),
        ("fill: {delay: \"'x'\"}", "E511", 24),
        ("{extract: dest, pattern: '(?P<a>.'}", "E515", 35),
        ("{extract: delay, pattern: '(?P<a>.)'}", "E509", 19),
        ("{extract: dest, pattern: '(.)'}", "E412", 34),
        ("validate: delay + 1", "E510", 19),
        ("validate: {properties: {delay: {minimum: x}}}", "E411", 50),
        ("validate: {required: [dset]}", "E505", 31),
    ],
)
def test_a_fault_stands_at_its_character(transform: str, code: str, column: int) -> None:
    assert stream(transform).found == [(code, 5, column)]


def test_a_fault_inside_folded_and_literal_blocks() -> None:
    text = dedent("""\
        steps:
          clean:
            source: {csv: a.csv, columns: {dest: string, delay: int64}}
            transforms:
              - filter: >
                  delay > 3
                  and dset = 'x'
              - filter: |
                  delay > 3

                    and dest = 3
              - derive:
                  x: >-
                    1 +

                    delya
            sink: {csv: b.csv}
        """)
    assert compiled(text).found == [("E505", 7, 15), ("E509", 11, 17), ("E505", 16, 13)]


def test_types_flow_through_every_transform() -> None:
    found = stream(
        "derive: {late: delay > 15, hours: delay / 60}",
        "rename: {destination: dest}",
        "cast: {day: datetime}",
        "fill: {delay: 0}",
        "drop: [late]",
        "{extract: destination, pattern: '(?P<first>.)'}",
        "select: [hours, first, day, delay]",
        "filter: hours > 1 and first = 'x'",
    )
    assert found.found == []
    schema = found.checked.schemas["clean"]
    shown = ["hours: float64?", "first: string?", "day: datetime", "delay: int64?"]
    assert [str(column) for column in schema] == shown


def test_a_column_that_is_gone_is_unknown_behind() -> None:
    found = stream("drop: [delay]", "filter: delay > 3", "filter: dest = 'x' and day > 3")
    assert found.found == [("E505", 6, 17), ("E509", 7, 32)]


def test_one_cause_is_told_once() -> None:
    found = stream("derive: {speed: distnace / 2}", "filter: speed > 1", "select: [speed, gone]")
    assert found.found == [("E505", 5, 25), ("E505", 7, 25)]


def test_types_flow_from_the_writer_of_a_path() -> None:
    found = compiled("""
steps:
  first:
    source: {csv: a.csv, columns: {x: int64, y: string}}
    transforms: [derive: {z: x / 2}]
    sink: [{parquet: out/a.parquet}, {csv: out/a.csv}]
  second:
    source: {parquet: ./out/a.parquet}
    transforms: [filter: z > 'a', filter: q]
    sink: {csv: c.csv}
  third:
    source: {csv: out/*.csv}
    transforms: [filter: y > 3]
    sink: {csv: d.csv}
  fourth:
    source: {step: third}
    transforms: [filter: z > 'a']
    sink: {csv: e.csv}
""")
    assert found.found == [
        ("E509", 9, 26),
        ("E505", 9, 43),
        ("E509", 13, 26),
        ("E509", 17, 26),
    ]


def test_declared_columns_win_over_those_of_the_writer() -> None:
    found = compiled("""
steps:
  first:
    source: {csv: a.csv, columns: {x: int64}}
    sink: {csv: b.csv}
  second:
    source: {csv: b.csv, columns: {x: string}}
    transforms: [filter: x = 'a']
    sink: {csv: c.csv}
""")
    assert found.found == []


def test_writers_that_do_not_agree() -> None:
    found = compiled("""
steps:
  a: {source: {csv: 1.csv, columns: {x: int64}}, sink: {csv: out/a.csv}}
  b: {source: {csv: 2.csv, columns: {x: string}}, sink: {csv: out/b.csv}}
  c: {source: {csv: out/*.csv}, transforms: [filter: x = 'a'], sink: {csv: c.csv}}
""")
    assert found.found == []
    assert found.checked.schemas["c"].open


def test_what_cannot_be_known_is_one_note_for_each_cause() -> None:
    text = """
steps:
  a: {source: {csv: no.csv}, transforms: [filter: x > 1], sink: {csv: a.csv}}
  b: {source: {csv: no.csv}, sink: {csv: b.csv}}
  c: {source: {csv: other.csv}, sink: {csv: c.csv}}
"""
    found = compiled(text)
    assert found.found == [("E417", 3, 21), ("E417", 5, 21)]
    assert not found.report.failed
    assert found.messages[0] == "unchecked: no file matches `no.csv`"
    assert found.plan is not None


def test_a_param_without_a_value_fits_everywhere() -> None:
    text = (
        "steps:\n  a: {source: {csv: a.csv, columns: {x: int64}}, transforms: [%s], sink: {csv: b}}"
    )
    constants = {"params": {"limit": NOT_YET_KNOWN}}
    assert compiled(text % "filter: x > params.limit", constants).found == []
    assert compiled(text % "filter: y > params.limit", constants).found == [("E505", 2, 71)]


def test_a_matrix_value_has_its_own_type_in_each_cell() -> None:
    text = """
steps:
  a:
    source: {csv: "a.csv", columns: {x: int64}}
    transforms: [filter: x > matrix.low]
"""
    cells: Cells = [{"low": 1}, {"low": "a"}, {"low": 3}]
    found = compiled(text, cells={"a": cells})
    errors = [fault for fault in found.report if fault.severity == "error"]
    assert [(fault.code.id, fault.span and fault.span.column) for fault in errors] == [("E509", 26)]


@pytest.mark.parametrize(
    ("line", "code", "column"),
    [
        ("if: steps.a.written", "E510", 9),
        ("if: steps.a.writen > 0", "E506", 17),
        ("if: steps.b.written > 0", "E506", 15),
        ("if: ${{ steps.a.written > 'x' }}", "E509", 13),
        ("if: x > 0", "E506", 9),
        ("if: secrets.TOKEN = 'x'", "E506", 17),
        ("if: run.failed or always", "E506", 23),
        ("if: source_file() = 'a'", "E513", 9),
        ("env: {A: '${{ steps.a.sinks }}'}", "E506", 27),
        ("cwd: x/${{ steps.a.read + 'x' }}", "E509", 16),
    ],
)
def test_expressions_of_the_run(line: str, code: str, column: int) -> None:
    found = compiled(f"steps:\n  a: {{run: echo}}\n  z:\n    run: echo\n    {line}\n")
    assert found.found == [(code, 5, column)]


@pytest.mark.parametrize(
    "line",
    [
        "if: steps.a.written > 0 and not failure()",
        "if: ${{ always() }}",
        "if: true",
        "if: steps.a.status = 'succeeded' or run.failed",
        "if: steps.m['us'].read > 0 and steps.m.read > 1",
        "env: {A: '${{ run.id }}-${{ steps.a.exit_code }}', B: 3}",
    ],
)
def test_sound_expressions_of_the_run(line: str) -> None:
    text = f"steps:\n  a: {{run: echo}}\n  m: {{run: echo}}\n  z:\n    run: echo\n    {line}\n"
    found = compiled(text, cells={"m": [{"r": "us"}, {"r": "eu"}]})
    assert found.found == []


def test_single_quotes_of_a_shell() -> None:
    found = compiled("steps:\n  a:\n    run: |\n      x\n      echo 'a ${{ run.id }}'\n")
    assert found.found == [("E416", 5, 15)]


def test_rejects_need_a_place_and_a_reason() -> None:
    text = """
steps:
  a:
    source: {csv: a.csv, columns: {x: int64}}
    transforms: [{filter: x > 1, on_error: reject}]
    sink: {csv: b.csv}
  b:
    source: {csv: a.csv, columns: {x: int64}}
    sink: {csv: c.csv}
    rejects: {ndjson: r.ndjson}
  c:
    source: {csv: a.csv, columns: {x: int64}}
"""
    assert compiled(text).found == [("E413", 5, 44), ("E414", 10, 5), ("E415", 11, 3)]


def test_equal_questions_are_asked_once() -> None:
    from time import process_time

    steps = "\n".join(
        f"  s{index}:\n    source: {{csv: d/{index}.csv, columns: {{x: int64, y: string}}}}\n"
        f"    transforms:\n      - filter: x > 3 and y <> 'a'\n      - derive: {{z: x + 1}}\n"
        f"    sink: {{parquet: e/{index}.parquet}}"
        for index in range(2000)
    )
    text = f"steps:\n{steps}\n"
    start = process_time()
    assert compiled(text).plan is not None
    assert process_time() - start < 6
