"""The run store's contents: events, what they add up to, and requests to runs at work.

Events are the truth. A row of `run` is a projection: it can be made again from the run's events.
What an event says is others' matter; here it is JSON, with a checksum.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import astuple, fields
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import xxhash

from flowctl.dataclass import dataclass
from flowctl.store.database import (
    connect,
    damaged,
    path_in,
    refused,
    sync_journal,
    transaction,
)
from flowctl.syntax.node import Json

if TYPE_CHECKING:
    from sqlite3 import Connection

Verb: TypeAlias = Literal["cancel", "pause", "resume"]


@dataclass(frozen=True, slots=True)
class Entry:
    """An event as it is stored: what happened when, to which run and step."""

    run: str
    number: int
    at: str
    kind: str
    step: str | None
    body: Json


@dataclass(frozen=True, slots=True)
class Projection:
    """What a run's events add up to, in columns that runs are looked for by; times are ISO 8601.

    `body` is JSON: what identifies the run. `resumable` tells whether running the same again goes
    on with a run that has ended.
    """

    run: str
    status: str
    resumable: bool
    workflow: str
    document: str
    created: str
    began: str | None
    ended: str | None
    digest: str
    steps: int
    body: str


_COLUMNS = ", ".join(field.name for field in fields(Projection))
_PLACES = ", ".join("?" for _ in fields(Projection))
_ROW = "(?, ?, ?, ?, ?, ?, ?)"
_FEW = 16
_TEXT = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


class Ledger:
    """An open store; one thread uses it at a time. Every method raises StoreBroken."""

    def __init__(self, path: Path, connection: Connection) -> None:
        self.path = path
        self._connection = connection

    def append(self, entries: Sequence[Entry], projections: Iterable[Projection] = ()) -> None:
        """Adds events and what they add up to, at once."""
        rows = [_row(entry) for entry in entries]
        kept = [astuple(projection) for projection in projections]
        with refused(self.path):
            if not kept and 0 < len(rows) <= _FEW:
                # One statement is a transaction of its own, and quicker than one around it.
                places = ", ".join([_ROW] * len(rows))
                self._connection.execute(
                    f"insert into event values {places}", [*chain.from_iterable(rows)]
                )
                return
            with transaction(self._connection):
                self._connection.executemany(f"insert into event values {_ROW}", rows)
                self._connection.executemany(
                    f"insert or replace into run ({_COLUMNS}) values ({_PLACES})", kept
                )

    def sync(self) -> None:
        """Makes what a connection without `synced` has added outlast a loss of power."""
        with refused(self.path):
            sync_journal(self.path)

    def entries(self, run: str, after: int = 0) -> Iterator[Entry]:
        """The events of a run behind the one with this number, in order; none may be missing."""
        found = self._all(
            "select * from event where run = ? and number > ? order by number", run, after
        )
        for expected, row in enumerate(found, after + 1):
            yield self._entry(row, expected)

    def last(self, run: str) -> int:
        """The number of a run's latest event; 0 where there is none."""
        ((number,),) = self._all("select coalesce(max(number), 0) from event where run = ?", run)
        return int(str(number))

    def runs(self) -> list[Projection]:
        """What all runs have come to, the oldest first."""
        return self._projections("order by created, run")

    def open_runs(self) -> list[Projection]:
        """The runs that can go on without being asked to, the oldest first."""
        return self._projections(
            "where status in ('pending', 'running', 'paused') or resumable order by created, run"
        )

    def run(self, run: str) -> Projection | None:
        """What a run has come to; None where there is none of this name."""
        return next(iter(self._projections("where run = ?", run)), None)

    def drop(self, run: str) -> None:
        """Forgets a run."""
        with refused(self.path), transaction(self._connection):
            for table in ("event", "run", "request"):
                self._connection.execute(f"delete from {table} where run = ?", (run,))

    def ask(self, run: str, at: str, verb: Verb) -> None:
        """Leaves a request for the process that works on a run."""
        with refused(self.path), transaction(self._connection):
            self._connection.execute(
                "insert into request (run, at, verb) values (?, ?, ?)", (run, at, verb)
            )

    def take_requests(self, run: str) -> list[Verb]:
        """The requests to a run, which are gone then."""
        with refused(self.path):
            waiting = "select number, verb from request where run = ? order by number"
            if not self._all(waiting, run):
                return []
            with transaction(self._connection):
                found = self._connection.execute(waiting, (run,)).fetchall()
                self._connection.execute("delete from request where run = ?", (run,))
        return [verb for _, verb in found]

    def changes(self) -> int:
        """A number that differs once another connection has written."""
        with refused(self.path):
            return int(self._connection.execute("pragma data_version").fetchone()[0])

    def names(self) -> list[str]:
        """All runs that have events."""
        return [str(run) for (run,) in self._all("select distinct run from event order by run")]

    def replace(self, projections: Sequence[Projection]) -> None:
        """Puts these in place of all projections."""
        with refused(self.path), transaction(self._connection):
            self._connection.execute("delete from run")
            self._connection.executemany(
                f"insert into run ({_COLUMNS}) values ({_PLACES})",
                [astuple(projection) for projection in projections],
            )

    def shrink(self) -> None:
        """Gives the room of what was dropped back to the system."""
        with refused(self.path):
            self._connection.execute("vacuum")

    def judge(self) -> None:
        """Reads everything; raises StoreBroken where anything is not what was written."""
        (told,) = (str(row[0]) for row in self._all("pragma integrity_check(1)"))
        if told != "ok":
            raise damaged(self.path, told.replace("\n", " "))
        for run in self.names():
            for _ in self.entries(run):
                pass

    def _all(self, query: str, *values: str | int) -> list[tuple[object, ...]]:
        with refused(self.path):
            return self._connection.execute(query, values).fetchall()

    def _projections(self, rest: str, *values: str) -> list[Projection]:
        found = self._all(f"select {_COLUMNS} from run {rest}", *values)
        return [_projection(row) for row in found]

    def _entry(self, row: tuple[object, ...], expected: int) -> Entry:
        run, number, at, kind, step, body, checksum = row
        if number != expected:
            raise damaged(self.path, f"event {expected} of run {run} is missing")
        if checksum != _sum(run, number, at, kind, step, body):
            raise damaged(self.path, f"event {number} of run {run} is not what was written")
        place = str(step) if step is not None else None
        return Entry(str(run), expected, str(at), str(kind), place, json.loads(str(body)))


@contextmanager
def opened(state: Path) -> Iterator[Ledger]:
    """The store of a state folder, made where there is none; raises StoreBroken and OSError."""
    path = path_in(state)
    with closing(connect(path)) as connection:
        yield Ledger(path, connection)


def _row(entry: Entry) -> tuple[object, ...]:
    # What is no text, as in names of files, is a lone surrogate, which only escaped JSON can hold.
    body = _TEXT.encode(entry.body)
    run, number, at, kind, step = entry.run, entry.number, entry.at, entry.kind, entry.step
    return (run, number, at, kind, step, body, _sum(run, number, at, kind, step, body))


def _sum(run: object, number: object, at: object, kind: object, step: object, body: object) -> str:
    place = "" if step is None else step
    text = f"{run}\0{number}\0{at}\0{kind}\0{place}\0{body}"
    return xxhash.xxh3_64_hexdigest(text.encode("utf-8", "surrogatepass"))


def _projection(row: tuple[object, ...]) -> Projection:
    values = dict(zip((field.name for field in fields(Projection)), row, strict=True))
    values["resumable"] = bool(values["resumable"])
    return Projection(**values)  # type: ignore[arg-type]
