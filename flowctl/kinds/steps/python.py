"""`python: module:function`: a call of a function of the project, in a worker process."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from functools import cache
from pathlib import Path

from flowctl.action import Finished, OutOfTime, ValueFault, Workplace
from flowctl.codes.names import NO_FUNCTION
from flowctl.codes.runs import BAD_OUTPUT, FUNCTION_FAILED, TIMED_OUT
from flowctl.component import Action, Arguments, Folders, Module, Situation, Spec, Typed
from flowctl.declared import LARGEST, OUTPUTS, declaration_faults, declared, judged, named
from flowctl.diagnostics import Fault
from flowctl.expressions.scope import Scope
from flowctl.interpolation import checked_text, holes, interpolated
from flowctl.syntax.node import Json, Pointer
from flowctl.variables import ENV, variables_set, variables_typed
from flowctl.workers import Call, Died, Raised, Stopped
from flowctl.workers.fitting import unfit_arguments

SPEC = Spec(
    kind="python",
    summary="Calls a function of the project, in a process of its own.",
    argument={
        "type": "string",
        "minLength": 1,
        "description": "`module:function`, found from the project's folder; it is not imported "
        "before it is called.",
    },
    options={
        "with": {
            "type": "object",
            "additionalProperties": True,
            "description": "The function's arguments, by their names. A text that is one `${{ }}` "
            "keeps the type of its value.",
        },
        "env": ENV,
        "outputs": OUTPUTS,
    },
    example="python: reports:monthly\nwith: {month: 2024-01}",
    detail="The mapping that the function returns becomes the step's outputs; it may return "
    "nothing. What it prints is shown, and kept in the run's log. The step fails where the "
    "function raises an exception, and where its process ends, which ends nothing else.",
)


def rule(arguments: Arguments, situation: Situation) -> Typed:
    """The canonical arguments lead from the workflow's folder to the code, which is not run."""
    named = str(arguments["python"])
    canonical: dict[str, Json] = {"python": named}
    faults: list[Fault] = []
    given = arguments.get("with")
    given = given if isinstance(given, dict) else {}
    folders = situation.folders or Folders(Path())
    root = folders.root or folders.base
    code = folders.code(named, root)
    if isinstance(code, Fault):
        faults.append(code.below("python"))
    else:
        canonical["root"] = _relative(root, folders.base)
        canonical["file"] = _relative(code.file, folders.base)
        if code.generator:
            message = f"`{code.function}` yields values; a step's function returns a mapping"
            faults.append(Fault(NO_FUNCTION, message, ("python",), len(code.module) + 1))
        faults += unfit_arguments(code, given)
    if given:
        checked = _checked(given, situation.scope, ("with",), faults)
        canonical["with"] = checked
    variables, wrong = variables_typed(arguments.get("env"), situation.scope)
    if variables:
        canonical["env"] = variables
    if outputs := declared(arguments.get("outputs")):
        canonical["outputs"] = outputs
        faults += declaration_faults(outputs, ("outputs",))
    return Typed(canonical, faults=(*faults, *wrong))


def perform(arguments: Arguments, workplace: Workplace) -> Finished:
    """Calls the function and waits for its end."""
    module, _, function = str(arguments["python"]).partition(":")
    try:
        given = _valued(arguments.get("with", {}), workplace, ("with",))
        environment = variables_set(arguments.get("env"), workplace)
    except ValueFault as broken:
        return Finished(faults=(broken.fault,))
    assert isinstance(given, dict)
    call = Call(module, function, _below(workplace.base, str(arguments["file"])), given)
    root = _below(workplace.base, str(arguments["root"]))
    try:
        value = workplace.call(call, root, environment)
    except Stopped:
        return Finished(stopped=True)
    except OutOfTime:
        fault = Fault(TIMED_OUT, "the function was ended: its time was over", ("timeout",))
        return Finished(faults=(fault,), causes=("timeout",))
    except Raised as error:
        return Finished(faults=(_failure(error),), causes=error.kinds)
    except Died as error:
        return Finished(faults=(_failure(error),), causes=(str(error.code),))
    outputs = _outputs(value, arguments, call)
    if isinstance(outputs, Fault):
        return Finished(faults=(outputs,))
    return Finished(outputs=outputs)


def code(arguments: Arguments) -> Module:
    """The module, as the canonical arguments lead to it."""
    module = str(arguments["python"]).partition(":")[0]
    return Module(module, str(arguments["file"]), str(arguments["root"]))


def _failure(error: Raised | Died) -> Fault:
    return Fault(FUNCTION_FAILED, str(error), ("python",))


def _relative(path: Path, base: Path) -> str:
    return Path(os.path.relpath(path, base)).as_posix()


@cache
def _below(base: Path, path: str) -> Path:
    """The place of code; steps have few of them, and many calls."""
    return Path(os.path.normpath(base / path))


def _checked(value: Json, scope: Scope, pointer: Pointer, faults: list[Fault]) -> Json:
    """The value with canonical expressions in its texts."""
    match value:
        case str() if "${{" in value:
            text = checked_text(value, scope, pointer)
            faults += text.faults
            return text.text
        case list():
            items = enumerate(value)
            return [_checked(item, scope, (*pointer, index), faults) for index, item in items]
        case dict():
            return {
                name: _checked(item, scope, (*pointer, name), faults)
                for name, item in value.items()
            }
    return value


def _valued(value: Json, workplace: Workplace, pointer: Pointer) -> Json:
    """The value with that of its expressions in their places; raises ValueFault."""
    match value:
        case str() if "${{" in value:
            found = holes(value)
            try:
                if len(found) == 1 and found[0].start == 0 and found[0].end == len(value):
                    return workplace.value(found[0].expression)
                return interpolated(value, workplace.text)
            except ValueFault as broken:
                fault = replace(broken.fault, pointer=pointer, start=None, end=None)
                raise ValueFault(fault) from None
        case list():
            items = enumerate(value)
            return [_valued(item, workplace, (*pointer, index)) for index, item in items]
        case dict():
            return {
                name: _valued(item, workplace, (*pointer, name)) for name, item in value.items()
            }
    return value


def _outputs(value: Json, arguments: Arguments, call: Call) -> dict[str, Json] | Fault:
    """What was returned, as the step's outputs."""
    if value is None:
        value = {}
    if not isinstance(value, dict):
        message = f"`{call}` returned {_kind(value)}; what a step hands on is a mapping"
        return Fault(BAD_OUTPUT, message, ("python",))
    for name in value:
        if not named(name):
            message = f"`{call}` returned `{name}`, which is no name of an output"
            return Fault(BAD_OUTPUT, message, ("python",))
    if value and len(json.dumps(value)) > LARGEST:
        message = f"`{call}` returned more than {LARGEST:,} bytes"
        help = "write data to a file, and return its path"
        return Fault(BAD_OUTPUT, message, ("python",), help=help)
    return judged(value, arguments.get("outputs"))


def _kind(value: Json) -> str:
    kinds = {bool: "a boolean", int: "a number", float: "a number", str: "a text", list: "a list"}
    return kinds.get(type(value), "something else")


COMPONENT = Action(SPEC, rule, perform, code=code)
