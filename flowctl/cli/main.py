"""The command `flowctl`: its sub-commands, its exit codes, and the one boundary of errors."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flowctl import __version__
from flowctl.cli import render
from flowctl.errors import FlowctlError, Interrupted

if TYPE_CHECKING:
    from flowctl.cli.beside import Helper

COMMANDS = (
    "init", "validate", "plan", "run", "runs", "checkpoint", "cache", "watch", "preview", "infer",
    "kinds", "explain", "schema",
)  # fmt: skip
DEBUG = "FLOWCTL_DEBUG"
_TROUBLE = 1


class _Commands(click.Group):
    """The commands as they come in a day's work; each is a module, loaded when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name in COMMANDS and name not in self.commands:
            self.add_command(getattr(import_module(f"flowctl.cli.{name}"), name))
        return self.commands.get(name)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 88},
    epilog="`flowctl COMMAND --help` tells more about a command.",
)
@click.version_option(__version__, message="flowctl %(version)s")
def cli() -> None:
    """Check and run declarative pipelines on files.

    A workflow is a YAML or TOML file; every fault in it is told at its line before anything runs.
    """


def main(arguments: Sequence[str] | None = None, helper: Helper | None = None) -> int:
    """Run one command and answer with its exit code; nothing that goes wrong leaves this function.

    A `helper` does work for the command meanwhile, if there is one.
    Codes: 0 done, 1 a run failed, 2 usage, 3 invalid workflow, 4 resume refused, 130 interrupted.
    """
    render.open_streams()
    try:
        result = cli.main(arguments, prog_name="flowctl", standalone_mode=False, obj=helper)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        return _say(_how_to_call(error), error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        return _say("interrupted", Interrupted.exit_code)
    except FlowctlError as error:
        return _say(str(error), error.exit_code) if str(error) else error.exit_code
    except BrokenPipeError:
        render.silence()
        return _TROUBLE
    except OSError as error:
        return _say(_what_failed(error), _TROUBLE)
    except Exception:
        return _bug()
    return result if isinstance(result, int) else 0


def _say(message: str, exit_code: int) -> int:
    screen = render.console().err
    with suppress(BrokenPipeError):
        screen.line(f"{screen.paint('error', 'error')}: {message}")
    return exit_code


def _how_to_call(error: click.ClickException) -> str:
    message = error.format_message().rstrip(".")
    context = error.ctx if isinstance(error, click.UsageError) else None
    match error:
        case click.NoSuchOption(option_name=name, possibilities=near):
            message = f"there is no option `{name}`{_nearest(near)}"
        case click.exceptions.NoSuchCommand(command_name=name):
            near = get_close_matches(name, _commands(context), 1)
            message = f"there is no command `{name}`{_nearest(near)}"
        case _:
            message = message[:1].lower() + message[1:]
    return f"{message}\n  see `{context.command_path} --help`" if context else message


def _commands(context: click.Context | None) -> list[str]:
    """The commands of the group that was called."""
    if context is None or not isinstance(context.command, click.Group):
        return []
    return context.command.list_commands(context)


def _nearest(possible: Sequence[str] | None) -> str:
    return f"; did you mean `{possible[0]}`?" if possible else ""


def _what_failed(error: OSError) -> str:
    reason = (error.strerror or str(error)).lower()
    return f"{error.filename}: {reason}" if error.filename else reason


def _bug() -> int:
    """Tell that flowctl itself is at fault, and keep what helps to mend it."""
    import tempfile
    import traceback

    told = traceback.format_exc()
    if os.environ.get(DEBUG):
        return _say(f"flowctl has a bug\n{told}", _TROUBLE)
    handle, name = tempfile.mkstemp(prefix="flowctl-bug-", suffix=".txt")
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(told)
    last = traceback.format_exception_only(sys.exception())[-1].strip()
    return _say(
        f"flowctl has a bug: {last}\n"
        f"  The traceback is in {Path(name)}; please report it with the workflow that led here.",
        _TROUBLE,
    )
