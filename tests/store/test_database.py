"""The run store's file: made, brought up to date, refused, found damaged; safe for several."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from flowctl.store.database import VERSIONS, StoreBroken, connect, path_in
from flowctl.store.ledger import Entry, Ledger, Projection, opened
from flowctl.store.successes import Key, opened_successes

ROOT = Path(__file__).parents[2]


def entry(number: int, run: str = "r", text: str = "x") -> Entry:
    return Entry(run, number, "2024-01-01T00:00:00+00:00", "told", "a", {"text": text})


def projection(run: str, status: str, *, resumable: bool = False) -> Projection:
    return Projection(run, status, resumable, "w", "w.yaml", run, None, None, "", 0, "{}")


def test_events_come_back_as_they_were(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        ledger.append([entry(1), entry(2, text="\0 € \ud800"), entry(1, "other")])
        ledger.append([entry(3)])
    with opened(tmp_path) as ledger:
        assert list(ledger.entries("r")) == [entry(1), entry(2, text="\0 € \ud800"), entry(3)]
        assert list(ledger.entries("r", after=2)) == [entry(3)]
        assert ledger.last("r") == 3
        assert ledger.last("none") == 0


def test_what_is_written_together_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        ledger.append([entry(1)])
        with pytest.raises(StoreBroken, match="UNIQUE"):
            ledger.append([entry(2), entry(1)], [projection("r", "running")])
        assert ledger.last("r") == 1
        assert ledger.runs() == []


def test_open_runs(tmp_path: Path) -> None:
    rows = [
        projection("a", "succeeded"),
        projection("b", "failed", resumable=True),
        projection("c", "running"),
        projection("d", "cancelled"),
    ]
    with opened(tmp_path) as ledger:
        ledger.append([], rows)
        assert [row.run for row in ledger.open_runs()] == ["b", "c"]
        assert ledger.runs() == rows


def test_a_store_is_migrated_from_each_older_version(tmp_path: Path) -> None:
    """The versions to come are made up: a column is added, then filled."""
    later = (
        *VERSIONS,
        "alter table run add column owner text",
        "update run set owner = 'old ' || run",
    )
    for old in range(1, len(later)):
        path = tmp_path / f"{old}.db"
        with closing(connect(path, versions=later[:old])) as connection:
            Ledger(path, connection).append([entry(1)], [projection("r", "running")])
        with closing(connect(path, versions=later)) as connection:
            assert connection.execute("pragma user_version").fetchone() == (len(later),)
            assert connection.execute("select owner from run").fetchall() == [("old r",)]
            assert list(Ledger(path, connection).entries("r")) == [entry(1)]


@pytest.mark.parametrize("old", range(1, len(VERSIONS)))
def test_a_store_of_an_older_version_is_as_good_as_a_new_one(tmp_path: Path, old: int) -> None:
    with closing(connect(path_in(tmp_path), versions=VERSIONS[:old])) as connection:
        Ledger(path_in(tmp_path), connection).append([entry(1)], [projection("r", "running")])
    with opened_successes(tmp_path) as successes:
        successes.begin(Key("w", "a", "sha256:1"), "r")
        assert [one.holder for one in successes.all()] == ["r"]
    with opened(tmp_path) as ledger:
        assert ledger.last("r") == 1
        ledger.judge()


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    connect(path).close()
    broken = (*VERSIONS, "create table more (a); insert into nothing values (1)")
    with pytest.raises(StoreBroken, match="nothing"):
        connect(path, versions=broken)
    with closing(connect(path)) as connection:
        assert connection.execute("pragma user_version").fetchone() == (len(VERSIONS),)
        assert not connection.execute("select 1 from sqlite_schema where name = 'more'").fetchall()


def test_a_store_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = path_in(tmp_path)
    connect(path, versions=(*VERSIONS, "create table more (a)")).close()
    with pytest.raises(
        StoreBroken, match=rf"runs.db has version {len(VERSIONS) + 1}, written by a newer flowctl"
    ):
        connect(path)


def test_what_another_program_has_written_is_refused(tmp_path: Path) -> None:
    path = path_in(tmp_path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table mine (a)")
    with pytest.raises(StoreBroken, match="no run store of flowctl"):
        connect(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("update event set body = '{}' where number = 2", "event 2 of run r is not what"),
        ("update event set at = at || ' ' where number = 3", "event 3 of run r is not what"),
        ("delete from event where number = 2", "event 2 of run r is missing"),
        ("delete from event where number = 1", "event 1 of run r is missing"),
    ],
)
def test_a_changed_event_is_found(tmp_path: Path, change: str, message: str) -> None:
    with opened(tmp_path) as ledger:
        ledger.append([entry(number) for number in (1, 2, 3)])
    with closing(sqlite3.connect(path_in(tmp_path), isolation_level=None)) as connection:
        connection.execute(change)
    with opened(tmp_path) as ledger:
        for reading in (lambda: list(ledger.entries("r")), ledger.judge):
            with pytest.raises(StoreBroken, match=message) as told:
                reading()
            assert f"mv {path_in(tmp_path)}" in str(told.value)


@pytest.mark.parametrize("damage", [b"", b"SQLite", b"\xff" * 5000])
def test_damaged_bytes_are_found(tmp_path: Path, damage: bytes) -> None:
    """Each page in turn is overwritten; nothing but damage is told, and nothing else is read."""
    path = path_in(tmp_path)
    with opened(tmp_path) as ledger:
        ledger.append([entry(number, text="y" * 300) for number in range(1, 100)])
    whole = path.read_bytes()
    assert len(whole) > 8 * 4096
    for at in range(0, len(whole), 4096):
        spoilt = whole[:at] + (damage or bytes(4096)) + whole[at + len(damage or bytes(4096)) :]
        path.write_bytes(spoilt[: len(whole)])
        path.with_name("runs.db-wal").unlink(missing_ok=True)
        if spoilt == whole:
            continue
        try:
            with opened(tmp_path) as ledger:
                ledger.judge()
                assert len(list(ledger.entries("r"))) == 99, f"page {at // 4096}"
        except StoreBroken:
            continue


def test_several_processes_write_at_once(tmp_path: Path) -> None:
    """All of them begin with no store at all; none waits in vain, nothing is lost."""
    code = (
        "import sys; from pathlib import Path; from flowctl.store.ledger import Entry, opened\n"
        "sys.stdin.read(1)\n"
        "for number in range(1, 31):\n"
        "    with opened(Path('.')) as ledger:\n"
        "        ledger.append([Entry(sys.argv[1], number, '', 'told', None, {})])\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(number)],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.PIPE,
        )
        for number in range(3)
    ]
    for process in processes:
        process.communicate(b"x")
    assert [process.returncode for process in processes] == [0, 0, 0]
    with opened(tmp_path) as ledger:
        assert [ledger.last(run) for run in ledger.names()] == [30, 30, 30]
        ledger.judge()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["runs.db"]


def test_commands_that_need_no_store_do_not_import_sqlite(tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text("flowctl: 1\nname: w\nsteps: {a: {run: 'true'}}\n")
    for arguments in (["--help"], ["validate", "w.yaml"], ["run", "--help"]):
        code = (
            "import sys; from flowctl.cli.main import main\n"
            f"assert main({arguments!r}) == 0; assert 'sqlite3' not in sys.modules"
        )
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True)
