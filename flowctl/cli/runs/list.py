"""`flowctl runs list`: a line for each run, the latest first."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flowctl.cli import render
from flowctl.cli.paint import cut
from flowctl.cli.quantities import seconds
from flowctl.cli.runs.finding import Age, about_all, runs_of, status_of
from flowctl.syntax.node import Json

if TYPE_CHECKING:
    from flowctl.interpreter.runs import RunRecord

STATUSES = ("pending", "running", "paused", "interrupted", "succeeded", "failed", "cancelled")
_NAME_MOST = 22


@click.command("list", short_help="List runs, the latest first.")
@click.option("--status", type=click.Choice(STATUSES), multiple=True, help="Only such runs.")
@click.option("--workflow", metavar="NAME", help="Only runs of this workflow, by name or file.")
@click.option("--since", type=Age(), help="Only runs begun since: 30d, 12h, or a date.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="At most so many.")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text")
@about_all
def list_(
    status: tuple[str, ...],
    workflow: str | None,
    since: datetime | None,
    limit: int | None,
    format_: str,
    state_dir: Path | None,
    colour: str,
) -> None:
    """List the runs of the project, the latest first."""
    out = render.console(colour).out
    runs = runs_of(state_dir)
    told = [(record, status_of(runs, record)) for record in reversed(runs.all())]
    told = [
        (record, now)
        for record, now in told
        if (not status or now in status)
        and (workflow is None or workflow in (record.workflow, record.identity.document))
        and (since is None or (record.created is not None and record.created >= since))
    ][:limit]
    if format_ == "json":
        listed: list[Json] = [as_object(record, now) for record, now in told]
        out.write(json.dumps(listed, indent=2, ensure_ascii=False) + "\n")
        return
    if not told:
        out.line("no runs")
        return
    rows = [("run", "status", "workflow", "begun (UTC)", "time")]
    rows += [
        (record.run, now, cut(record.workflow, _NAME_MOST), _moment(record.created), _took(record))
        for record, now in told
    ]
    out.line(render.table(rows, right=(4,)))


def as_object(record: RunRecord, status: str) -> dict[str, Json]:
    """A run for programs; times are ISO 8601 in UTC."""
    return {
        "run": record.run,
        "status": status,
        "resumable": record.open,
        "workflow": record.workflow,
        "document": record.identity.document,
        "params": record.identity.params,
        "profile": record.identity.profile,
        "only": list(record.identity.only),
        "from": list(record.identity.since),
        "timestamp": record.timestamp.isoformat(),
        "created": record.created.isoformat() if record.created else None,
        "began": record.began.isoformat() if record.began else None,
        "ended": record.ended.isoformat() if record.ended else None,
        "digest": record.digest,
        "steps": record.steps,
    }


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at else ""


def _took(record: RunRecord) -> str:
    if record.began is None or record.ended is None:
        return ""
    return seconds(max(0.0, (record.ended - record.began).total_seconds()))
