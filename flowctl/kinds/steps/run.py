"""`run: command`: a script in a shell, or a program with its arguments and no shell."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

from flowctl.action import Command, Exited, Finished, NotStarted, ValueFault, Workplace
from flowctl.codes.names import QUOTED_INTERPOLATION
from flowctl.codes.runs import (
    COMMAND_FAILED,
    NOT_STARTED,
    SECRET_IN_ARGUMENTS,
    SHELL_OF_LIST,
    TIMED_OUT,
)
from flowctl.component import Action, Arguments, Situation, Spec, Typed
from flowctl.declared import OUTPUTS, declaration_faults, declared, read_outputs
from flowctl.diagnostics import Fault
from flowctl.expressions import runtime_used
from flowctl.expressions.scope import Scope
from flowctl.interpolation import CheckedText, checked_text, holes
from flowctl.shell import Context, contexts, filled
from flowctl.syntax.node import Json, Pointer
from flowctl.variables import (
    ENV,
    OWN,
    as_text,
    asking,
    fit,
    text_filled,
    variables_set,
    variables_typed,
)

SPEC = Spec(
    kind="run",
    summary="Runs a command.",
    argument={
        "description": "A script, run by `bash -eo pipefail` (without bash by `sh -e`); or a list: "
        "a program and its arguments, run without a shell. `${{ }}` reaches a script as a quoted "
        "environment variable, and a list as text.",
        "anyOf": [
            {"type": "string", "minLength": 1},
            {"type": "array", "minItems": 1, "items": {"type": ["string", "number", "boolean"]}},
        ],
    },
    options={
        "shell": {
            "description": "The shell of a script; `bash` where there is one, else `sh`.",
            "enum": ["bash", "sh"],
        },
        "cwd": {
            "description": "The folder in which the command runs, from the workflow's folder on.",
            "type": "string",
            "minLength": 1,
        },
        "env": ENV,
        "outputs": OUTPUTS,
    },
    example="run: python report.py ${{ steps.by_dest.sink }}",
    detail="Standard input is empty. Output is shown, and kept in the run's log. The step fails "
    "where the exit code is not 0, and ends with everything that the command has started. Lines "
    "`name=value` in the file `$FLOWCTL_OUTPUT` become outputs, which other steps name.",
)

_HELP: Final[Mapping[Context, str]] = {
    Context.SINGLE: "take the quotes away: the shell gets the value as one word",
    Context.ANSI: "end the quotes before it: the shell gets the value as one word",
    Context.LITERAL_BODY: "take the quotes of the delimiter away, and write `\\$` for a plain `$`",
    Context.DELIMITER: "use a plain word as the delimiter",
    Context.BACKSLASH: "take the backslash away: the value needs no quoting",
    Context.DOLLAR: "write `\\$` for a plain dollar sign",
    Context.BACKQUOTES: "write `$( … )` in place of the backquotes",
    Context.ARITHMETIC: "compute in the expression, `${{ … + 1 }}`: bash runs what it computes",
    Context.PARAMETER: "give the value to a variable first: `x=${{ … }}`",
    Context.DEEP: "bring it nearer to the surface of the script",
}

_SHELLS: Final = {"bash": ("bash", "-eo", "pipefail", "-c"), "sh": ("sh", "-e", "-c")}
_LITERAL: Final = (Context.SINGLE, Context.ANSI, Context.LITERAL_BODY, Context.DELIMITER)


def rule(arguments: Arguments, situation: Situation) -> Typed:
    """The canonical arguments hold canonical expressions, and texts in place of numbers."""
    scope, command = situation.scope, arguments["run"]
    canonical: dict[str, Json] = {}
    faults: list[Fault] = []
    if isinstance(command, list):
        words = [_word(word, scope, ("run", index)) for index, word in enumerate(command)]
        canonical["run"] = [word.text for word in words]
        faults += [fault for word in words for fault in word.faults]
        if "shell" in arguments:
            message = "`run` is a list here, which no shell reads"
            help = "leave it out, or write the command as one text"
            faults.append(Fault(SHELL_OF_LIST, message, ("shell",), help=help, key=True))
    else:
        script = checked_text(str(command), scope, ("run",))
        canonical["run"] = script.text
        faults += [*script.faults, *_misplaced(str(command))]
    for option in ("shell", "cwd"):
        if option in arguments:
            text = checked_text(str(arguments[option]), scope, (option,))
            canonical[option] = text.text
            faults += text.faults
    variables, wrong = variables_typed(arguments.get("env"), scope)
    if variables:
        canonical["env"] = variables
    faults += wrong
    if outputs := declared(arguments.get("outputs")):
        canonical["outputs"] = outputs
        faults += declaration_faults(outputs, ("outputs",))
    return Typed(canonical, faults=tuple(faults))


def perform(arguments: Arguments, workplace: Workplace) -> Finished:
    """Runs the command and waits for its end."""
    written = workplace.outputs
    try:
        return _performed(arguments, workplace, written)
    finally:
        # It may hold what the run itself never writes down: a secret.
        written.unlink(missing_ok=True)


def _performed(arguments: Arguments, workplace: Workplace, written: Path) -> Finished:
    try:
        command = _command(arguments, workplace, written)
    except ValueFault as broken:
        return Finished(faults=(broken.fault,))
    try:
        exited = workplace.launch(command)
    except NotStarted as reason:
        message = f"`{command.argv[0]}` cannot be started: {reason}"
        return Finished(faults=(Fault(NOT_STARTED, message, ("run",)),))
    if exited.stopped:
        return Finished(exited.code, stopped=True)
    if exited.timed_out:
        fault = Fault(TIMED_OUT, "the command was ended: its time was over", ("timeout",))
        return Finished(exited.code, (fault,), causes=("timeout",))
    if exited.code:
        return Finished(exited.code, tuple(_failure(exited)), causes=(str(exited.code),))
    outputs = read_outputs(written, arguments.get("outputs"))
    if isinstance(outputs, Fault):
        return Finished(exited.code, (outputs,))
    return Finished(exited.code, outputs=outputs)


def _word(word: Json, scope: Scope, pointer: Pointer) -> CheckedText:
    """A word of an argument list, where everybody can see it."""
    text = as_text(word)
    checked = checked_text(text, scope, pointer)
    seen = tuple(
        Fault(
            SECRET_IN_ARGUMENTS,
            "a secret would stand in an argument list, where every user can see it",
            pointer,
            hole.start,
            hole.end,
            "hand it on in `env`, which the program reads from its environment",
        )
        for hole, tree in zip(holes(text), checked.trees, strict=True)
        if tree is not None and any(path[0] == "secrets" for path in runtime_used(tree))
    )
    return CheckedText(checked.text, checked.trees, (*checked.faults, *seen))


def _misplaced(script: str) -> Iterator[Fault]:
    """The holes for which the shell has no quoted reference to a variable."""
    found = holes(script)
    stretches = [(hole.start, hole.end) for hole in found]
    for hole, context in zip(found, contexts(script, stretches), strict=True):
        if not context.fits:
            verb = "means nothing" if context in _LITERAL else "cannot stand"
            message = f"`${{{{ }}}}` {verb} {context.value}"
            yield Fault(
                QUOTED_INTERPOLATION, message, ("run",), hole.start, hole.end, _HELP[context]
            )


def _command(arguments: Arguments, workplace: Workplace, outputs: Path) -> Command:
    """The command with all values in place; raises ValueFault."""
    variables = variables_set(arguments.get("env"), workplace)
    environment = {**variables, f"{OWN}OUTPUT": str(outputs)}
    command = arguments["run"]
    if isinstance(command, list):
        words = enumerate(command)
        argv = tuple(text_filled(str(word), workplace, ("run", index)) for index, word in words)
        return Command(argv, _folder(arguments, workplace), environment)
    script, values = _script(str(command), asking(workplace, ("run",)))
    environment |= values
    bash = _bash(environment.get("PATH", os.defpath))
    shell = arguments.get("shell") or ("bash" if bash is not None else "sh")
    argv = (*_SHELLS[str(shell)], script)
    program = bash if shell == "bash" and bash is not None and bash.startswith("/") else None
    return Command(argv, _folder(arguments, workplace), environment, program)


def _script(script: str, value: Callable[[str], str]) -> tuple[str, dict[str, str]]:
    """The script, in which a variable stands for each value, and these variables."""
    found = holes(script)
    names: dict[str, str] = {}
    for hole in found:
        names.setdefault(hole.expression, f"{OWN}VALUE_{len(names) + 1}")
    values = {name: fit(value(expression), ("run",)) for expression, name in names.items()}
    stretches = [(hole.start, hole.end) for hole in found]
    return filled(script, stretches, [names[hole.expression] for hole in found]), values


@cache
def _bash(path: str) -> str | None:
    """The first bash on a `PATH`, looked for once: it takes as long as much else of a step."""
    return shutil.which("bash", path=path)


def _folder(arguments: Arguments, workplace: Workplace) -> Path:
    if "cwd" not in arguments:
        return workplace.base
    written = text_filled(str(arguments["cwd"]), workplace, ("cwd",))
    folder = workplace.base / written
    if not folder.is_dir():
        raise ValueFault(Fault(NOT_STARTED, f"there is no folder `{written}`", ("cwd",)))
    return folder


def _failure(exited: Exited) -> Iterator[Fault]:
    if exited.signal:
        yield Fault(COMMAND_FAILED, f"the command was ended by {exited.signal}", ("run",))
    elif exited.code:
        help = {
            126: "126 is what a shell says of a file that it may not execute",
            127: "127 is what a shell says of a command that it does not find",
        }.get(exited.code)
        message = f"the command ended with exit code {exited.code}"
        yield Fault(COMMAND_FAILED, message, ("run",), help=help)


COMPONENT = Action(SPEC, rule, perform)
