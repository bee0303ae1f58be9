"""One worker process, as the run sees it: it is given calls, one after the other."""

from __future__ import annotations

import contextlib
import fcntl
import io
import json
import os
import select
import signal
import struct
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any, Final, Literal

from flowctl.dataclass import dataclass
from flowctl.workers.calls import Call, Died, OnOutput, Raised, Stop, Stopped

_LENGTHS: Final = struct.Struct("<IQ")
_PIECE: Final = 1 << 16
_WIDEST: Final = 1 << 20
"""What a pipe holds at most. So much room is made only for what is that long: it costs a call."""
_POLL: Final = 50
"""Milliseconds."""
_JSON: Final = json.JSONDecoder()
_PROGRAM: Final = Path(__file__).with_name("child.py")


@dataclass(frozen=True, slots=True)
class Reply:
    """Some of the items that a function yields: a `frame`, or JSON."""

    kind: Literal["values", "frame"]
    body: bytes


@dataclass(slots=True)
class Worker:
    """A process that calls functions of the project below `root`; one thread at a time uses it."""

    root: Path
    process: subprocess.Popen[bytes]
    _requests: int
    _replies: int
    _lifeline: int
    _pidfd: int | None
    _poll: select.poll = field(default_factory=select.poll)
    _printing: dict[int, Literal["stdout", "stderr"]] = field(default_factory=dict)
    _received: bytearray = field(default_factory=bytearray)

    @classmethod
    def start(cls, root: Path, cwd: Path, environment: Mapping[str, str]) -> Worker:
        """Starts a process, which ends with this one whatever happens; raises OSError."""
        theirs_requests, requests = os.pipe()
        replies, theirs_replies = os.pipe()
        theirs_lifeline, lifeline = os.pipe()
        theirs = (theirs_requests, theirs_replies, theirs_lifeline)
        try:
            process = subprocess.Popen(
                [sys.executable, "-P", str(_PROGRAM), *map(str, theirs), str(root)],
                cwd=cwd,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                pass_fds=theirs,
                start_new_session=True,
            )
        except OSError:
            for descriptor in (requests, replies, lifeline):
                os.close(descriptor)
            raise
        finally:
            for descriptor in theirs:
                os.close(descriptor)
        _widen(requests, replies)
        worker = cls(root, process, requests, replies, lifeline, _pidfd(process.pid))
        worker._listen()
        return worker

    def answer(
        self,
        call: Call,
        result: Literal["value", "frame"],
        on_output: OnOutput,
        stop: Stop | None = None,
    ) -> bytes:
        """The one answer to a call: JSON or a frame. After a failure the worker is of no use.

        What the function prints is given on as it comes, all of it before the answer. Raises
        Raised, Died, Stopped.
        """
        self._send(call, result)
        head, body = self._message(call, on_output, stop)
        self._rest(on_output)
        if head["reply"] == "raised":
            raise _raised(call, head)
        return body

    def items(self, call: Call, on_output: OnOutput, stop: Stop | None = None) -> Iterator[Reply]:
        """The answers to a call; if they are not all taken, the worker is of no use.

        All else is as with `answer`.
        """
        self._send(call, "items")
        while True:
            head, body = self._message(call, on_output, stop)
            match head["reply"]:
                case "raised":
                    self._rest(on_output)
                    raise _raised(call, head)
                case "end":
                    self._rest(on_output)
                    return
                case "values":
                    yield Reply("values", body)
                case _:
                    yield Reply("frame", body)

    def close(self) -> None:
        """Ends the process and all that it has started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for descriptor in (self._requests, self._replies, self._lifeline, self._pidfd):
            if descriptor is not None:
                os.close(descriptor)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self._printing = {
            self.process.stdout.fileno(): "stdout",
            self.process.stderr.fileno(): "stderr",
        }
        for descriptor in (*self._printing, self._replies):
            os.set_blocking(descriptor, False)
            self._poll.register(descriptor, select.POLLIN)
        if self._pidfd is not None:
            self._poll.register(self._pidfd, select.POLLIN)

    def _send(self, call: Call, results: str) -> None:
        head = {
            "module": call.module,
            "function": call.function,
            "file": str(call.file),
            "arguments": dict(call.arguments),
            "framed": call.frame is not None,
            "results": results,
        }
        written = json.dumps(head).encode()
        body = memoryview(b"")
        if call.frame is not None:
            buffer = io.BytesIO()
            # A frame that others see is locked by this, and that waits for the interpreter's lock.
            call.frame.clone().write_ipc_stream(buffer)
            body = buffer.getbuffer()
        # A worker that is dead tells so where its answer is awaited.
        with contextlib.suppress(BrokenPipeError):
            _write(self._requests, _LENGTHS.pack(len(written), len(body)) + written)
            _write(self._requests, body)

    def _message(
        self, call: Call, on_output: OnOutput, stop: Stop | None
    ) -> tuple[dict[str, object], bytes]:
        received, needed = self._received, _LENGTHS.size
        head = 0
        waker = None if stop is None else stop.fileno()
        if waker is not None:
            self._poll.register(waker, select.POLLIN)
        try:
            while len(received) < needed or not head:
                if len(received) >= needed:
                    head, body = _LENGTHS.unpack_from(received)
                    needed += head + body
                elif not self._pump(on_output, stop, needed - len(received)):
                    self._rest(on_output)
                    raise self._end(call, stop)
        finally:
            if waker is not None:
                self._poll.unregister(waker)
        start = _LENGTHS.size + head
        found: dict[str, object] = from_json(received[_LENGTHS.size : start])
        content = bytes(memoryview(received)[start:needed])
        del received[:needed]
        return found, content

    def _pump(self, on_output: OnOutput, stop: Stop | None, missing: int) -> bool:
        """Waits for anything to come; whether what is missing still may."""
        if stop is not None and stop.asked:
            return False
        ready = {
            descriptor for descriptor, _ in self._poll.poll(_POLL if self._pidfd is None else None)
        }
        self._print(ready, on_output)
        if self._replies in ready:
            piece = _available(self._replies, min(max(missing, _PIECE), _WIDEST))
            if piece is not None:
                self._received += piece
                return bool(piece)
        dead = self._pidfd in ready if self._pidfd is not None else self.process.poll() is not None
        return not dead

    def _print(self, ready: set[int], on_output: OnOutput) -> bool:
        """Gives on what was printed; whether there was any."""
        came = False
        for descriptor in ready & self._printing.keys():
            piece = _available(descriptor)
            if piece:
                on_output(self._printing[descriptor], piece)
                came = True
            elif piece is not None:
                self._poll.unregister(descriptor)
                del self._printing[descriptor]
        return came

    def _rest(self, on_output: OnOutput) -> None:
        """What was printed before the answer, which has left no later."""
        while self._print({descriptor for descriptor, _ in self._poll.poll(0)}, on_output):
            pass

    def _end(self, call: Call, stop: Stop | None) -> Died | Stopped:
        if stop is not None and stop.asked:
            return Stopped(call)
        code = self.process.wait()
        if code >= 0:
            return Died(call, code, None)
        with contextlib.suppress(ValueError):
            return Died(call, None, signal.Signals(-code).name)
        return Died(call, None, str(-code))


def from_json(text: bytes | bytearray) -> Any:
    """The value of what a worker has written, without a look at its encoding and its ends."""
    return _JSON.raw_decode(text.decode())[0]


def _raised(call: Call, head: Mapping[str, object]) -> Raised:
    file, line = head["file"], head["line"]
    return Raised(
        call,
        str(head["type"]),
        str(head["message"]),
        kinds=tuple(map(str, kinds)) if isinstance(kinds := head["kinds"], list) else (),
        unfit=bool(head["unfit"]),
        file=file if isinstance(file, str) else None,
        line=line if isinstance(line, int) else None,
        code=str(head["code"]),
        traceback=str(head["traceback"]),
    )


def _available(descriptor: int, most: int = _PIECE) -> bytes | None:
    """What can be read at once; None for nothing, and no bytes at the end."""
    try:
        return os.read(descriptor, most)
    except BlockingIOError:
        return None


def _write(descriptor: int, data: bytes | memoryview) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


def _widen(*descriptors: int) -> None:
    """A frame goes through a wide pipe in fewer turns; where that is refused, it takes more."""
    if sys.platform == "linux":
        for descriptor in descriptors:
            with contextlib.suppress(OSError):
                fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, _WIDEST)


def _pidfd(pid: int) -> int | None:
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            return os.pidfd_open(pid)
    return None
