"""The successes of steps from which they may be taken again, instead of being run.

There is one for each step as it means something. It counts from the moment at which it is kept
until the step begins again: whatever becomes of that attempt, only its own end brings the next one.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import astuple, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import xxhash

from flowctl.dataclass import dataclass
from flowctl.store.database import connect, path_in, refused, transaction
from flowctl.store.disk import REAL, Disk
from flowctl.syntax.node import Json

if TYPE_CHECKING:
    from sqlite3 import Connection


class Key(NamedTuple):
    """A step of a workflow, which is named from the state folder, and what it means."""

    workflow: str
    step: str
    digest: str


@dataclass(frozen=True, slots=True)
class Success:
    """How a step has ended well in a run, at a time in ISO 8601; `body` is others' matter.

    `holder` is the run that has begun the step again since, so that the success does not count; a
    step that has never succeeded has one without a time. `bytes` is what is kept of it on disk,
    with the `file` of its records. `used` is when it was made or last taken, `hits` how often.
    """

    workflow: str
    step: str
    digest: str
    run: str
    holder: str | None
    at: str
    used: str
    hits: int
    bytes: int
    file: str | None
    body: Json

    @property
    def key(self) -> Key:
        return Key(self.workflow, self.step, self.digest)

    @property
    def counts(self) -> bool:
        """Whether the step may be taken from it."""
        return self.holder is None and bool(self.at)


_COLUMNS = ", ".join(field.name for field in fields(Success))
_OF_KEY = "workflow = ? and step = ? and digest = ?"


class Successes:
    """An open store; any thread may use it. Every method raises StoreBroken."""

    def __init__(self, path: Path, connection: Connection) -> None:
        self.path = path
        self._connection = connection
        self._lock = threading.Lock()

    def find(self, key: Key) -> Success | None:
        """The success of a step as it means this, whether it counts or not."""
        return next(iter(self._read(f"where {_OF_KEY}", *key)), None)

    def latest(self, workflow: str, step: str) -> Success | None:
        """The last success of a step, whatever it meant then."""
        found = self._read(
            "where workflow = ? and step = ? and at > '' order by at desc limit 1", workflow, step
        )
        return next(iter(found), None)

    def all(self) -> list[Success]:
        """All of them, by workflow and step, the oldest first."""
        return self._read("order by workflow, step, at")

    def bytes(self) -> int:
        """What is kept on disk for all of them."""
        with self._lock, refused(self.path):
            found = self._connection.execute("select coalesce(sum(bytes), 0) from success")
            return int(found.fetchone()[0])

    def begin(self, key: Key, run: str) -> None:
        """The step begins again in a run: from now on its success does not count, for good."""
        blank = Success(*key, run, run, "", "", 0, 0, None, None)
        with self._changing() as connection:
            connection.execute(f"insert or ignore into success values ({_places()})", _row(blank))
            connection.execute(f"update success set holder = ? where {_OF_KEY}", (run, *key))

    def keep(self, success: Success) -> bool:
        """The step has succeeded; tells whether nobody else has begun it meanwhile."""
        with self._changing() as connection:
            holder = f"select 1 from success where {_OF_KEY} and holder = ?"
            if connection.execute(holder, (*success.key, success.run)).fetchone() is None:
                return False
            connection.execute(
                f"insert or replace into success values ({_places()})",
                _row(replace(success, holder=None)),
            )
        return True

    def take(self, success: Success, at: str, body: Json) -> bool:
        """Takes the success, unless it does not count any more; tells whether it does.

        `body` is what is known now of its files.
        """
        taken = replace(success, used=at, hits=success.hits + 1, body=body)
        with self._changing() as connection:
            changed = connection.execute(
                "update success set used = ?, hits = ?, body = ?, sum = ? "
                f"where {_OF_KEY} and holder is null and at = ?",
                (at, taken.hits, _text(body), _sum(taken), *success.key, success.at),
            )
            return changed.rowcount > 0

    def drop(self, keys: Iterable[Key]) -> None:
        """Forgets them; a step that has been begun is then not kept."""
        with self._changing() as connection:
            connection.executemany(f"delete from success where {_OF_KEY}", list(keys))

    def damaged(self) -> list[Key]:
        """Those that are not what was written; nothing is taken from them."""
        with self._lock, refused(self.path):
            rows = self._connection.execute(f"select {_COLUMNS}, sum from success").fetchall()
        return [Key(*row[:3]) for row in rows if _success(row[:-1], row[-1]) is None]

    def _read(self, rest: str, *values: str) -> list[Success]:
        with self._lock, refused(self.path):
            rows = self._connection.execute(
                f"select {_COLUMNS}, sum from success {rest}", values
            ).fetchall()
        found = (_success(row[:-1], row[-1]) for row in rows)
        return [success for success in found if success is not None]

    @contextmanager
    def _changing(self) -> Iterator[Connection]:
        with self._lock, refused(self.path), transaction(self._connection):
            yield self._connection


@contextmanager
def opened_successes(state: Path, disk: Disk = REAL) -> Iterator[Successes]:
    """The successes in a state folder's store, made where there is none.

    Raises StoreBroken and OSError.
    """
    path = path_in(state)
    with closing(connect(path, disk=disk, shared=True)) as connection:
        yield Successes(path, connection)


def _places() -> str:
    return ", ".join("?" for _ in range(len(fields(Success)) + 1))


def _row(success: Success) -> tuple[object, ...]:
    return (*astuple(success)[:-1], _text(success.body), _sum(success))


def _sum(success: Success) -> str:
    """A digest of what a success says, but not of who takes it how often."""
    told = (*success.key, success.run, success.at, success.file or "", _text(success.body))
    return xxhash.xxh3_64_hexdigest("\0".join(told).encode())


def _text(body: Json) -> str:
    # What is no text, as in names of files, is a lone surrogate, which only escaped JSON can hold.
    return json.dumps(body, sort_keys=True, separators=(",", ":"))


def _success(row: tuple[object, ...], checksum: object) -> Success | None:
    """None where the row is not what was written."""
    values = dict(zip((field.name for field in fields(Success)), row, strict=True))
    try:
        values["body"] = json.loads(str(values["body"]))
        found = Success(**values)  # type: ignore[arg-type]
        return found if _sum(found) == checksum else None
    except ValueError:
        return None
