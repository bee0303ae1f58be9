"""Options that several commands share."""

from __future__ import annotations

import click

colour = click.option(
    "--color",
    "colour",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    help="Colours: on a terminal only (and without NO_COLOR), always, or never.",
)
