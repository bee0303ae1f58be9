"""The command line as a whole: exit codes, imports, and what happens when things go wrong."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import click
import pytest

from flowctl.cli import main as main_module
from flowctl.cli.main import COMMANDS, cli, main
from flowctl.cli.paint import width
from flowctl.codes import CODES
from flowctl.errors import ResumeRefused
from flowctl.registry import builtin

ROOT = Path(__file__).parents[2]
HEAVY = {
    "polars", "sqlglot", "duckdb", "jsonschema", "jsonschema_rs", "rich", "watchfiles",
    "tree_sitter", "pyarrow", "numpy", "jinja2", "ruamel",
}  # fmt: skip


def flowctl(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flowctl", *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize("command", ["--help", "--version", "explain", "schema"])
def test_light_commands_import_nothing_heavy(command: str) -> None:
    code = (
        "import sys; from flowctl.cli.main import main\n"
        f"code = main([{command!r}])\n"
        "print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)\n"
        "sys.exit(code)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert result.returncode == 0, result.stderr
    assert HEAVY.intersection(result.stderr.split()) == set()


def test_a_run_of_commands_does_not_load_the_engine(tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text(
        "flowctl: 1\nname: w\nresources: {one: {slots: 1}}\nsteps:\n"
        "  a: {run: exit 3, retry: {attempts: 2, delay: 1ms}}\n  b: {run: echo x, pool: one}\n",
        encoding="utf-8",
    )
    code = (
        "import sys; from flowctl.cli.main import main\n"
        "codes = [main(['run', 'w.yaml', '--keep-going']) for _ in range(2)]\n"
        "sys.exit(str([*codes, 'polars' in sys.modules]))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path
    )
    assert result.stderr.splitlines()[-1] == "[1, 1, False]"


def test_help_costs_no_more_than_the_light_libraries() -> None:
    def cost(*arguments: str) -> float:
        """Seconds of processor time, the best of several."""
        spent = []
        for _ in range(7):
            before = os.times()
            subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
            after = os.times()
            spent.append(after.children_user - before.children_user)
            spent[-1] += after.children_system - before.children_system
        return min(spent)

    libraries = cost("-c", "import click, jinja2, jsonschema, ruamel.yaml")
    assert cost("-m", "flowctl", "--help") <= libraries


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["vlidate", "x.yaml"], "there is no command `vlidate`; did you mean `validate`?"),
        (["cache", "lst"], "there is no command `lst`; did you mean `list`?"),
        (["cache", "validat"], "there is no command `validat`\n  see `flowctl cache --help`"),
        (
            ["explain", "--colour", "never"],
            "there is no option `--colour`; did you mean `--color`?",
        ),
        (["explain", "E1O1"], "there is no code `E1O1`; did you mean `E"),
        (["kinds", "fliter"], "there is no kind `fliter`; did you mean `filter`?"),
        (["schema", "workflw"], "there is no schema `workflw`; did you mean `workflow`?"),
        (["init", "x", "--template", "nope"], "there is no template `nope`; there are `"),
    ],
)
def test_misspelt_words_exit_2_with_the_nearest(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"error: {message}")


@pytest.mark.parametrize("group", [[], ["runs"], ["cache"], ["checkpoint"]])
def test_no_command_shows_the_help(group: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(group) == 2
    assert f"Usage: {' '.join(['flowctl', *group])} [OPTIONS] COMMAND" in capsys.readouterr().err


def test_every_line_of_help_fits_80_columns() -> None:
    for command in ["", *COMMANDS]:
        help = flowctl(*filter(None, [command]), "--help").stdout
        assert help.startswith("Usage: flowctl")
        assert [line for line in help.splitlines() if len(line) > 80] == []


def test_reference_fits_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    kinds = sorted({spec.kind for spec in builtin().specs()})
    for arguments in ([], ["functions"], *([kind] for kind in kinds)):
        assert main(["kinds", *arguments]) == 0
        assert [line for line in capsys.readouterr().out.splitlines() if width(line) > 80] == []


def test_every_code_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    for code in CODES.values():
        assert main(["explain", code.id.lower()]) == 0
        head, empty, *text = capsys.readouterr().out.splitlines()
        assert head == f"{code.severity}[{code.id}]: {code.title}"
        assert empty == ""
        assert len(" ".join(text)) > len(code.title)
    assert main(["explain"]) == 0
    listed = capsys.readouterr().out
    assert all(f"  {code.id}  {code.title}\n" in listed for code in CODES.values())


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """A command `fail` that raises the exception put into this list."""
    raised: list[BaseException] = []

    @click.command("fail")
    def fail() -> None:
        raise raised[0]

    monkeypatch.setitem(cli.commands, "fail", fail)
    return raised


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (ResumeRefused("step `a` changed"), 4, "error: step `a` changed\n"),
        (KeyboardInterrupt(), 130, "error: interrupted\n"),
        (PermissionError(13, "Permission denied", "x.json"), 1, "error: x.json: permission denied"),
        (OSError(28, "No space left on device"), 1, "error: no space left on device"),
    ],
)
def test_expected_errors_are_one_line(
    error: BaseException,
    code: int,
    message: str,
    failing: list[BaseException],
    capsys: pytest.CaptureFixture[str],
) -> None:
    failing.append(error)
    assert main(["fail"]) == code
    assert capsys.readouterr().err.lstrip("\n").startswith(message)


def test_a_bug_keeps_its_traceback_in_a_file(
    failing: list[BaseException],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    failing.append(ZeroDivisionError("1 / 0"))
    assert main(["fail"]) == 1
    message = capsys.readouterr().err
    assert message.startswith("error: flowctl has a bug: ZeroDivisionError: 1 / 0\n")
    assert "Traceback" not in message.replace("The traceback is in", "")
    (kept,) = tmp_path.iterdir()
    assert kept.as_posix() in message
    assert "Traceback (most recent call last)" in kept.read_text()
    monkeypatch.setenv(main_module.DEBUG, "1")
    assert main(["fail"]) == 1
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_a_reader_that_goes_away_is_no_fault() -> None:
    command = f"{sys.executable} -m flowctl schema | head -c 1; echo ${{PIPESTATUS[0]}}"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=ROOT)
    assert result.stderr == ""


@pytest.mark.parametrize("redirection", [">&-", "2>&-", "> /dev/null", "2>&1 | true"])
def test_streams_that_are_not_there_are_no_bug(redirection: str) -> None:
    command = f"{sys.executable} -m flowctl explain {redirection}"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=ROOT)
    assert result.returncode == 0
    assert result.stderr == ""


def test_a_full_device_is_told_in_a_line() -> None:
    command = f"{sys.executable} -m flowctl explain > /dev/full"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=ROOT)
    assert (result.returncode, result.stderr) == (1, "error: no space left on device\n")


def test_colours_obey() -> None:
    assert "\x1b[" not in flowctl("explain").stdout
    assert "\x1b[" in flowctl("explain", "--color", "always").stdout
    assert "\x1b[" in flowctl("explain", "--color", "always", NO_COLOR="1").stdout


def test_output_that_the_encoding_lacks_is_escaped() -> None:
    result = flowctl("explain", PYTHONIOENCODING="ascii", LC_ALL="C")
    assert result.returncode == 0


def test_only_render_prints() -> None:
    """Ruff holds `print`; this holds the streams themselves."""
    for path in (ROOT / "flowctl").rglob("*.py"):
        if path.name == "__main__.py" or path.parts[-2:] in (
            ("cli", "render.py"),
            ("cli", "main.py"),
            ("workers", "child.py"),  # a program of its own
        ):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                name = f"{node.value.id}.{node.attr}"
                assert name not in ("sys.stdout", "sys.stderr", "sys.argv", "click.echo"), path
