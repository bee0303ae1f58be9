"""`run`: what its rule says of commands; what commands do is in `tests/interpreter`."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowctl.component import Situation, Typed
from flowctl.expressions.scope import Scope
from flowctl.kinds.steps.run import COMPONENT
from flowctl.records import String
from flowctl.runtime_names import RUN, STEP
from flowctl.shell import contexts
from flowctl.syntax.node import Json
from tests.kinds.transforming import NoFiles

SCOPE = Scope(
    constants={"params": {"out": "it's here"}},
    runtime={"run": RUN, "steps": {"load": STEP}, "secrets": {"TOKEN": String()}},
)


def ruled(**arguments: Json) -> Typed:
    return COMPONENT.rule(arguments, Situation(SCOPE, NoFiles()))


@pytest.mark.parametrize(
    ("arguments", "canonical"),
    [
        ({"run": "make"}, {"run": "make"}),
        ({"run": "echo ${{steps.load.written+1}}"}, {"run": "echo ${{ steps.load.written + 1 }}"}),
        ({"run": "x ${{ params.out }}"}, {"run": "x ${{ 'it''s here' }}"}),
        ({"run": ["x", 1, 2.5, True]}, {"run": ["x", "1", "2.5", "true"]}),
        ({"run": ["x${{run.id}}"], "cwd": "a"}, {"run": ["x${{ run.id }}"], "cwd": "a"}),
        ({"run": "x", "env": {"B": 1, "A": "${{run.id}}"}, "shell": "sh"},
         {"run": "x", "env": {"B": "1", "A": "${{ run.id }}"}, "shell": "sh"}),
        ({"run": "x", "env": {}}, {"run": "x"}),
    ],
)  # fmt: skip
def test_canonical_arguments(arguments: dict[str, Json], canonical: dict[str, Json]) -> None:
    typed = ruled(**arguments)
    assert (typed.arguments, typed.faults) == (canonical, ())
    assert ruled(**typed.arguments) == typed


@pytest.mark.parametrize(
    ("arguments", "code", "pointer", "at"),
    [
        ({"run": "echo '${{ run.id }}'"}, "E416", ("run",), (6, 19)),
        ({"run": "echo ${{ run.nr }}"}, "E506", ("run",), (13, 15)),
        ({"run": "echo ${{ run.id"}, "E517", ("run",), (5, 8)),
        ({"run": ["a", "b${{ secrets.TOKEN }}"]}, "E714", ("run", 1), (1, 21)),
        ({"run": ["a"], "shell": "sh"}, "E716", ("shell",), (None, None)),
        ({"run": "a", "env": {"1A": "x"}}, "E717", ("env", "1A"), (None, None)),
        ({"run": "a", "env": {"A": "${{ x }}"}}, "E506", ("env", "A"), (4, 5)),
        ({"run": "a", "cwd": "${{ x }}"}, "E506", ("cwd",), (4, 5)),
    ],
)
def test_faults_point_at_what_is_wrong(
    arguments: dict[str, Json],
    code: str,
    pointer: tuple[str | int, ...],
    at: tuple[int | None, int | None],
) -> None:
    (fault,) = ruled(**arguments).faults
    assert (fault.code.id, fault.pointer, (fault.start, fault.end)) == (code, pointer, at)


def test_all_faults_are_told_at_once() -> None:
    script = "echo '${{ run.id }}' `${{ x }}` ${{ run.id"
    assert sorted(fault.code.id for fault in ruled(run=script).faults) == [
        "E416", "E416", "E506", "E517",
    ]  # fmt: skip


PIECES = st.sampled_from(
    ["${{ run.id }}", "${{ x }}", "${{", "}}", "{", "}", "'", '"', "`", "$", "$(", "$((", "))", ")",
     "(", "\\", "\n", " ", "<<E", "<<'E'", "E", "#", "case", "esac", "in", ";", "${", "$'", "é"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=25).map("".join))
def test_any_script_gets_an_answer(script: str) -> None:
    typed = ruled(run=script)
    for fault in typed.faults:
        assert fault.start is not None
        assert fault.end is not None
        assert 0 <= fault.start <= fault.end <= len(script)
    if not typed.faults:
        assert ruled(**typed.arguments) == typed


def test_a_long_script_is_read_in_no_time() -> None:
    """Places are found in one walk: this would take minutes if each hole cost one."""
    line = "echo \"a ${{ run.id }}\" | grep 'x' && : $(cat <<E\n$a ${{ run.id }}\nE\n)\n"
    holes = []
    script = ""
    for _ in range(5000):
        holes.append((len(script) + 8, len(script) + 21))
        script += line
    assert {context.name for context in contexts(script, holes)} == {"DOUBLE"}
