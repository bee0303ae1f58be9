"""A run as a tree of steps, folded so that it fits, whatever the run's size.

    12 of 245 steps done, 3 running, 1:05
    ▶ load           120 of 240 done, 2 running, 1 failed
      ▶ [us,2012]    ━━━━━━━━────  66%  1.2M rows/s  310 MB/s  0:12 left
    ✓ clean          8,747 rows written, 24 rejected, 770 ms
    · report         needs load

The cells of a matrix stand below their step. Where not all lines fit, what is at work, what has
failed and what comes next are shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from flowctl.cli.paint import Paint, Role, cut, safe, width
from flowctl.cli.quantities import amount
from flowctl.cli.saying import outcome
from flowctl.cli.speed import Speed
from flowctl.cli.standing import AtWork, Ended, Standing, Unit, unit_of
from flowctl.dataclass import dataclass
from flowctl.interpreter.events import StepStatus

_MARKS: Final[Mapping[StepStatus, tuple[str, str, Role]]] = {
    "pending": ("·", ".", "quiet"),
    "running": ("▶", ">", "strong"),
    "waiting": ("↻", "~", "warning"),
    "succeeded": ("✓", "+", "good"),
    "recovered": ("✓", "+", "warning"),
    "cached": ("✓", "+", "quiet"),
    "failed": ("✗", "x", "error"),
    "skipped": ("–", "-", "quiet"),
    "cancelled": ("–", "-", "warning"),
}
_TELLING: Final[Sequence[StepStatus]] = (
    "running", "waiting", "failed", "recovered", "cached", "skipped", "cancelled",
)  # fmt: skip
_DONE: Final[Sequence[StepStatus]] = ("succeeded", "recovered", "cached")
_TOGETHER: Final[Sequence[StepStatus]] = (
    "failed", "running", "waiting", "pending", "cancelled", "recovered", "succeeded", "cached",
    "skipped",
)  # fmt: skip
"""What cells are at together is the first of these that one of them is at."""
_BAR: Final = 12
_WIDEST_NAME: Final = 26
_FAILURES: Final = 3
"""How many of the latest failures stay in sight where not all steps do."""


class Row(NamedTuple):
    """A line: of a step, of all its cells, or of one of these."""

    name: str
    step: str | None
    unit: Unit
    deep: bool = False


@dataclass(frozen=True, slots=True)
class Tree:
    """Writes how a run stands. `needs` are those of each step; `ascii` is for plain terminals."""

    needs: Mapping[str, Sequence[str]]
    paint: Paint
    ascii: bool = False

    def lines(self, standing: Standing, now: datetime, columns: int, height: int) -> list[str]:
        """The tree as it stands, in at most so many columns and lines; looks at no more steps."""
        if not standing.status or height < 1:
            return []
        rows = rows_of(standing, height - 1)
        wide = max((width(row.name) + 2 * row.deep for row in rows), default=0)
        wide = min(wide, _WIDEST_NAME)
        head = self._fit(self._head(standing, now), "", columns)
        return [head, *(self._line(row, standing, wide, now, columns) for row in rows)]

    def _head(self, standing: Standing, now: datetime) -> str:
        done = sum(standing.counts[status] for status in _DONE)
        parts = [f"{done:,} of {len(standing.status):,} steps done", *_counted(standing.counts)]
        if standing.began is not None:
            parts.append(_clock((now - standing.began).total_seconds()))
        if standing.mood:
            parts.insert(0, standing.mood)
        return ", ".join(parts)

    def _line(self, row: Row, standing: Standing, wide: int, now: datetime, columns: int) -> str:
        status = standing.status[row.step] if row.step is not None else _status_of(row.unit)
        fancy, plain, role = _MARKS[status]
        room = wide - 2 * row.deep
        name = cut(safe(row.name), max(room, 1))
        name += " " * (room - width(name))
        head = f"{'  ' if row.deep else ''}{plain if self.ascii else fancy} {name}  "
        told = self._told(row, status, standing, now, columns - width(head))
        return self._fit(head, told, columns, role)

    def _told(
        self, row: Row, status: StepStatus, standing: Standing, now: datetime, room: int
    ) -> str:
        if row.step is None:
            done = sum(row.unit.counts[status] for status in _DONE)
            parts = [f"{done:,} of {len(row.unit.steps):,} done", *_counted(row.unit.counts)]
            return ", ".join(parts)
        if row.step in standing.at_work:
            return self._working(standing.at_work[row.step], now, room)
        if row.step in standing.ended:
            return _end(standing.ended[row.step])
        return self._waits_for(row.step, standing)

    def _working(self, work: AtWork, now: datetime, room: int) -> str:
        parts = []
        if work.attempt > 1 or work.until is not None:
            number = work.attempt + 1 if work.until is not None else work.attempt
            parts.append(f"attempt {number}{f' of {work.of}' if work.of else ''}")
        if work.until is not None:
            left = max(0.0, (work.until - now).total_seconds())
            return f"{parts[0]} in {_clock(left)}"
        if work.falling:
            parts.append("fallback")
        if work.speed.last is not None:
            parts.append(self._stream(work.speed, room - sum(len(part) + 2 for part in parts)))
        else:
            parts.append(_clock((now - work.since).total_seconds()))
        return "  ".join(parts)

    def _stream(self, speed: Speed, room: int) -> str:
        """How far a stream is; the bar goes first where there is no room for all."""
        rates = f"{amount(speed.rows):>6} rows/s  {_megabytes(speed.bytes):>9}"
        share, left = speed.share, speed.left
        if share is None:
            rows = speed.last.rows if speed.last is not None else 0
            return f"{amount(rows)} rows  {rates.lstrip()}"
        told = f"{share:>4.0%}  {rates}"
        if left is not None and share < 1:
            told += f"  {_clock(left)} left"
        if room < _BAR + 2 + len(told):
            return told.lstrip()
        full = round(share * _BAR)
        done, rest = ("#", "-") if self.ascii else ("━", "─")
        return f"{done * full}{rest * (_BAR - full)}  {told}"

    def _waits_for(self, step: str, standing: Standing) -> str:
        open: dict[str, None] = {}
        for need in self.needs.get(step, ()):
            if standing.status.get(need) not in _DONE:
                open[unit_of(need)] = None
            if len(open) > 3:
                break
        names = list(open)
        more = ", …" if len(names) > 3 else ""
        return f"needs {', '.join(names[:3])}{more}" if names else ""

    def _fit(self, head: str, told: str, columns: int, role: Role | None = None) -> str:
        """In so many columns; the last one stays free, since some terminals wrap there."""
        room = columns - 1
        head = cut(head.rstrip() if not told else head, room)
        told = cut(told, room - width(head)) if told and width(head) < room else ""
        painted = self.paint(role, head) if role is not None else head
        return painted + told


def rows_of(standing: Standing, room: int) -> list[Row]:
    """The lines that fit, in the plan's order: all of them, or those that matter now."""
    units = list(standing.units.values()) if len(standing.units) <= room else []
    if units and len(standing.status) + sum(unit.many for unit in units) <= room:
        return [row for unit in units for row in _whole(unit, unit.steps)]
    chosen = [*dict.fromkeys([*standing.at_work, *[*reversed(standing.failed)][:_FAILURES]])][:room]
    if not units:
        names = dict.fromkeys(unit_of(step) for step in chosen)
        for unit in standing.coming():
            if len(names) + sum("[" in step for step in chosen) >= room:
                break
            names.setdefault(unit.name)
        units = sorted((standing.units[name] for name in names), key=lambda unit: unit.number)
    cells: dict[str, list[str]] = {}
    for step in chosen[: max(0, room - len(units))]:
        cells.setdefault(unit_of(step), []).append(step)
    found = [row for unit in units for row in _whole(unit, cells.get(unit.name, ()))]
    return found[:room]


def _whole(unit: Unit, cells: Sequence[str]) -> Iterator[Row]:
    if not unit.many:
        yield Row(unit.name, unit.name, unit)
        return
    yield Row(unit.name, None, unit)
    for step in cells:
        yield Row(step.removeprefix(unit.name), step, unit, deep=True)


def _status_of(unit: Unit) -> StepStatus:
    """What the cells are at together."""
    counts = unit.counts
    if 0 < counts["pending"] < len(unit.steps) and not counts["failed"]:
        return "running"
    return next(status for status in _TOGETHER if counts[status])


def _counted(counts: Mapping[StepStatus, int]) -> Iterator[str]:
    return (f"{counts[status]:,} {status}" for status in _TELLING if counts[status])


def _end(ended: Ended) -> str:
    event = ended.event
    return ", ".join(outcome(event, ended.began)) if event is not None else "had ended before"


def _clock(value: float) -> str:
    """A stretch of time that runs: in whole seconds, so that it does not flicker.

    >>> _clock(0.4), _clock(75.2), _clock(3700)
    ('0:00', '1:15', '1:01:40')
    """
    minutes, rest = divmod(int(max(value, 0)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _megabytes(rate: float) -> str:
    return f"{rate / 1e6:.0f} MB/s" if rate >= 1e7 else f"{rate / 1e6:.1f} MB/s"
