"""What a command prints: masked, cut into lines, kept in the step's log and told as events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import BinaryIO

from flowctl.action import StreamName
from flowctl.interpreter.masking import Mask, MaskedFlow

LONGEST_LINE = 1 << 16
"""Bytes; a longer line is told in pieces, so that memory stays bounded."""

OnLine = Callable[[StreamName, str], None]


class OutputLog:
    """Takes the output of a step's commands as it comes.

    The log holds the masked bytes as they were, line by line in the order in which the lines ended,
    whichever of the two streams they came on; where nothing is printed there is none. Lines for
    people are decoded as UTF-8.
    """

    def __init__(self, path: Callable[[], Path], mask: Mask, on_line: OnLine) -> None:
        """`path` names the log; it is asked when something is printed."""
        self._path = path
        self._on_line = on_line
        self._mask = mask
        self._flows: dict[StreamName, tuple[MaskedFlow, _Lines]] = {}
        self._file: BinaryIO | None = None

    def __enter__(self) -> OutputLog:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()

    def feed(self, stream: StreamName, piece: bytes) -> None:
        """Takes a piece of output, wherever it is cut."""
        if stream not in self._flows:
            self._flows[stream] = MaskedFlow(self._mask), _Lines()
        flow, lines = self._flows[stream]
        self._keep(stream, lines.feed(flow.feed(piece)))

    def end(self) -> None:
        """Tells what has come without a line's end."""
        for stream, (flow, lines) in self._flows.items():
            self._keep(stream, lines.feed(flow.end()))
            self._keep(stream, lines.end())

    def _keep(self, stream: StreamName, lines: Iterator[bytes]) -> None:
        for line in lines:
            self._opened().write(line)
            text = line.removesuffix(b"\n").removesuffix(b"\r")
            self._on_line(stream, text.decode("utf-8", "replace"))
        if self._file is not None:
            self._file.flush()

    def _opened(self) -> BinaryIO:
        if self._file is None:
            path = self._path()
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("ab")
        return self._file


@contextmanager
def heard_by_many(log: OutputLog) -> Iterator[Callable[[StreamName, bytes], None]]:
    """A log that many threads may feed; it ends with the context."""
    lock = Lock()

    def feed(stream: StreamName, piece: bytes) -> None:
        with lock:
            log.feed(stream, piece)

    with log:
        yield feed
        log.end()


class _Lines:
    """Cuts a flow into lines; each still has its end, unless it is a piece of a very long one."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, piece: bytes) -> Iterator[bytes]:
        *ended, rest = piece.split(b"\n")
        for line in ended:
            yield from self._pieces(line + b"\n")
        self._held += rest
        while len(self._held) > LONGEST_LINE:
            yield bytes(self._held[:LONGEST_LINE])
            del self._held[:LONGEST_LINE]

    def end(self) -> Iterator[bytes]:
        if self._held:
            yield bytes(self._held)
            self._held.clear()

    def _pieces(self, line: bytes) -> Iterator[bytes]:
        self._held += line
        while self._held:
            yield bytes(self._held[:LONGEST_LINE])
            del self._held[:LONGEST_LINE]
