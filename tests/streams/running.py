"""Runs one stream in a folder, and holds it to the accounting that every run owes."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from flowctl.expressions.scope import Scope
from flowctl.interpreter.stream import StreamResult, run_stream
from flowctl.interpreter.streamsetting import SPLIT_BYTES, StreamSetting
from flowctl.plan import Check, OnError, Operation, Step, Stream
from flowctl.registry import builtin
from flowctl.syntax.node import Json

REGISTRY = builtin()
NOW = dt.datetime(2024, 1, 31, 12, tzinfo=dt.UTC)


def op(kind: str, argument: object, on_error: OnError = "fail", /, **options: object) -> Operation:
    """A component's mapping as the plan has it."""
    return Operation(kind, cast("dict[str, Json]", {kind: argument, **options}), on_error)


@dataclass(frozen=True)
class Folder:
    """A workflow's folder, and how its streams are run."""

    base: Path
    workers: int = 2
    split_bytes: int = SPLIT_BYTES
    memory: int = 1 << 32

    def run(
        self,
        source: Operation,
        *transforms: Operation,
        sink: Operation | tuple[Operation, ...] = (),
        rejects: Operation | None = None,
        max_rejects: str | None = None,
        stdout: BinaryIO | None = None,
        cancelled: Callable[[], bool] = lambda: False,
        check: Check | None = None,
    ) -> StreamResult:
        """Runs the stream; whatever comes of it, no record is unaccounted for."""
        sinks = sink if isinstance(sink, tuple) else (sink,)
        body = Stream(source, transforms, sinks, rejects, max_rejects, check=check)
        setting = StreamSetting(
            self.base,
            Scope(now=NOW),
            "test",
            workers=self.workers,
            split_bytes=self.split_bytes,
            memory=self.memory,
            stdout=stdout,
            cancelled=cancelled,
            environment=dict(os.environ),
        )
        result = run_stream(Step("s", body), setting, REGISTRY)
        counts = result.counts
        out = (counts.written, counts.filtered, counts.rejected, counts.skipped, counts.absorbed)
        assert counts.read + counts.made == sum(out)
        assert not list(self.base.rglob("*.part")), "a staged file was left behind"
        if result.status != "succeeded":
            assert not result.sinks
        return result

    def write(self, name: str, text: str | bytes) -> Path:
        """Makes a file in the folder."""
        path = self.base / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def read(self, name: str) -> str:
        return (self.base / name).read_bytes().decode()
