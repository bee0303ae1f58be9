"""What is asked of a worker, and how it may fail."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from flowctl.dataclass import dataclass
from flowctl.syntax.node import Json

if TYPE_CHECKING:
    import polars as pl

OnOutput: TypeAlias = "Callable[[Literal['stdout', 'stderr'], bytes], None]"


class Stop(Protocol):
    """Tells that all is to end; `fileno()` becomes readable then, and stays so."""

    @property
    def asked(self) -> bool: ...
    def fileno(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Call:
    """A call of `function` in `module`, which lies in `file`.

    A frame is the first argument; `arguments` are given by name.
    """

    module: str
    function: str
    file: Path
    arguments: Mapping[str, Json] = field(default_factory=dict)
    frame: pl.DataFrame | None = None

    def __str__(self) -> str:
        return f"{self.module}:{self.function}"


class WorkerFailed(Exception):
    """A call that did not return what was wanted of it."""


class Raised(WorkerFailed):
    """The function has raised an exception, or, if `unfit`, has returned the wrong thing.

    `file` (from the project's folder) and `line` are the innermost place in the project's code,
    where there is one; `code` is that line. `kinds` are the names of the exception's class and of
    those above it, alone and with their modules. `traceback` is Python's, without our own frames.
    """

    def __init__(
        self,
        call: Call,
        kind: str,
        message: str,
        *,
        kinds: tuple[str, ...] = (),
        unfit: bool,
        file: str | None,
        line: int | None,
        code: str,
        traceback: str,
    ) -> None:
        self.kind, self.message, self.unfit = kind, message, unfit
        self.kinds = kinds or (kind,)
        self.file, self.line, self.code, self.traceback = file, line, code, traceback
        super().__init__(self._told(call))

    def _told(self, call: Call) -> str:
        if self.unfit:
            return f"`{call}` cannot be used: {self.message}"
        what = f"{self.kind}: {self.message}" if self.message else self.kind
        place = f" at {self.file}:{self.line}" if self.file is not None else ""
        shown = f", `{self.code}`" if place and self.code else ""
        return f"`{call}` raised {what}{place}{shown}"


class Died(WorkerFailed):
    """The process ended during the call: by `os._exit`, a signal, a crash below Python."""

    def __init__(self, call: Call, code: int | None, signal: str | None) -> None:
        self.code, self.signal = code, signal
        how = f"signal {signal} ended it" if signal is not None else f"exit code {code}"
        super().__init__(f"the worker process died in `{call}`: {how}")


class Stopped(WorkerFailed):
    """The call was ended because all is to end."""

    def __init__(self, call: Call) -> None:
        super().__init__(f"`{call}` was stopped")
