"""Templates: what they give, what is left alone, where their faults are, and their bounds."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowctl.compiler.expand.holes import Hole, Text, cut
from flowctl.syntax.node import Json, ScalarNode, find
from tests.compiler.front import HEAD, Front, front

PARAMS = """\
params:
  year: {type: integer, default: 2013}
  ratio: {type: number, default: 0.5}
  carrier: {type: string, default: UA}
  days: {type: array, default: [mon, tue]}
  flag: {type: boolean, default: true}
  none: {type: [string, "null"], default: null}
  at: {type: object, default: {city: Rome, zip: "0"}}
"""


def value_of(template: str, **inputs: object) -> Json:
    """What a variable that is this template comes to."""
    found = evaluated(template, **inputs)
    assert [one for one in found.found if one.severity == "error"] == []
    assert found.expanded is not None
    return found.expanded.constants["vars"]["x"]  # type: ignore[index,call-overload,return-value]


def evaluated(template: str, **inputs: object) -> Front:
    text = f"{HEAD}{PARAMS}vars: {{x: {json.dumps(template)}}}\nsteps: {{a: {{run: x}}}}\n"
    return front(text, **inputs)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{ params.year }}", 2013),
        ("{{ params.year + 1 }}", 2014),
        ("{{params.ratio}}", 0.5),
        ("{{ params.flag }}", True),
        ("{{ params.none }}", None),
        ("{{ params.days }}", ["mon", "tue"]),
        ("{{ params.at }}", {"city": "Rome", "zip": "0"}),
        ("{{ params['at']['city'] }}", "Rome"),
        ("{{ params.days[0] }}", "mon"),
        ("{{ params.days[-1] }}", "tue"),
        ("{{ params.days[1:] }}", ["tue"]),
        ("{{ {'a': [1, none, true], 'b': {'c': 1}} }}", {"a": [1, None, True], "b": {"c": 1}}),
        ("{{ 'a' if params.flag else 'b' }}", "a"),
        ("{{ params.year is odd }}", True),
        ("{{ params.x is defined }}", False),
        ("{{ params.x | default('y') }}", "y"),
        ("{{ params.none | default('y', true) }}", "y"),
        ("{{ params.days | map('upper') | join('-') }}", "MON-TUE"),
        ("{{ params.days | length }}", 2),
        ("{{ params.carrier.lower().replace('u', 'x') }}", "xa"),
        ("{{ params.at.items() }}", [["city", "Rome"], ["zip", "0"]]),
        ("{{ params.at | dictsort }}", [["city", "Rome"], ["zip", "0"]]),
        ("{{ 1 < 2 < 3 and not false }}", True),
        ("{{ 'mon' in params.days }}", True),
        ("{{ params.carrier ~ 1 ~ true }}", "UA1true"),
        ("{{ workflow.timestamp }}", "2024-02-28T10:30:00Z"),
        ("{{ workflow.timestamp | date }}", "2024-02-28"),
        ("{{ workflow.timestamp | date('%Y/%m/%d %H') }}", "2024/02/28 10"),
        (
            "{{ date_range('2024-02-28', '2024-03-01') }}",
            ["2024-02-28", "2024-02-29", "2024-03-01"],
        ),
        ("{{ date_range('2024-03-02', '2024-03-01') }}", []),
        ("{{ range(3) }}", [0, 1, 2]),
        ("year={{ params.year }}, {{ params.flag }}", "year=2013, true"),
        ("{{ params.year }}{{ params.carrier }}", "2013UA"),
        ("{{ params.year }} ", "2013 "),
        ("a {{- params.year -}} b", "a2013b"),
        ('{{ "{{" }}', "{{"),
        ('{{ "{{" }}.Names}}', "{{.Names}}"),
        ("{{ '}}' }}", "}}"),
        ("{% if x %}{# y #}", "{% if x %}{# y #}"),
        ("${{ steps.a.read }}", "${{ steps.a.read }}"),
        ("${{ '{{ x }}' }}{{ params.year }}", "${{ '{{ x }}' }}2013"),
        ("${{ {'a': {'b': 1}} }}{{ params.year }}", "${{ {'a': {'b': 1}} }}2013"),
        ("${{ 'it''s }}' }}{{ params.year }}", "${{ 'it''s }}' }}2013"),
        ("}} {x}", "}} {x}"),
    ],
)
def test_values(template: str, value: Json) -> None:
    found = value_of(template)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("template", "message", "column"),
    [
        ("{{ params.yeer }}", "undefined name `params.yeer`", 11),
        ("{{ params['yeer'] }}", "undefined name `params.yeer`", 11),
        ("{{ parms.year }}", "undefined name `parms`", 4),
        ("{{ params.at.town }}", "undefined name `params.at.town`", 14),
        ("{{ params . yeer }}", "undefined name `params.yeer`", 13),
        ("{{ params.year.x }}", "a number has no `x`", 16),
        ("{{ params.days[5] }}", "there is no item 5: there are 2", 16),
        ("ab {{ params.year | nope }}", "there is no filter `nope`", 21),
        ("ab {{ params.year is nope }}", "there is no test `nope`", 22),
        ("{{ vars.y }}", "undefined name `vars.y`", 9),
        (
            "{{ matrix.y }}",
            "there is no matrix here: `matrix` is known in the steps that have one",
            4,
        ),
        ("{{ item }}", "`item` is not known at compile time", 4),
        ("{{ '' . __class__ }}", "a text has no `__class__`", 9),
        ("{{ params.days.append(1) }}", "a list has no `append`", 16),
        ("{{ params.carrier.format(1) }}", "a text has no `format`", 19),
        ("{{ params.year() }}", "a number cannot be called", 15),
        ("{{ params.year + }}", "unexpected the end", 16),
        ("{{ params.year ? 1 }}", "`?` cannot stand here", 16),
        ("{{ 'abc }}", "this quote is not closed", 4),
        ("{{ 1 / 0 }}", "a division by zero", 1),
        ("{{ params.carrier + 1 }}", "`+` cannot take a text and a number", 1),
        ("{{ params.carrier % 1 }}", "`%` works on numbers only", 1),
        ("{{ 'a' if false }}", "the `if` has no `else`, so there is no value", 4),
        ("{{ params.carrier | date }}", "`date` needs a date such as `2024-01-31`, not `UA`", 21),
        ("{{ {1: 2} }}", "the keys of a mapping must be text", 4),
        ("{{ file }}", "the result is a function, and not a value that a document can hold", 1),
        (
            "{{ params.carrier.upper }}",
            "the result is a Method, and not a value that a document can hold",
            1,
        ),
    ],
)
def test_faults_and_their_columns(template: str, message: str, column: int) -> None:
    found = evaluated(template)
    errors = [one for one in found.found if one.severity == "error"]
    assert [one.message for one in errors] == [message]
    span = errors[0].span
    assert span is not None
    # The template stands in double quotes behind `vars: {x: `.
    assert (span.line, span.column - len('vars: {x: "')) == (11, column)


@pytest.mark.parametrize(
    "template",
    [
        "{{ 'a' * 10 ** 9 }}",
        "{{ 10 ** 10 ** 10 }}",
        "{{ range(10 ** 12) }}",
        "{{ range(10 ** 12) | length }}",
        "{{ [1] * 10 ** 8 }}",
        "{{ 'a' | center(10 ** 9) }}",
        "{{ 'a'.ljust(10 ** 9) }}",
        "{{ 'a'.zfill(10 ** 9) }}",
        "{{ [1] | batch(10 ** 9, 0) | list }}",
        "{{ ('a' * 10 ** 6).replace('a', 'a' * 10 ** 6) }}",
        "{{ ('a' * 10 ** 6) | replace('a', 'a' * 10 ** 6) }}",
        "{{ (['a' * 10 ** 6] * 10 ** 3) | join('x') }}",
        "{{ ('a' * 10 ** 6) ~ ('a' * 10 ** 6) }}",
        "{{ ([('a' * 10 ** 6)] * 10 ** 4) | tojson }}",
        "{{ " + "(" * 1500 + "1" + ")" * 1500 + " }}",
        "{{ " + "1 + " * 1500 + "1 }}",
        "{{ " + "[" * 900 + "]" * 900 + " }}",
        "{{ '%s' % ('a' * 10 ** 6) }}",
        "{{ date_range('0001-01-01', '9999-12-31') }}",
        "{{ 1.5 ** 99999999 }}",
    ],
)
def test_bounds(template: str) -> None:
    begun = time.perf_counter()
    found = evaluated(template)
    assert [one for one in found.found if one.severity == "error"]
    assert time.perf_counter() - begun < 5


def test_a_fault_lies_at_its_character_in_each_style_of_text() -> None:
    text = (
        HEAD
        + PARAMS
        + r"""
steps:
  plain:
    run: a {{ params.yeer }}
  single:  {run: 'it''s {{ params.yeer }}'}
  double:  {run: "\t\u00e9\x41 {{ params.yeer }}"}
  literal:
    run: |
      one
        {{ params.yeer }}
  folded:
    run: >-
      one
      {{ params.yeer }}
"""
    )
    expected = []
    for number, line in enumerate(text.splitlines(), 1):
        if "yeer" in line:
            expected.append((number, line.index("yeer") + 1))
    found = [one for one in front(text).found if one.code.id == "E301"]
    assert [(one.span.line, one.span.column) for one in found if one.span] == expected
    ends = {one.span.end_column - one.span.column for one in found if one.span}
    assert ends == {len("yeer")}


def test_a_rendered_text_knows_where_its_parts_were_written() -> None:
    text = f"{HEAD}{PARAMS}steps:\n  a:\n    run: "
    text += "'x''y {{ params.carrier }} z {{ params.year }}'\n"
    found = front(text)
    assert found.expanded is not None
    node = find(found.expanded.steps[0].node, ("run",))
    assert isinstance(node, ScalarNode)
    assert node.value == "x'y UA z 2013"
    line = "    run: 'x''y {{ params.carrier }} z {{ params.year }}'"
    for start, end, shown in (
        (0, 1, "x"),
        (2, 3, "y"),
        (4, 6, "{{ params.carrier }}"),
        (5, 6, "{{ params.carrier }}"),
        (7, 8, "z"),
        (9, 13, "{{ params.year }}"),
        (7, 13, "z {{ params.year }}"),
        (0, 13, "x''y {{ params.carrier }} z {{ params.year }}"),
    ):
        span = node.at(start, end)
        assert line[span.column - 1 : span.end_column - 1] == shown
        assert span.line == span.end_line == 13
    assert [(frame.kind, frame.detail) for frame in node.trace] == [
        ("template", "{{ params.carrier }}"),
        ("template", "{{ params.year }}"),
    ]


def test_one_fault_makes_one_value_unknown() -> None:
    found = front(
        HEAD
        + "steps:\n  a: {run: '{{ nope }}', env: {A: b, C: '{{ nope }}'}, description: '{{ 1 }}'}\n"
    )
    assert found.step("a") == {"run": "?", "env": {"A": "b", "C": "?"}, "description": "?"}
    assert [code for code, _, _ in found.places] == ["E301", "E301", "E203"]


def test_what_depends_on_a_fault_is_not_reported_again() -> None:
    found = front(
        HEAD + "vars: {a: '{{ nope }}', b: '{{ vars.a }}x'}\nsteps: {s: {run: '{{ vars.b }}'}}\n"
    )
    assert found.places == [("E301", 3, 15)]


def test_a_value_injects_no_structure() -> None:
    text = HEAD + "params: {p: {type: string}}\nsteps: {a: {run: '{{ params.p }}'}}\n"
    found = front(text, params={"p": "x: [1, {{ params.p }}"})
    assert found.found == []
    assert found.step("a") == {"run": "x: [1, {{ params.p }}"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "flowctl.toml").touch()
    (tmp_path / "flows" / "data").mkdir(parents=True)
    (tmp_path / "query.sql").write_text("\ufeffselect 1\n", encoding="utf-8")
    (tmp_path / "flows" / "regions.csv").write_text('region,n\nus,1\n"e,u",2\n')
    (tmp_path / "flows" / "regions.json").write_text('[{"region": "us", "n": 1}]')
    for name in ("b.csv", "a.csv", "c.txt"):
        (tmp_path / "flows" / "data" / name).touch()
    return tmp_path / "flows" / "flow.yaml"


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{ file('../query.sql') | trim }}", "select 1"),
        ("{{ glob('data/*.csv') }}", ["data/a.csv", "data/b.csv"]),
        ("{{ glob('**/*.csv') }}", ["data/a.csv", "data/b.csv", "regions.csv"]),
        ("{{ glob('nothing*') }}", []),
        ("{{ table('regions.csv') }}", [{"region": "us", "n": "1"}, {"region": "e,u", "n": "2"}]),
        ("{{ table('regions.json')[0].n }}", 1),
        ("{{ table('regions.csv') | map(attribute='region') | list }}", ["us", "e,u"]),
    ],
)
def test_functions_read_the_project(project: Path, template: str, value: Json) -> None:
    assert value_of(template, path=project) == value


def test_what_functions_read_are_dependencies(project: Path) -> None:
    found = evaluated(
        "{{ file('../query.sql') }}{{ table('regions.json') | length }}", path=project
    )
    assert found.expanded is not None
    names = [path.name for path in found.expanded.dependencies]
    assert names == ["flow.yaml", "query.sql", "regions.json"]


@pytest.mark.parametrize(
    ("template", "code"),
    [
        ("{{ file('../../outside') }}", "E316"),
        ("{{ file('/etc/passwd') }}", "E316"),
        ("{{ file('link') }}", "E316"),
        ("{{ glob('../../*') }}", "E316"),
        ("{{ file('http://example.com/x') }}", "E316"),
        ("{{ file('qery.sql') }}", "E315"),
        ("{{ file('data') }}", "E315"),
        ("{{ file(1) }}", "E303"),
        ("{{ file() }}", "E303"),
        ("{{ table('data/c.txt') }}", "E303"),
    ],
)
def test_functions_stay_in_the_project(project: Path, template: str, code: str) -> None:
    (project.parent / "link").symlink_to("/etc/passwd")
    found = evaluated(template, path=project)
    assert [one.code.id for one in found.found if one.severity == "error"] == [code]


@settings(max_examples=300, deadline=None)
@given(st.text("{}$-'\" a\\", max_size=30))
def test_pieces_cover_the_text(text: str) -> None:
    done = 0
    for piece in cut(text):
        assert piece.start >= done
        assert not text[done : piece.start].strip()
        if isinstance(piece, Hole):
            assert text[piece.start : piece.start + 2] == "{{"
            assert text[piece.end - 2 : piece.end] == "}}"
        if isinstance(piece, Text):
            assert piece.end > piece.start
        done = piece.end
