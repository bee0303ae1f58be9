"""Which store and which run a command is about."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flowctl.cli import options
from flowctl.diagnostics import nearest
from flowctl.errors import UsageError

if TYPE_CHECKING:
    from flowctl.interpreter.runs import RunRecord, Runs

LAST = "last"
_STATE = ".flowctl"


def about_one(command: Callable[..., Any]) -> Callable[..., Any]:
    """The argument RUN, and the options that all of the commands have."""
    return click.argument("run")(about_all(command))


def about_all(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that all of the commands have."""
    return options.colour(options.state_dir(command))


def runs_of(state_dir: Path | None) -> Runs:
    """The runs of a state folder: the one given, or that of the nearest project above."""
    from flowctl.interpreter.runs import Runs

    if state_dir is not None:
        return Runs(state_dir.absolute())
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / _STATE).is_dir():
            return Runs(folder / _STATE)
    return Runs(here / _STATE)


def found(runs: Runs, name: str) -> RunRecord:
    """The run that is meant; raises UsageError."""
    known = runs.all()
    if not known:
        raise UsageError(f"nothing has been run here: there is no run in {runs.state}")
    if name == LAST:
        return known[-1]
    meant = [record for record in known if record.run.startswith(name)]
    if exact := [record for record in meant if record.run == name]:
        return exact[0]
    if len(meant) == 1:
        return meant[0]
    if meant:
        some = ", ".join(record.run for record in meant[:3])
        raise UsageError(f"{len(meant)} runs begin with `{name}`: {some}{', …' * (len(meant) > 3)}")
    near = nearest(name, [record.run for record in known])
    hint = f"; did you mean `{near}`?" if near else "; `flowctl runs list` shows all"
    raise UsageError(f"there is no run `{name}`{hint}")


def status_of(runs: Runs, record: RunRecord) -> str:
    """A run's status for people: `interrupted` where nobody works on one that has not ended."""
    from flowctl.interpreter.state import RUN_ENDS

    if record.status in RUN_ENDS or runs.at_work(record.run):
        return record.status
    return "interrupted"


def project_of(runs: Runs) -> Path:
    """The folder from which documents are named."""
    return runs.state.parent if runs.state.name == _STATE else Path.cwd()


class Age(click.ParamType[datetime]):
    """A time so long ago (`30d`, `2h`), or an ISO 8601 date or time."""

    name = "TIME"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        if isinstance(value, datetime):
            return value
        now = datetime.now(UTC)
        number, unit = str(value)[:-1], str(value)[-1:]
        if unit in _UNITS and number.isdecimal():
            return now - timedelta(seconds=int(number) * _UNITS[unit])
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"`{value}` is neither an age, such as 30d or 12h, nor a date", param, ctx)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
