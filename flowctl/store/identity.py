"""What makes two runs the same one."""

from __future__ import annotations

from dataclasses import field

from flowctl.dataclass import dataclass
from flowctl.syntax.node import Json


@dataclass(frozen=True, slots=True)
class Identity:
    """Running the same again goes on with a run while it is unfinished.

    `document` is the path from the project's folder, `timestamp` the logical time if it was given.
    Without names in `only` and `since` (`--from`) all steps were asked for.
    """

    document: str
    params: dict[str, Json] = field(default_factory=dict)
    profile: str | None = None
    timestamp: str | None = None
    only: tuple[str, ...] = ()
    since: tuple[str, ...] = ()
