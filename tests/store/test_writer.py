"""Events written with few commits: there and safe when that is said, or told as broken."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from flowctl.store.database import StoreBroken, connect, path_in
from flowctl.store.ledger import Ledger, Verb, opened
from flowctl.store.writer import OnRequest, Writer
from tests.store.test_database import entry

ROOT = Path(__file__).parents[2]


@contextmanager
def writing(folder: Path, on_request: OnRequest = lambda verb: None) -> Iterator[Writer]:
    path = path_in(folder)
    with closing(connect(path, shared=True, synced=False)) as connection:
        yield Writer(Ledger(path, connection), "r", on_request)


def test_what_is_safe_can_be_read_by_others(tmp_path: Path) -> None:
    with writing(tmp_path) as writer, opened(tmp_path) as other:
        for number in range(1, 20):
            writer.tell(entry(number))
            writer.safe()
            assert other.last("r") == number
        writer.close()


def test_those_who_wait_at_the_same_time_share_commits(tmp_path: Path) -> None:
    with writing(tmp_path) as writer, opened(tmp_path) as other:
        before = other.changes()
        for number in range(1, 2001):
            writer.tell(entry(number))
        writer.safe()
        assert other.last("r") == 2000
        writer.close()
        assert other.changes() - before < 200


def test_what_is_left_is_written_at_the_end(tmp_path: Path) -> None:
    with writing(tmp_path) as writer:
        writer.tell(entry(1))
        writer.close()
    with opened(tmp_path) as ledger:
        assert ledger.last("r") == 1


def test_a_store_that_breaks_is_told_to_all_who_wait(tmp_path: Path) -> None:
    with writing(tmp_path) as writer:
        writer.tell(entry(1))
        writer.safe()
        writer.tell(entry(1))
        for action in (writer.safe, lambda: writer.tell(entry(2)), writer.close):
            with pytest.raises(StoreBroken, match="UNIQUE"):
                action()


def test_a_request_of_another_process_is_heard_once(tmp_path: Path) -> None:
    heard: list[Verb] = []
    came = threading.Event()

    def hear(verb: Verb) -> None:
        heard.append(verb)
        if verb == "cancel":
            came.set()

    with writing(tmp_path, hear) as writer, opened(tmp_path) as other:
        other.ask("another", "now", "cancel")
        other.ask("r", "now", "pause")
        other.ask("r", "now", "cancel")
        assert came.wait(30)
        writer.close()
        assert heard == ["pause", "cancel"]
        assert other.take_requests("r") == []
        assert other.take_requests("another") == ["cancel"]


def test_what_is_safe_outlasts_a_loss_of_power(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At worst nothing is left but what had been synced."""
    left, sync = tmp_path / "left", os.fdatasync

    def noticed(descriptor: int) -> None:
        sync(descriptor)
        shutil.copytree(tmp_path / "state", left, dirs_exist_ok=True)

    monkeypatch.setattr(os, "fdatasync", noticed)
    with writing(tmp_path / "state") as writer:
        for number in range(1, 40):
            writer.tell(entry(number))
            writer.written()
            if number % 4 == 0:
                writer.safe()
                shutil.copytree(left, tmp_path / f"after-{number}")
                with opened(tmp_path / f"after-{number}") as ledger:
                    assert ledger.last("r") == number
        writer.close()
    with opened(left) as ledger:
        assert ledger.last("r") == 39


def test_what_nobody_waits_for_is_safe_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced, sync = threading.Event(), os.fdatasync

    def noticed(descriptor: int) -> None:
        sync(descriptor)
        synced.set()

    monkeypatch.setattr(os, "fdatasync", noticed)
    with writing(tmp_path) as writer, opened(tmp_path) as other:
        for number in range(1, 4):
            synced.clear()
            writer.tell(entry(number))
            assert synced.wait(30)
            assert other.last("r") == number
        writer.close()


def test_many_may_tell_and_wait_at_once(tmp_path: Path) -> None:
    numbers, lock = iter(range(1, 1001)), threading.Lock()

    def tell() -> None:
        for turn in range(250):
            with lock:
                number = next(numbers)
                writer.tell(entry(number))
            (writer.safe if turn % 25 == 0 else writer.written)()
            with opened(tmp_path) as other:
                assert other.last("r") >= number

    with writing(tmp_path) as writer, opened(tmp_path) as ledger:
        with ThreadPoolExecutor(4) as executor:
            for done in [executor.submit(tell) for _ in range(4)]:
                done.result()
        writer.close()
        assert [one.number for one in ledger.entries("r")] == list(range(1, 1001))


def test_a_killed_process_leaves_what_it_was_told_is_written(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from tests.store.test_writer import *\n"
        "with writing(Path(sys.argv[1])) as writer:\n"
        "    for number in range(1, 10**6):\n"
        "        writer.tell(entry(number)); writer.written(); print(number, flush=True)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], env=environment, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        while int(process.stdout.readline()) < 50:
            pass
        process.send_signal(signal.SIGKILL)
        said = [50, *map(int, process.stdout.read().split())][-1]
    with opened(tmp_path) as ledger:
        assert said <= ledger.last("r") <= said + 1
        ledger.judge()
    with closing(sqlite3.connect(path_in(tmp_path))) as connection:
        assert connection.execute("pragma integrity_check").fetchone() == ("ok",)
