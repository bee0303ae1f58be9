"""A group of commands that are listed in the order in which they were added."""

from __future__ import annotations

import click


class InReadingOrder(click.Group):
    """Lists its commands as a reader needs them, not by the alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self.commands]
