"""`flowctl.validate` and `flowctl.compile`: what is wrong with a workflow, and what it means."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from flowctl.api.compiling import compiled
from flowctl.api.given import Given
from flowctl.api.params import values_of
from flowctl.api.preparing import compiled_now, plan_in
from flowctl.diagnostics import Diagnostic
from flowctl.plan import Plan
from flowctl.registry import builtin


def validate(
    path: str | os.PathLike[str],
    *,
    params: Mapping[str, object] | None = None,
    profile: str | None = None,
    strict: bool = False,
    timestamp: datetime | None = None,
    environment: Mapping[str, str] | None = None,
) -> tuple[Diagnostic, ...]:
    r"""All that is wrong with a workflow file, and what cannot be checked, as `flowctl validate`.

    >>> import pathlib, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = pathlib.Path(folder.name, "flow.yaml")
    >>> _ = path.write_text("flowctl: 1\nstpes: {}\n")
    >>> for fault in validate(path):
    ...     print(fault.code.id, fault.span.line, fault.span.column, fault.message)
    E201 2 1 unknown key `stpes`
    >>> folder.cleanup()

    The diagnostics are ordered by file, line and column, and each stands there once. There is
    nothing that keeps the workflow from running unless one has the `severity` `"error"`. With
    `strict` what cannot be checked yet is an error, too.

    `params` are values with their types (`{"year": 2013}`, dates as such or as ISO 8601 text); they
    come before the file's own defaults. A param without a value is no error here. `timestamp` is
    the logical time, in UTC, now if it is left out; `environment` stands for `os.environ`.

    What is wrong in the file never raises; TypeError is raised where `params` hold what no workflow
    can hold, BrokenComponent where an installed component cannot be loaded. Samples of the data
    that the workflow names are read; nothing is written. Blocks, for milliseconds as a rule. May be
    called on several threads at once.
    """
    given = _given(params, profile, timestamp, environment)
    found = compiled(Path(path), given.inputs(), builtin(), strict, planned=False)
    return found.diagnostics


def compile(
    path: str | os.PathLike[str],
    *,
    params: Mapping[str, object] | None = None,
    profile: str | None = None,
    timestamp: datetime | None = None,
    environment: Mapping[str, str] | None = None,
) -> Plan:
    r"""The plan of a workflow file: every step with what it needs, resolved and typed.

    >>> import pathlib, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = pathlib.Path(folder.name, "flow.yaml")
    >>> _ = path.write_text("flowctl: 1\nname: greeting\nparams: {who: {type: string}}\n"
    ...                     "steps: {hello: {run: 'echo hello {{ params.who }}'}}\n")
    >>> plan = compile(path, params={"who": "Ada"})
    >>> plan.name, [step.id for step in plan.steps]
    ('greeting', ['hello'])
    >>> compile(path)
    Traceback (most recent call last):
        ...
    flowctl.errors.InvalidWorkflow: ...flow.yaml:3:10: error[E310]: the param `who` has no value
    >>> folder.cleanup()

    The same inputs give an equal plan with the same `digest`, wherever the folder stands. The
    arguments are those of `validate`, but each param must have a value. Raises InvalidWorkflow,
    whose `diagnostics` are all that was found, warnings and notes too; TypeError and
    BrokenComponent as `validate`. Reads samples of data, writes nothing, blocks, and may be called
    on several threads at once.
    """
    found = compiled_now(Path(path), _given(params, profile, timestamp, environment))
    return plan_in(found.plan, found.diagnostics)


def _given(
    params: Mapping[str, object] | None,
    profile: str | None,
    timestamp: datetime | None,
    environment: Mapping[str, str] | None,
) -> Given:
    return Given(
        profile=profile,
        timestamp=timestamp,
        values=values_of(params or {}),
        environment=environment,
    )
