"""Runs one command in a process group of its own, and leaves nothing of it behind."""

from __future__ import annotations

import contextlib
import math
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from flowctl.action import Command, Exited, NotStarted, StreamName
from flowctl.interpreter.cancellation import Cancellation

_PIECE = 1 << 16
_POLL = 0.02

OnOutput = Callable[[StreamName, bytes], None]
Note = Callable[[], AbstractContextManager[Callable[[int], None]]]


def run_command(
    command: Command,
    cancellation: Cancellation,
    on_output: OnOutput,
    grace: float,
    timeout: float | None = None,
    note: Note = lambda: nullcontext(lambda group: None),
) -> Exited:
    """Runs a command to its end and gives its output on, piece by piece, as it comes.

    A cancellation, or the end of `timeout` seconds, ends the whole process group: TERM, and KILL
    after `grace` seconds. The command is on record while `note` lasts, which is told its group.
    Processes that the command leaves behind have as long to end by
    themselves, within the timeout, and are then ended likewise. Raises NotStarted where the system
    refuses the command.
    """
    deadline = None if timeout is None else time.monotonic() + timeout
    with note() as started, _started(command) as process, _Watch(process, on_output) as watch:
        started(process.pid)
        ended = watch.until_ended(cancellation=cancellation, deadline=deadline)
        stopped = not ended and cancellation.asked
        if not ended:
            _signal_group(process.pid, signal.SIGTERM)
            if not watch.until_ended(deadline=time.monotonic() + grace):
                _signal_group(process.pid, signal.SIGKILL)
                watch.until_ended()
        _end_group(process.pid, watch, cancellation, grace, deadline)
    return _exited(process.returncode, stopped, timed_out=not ended and not stopped)


def _started(command: Command) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command.argv,
            executable=command.program,
            cwd=command.cwd,
            env=dict(command.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
    except OSError as error:
        raise NotStarted((error.strerror or str(error)).lower()) from error


class _Watch:
    """Waits at once for a command's output, for its end and for a cancellation."""

    def __init__(self, process: subprocess.Popen[bytes], on_output: OnOutput) -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        self._process = process
        self._on_output = on_output
        self._pidfd = _pidfd(process.pid)
        self._open: dict[int, StreamName] = {
            process.stdout.fileno(): "stdout",
            process.stderr.fileno(): "stderr",
        }
        self._poll = select.poll()
        for stream in self._open:
            self._poll.register(stream, select.POLLIN)

    def __enter__(self) -> _Watch:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:  # something here has failed: the command must not outlive
            _signal_group(self._process.pid, signal.SIGKILL)
        if self._pidfd is not None:
            os.close(self._pidfd)

    def until_ended(
        self, *, cancellation: Cancellation | None = None, deadline: float | None = None
    ) -> bool:
        """Waits for the command's end, a cancellation or a moment; whether it has ended."""
        wakers = [waker for waker in (self._pidfd, cancellation) if waker is not None]
        for waker in wakers:
            self._poll.register(waker, select.POLLIN)
        try:
            while self._process.returncode is None and not _asked(cancellation):
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    break
                self.pump(_POLL if self._pidfd is None else left)
                self._process.poll()
        finally:
            for waker in wakers:
                self._poll.unregister(waker)
        return self._process.returncode is not None

    def pump(self, timeout: float | None) -> bool:
        """Gives on what output there is, waiting for some; tells whether any came."""
        came = False
        for descriptor, _ in self._poll.poll(
            None if timeout is None else math.ceil(timeout * 1000)
        ):
            stream = self._open.get(descriptor)
            if stream is None:
                continue
            if piece := os.read(descriptor, _PIECE):
                self._on_output(stream, piece)
                came = True
            else:
                self._poll.unregister(descriptor)
        return came


def _end_group(
    group: int, watch: _Watch, cancellation: Cancellation, grace: float, deadline: float | None
) -> None:
    """Ends what the command, which has been waited for, has left of its group."""
    left = time.monotonic() + grace
    if not _empty(group, watch, left if deadline is None else min(left, deadline), cancellation):
        for number in (signal.SIGTERM, signal.SIGKILL):
            _signal_group(group, number)
            if _empty(group, watch, time.monotonic() + grace):
                break
    while watch.pump(timeout=0):
        pass


def _empty(
    group: int, watch: _Watch, deadline: float, cancellation: Cancellation | None = None
) -> bool:
    """Waits until nobody is left in the group, or for a moment to come."""
    while _signal_group(group, 0) and _anyone_alive(group):
        if _asked(cancellation) or time.monotonic() >= deadline:
            return False
        if not watch.pump(timeout=0):
            time.sleep(_POLL)  # nobody tells when the last one of a group ends
    return True


def _anyone_alive(group: int) -> bool:
    """Whether the group holds more than dead processes that nobody has waited for yet."""
    proc = Path("/proc")
    if not (proc / "self" / "stat").exists():
        return True
    for stat in proc.glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _parent, process_group = stat.read_text().rpartition(")")[2].split()[:3]
            if int(process_group) == group and state not in "ZX":
                return True
    return False


def _asked(cancellation: Cancellation | None) -> bool:
    return cancellation is not None and cancellation.asked


def _signal_group(group: int, number: int) -> bool:
    """Whether there was anyone to signal."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
        return True
    return False


def _pidfd(pid: int) -> int | None:
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            return os.pidfd_open(pid)
    return None


def _exited(returncode: int, stopped: bool, timed_out: bool) -> Exited:
    if returncode >= 0:
        return Exited(returncode, stopped=stopped, timed_out=timed_out)
    try:
        name = signal.Signals(-returncode).name
    except ValueError:
        name = f"signal {-returncode}"
    return Exited(128 - returncode, name, stopped, timed_out)
