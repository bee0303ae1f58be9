"""Whether a function of the project can be called as it is asked for, judged by its signature."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from flowctl.codes.names import WRONG_ARGUMENTS
from flowctl.diagnostics import Fault, nearest
from flowctl.workers.code import Code


def project_root(base: Path, root: Path | None, planned: object) -> Path | None:
    """The project's folder; a plan says how it is found from the workflow's, `base`."""
    return Path(os.path.normpath(base / planned)) if isinstance(planned, str) else root


def unfit_arguments(code: Code, given: Collection[str]) -> Iterator[Fault]:
    """What the function's signature has against arguments with these names, under `with`."""
    if code.parameters is None:
        return
    named = {one.name: one for one in code.parameters if one.kind in ("either", "named")}
    open_ended = any(one.kind == "rest" for one in code.parameters)
    for name in given:
        if name not in named and not open_ended:
            near = nearest(name, [other for other in named if other not in given])
            help = f"did you mean `{near}`?" if near else f"it is `{code.signature}`"
            message = f"`{code.function}` has no argument `{name}`"
            yield Fault(WRONG_ARGUMENTS, message, ("with", name), help=help, key=True)
    lacking = [
        one.name
        for one in code.parameters
        if one.required and one.kind != "positional" and one.name not in given
    ]
    if lacking:
        shown = ", ".join(f"`{name}`" for name in lacking)
        help = f"it is `{code.signature}`"
        yield Fault(WRONG_ARGUMENTS, f"`{code.function}` needs {shown} in `with`", help=help)
    if any(one.kind == "positional" and one.required for one in code.parameters):
        message = f"`{code.function}` has arguments that cannot be given by name"
        yield Fault(WRONG_ARGUMENTS, message, ("python",), help=f"it is `{code.signature}`")
