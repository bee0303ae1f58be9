"""What a file holds is known by its stamp only where that cannot deceive."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowctl.files.contents import MARGIN, Content, Unsteady, clock_beside, content_of, is_settled
from flowctl.files.paths import DataFile

SECOND = 1_000_000_000


def later() -> int:
    """A clock for which whatever is there now is old."""
    return time.time_ns() + 2 * MARGIN


def looked(path: Path, known: Content | None = None, now: Callable[[], int] = later) -> Content:
    return content_of(DataFile(path, "a"), {"a": known} if known is not None else {}, now)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.txt"
    path.write_bytes(b"one")
    return path


def test_a_settled_file_is_not_read_again(path: Path) -> None:
    first = looked(path)
    assert first.digest == hashlib.sha256(b"one").hexdigest()
    assert first.settled
    path.chmod(0o200)
    stamped = Content(first.name, "not read", *_stamp(path), settled=True)
    assert looked(path, stamped) is stamped


def test_a_young_file_is_read_again(path: Path) -> None:
    """In its tick of the clock it can have been changed without a trace."""
    first = looked(path, now=time.time_ns)
    assert not first.settled
    deceiving = Content(first.name, "was read before", *first.stamp, settled=first.settled)
    assert looked(path, deceiving).digest == first.digest


@pytest.mark.parametrize("how", ["written", "moved", "linked", "backdated"])
def test_a_change_that_keeps_size_and_time_is_seen(path: Path, how: str) -> None:
    """By the time of the change of status, or the inode, which nobody can set."""
    first, times = looked(path), path.stat()
    other = path.with_name("b.txt")
    other.write_bytes(b"two")
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    match how:
        case "written":
            path.write_bytes(b"two")
        case "moved":
            other.replace(path)
        case "linked":
            path.unlink()
            path.symlink_to(other)
        case "backdated":
            path.write_bytes(b"two")
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert looked(path, first).digest == hashlib.sha256(b"two").hexdigest()


def test_what_is_no_file_has_no_content(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Unsteady, match="`a` is no plain file"):
        looked(tmp_path / "pipe")
    with pytest.raises(FileNotFoundError):
        looked(tmp_path / "gone")


def test_a_file_that_changes_all_the_time_has_no_content(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = hashlib.file_digest

    def meanwhile(file: Any, digest: str) -> Any:
        with path.open("ab") as other:
            other.write(b"more")
        return read(file, digest)

    monkeypatch.setattr(hashlib, "file_digest", meanwhile)
    with pytest.raises(Unsteady, match="`a` changes while it is read"):
        looked(path)


def test_the_clock_is_not_ahead_of_the_files(tmp_path: Path) -> None:
    now = clock_beside(tmp_path)()
    assert now <= time.time_ns()
    assert clock_beside(tmp_path / "no such folder")() > now
    assert list(tmp_path.iterdir()) == []


class Simulated:
    """A file on a system whose clock has a tick, and may be behind or ahead of ours."""

    def __init__(self, tick: int, ahead: int) -> None:
        self.tick, self.ahead = tick, ahead
        self.time = 1_000 * SECOND
        self.content, self.changed = 0, self._stamp()

    def write(self, content: int) -> None:
        self.content, self.changed = content, self._stamp()

    def status(self) -> os.stat_result:
        times = dict.fromkeys(("st_mtime_ns", "st_ctime_ns"), self.changed)
        return os.stat_result((0o100644, 1, 0, 1, 0, 0, 3, 0, 0, 0), times)

    def now(self) -> int:
        """What `clock_beside` tells: the earlier one of both clocks."""
        return min(self.time, self.time + self.ahead)

    def _stamp(self) -> int:
        there = self.time + self.ahead
        return there - there % self.tick


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from([1, SECOND // 250, SECOND // 100, SECOND, 2 * SECOND]),
    st.integers(-5 * SECOND, 5 * SECOND),
    st.lists(
        st.tuples(
            st.one_of(st.just(0), st.integers(0, SECOND // 50), st.integers(0, 5 * SECOND)),
            st.one_of(st.none(), st.integers(0, 2)),
        ),
        max_size=12,
    ),
)
def test_whoever_finds_a_stamp_that_proves_finds_the_content(
    tick: int, ahead: int, steps: list[tuple[int, int | None]]
) -> None:
    """Each step passes some time, and then writes (always as many bytes) or looks."""
    file, known = Simulated(tick, ahead), None
    for passed, written in steps:
        file.time += passed
        if written is not None:
            file.write(written)
            continue
        status = file.status()
        if known is not None and known.stands_for(status):
            assert known.digest == str(file.content)
        known = Content(
            "a", str(file.content), 3, file.changed, file.changed, 1, is_settled(status, file.now())
        )


def _stamp(path: Path) -> tuple[int, int, int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino
