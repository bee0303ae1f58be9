"""`flowctl runs show RUN`: what a run was, where it was done, and what each step came to."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flowctl.cli import render
from flowctl.cli.paint import safe
from flowctl.cli.quantities import seconds
from flowctl.cli.render import Screen, table
from flowctl.cli.runs.finding import about_one, found, runs_of, status_of
from flowctl.cli.runs.list import as_object
from flowctl.syntax.node import Json

if TYPE_CHECKING:
    from flowctl.interpreter.runs import RunRecord
    from flowctl.interpreter.state import Attempt, RunState, StepState


@click.command(short_help="Show a run: params, place, steps, attempts.")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text")
@about_one
def show(run: str, format_: str, state_dir: Path | None, colour: str) -> None:
    """Show RUN: its params and digest, where and with what it was done, and every attempt."""
    out = render.console(colour).out
    runs = runs_of(state_dir)
    record = found(runs, run)
    state, status = runs.history(record.run), status_of(runs, record)
    if format_ == "json":
        whole = as_object(record, status) | details(state)
        out.write(json.dumps(whole, indent=2, ensure_ascii=False) + "\n")
        return
    out.line(f"run {record.run}: {status}")
    for name, text in _facts(record, state):
        head, *more = textwrap.wrap(safe(text), max(out.width - 14, 40)) or [""]
        out.line(f"  {name:<10}  {head}")
        for line in more:
            out.line(f"{'':<14}{line}")
    _steps(state, out)
    for fault in state.faults:
        out.line(f"run: {fault.code.id}: {safe(fault.message)}")
    for name, value in state.outputs.items():
        out.line(f"run: {name} = {safe(json.dumps(value, ensure_ascii=False))}")


def details(state: RunState) -> dict[str, Json]:
    """What the events of a run say beside its record: its processes and its steps."""
    from flowctl.interpreter.fanning import cell_in
    from flowctl.interpreter.result import result_of

    result = result_of(state).to_json()
    told = result["steps"]
    steps: dict[str, Json] = {}
    for id, step in (told if isinstance(told, dict) else {}).items():
        known = state.steps[id]
        tries: list[Json] = [_attempt(attempt) for attempt in known.tries]
        faults: list[Json] = [f"{fault.code.id}: {fault.message}" for fault in known.faults]
        cell = cell_in(state, id)
        of: dict[str, Json] = {"item": cell.item} if cell is not None else {}
        more = {**of, "why": known.why, "digest": known.digest, "tries": tries, "faults": faults}
        steps[id] = {**(step if isinstance(step, dict) else {}), **more}
    sessions: list[Json] = [
        {
            "began": session.at.isoformat(),
            "digest": session.digest,
            "again": list(session.again),
            "provenance": asdict(session.provenance) if session.provenance else None,
        }
        for session in state.sessions
    ]
    return {"steps": steps, "outputs": result["outputs"], "sessions": sessions}


def _attempt(attempt: Attempt) -> Json:
    return {
        "attempt": attempt.number,
        "began": attempt.began.isoformat(),
        "ended": attempt.ended.isoformat() if attempt.ended else None,
        "status": attempt.status if attempt.ended else "interrupted",
        "exit_code": attempt.exit_code,
    }


def _facts(record: RunRecord, state: RunState) -> Iterator[tuple[str, str]]:
    yield "workflow", f"{record.workflow}  ({record.identity.document})"
    for name, value in record.identity.params.items():
        yield "param", f"{name} = {json.dumps(value, ensure_ascii=False)}"
    if record.identity.profile:
        yield "profile", record.identity.profile
    asked = [*(f"--only {name}" for name in record.identity.only)]
    asked += [f"--from {name}" for name in record.identity.since]
    if asked:
        yield "asked for", " ".join(asked)
    yield "time", f"{record.timestamp.isoformat()}  (the logical one)"
    yield "plan", record.digest
    for session in state.sessions:
        place = session.provenance
        told = f"{session.at:%Y-%m-%d %H:%M:%S} UTC"
        if place is not None:
            told += f", process {place.pid} on {place.host}"
        yield "process", told
    places = [session.provenance for session in state.sessions if session.provenance]
    if places:
        last = places[-1]
        packages = ", ".join(f"{name} {version}" for name, version in last.packages.items())
        yield "system", f"{last.platform}, Python {last.python}"
        yield "packages", packages
        if last.commit:
            yield "commit", f"{last.commit}{' and changes' if last.dirty else ''}"
    if record.ended:
        yield "ended", f"{record.ended:%Y-%m-%d %H:%M:%S} UTC"


def _steps(state: RunState, out: Screen) -> None:
    from flowctl.interpreter.fanning import cell_in

    rows = [("step", "status", "attempt", "began (UTC)", "time", "exit", "read", "written")]
    for id, step in state.steps.items():
        counts = (f"{step.counts.read:,}", f"{step.counts.written:,}") if step.counts else ("", "")
        tries = list(_tries(step)) or [("", "", "", "")]
        rows.append((id, step.status, *tries[-1], *counts))
        rows += [("", "", *attempt, "", "") for attempt in reversed(tries[:-1])]
    out.line(table(rows, right=(2, 4, 5, 6, 7)))
    for id, step in state.steps.items():
        if cell := cell_in(state, id):
            out.line(f"{id}: item {safe(json.dumps(cell.item, ensure_ascii=False))}")
        for fault in step.faults:
            out.line(f"{id}: {fault.code.id}: {safe(fault.message)}")
        if step.why:
            out.line(f"{id}: {step.status}, {safe(step.why)}")
        for path in step.sink:
            out.line(f"{id}: wrote {safe(path)}")
        for name, value in step.outputs.items():
            out.line(f"{id}: {name} = {safe(json.dumps(value, ensure_ascii=False))}")


def _tries(step: StepState) -> Iterator[tuple[str, str, str, str]]:
    """Number, beginning, duration and exit code of each attempt."""
    for one in step.tries:
        time = seconds((one.ended - one.began).total_seconds()) if one.ended else "cut off"
        if not one.ended and step.status == "running" and one is step.tries[-1]:
            time = ""
        code = "" if one.exit_code is None else str(one.exit_code)
        yield str(one.number), f"{one.began:%H:%M:%S}", time, code
