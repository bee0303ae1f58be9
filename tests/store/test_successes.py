"""The successes in the store: each counts until the step begins again, for all processes."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from flowctl.store.database import path_in
from flowctl.store.successes import Key, Success, opened_successes

ROOT = Path(__file__).parents[2]
KEY = Key("w", "a", "sha256:1")


def success(run: str, at: str = "2024-01-01T00:00:00+00:00", key: Key = KEY) -> Success:
    return Success(*key, run, run, at, at, 0, 7, "x.parquet", {"file": "\udcff €"})


def test_a_success_counts_until_the_step_begins_again(tmp_path: Path) -> None:
    with opened_successes(tmp_path) as store:
        assert store.find(KEY) is None
        store.begin(KEY, "r1")
        begun = store.find(KEY)
        assert begun is not None
        assert (begun.counts, begun.holder, begun.at) == (False, "r1", "")
        assert store.keep(success("r1"))
    with opened_successes(tmp_path) as store:
        kept = store.find(KEY)
        assert kept is not None
        assert kept.counts
        assert (kept.run, kept.body) == ("r1", {"file": "\udcff €"})
        store.begin(KEY, "r2")
        again = store.find(KEY)
        assert again is not None
        assert (again.counts, again.run, again.holder) == (False, "r1", "r2")


def test_only_who_has_begun_last_may_keep(tmp_path: Path) -> None:
    with opened_successes(tmp_path) as one, opened_successes(tmp_path) as other:
        one.begin(KEY, "r1")
        other.begin(KEY, "r2")
        assert not one.keep(success("r1")), "r2 is at work on the same files"
        assert not [found for found in one.all() if found.counts]
        assert other.keep(success("r2"))
        assert not other.keep(success("r2")), "once"
        assert [found.run for found in one.all() if found.counts] == ["r2"]


def test_who_takes_a_success_that_has_begun_again_changes_nothing(tmp_path: Path) -> None:
    with opened_successes(tmp_path) as store:
        store.begin(KEY, "r1")
        store.keep(success("r1"))
        taken = store.find(KEY)
        assert taken is not None
        assert store.take(taken, "2024-01-02", "seen")
        store.begin(KEY, "r2")
        assert not store.take(taken, "2024-01-03", "seen again")
        (found,) = store.all()
        assert (found.used, found.hits, found.body, found.holder) == ("2024-01-02", 1, "seen", "r2")


def test_the_latest_is_told_whatever_it_meant(tmp_path: Path) -> None:
    with opened_successes(tmp_path) as store:
        for run, digest, at in (("r1", "d1", "2024"), ("r2", "d2", "2025"), ("r3", "d3", "")):
            key = Key("w", "a", digest)
            store.begin(key, run)
            if at:
                store.keep(success(run, at, key))
        latest = store.latest("w", "a")
        assert latest is not None
        assert latest.digest == "d2"
        assert store.latest("w", "b") is None
        store.drop([latest.key])
        assert [found.digest for found in store.all()] == ["d3", "d1"]


@pytest.mark.parametrize("change", ["body = '{}'", "body = '{'", "at = at || ' '", "run = 'r9'"])
def test_what_is_not_what_was_written_is_never_taken(tmp_path: Path, change: str) -> None:
    with opened_successes(tmp_path) as store:
        store.begin(KEY, "r1")
        store.keep(success("r1"))
    with closing(sqlite3.connect(path_in(tmp_path), isolation_level=None)) as connection:
        connection.execute(f"update success set {change}")
    with opened_successes(tmp_path) as store:
        assert store.find(KEY) is None
        assert store.latest("w", "a") is None
        assert store.damaged() == [KEY]


PROGRAM = """
import sys
from pathlib import Path
from flowctl.store.successes import Key, Success, opened_successes
folder, name = Path(sys.argv[1]), sys.argv[2]
kept = 0
with opened_successes(folder) as store:
    for number in range(60):
        key, run = Key("w", "a", f"d{number % 3}"), f"{name}{number}"
        store.begin(key, run)
        found = store.find(key)
        assert found is None or found.run != run or not found.counts
        if store.keep(Success(*key, run, run, "2024", "2024", 0, 0, None, run)):
            kept += 1
print(kept)
"""


def test_two_processes_at_once(tmp_path: Path) -> None:
    """Each is kept by who began last; nobody waits for ever, and nothing is lost in between."""
    opened = opened_successes(tmp_path)
    with opened:
        pass
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    both = [
        subprocess.Popen([*command, name], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for name in "xy"
    ]
    told = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sum(map(int, told)) > 0
    with opened_successes(tmp_path) as store:
        found = store.all()
        assert len(found) == 3
        assert not store.damaged()
        for one in found:
            assert not one.counts or one.body == one.run
