"""The run store's file: one SQLite database, opened, brought up to date, and judged.

WAL, and `synchronous = FULL`: what is committed outlasts a loss of power, and readers do not wait
for a writer. Whoever commits often does without, and syncs where it counts. sqlite3 is imported
when a store is opened: most commands never do.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from flowctl.errors import FlowctlError
from flowctl.store.disk import REAL, Disk, make_folder

if TYPE_CHECKING:
    from sqlite3 import Connection

NAME: Final = "runs.db"
APPLICATION: Final = 0x666C6F77
"""`flow`: what the file's header names as the program that owns it."""
_PATIENCE: Final = 30.0
"""Seconds for which one process waits until another has written."""

VERSIONS: tuple[str, ...] = (
    """
    create table event (
        run text not null, number integer not null, at text not null, kind text not null,
        step text, body text not null, sum text not null,
        primary key (run, number)
    ) without rowid;
    create table run (
        run text primary key, status text not null, resumable integer not null,
        workflow text not null, document text not null, created text not null, began text,
        ended text, digest text not null, steps integer not null, body text not null
    ) without rowid;
    create index run_by_status on run (status, resumable);
    create table request (
        number integer primary key autoincrement, run text not null, at text not null,
        verb text not null
    );
    """,
    """
    create table success (
        workflow text not null, step text not null, digest text not null, run text not null,
        holder text, at text not null, used text not null, hits integer not null,
        bytes integer not null, file text, body text not null, sum text not null,
        primary key (workflow, step, digest)
    ) without rowid;
    """,
)
"""What leads from each version of the store to the next; the number of them is the version."""


class StoreBroken(FlowctlError):
    """The run store cannot be used: damaged, of a newer version, or refused by the system."""


def damaged(path: Path, reason: str) -> StoreBroken:
    """What to say of a store that is not what was written."""
    aside = path.with_name(path.name + ".damaged")
    return StoreBroken(
        f"the run store is damaged: {reason}\n"
        f"  `mv {path} {aside}`, and its `-wal` likewise: runs then begin anew;\n"
        "  what has been published is not touched by that"
    )


def path_in(state: Path) -> Path:
    """The store of a state folder (`.flowctl`)."""
    return state / NAME


def connect(
    path: Path,
    *,
    versions: Sequence[str] = VERSIONS,
    disk: Disk = REAL,
    shared: bool = False,
    synced: bool = True,
) -> Connection:
    """Opens a store, made or brought up to date where needed; raises StoreBroken and OSError.

    A connection that is `shared` may be used by any thread, one at a time. What it commits outlasts
    this process; a loss of power only if it is `synced`, or once `sync_journal` was called.
    """
    import sqlite3

    make_folder(disk, path.parent)
    if not path.exists():
        _make(path, versions, disk)
    with refused(path):
        connection = sqlite3.connect(
            path, timeout=_PATIENCE, isolation_level=None, check_same_thread=not shared
        )
    try:
        with refused(path):
            _prepare(connection, path, versions, synced=synced)
    except BaseException:
        connection.close()
        raise
    return connection


def sync_journal(path: Path) -> None:
    """Does what `synchronous = FULL` adds to NORMAL, for all commits so far; raises OSError.

    SQLite itself syncs the journal's head and name, and all of it before it copies from there.
    """
    descriptor = os.open(path.with_name(f"{path.name}-wal"), os.O_RDONLY)
    try:
        getattr(os, "fdatasync", os.fsync)(descriptor)  # macOS has but the other
    finally:
        os.close(descriptor)


def _make(path: Path, versions: Sequence[str], disk: Disk) -> None:
    """Makes an empty store aside, so that nobody ever sees half of one."""
    import sqlite3

    aside = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    with refused(path), closing(sqlite3.connect(aside, isolation_level=None)) as connection:
        connection.execute("pragma synchronous = off")
        connection.execute("pragma journal_mode = wal")
        _migrate(connection, versions)
    try:
        with aside.open("rb") as file:
            disk.fsync(file.fileno())
        with suppress(FileExistsError):  # another process was quicker
            path.hardlink_to(aside)
        disk.fsync_folder(path.parent)
    finally:
        aside.unlink()


def _prepare(connection: Connection, path: Path, versions: Sequence[str], *, synced: bool) -> None:
    """Sets what each connection needs, and migrates."""
    version = _version(connection, path)
    if version > len(versions):
        raise StoreBroken(
            f"{path} has version {version}, written by a newer flowctl; "
            f"this one knows up to {len(versions)}: install the newer one again"
        )
    connection.execute(f"pragma synchronous = {'full' if synced else 'normal'}")
    if version < len(versions):
        connection.execute("pragma journal_mode = wal")
        _migrate(connection, versions)


def _migrate(connection: Connection, versions: Sequence[str]) -> None:
    """Brings a store up to date, all at once; another process may be quicker."""
    with transaction(connection):
        version = int(connection.execute("pragma user_version").fetchone()[0])
        for script in versions[version:]:
            for statement in script.split(";"):
                connection.execute(statement)
        connection.execute(f"pragma application_id = {APPLICATION}")
        connection.execute(f"pragma user_version = {len(versions)}")


def _version(connection: Connection, path: Path) -> int:
    version = int(connection.execute("pragma user_version").fetchone()[0])
    application = connection.execute("pragma application_id").fetchone()[0]
    tables = connection.execute("select count(*) from sqlite_schema").fetchone()[0]
    if application != APPLICATION and (version or application or tables):
        raise StoreBroken(f"{path} is no run store of flowctl: another program has written it")
    return version


@contextmanager
def transaction(connection: Connection) -> Iterator[None]:
    """All or nothing, and one process at a time."""
    connection.execute("begin immediate")
    try:
        yield
        connection.execute("commit")
    except BaseException:
        if connection.in_transaction:
            connection.execute("rollback")
        raise


@contextmanager
def refused(path: Path) -> Iterator[None]:
    """Tells what SQLite refuses as StoreBroken."""
    import sqlite3

    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorname", "")
        if code.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
            raise damaged(path, f"{path}: {error}") from error
        raise StoreBroken(f"the run store {path} cannot be used: {error}") from error
