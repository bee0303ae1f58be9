"""Options that several commands share, and what they hand to a compilation."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any, TypeAlias

import click

from flowctl.api.given import Given

Decorator: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]

colour = click.option(
    "--color",
    "colour",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    help="Colours: on a terminal only (and without NO_COLOR), always, or never.",
)

state_dir = click.option(
    "--state-dir",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where runs are kept; else `.flowctl` in the project folder.",
)


class Pair(click.ParamType[tuple[str, str]]):
    """`name=value`."""

    name = "NAME=VALUE"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        name, equals, text = str(value).partition("=")
        if not equals or not name:
            self.fail(f"`{value}` is not of the form name=value", param, ctx)
        return name, text


class _Timestamp(click.ParamType[datetime]):
    """An ISO 8601 date or time; UTC unless it says otherwise."""

    name = "TIME"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"`{value}` is no ISO 8601 time, such as 2024-01-31T12:00", param, ctx)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


class Memory(click.ParamType[int]):
    """A size or a share of the machine's memory, in bytes."""

    name = "SIZE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        from flowctl.memory import ALLOWED, bytes_of, machine_memory

        if isinstance(value, int):
            return value
        found = bytes_of(value, machine_memory())
        if found is None:
            self.fail(f"`{value}` is not {ALLOWED}", param, ctx)
        return found


class Room(click.ParamType[int]):
    """A size on disk, in bytes."""

    name = "SIZE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        from flowctl.memory import bytes_of

        if isinstance(value, int):
            return value
        found = bytes_of(value, 0) if "%" not in value else None
        if found is None:
            message = f"`{value}` is not a size such as `4GiB` or `500MB` (at least 64MiB)"
            self.fail(message, param, ctx)
        return found


def inputs(command: Callable[..., Any]) -> Callable[..., Any]:
    """`-p`, `--params-file`, `--profile` and `--timestamp`; the command gets them as `Given`."""

    @wraps(command)  # along with the options that it has already
    def with_given(
        params: tuple[tuple[str, str], ...],
        params_file: Path | None,
        profile: str | None,
        timestamp: datetime | None,
        **others: object,
    ) -> object:
        return command(given=Given(params, params_file, profile, timestamp), **others)

    return _all(
        with_given,
        click.option(
            "-p",
            "params",
            type=Pair(),
            multiple=True,
            help="A param's value, typed by the param's schema; may be repeated.",
        ),
        click.option(
            "--params-file",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            metavar="FILE",
            help="Values of params, as a YAML, TOML or JSON mapping.",
        ),
        click.option("--profile", metavar="NAME", help="Overlay this profile of the document."),
        click.option(
            "--timestamp",
            type=_Timestamp(),
            help="The logical time of the run (ISO 8601, UTC); else now.",
        ),
    )


def _all(command: Callable[..., Any], *decorators: Decorator) -> Callable[..., Any]:
    """Decorators in reading order, which is the order of the help."""
    for decorator in reversed(decorators):
        command = decorator(command)
    return command
