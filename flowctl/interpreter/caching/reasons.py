"""Why a step cannot be taken from a success: the very thing that has changed, for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

from flowctl.durations import shown
from flowctl.files.contents import Content
from flowctl.interpreter.caching.entry import Basis, Entry
from flowctl.interpreter.differences import difference
from flowctl.interpreter.places import span_of
from flowctl.plan import Plan, Step


def changed(entry: Entry, step: Step, basis: Basis, plan: Plan, base: Path) -> str | None:
    """The first difference between what a success came from and what there is now."""
    before = entry.basis
    return (
        _code(before.code, basis.code)
        or _meaning(entry, step, basis, plan, base)
        or _engine(before.engine, basis.engine)
        or files_changed(before.inputs, basis.inputs)
        or _values(before, basis)
    )


def files_changed(then: Iterable[Content], now: Iterable[Content]) -> str | None:
    """The first file that is not what it was."""
    before = {one.name: one.digest for one in then}
    after = {one.name: one.digest for one in now}
    for name, digest in before.items():
        if name not in after:
            return f"{name} is gone"
        if after[name] != digest:
            return f"{name} has changed"
    new = next((name for name in after if name not in before), None)
    return f"{new} is new" if new is not None else None


def expired(at: str, now: datetime, ttl: int | None) -> str | None:
    """Whether a success is older than a step allows."""
    age = (now - datetime.fromisoformat(at)).total_seconds() * 1000
    if ttl is None or 0 <= age < ttl:
        return None
    return f"its success at {at[:19]}Z is older than {shown(ttl)}"


def _code(then: Mapping[str, str], now: Mapping[str, str]) -> str | None:
    for path, digest in then.items():
        if path in now and now[path] != digest:
            return f"{path} has changed"
    new = next((path for path in now if path not in then), None)
    if new is not None:
        return f"{new} is new among its modules"
    gone = next((path for path in then if path not in now), None)
    return f"{gone} is not among its modules any more" if gone is not None else None


def _meaning(entry: Entry, step: Step, basis: Basis, plan: Plan, base: Path) -> str | None:
    if entry.step.digest == step.digest:
        return None
    found = difference(entry.step, step)
    if found is not None:
        words = [str(part) for part in found.pointer if not isinstance(part, int)]
        place = span_of(plan, base, step.id, found.pointer)
        if not words or place is None:
            return "its definition has changed"
        file = Path(place.file)
        name = file.relative_to(base) if file.is_relative_to(base) else file
        return f"`{words[-1]}` at {name.as_posix()}:{place.line} has changed"
    for read, digest in basis.reads.items():
        if entry.basis.reads.get(read) != digest:
            return f"`{read}`, which it reads, has changed"
    return "its definition has changed"


def _engine(then: Mapping[str, str], now: Mapping[str, str]) -> str | None:
    for name in dict.fromkeys([*then, *now]):
        if then.get(name) != now.get(name):
            return f"its success is of {name} {then.get(name)}; this is {now.get(name)}"
    return None


def _values(then: Basis, now: Basis) -> str | None:
    for expression, value in now.values.items():
        if expression not in then.values or then.values[expression] != value:
            return f"`{expression}` has another value"
    return None
