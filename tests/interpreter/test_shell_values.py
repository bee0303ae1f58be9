"""A value reaches a command byte for byte, wherever it stands, and is never read as syntax."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowctl.shell import Place, places
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


@settings(max_examples=150, deadline=None)
@given(scripts(TEXTS | NASTY))
def test_script_prints_values_as_they_are(script: Piece) -> None:
    with TemporaryDirectory() as folder:
        runner = Runner(Path(folder))
        result = runner(plan(command("s", script.lines)))
        assert not (runner.base / "pwned").exists()
        assert runner.log("s") == script.printed.encode(), script.lines
        assert statuses(result) == {"s": "succeeded"}


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
    ("script", "place"),
    [
        ("echo 'X'", Place.SINGLE),
        ("echo 'a'b'X", Place.SINGLE),
        ("echo $'a\\'X'", Place.ANSI),
        ("cat <<'E'\nX\nE", Place.LITERAL_BODY),
        ("cat <<\\E\nX\nE", Place.LITERAL_BODY),
        ('cat <<"E"\nX\nE', Place.LITERAL_BODY),
        ("cat <<X\nX\nX", Place.DELIMITER),
        ("echo \\X", Place.BACKSLASH),
        ('echo "\\X"', Place.BACKSLASH),
        ("echo $X", Place.DOLLAR),
        ('echo "a$X"', Place.DOLLAR),
        ("echo `echo X`", Place.BACKQUOTES),
        ('echo "`echo X`"', Place.BACKQUOTES),
        ("echo $((X + 1))", Place.ARITHMETIC),
        ("((X > 1))", Place.ARITHMETIC),
        ("echo $[X]", Place.ARITHMETIC),
        ("for ((i = X; ; )); do :; done", Place.ARITHMETIC),
        ("echo ${a:-X}", Place.PARAMETER),
        ('echo "${a[X]}"', Place.PARAMETER),
        ("echo X", Place.BARE),
        ("echo a'b'X", Place.BARE),
        ('echo "\'"X', Place.BARE),
        ("# it's\necho X", Place.BARE),
        ("echo a#'\"'X", Place.BARE),
        ("cat <<'E'\n'\nE\necho X", Place.BARE),
        ('echo "$(case a in a) echo X;; esac)"', Place.BARE),
        ('echo "X"', Place.DOUBLE),
        ("echo \"${a:-'}'}X\"", Place.DOUBLE),
        ("cat <<E\nit's X\nE", Place.BODY),
        ("# it's X", Place.BODY),
    ],
)
def test_place_of_a_hole(script: str, place: Place) -> None:
    start = script.index("X")
    holes = [(at, at + 1) for at in range(len(script)) if script[at] == "X"]
    assert places(script, holes)[0] is place
    assert holes[0] == (start, start + 1)


def test_nesting_has_a_bound() -> None:
    script = "".join(f"cat <<E{level}\n$(" for level in range(2000)) + "X"
    assert places(script, [(len(script) - 1, len(script))]) == [Place.DEEP]
