"""What changed from one plan to the next, step by step and argument by argument."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Literal

from flowctl.cli import wording
from flowctl.dataclass import dataclass
from flowctl.plan import Operation, Plan, Step, canonical


@dataclass(frozen=True, slots=True)
class Change:
    """One step that is not as it was."""

    step: str
    sort: Literal["added", "removed", "changed"]
    details: tuple[str, ...] = ()


def changes(old: Plan, new: Plan) -> list[Change]:
    """The steps that were removed, added and changed, the last in the order of the new plan."""
    before = {step.id: step for step in old.steps}
    after = {step.id: step for step in new.steps}
    found = [Change(id, "removed") for id in before if id not in after]
    for id, step in after.items():
        if id not in before:
            found.append(Change(id, "added"))
        elif details := tuple(_details(before[id], step)):
            found.append(Change(id, "changed", details))
        elif before[id].digest != step.digest:
            causes = [read for read in step.reads if _digest(before, read) != _digest(after, read)]
            found.append(Change(id, "changed", (f"reads {', '.join(causes)}",)))
    return found


def _digest(steps: dict[str, Step], id: str) -> str | None:
    return steps[id].digest if id in steps else None


def _details(old: Step, new: Step) -> Iterator[str]:
    yield from _compare("", wording.settings(old), wording.settings(new))
    was, now = list(wording.operations(old)), list(wording.operations(new))
    matcher = SequenceMatcher(None, _keys(was), _keys(now), autojunk=False)
    for tag, i, j, k, m in matcher.get_opcodes():
        if tag != "equal":
            yield from _between(was[i:j], now[k:m])


def _between(was: list[tuple[str, Operation]], now: list[tuple[str, Operation]]) -> Iterator[str]:
    """Pairs operations that play the same part; what is left over was removed or added."""
    left = list(was)
    added = []
    for part, operation in now:
        twin = next((one for one in left if one[0] == part), None)
        if twin is None:
            added.append((part, operation))
            continue
        left.remove(twin)
        if twin[1].kind != operation.kind:
            yield f"{part}: {twin[1].kind} → {operation.kind}"
        prefix = "" if part == operation.kind else f"{part}: "
        yield from _compare(prefix, wording.arguments(twin[1]), wording.arguments(operation))
    yield from (f"- {_told(part, operation)}" for part, operation in left)
    yield from (f"+ {_told(part, operation)}" for part, operation in added)


def _compare(prefix: str, was: dict[str, str], now: dict[str, str]) -> Iterator[str]:
    for name in dict.fromkeys((*was, *now)):
        old, new = was.get(name), now.get(name)
        if old == new:
            continue
        if new is None:
            yield f"{prefix}- {name}: {old}"
        elif old is None:
            yield f"{prefix}+ {name}: {new}"
        else:
            yield f"{prefix}{name}: {old} → {new}"


def _told(part: str, operation: Operation) -> str:
    name = part if part.rpartition("/")[2] == operation.kind else f"{part} {operation.kind}"
    return f"{name}: {'; '.join(wording.lines(operation))}"


def _keys(operations: list[tuple[str, Operation]]) -> list[str]:
    return [canonical([part, one.kind, one.on_error, one.arguments]) for part, one in operations]
