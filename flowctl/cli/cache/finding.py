"""The successes that a project's store holds, as the commands see them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from flowctl.cli.runs.finding import runs_of
from flowctl.dataclass import dataclass
from flowctl.diagnostics import nearest
from flowctl.errors import UsageError

if TYPE_CHECKING:
    from flowctl.interpreter.caching.keeping import Kept
    from flowctl.store.successes import Success, Successes


@dataclass(frozen=True, slots=True)
class Cache:
    """An open store with the folder of what it keeps; `all` are its successes."""

    store: Successes
    kept: Kept
    all: list[Success]


@contextmanager
def opened_cache(state_dir: Path | None) -> Iterator[Cache | None]:
    """The cache of a project; None where nothing has been run."""
    from flowctl.interpreter.caching.keeping import Kept
    from flowctl.store.database import path_in
    from flowctl.store.disk import REAL
    from flowctl.store.successes import opened_successes

    state = runs_of(state_dir).state
    if not path_in(state).exists():
        yield None
        return
    with opened_successes(state) as store:
        yield Cache(store, Kept(state / "cache", "cache", REAL), store.all())


def named(successes: Iterable[Success], steps: tuple[str, ...]) -> list[Success]:
    """Those of the steps that are named, all cells of a matrix by its name; raises UsageError."""
    every = list(successes)
    for name in steps:
        known = {one.step for one in every} | {_family(one.step) for one in every}
        if name not in known:
            near = nearest(name, sorted(known))
            hint = f"; did you mean `{near}`?" if near else "; `flowctl cache list` shows all"
            raise UsageError(f"no step `{name}` is cached{hint}")
    return [one for one in every if not steps or {one.step, _family(one.step)} & {*steps}]


def counted(number: int) -> str:
    return f"{number:,} {'success' if number == 1 else 'successes'}"


def made(success: Success) -> datetime:
    """When the success was; long ago for a step that has never succeeded."""
    return datetime.fromisoformat(success.at) if success.at else datetime.min.replace(tzinfo=UTC)


def _family(step: str) -> str:
    return step.partition("[")[0]
