"""A value reaches a command byte for byte, wherever it stands, and is never read as syntax."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowctl.shell import Context, contexts
from tests.interpreter.running import Runner, command, plan, statuses
from tests.interpreter.scripts import Piece, scripts

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)
NASTY = st.sampled_from(
    (
        "$(touch pwned)",
        "`touch pwned`",
        "'; touch pwned; '",
        '"; touch pwned; "',
        "\\",
        "* ? [a-z]",
        "~",
        "-n",
        "\nE\ntouch pwned\n",
        "}} ${{ 1 }}",
        "a\n\n",
        "!!",
    )
)


@settings(max_examples=40, deadline=None)
@given(st.lists(scripts(TEXTS | NASTY), min_size=3, max_size=5))
def test_script_prints_values_as_they_are(pieces: list[Piece]) -> None:
    """Some at a time: a run takes longer than a script."""
    with TemporaryDirectory() as folder:
        runner = Runner(Path(folder))
        named = {f"s{number}": piece for number, piece in enumerate(pieces)}
        result = runner(plan(*(command(id, piece.lines) for id, piece in named.items())))
        assert not (runner.base / "pwned").exists()
        for id, piece in named.items():
            assert runner.log(id) == piece.printed.encode(), piece.lines
        assert statuses(result) == dict.fromkeys(named, "succeeded")


@settings(max_examples=40, deadline=None)
@given(st.lists(TEXTS | NASTY, min_size=1, max_size=3))
def test_argument_list_gets_values_as_they_are(values: list[str]) -> None:
    literals = [value.replace("'", "''") for value in values]
    words = [f"${{{{ '{literal}' }}}}" for literal in literals]
    with TemporaryDirectory() as folder:
        runner = Runner(Path(folder))
        runner(plan(command("s", ["printf", "%s\\0", *words])))
        assert runner.log("s") == "".join(f"{value}\0" for value in values).encode()


@pytest.mark.parametrize(
    ("script", "context"),
    [
        ("echo 'X'", Context.SINGLE),
        ("echo 'a'b'X", Context.SINGLE),
        ("echo $'a\\'X'", Context.ANSI),
        ("cat <<'E'\nX\nE", Context.LITERAL_BODY),
        ("cat <<\\E\nX\nE", Context.LITERAL_BODY),
        ('cat <<"E"\nX\nE', Context.LITERAL_BODY),
        ("cat <<X\nX\nX", Context.DELIMITER),
        ("echo \\X", Context.BACKSLASH),
        ('echo "\\X"', Context.BACKSLASH),
        ("echo $X", Context.DOLLAR),
        ('echo "a$X"', Context.DOLLAR),
        ("echo `echo X`", Context.BACKQUOTES),
        ('echo "`echo X`"', Context.BACKQUOTES),
        ("echo $((X + 1))", Context.ARITHMETIC),
        ("((X > 1))", Context.ARITHMETIC),
        ("echo $[X]", Context.ARITHMETIC),
        ("for ((i = X; ; )); do :; done", Context.ARITHMETIC),
        ('if [[ "X" -gt 3 ]]; then :; fi', Context.ARITHMETIC),
        ("[[ -n $y && 3 -eq X ]]", Context.ARITHMETIC),
        ("[[ X == a ]]; [ 1 -eq 1 ]", Context.BARE),
        ('[ "X" -gt 3 ]', Context.DOUBLE),
        ("a[X]=1", Context.ARITHMETIC),
        ("echo 1; a[i + X]=1", Context.ARITHMETIC),
        ("a[1]=X", Context.BARE),
        ('echo "a[X]"', Context.DOUBLE),
        ("echo ${a:-X}", Context.PARAMETER),
        ('echo "${a[X]}"', Context.PARAMETER),
        ("echo X", Context.BARE),
        ("echo a'b'X", Context.BARE),
        ('echo "\'"X', Context.BARE),
        ("# it's\necho X", Context.BARE),
        ("echo a#'\"'X", Context.BARE),
        ("cat <<'E'\n'\nE\necho X", Context.BARE),
        ('echo "$(case a in a) echo X;; esac)"', Context.BARE),
        ('echo "X"', Context.DOUBLE),
        ("echo \"${a:-'}'}X\"", Context.DOUBLE),
        ("cat <<E\nit's X\nE", Context.BODY),
        ("# it's X", Context.BODY),
    ],
)
def test_place_of_a_hole(script: str, context: Context) -> None:
    start = script.index("X")
    holes = [(at, at + 1) for at in range(len(script)) if script[at] == "X"]
    assert contexts(script, holes)[0] is context
    assert holes[0] == (start, start + 1)


def test_nesting_has_a_bound() -> None:
    script = "".join(f"cat <<E{level}\n$(" for level in range(2000)) + "X"
    assert contexts(script, [(len(script) - 1, len(script))]) == [Context.DEEP]
