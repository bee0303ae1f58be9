"""`flowctl runs …`: what has been run, and reaching what runs."""

from __future__ import annotations

import click

from flowctl.cli.grouped import InReadingOrder
from flowctl.cli.runs.control import cancel, pause
from flowctl.cli.runs.diff import diff
from flowctl.cli.runs.going_on import resume, retry
from flowctl.cli.runs.list import list_
from flowctl.cli.runs.logs import logs
from flowctl.cli.runs.prune import prune
from flowctl.cli.runs.show import show
from flowctl.cli.runs.verify import verify


@click.group(cls=InReadingOrder, short_help="Ask about runs, and reach those at work.")
def runs() -> None:
    """Ask about the runs of a project, reach those at work, and run again what failed.

    RUN is a run's name, as much of its beginning as no other run shares, or `last`.
    """


for command in (list_, show, logs, diff, pause, resume, cancel, retry, prune, verify):
    runs.add_command(command)
