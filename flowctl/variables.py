"""`env`: the environment variables of a step, checked at compile time and valued at run time."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from flowctl.action import ValueFault, Workplace
from flowctl.codes.runs import UNFIT_VALUE, VARIABLE_NAME
from flowctl.diagnostics import Fault
from flowctl.expressions.scope import Scope
from flowctl.interpolation import CheckedText, checked_text, interpolated
from flowctl.syntax.node import Json, Pointer

OWN: Final = "FLOWCTL_"
"""What flowctl's own variables begin with."""
ENV: Final[dict[str, Json]] = {
    "description": "Environment variables, beside those that flowctl itself has.",
    "type": "object",
    "additionalProperties": {"type": ["string", "number", "boolean"]},
}
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LONGEST: Final = 128 * 1024 - 1


def variables_typed(env: Json, scope: Scope) -> tuple[dict[str, Json], tuple[Fault, ...]]:
    """The variables as texts with canonical expressions, and what is wrong with them."""
    if not isinstance(env, dict):
        return {}, ()
    checked = {name: _variable(name, value, scope) for name, value in env.items()}
    faults = tuple(fault for text in checked.values() for fault in text.faults)
    return {name: text.text for name, text in checked.items()}, faults


def variables_set(env: Json, workplace: Workplace) -> Mapping[str, str]:
    """All variables with their values in place, those of the workplace too; raises ValueFault.

    Without any of its own a step has the very mapping of the workplace.
    """
    if not isinstance(env, dict) or not env:
        return workplace.environment
    own = {name: text_filled(str(text), workplace, ("env", name)) for name, text in env.items()}
    return {**workplace.environment, **own}


def text_filled(text: str, workplace: Workplace, pointer: Pointer) -> str:
    """The text with its values in place; raises ValueFault."""
    return fit(interpolated(text, asking(workplace, pointer)), pointer)


def asking(workplace: Workplace, pointer: Pointer) -> Callable[[str], str]:
    """Gives the values of expressions; the ValueFaults that it raises know where they stand."""

    def value(expression: str) -> str:
        try:
            return workplace.text(expression)
        except ValueFault as broken:
            # Offsets into the canonical expression are none into what the author wrote.
            fault = replace(broken.fault, pointer=pointer, start=None, end=None)
            raise ValueFault(fault) from None

    return value


def fit(text: str, pointer: Pointer) -> str:
    """The text, if it can be an argument or a variable; else raises ValueFault."""
    try:
        size = len(os.fsencode(text))
    except UnicodeEncodeError:
        raise ValueFault(Fault(UNFIT_VALUE, "a value is no valid text", pointer)) from None
    if "\0" in text:
        raise ValueFault(Fault(UNFIT_VALUE, "a value holds a NUL character", pointer))
    if size > _LONGEST:
        message = f"a value is {size:,} bytes long, and a command can take {_LONGEST:,}"
        raise ValueFault(Fault(UNFIT_VALUE, message, pointer))
    return text


def as_text(value: Json) -> str:
    """A plain value as a variable or an argument has it."""
    return value if isinstance(value, str) else json.dumps(value)


def _variable(name: str, value: Json, scope: Scope) -> CheckedText:
    checked = checked_text(as_text(value), scope, ("env", name))
    if _VARIABLE.fullmatch(name) and not name.startswith(OWN):
        return checked
    if name.startswith(OWN):
        message, help = f"`{name}` cannot be set: `{OWN}…` is flowctl's own", "take another name"
    else:
        message = f"`{name}` is not the name of a variable: letters, digits and `_`, no digit first"
        mended = re.sub("^(?=[0-9])|[^A-Za-z0-9_]", "_", name)
        help = f"did you mean `{mended}`?"
    fault = Fault(VARIABLE_NAME, message, ("env", name), help=help, key=True)
    return CheckedText(checked.text, checked.trees, (*checked.faults, fault))
