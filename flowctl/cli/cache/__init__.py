"""`flowctl cache …`: the successes from which steps are taken, and what is kept of them."""

from __future__ import annotations

import click

from flowctl.cli.cache.clear import clear
from flowctl.cli.cache.list import list_
from flowctl.cli.cache.stats import stats
from flowctl.cli.cache.verify import verify
from flowctl.cli.grouped import InReadingOrder


@click.group(cls=InReadingOrder, short_help="Ask about cached steps, and forget them.")
def cache() -> None:
    """Ask about the successes from which steps with a `cache` are taken, and forget them."""


for command in (stats, list_, clear, verify):
    cache.add_command(command)
