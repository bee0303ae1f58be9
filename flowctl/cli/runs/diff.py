"""`flowctl runs diff A B`: in what two runs differ."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flowctl.cli import render
from flowctl.cli.paint import safe
from flowctl.cli.runs.finding import about_all, found, runs_of
from flowctl.syntax.node import Json

if TYPE_CHECKING:
    from flowctl.interpreter.runs import RunRecord, Runs
    from flowctl.interpreter.state import RunState, StepState

_PARTS = ("params", "plan", "environment", "outputs")
_OUTCOME = ("status", "exit_code", "read", "written", "rejected", "skipped", "sink", "outputs")


@click.command(short_help="Say in what two runs differ.")
@click.argument("a")
@click.argument("b")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text")
@about_all
def diff(a: str, b: str, format_: str, state_dir: Path | None, colour: str) -> None:
    """Say in what runs A and B differ: params, plan, environment, and what steps came to."""
    out = render.console(colour).out
    runs = runs_of(state_dir)
    records = found(runs, a), found(runs, b)
    names: list[Json] = [record.run for record in records]
    told: dict[str, Json] = {"runs": names, **differences(runs, *records)}
    if format_ == "json":
        out.write(json.dumps(told, indent=2, ensure_ascii=False) + "\n")
        return
    out.line(f"{records[0].run} → {records[1].run}")
    parts = {name: list(_told(told[name])) for name in _PARTS}
    for name, lines in parts.items():
        if lines:
            out.line(f"{name}:")
        for line in lines:
            out.line(f"  {safe(line)}")
    if not any(parts.values()):
        out.line("no differences")


def differences(runs: Runs, a: RunRecord, b: RunRecord) -> dict[str, Json]:
    """For each part, what differs: a mapping of name to [before, after], or lines of a plan."""
    states = runs.history(a.run), runs.history(b.run)
    return {
        "params": _between(_identity(a), _identity(b)),
        "plan": list(_plans(runs, a, b)),
        "environment": _between(*map(_environment, states)),
        "outputs": _between(*map(_outcome, states)),
    }


def _identity(record: RunRecord) -> dict[str, Json]:
    identity = record.identity
    found: dict[str, Json] = {f"params.{name}": value for name, value in identity.params.items()}
    return found | {
        "document": identity.document,
        "profile": identity.profile,
        "timestamp": identity.timestamp,
    }


def _plans(runs: Runs, a: RunRecord, b: RunRecord) -> Iterator[Json]:
    from flowctl.cli.changes import changes
    from flowctl.interpreter.history import read_plan
    from flowctl.plan import Plan

    plans = [read_plan(runs.folder(record.run)) for record in (a, b)]
    before, after = plans
    if not isinstance(before, Plan) or not isinstance(after, Plan):
        if a.digest != b.digest:
            yield "the plans differ, and one of them is not kept"
        return
    for change in changes(before, after):
        yield f"{change.step}: {change.sort}"
        yield from (f"  {detail}" for detail in change.details)


def _environment(state: RunState) -> dict[str, Json]:
    places = [session.provenance for session in state.sessions if session.provenance]
    if not places:
        return {}
    last = places[-1]
    found: dict[str, Json] = {"host": last.host, "platform": last.platform, "python": last.python}
    found |= {"commit": last.commit, "dirty": last.dirty}
    found.update(last.packages)
    return found


def _outcome(state: RunState) -> dict[str, Json]:
    found: dict[str, Json] = {
        f"{id}.{name}": value
        for id, step in state.steps.items()
        for name, value in _of_step(step).items()
    }
    return found | {f"run.{name}": value for name, value in state.outputs.items()}


def _of_step(step: StepState) -> Mapping[str, Json]:
    from flowctl.interpreter.result import step_of

    told = step_of(step).to_json()
    return {name: told[name] for name in _OUTCOME}


def _between(before: Mapping[str, Json], after: Mapping[str, Json]) -> dict[str, Json]:
    names = dict.fromkeys([*before, *after])
    return {
        name: [before.get(name), after.get(name)]
        for name in names
        if before.get(name) != after.get(name)
    }


def _told(part: Json) -> Iterator[str]:
    if isinstance(part, dict):
        for name, pair in part.items():
            was, now = pair if isinstance(pair, list) else (None, None)
            yield f"{name}: {_value(was)} → {_value(now)}"
    elif isinstance(part, list):
        yield from map(str, part)


def _value(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False) if value is not None else "none"
