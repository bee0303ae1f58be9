"""Breakers: a resource that fails again and again rests, for all runs of the project.

The state of each lies in a small file that every process locks while it looks at it.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from flowctl.codes.runs import RESTING
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Fault
from flowctl.plan import Resource, Step


@dataclass(frozen=True, slots=True)
class Breaker:
    """How often a resource has failed in a row, until when it rests, and who tries it then."""

    failures: int = 0
    rests_until: datetime | None = None
    tried_since: datetime | None = None

    def to_json(self) -> str:
        moments = {"rests_until": self.rests_until, "tried_since": self.tried_since}
        shown = {name: moment and moment.isoformat() for name, moment in moments.items()}
        return json.dumps({"failures": self.failures, **shown})

    @classmethod
    def from_json(cls, text: str) -> Breaker:
        """What a file holds; one that is damaged says nothing."""
        try:
            found = json.loads(text)
            until, since = found["rests_until"], found["tried_since"]
            return cls(
                int(found["failures"]),
                datetime.fromisoformat(until) if until else None,
                datetime.fromisoformat(since) if since else None,
            )
        except (ValueError, TypeError, KeyError):
            return cls()


@dataclass(frozen=True, slots=True)
class Breakers:
    """The breakers of a plan's resources; `folder` holds their files, `clock` is in UTC."""

    resources: tuple[Resource, ...]
    folder: Path
    clock: Callable[[], datetime]

    def admit(self, step: Step) -> Fault | None:
        """Whether an attempt may begin: a fault for a resource that rests. Raises OSError.

        Where the rest is over, the first who asks tries the resource; others wait for how it ends,
        but no longer than another rest, since who tried may be gone.
        """
        for resource, failures, reset in self._used(step):
            now = self.clock()
            with self._opened(resource.name) as opened:
                state = opened.state
                if state.rests_until is None:
                    continue
                trial = state.tried_since
                if now >= state.rests_until and (trial is None or now >= trial + reset):
                    opened.state = Breaker(state.failures, state.rests_until, now)
                    continue
            until = max(state.rests_until, trial + reset if trial else state.rests_until)
            shown = until.isoformat(timespec="seconds").replace("+00:00", "Z")
            message = (
                f"`{resource.name}` has failed {failures} times in a row and rests until {shown}"
            )
            help = "it is tried again then; `fallback` can step in until it is well"
            return Fault(RESTING, message, ("pool",), help=help)
        return None

    def told(self, step: Step, *, failed: bool) -> None:
        """How an attempt that was admitted has ended; raises OSError."""
        for resource, failures, reset in self._used(step):
            with self._opened(resource.name) as opened:
                count = opened.state.failures + 1 if failed else 0
                rests = failed and count >= failures
                opened.state = Breaker(count, self.clock() + reset if rests else None)

    def _used(self, step: Step) -> Iterator[tuple[Resource, int, timedelta]]:
        """The resources of a step that have a breaker, always in the same order."""
        pools = {name for name, _ in step.pool}
        for resource in self.resources:
            if resource.name in pools and resource.failures is not None:
                yield resource, resource.failures, timedelta(milliseconds=resource.reset)

    @contextmanager
    def _opened(self, name: str) -> Iterator[_Opened]:
        """The state of a breaker, which nobody else looks at meanwhile; a change of it is kept."""
        self.folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.folder / f"{name}.json", os.O_RDWR | os.O_CREAT, 0o644)
        with os.fdopen(handle, "r+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            before = Breaker.from_json(file.read())
            opened = _Opened(before)
            yield opened
            if opened.state != before:
                # A line that a crash leaves torn is taken for a resource that is well.
                file.seek(0)
                file.truncate()
                file.write(opened.state.to_json())


@dataclass(slots=True)
class _Opened:
    state: Breaker
