"""What `watch` says after a save: the faults, or what changed since the last valid plan."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from flowctl.api.compiled import Compiled
from flowctl.cli.changes import Change, changes
from flowctl.cli.paint import Role
from flowctl.cli.quantities import plural
from flowctl.cli.render import Screen
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Diagnostic
from flowctl.plan import Plan

_MARKS: dict[str, tuple[str, Role]] = {
    "added": ("+", "good"),
    "removed": ("-", "error"),
    "changed": ("~", "warning"),
}


@dataclass(frozen=True, slots=True)
class Seen:
    """The last look: what was wrong then, the last valid plan, and the files that it read."""

    diagnostics: tuple[Diagnostic, ...] = ()
    plan: Plan | None = None
    valid: bool = False
    dependencies: frozenset[Path] = frozenset()


class Watcher:
    """Looks again after each change, and says what is new."""

    def __init__(self, look: Callable[[], Compiled], screen: Screen) -> None:
        self._look = look
        self._screen = screen
        self._seen = Seen()

    def begin(self, title: str) -> None:
        """Take the first look and say that the watch has begun."""
        now = self._again()
        self._tell(title, now, Seen())
        self._seen = now

    def saved(self, files: frozenset[Path]) -> None:
        """Look again; silent where no file of the workflow was saved and nothing is new."""
        before, now = self._seen, self._again()
        ours = files & (before.dependencies | now.dependencies)
        self._seen = now
        news = (
            now.diagnostics != before.diagnostics
            or now.valid != before.valid
            or _digest(now) != _digest(before)
        )
        if ours or news:
            self._tell(_named(ours or files), now, before)

    def _again(self) -> Seen:
        found = self._look()
        plan = found.plan or self._seen.plan
        # A file that was deleted is still waited for.
        dependencies = found.dependencies or self._seen.dependencies
        return Seen(found.diagnostics, plan, found.plan is not None, dependencies)

    def _tell(self, title: str, now: Seen, before: Seen) -> None:
        out = self._screen
        if now.diagnostics != before.diagnostics or not now.valid:
            out.diagnostics(now.diagnostics)
        if now.valid and now.plan is not None:
            told = _difference(before.plan, now.plan, mended=not before.valid)
            out.line(f"{title}: {out.paint('good', 'ok')}, {told}")
            if before.plan is not None:
                for line in _lines(changes(before.plan, now.plan), out):
                    out.line(line)
        else:
            out.line(f"{title}: {out.paint('error', 'not valid')}")


def _difference(before: Plan | None, now: Plan, mended: bool) -> str:
    if before is None:
        return plural(len(now.steps), "step")
    number = len(changes(before, now))
    if number:
        return f"{plural(number, 'step')} changed"
    if before.digest != now.digest:
        return "the plan changed, and no step of it"
    return "the plan is as it was before" if mended else "nothing changed in the plan"


def _lines(found: list[Change], screen: Screen) -> Iterator[str]:
    for change in found:
        mark, role = _MARKS[change.sort]
        yield f"  {screen.paint(role, mark)} {screen.paint('strong', change.step)}"
        yield from (f"      {detail}" for detail in change.details)


def _digest(seen: Seen) -> str | None:
    return seen.plan.digest if seen.plan else None


def _named(files: frozenset[Path]) -> str:
    gone = frozenset(file for file in files if not file.exists())
    told = [(files - gone, "saved"), (gone, "is gone" if len(gone) == 1 else "are gone")]
    return ", ".join(f"{_listed(some)} {verb}" for some, verb in told if some)


def _listed(files: frozenset[Path]) -> str:
    names = sorted(file.name for file in files)
    return f"{', '.join(names[:3])}{', …' if len(names) > 3 else ''}"
