"""The program of a worker: calls functions of the project as it is told, over two pipes.

It stands alone. Nothing of flowctl is imported, so that it starts fast, and the author's modules
see what they would see in a program of their own.

A message is its head's length in 4 bytes and its body's in 8, the head as JSON, and the body.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import signal
import struct
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import BinaryIO, Final

_LENGTHS: Final = struct.Struct("<IQ")
_ITEMS: Final = 1024
_LONGEST: Final = 20_000
_NOT_FINITE: Final = "nan and infinite numbers have no form in it, as they have in a frame"


def main() -> None:
    """Serves until there are no more requests; ends with the process that started it."""
    requests, replies, lifeline = (int(number) for number in sys.argv[1:4])
    root = sys.argv[4]
    for number in (requests, replies, lifeline):
        os.set_inheritable(number, False)
    threading.Thread(target=_watch, args=(lifeline,), daemon=True).start()
    # What was compiled a moment ago may be older than the source, which clocks cannot tell.
    sys.dont_write_bytecode = True
    sys.argv = [sys.argv[0]]
    sys.path.insert(0, root)
    with os.fdopen(requests, "rb") as given, os.fdopen(replies, "wb") as answers:
        while (message := _read(given)) is not None:
            _serve(*message, answers, root)


def _watch(lifeline: int) -> None:
    """Ends this process, and those that it has started, when the one that started it is gone."""
    os.read(lifeline, 1)
    os.killpg(os.getpgrp(), signal.SIGKILL)


def _serve(head: dict[str, object], body: bytes, answers: BinaryIO, root: str) -> None:
    try:
        function = _function(str(head["module"]), str(head["function"]), str(head["file"]))
        arguments = head["arguments"]
        assert isinstance(arguments, dict)
        given = (_frame(body),) if head["framed"] else ()
        returned = function(*given, **arguments)
        for reply, content in _told(returned, str(head["results"])):
            _write(answers, reply, content)
    except BrokenPipeError:
        os._exit(1)
    except BaseException as error:  # whatever it is, it is the author's
        _flush()
        _write(answers, _raised(error, root), b"")


def _function(module: str, name: str, file: str) -> Callable[..., object]:
    found = importlib.import_module(module)
    there = getattr(found, "__file__", None)
    if there is None or not _same(there, file):
        raise ImportError(
            f"`{module}` is the name of another module, {there or 'a part of Python'}"
        )
    function: Callable[..., object] = getattr(found, name)
    return function


@cache
def _same(there: str, file: str) -> bool:
    """Whether two paths lead to the same file; looked at once, since it takes as long as a call."""
    return Path(there).resolve() == Path(file).resolve()


def _told(returned: object, results: str) -> Iterator[tuple[dict[str, object], bytes]]:
    """The replies to a call: one, or one for some items each and an end."""
    if results == "value":
        content = _json(returned)
        _flush()
        yield {"reply": "value"}, content
    elif results == "frame":
        content = _ipc(returned)
        _flush()
        yield {"reply": "frame"}, content
    else:
        yield from _items(returned)


def _items(returned: object) -> Iterator[tuple[dict[str, object], bytes]]:
    waiting: list[object] = []
    if isinstance(returned, Mapping) or _is_polars(returned):
        # Their own items are keys and columns.
        returned = [returned]
    if not hasattr(returned, "__iter__") or isinstance(returned, str | bytes):
        raise _Unfit(f"it returned {_named(returned)}, which has no records")
    for item in returned:
        framed = _is_polars(item)
        if waiting and (framed or len(waiting) == _ITEMS):
            yield {"reply": "values"}, _json(waiting, _plain)
            waiting = []
        if framed:
            yield {"reply": "frame"}, _ipc(item)
        else:
            waiting.append(item)
    if waiting:
        yield {"reply": "values"}, _json(waiting, _plain)
    _flush()
    yield {"reply": "end"}, b""


def _is_polars(value: object) -> bool:
    """Tells it without importing Polars."""
    return type(value).__module__.partition(".")[0] == "polars"


def _frame(body: bytes) -> object:
    import polars as pl

    return pl.read_ipc_stream(io.BytesIO(body))


def _ipc(value: object) -> bytes:
    import polars as pl

    if not isinstance(value, pl.DataFrame):
        help = "; call `collect()` on it" if isinstance(value, pl.LazyFrame) else ""
        raise _Unfit(f"it returned {_named(value)}, not a `polars.DataFrame`{help}")
    buffer = io.BytesIO()
    value.write_ipc_stream(buffer)
    return buffer.getvalue()


def _json(value: object, default: Callable[[object], object] | None = None) -> bytes:
    try:
        return json.dumps(value, allow_nan=False, default=default).encode()
    except (TypeError, ValueError, RecursionError) as error:
        reason = _NOT_FINITE if str(error).startswith("Out of range float") else str(error)
        raise _Unfit(f"what it returned is no JSON: {reason}") from None


def _plain(value: object) -> object:
    """A date, a moment or a decimal as text; what NumPy has counted as a number of Python."""
    for name in ("isoformat", "item"):
        if callable(plainly := getattr(value, name, None)):
            return plainly()
    if type(value).__module__ in ("decimal", "_decimal"):
        return str(value)
    raise TypeError(f"{_named(value)} has no form in it")


def _named(value: object) -> str:
    name = type(value).__qualname__
    return "nothing" if value is None else f"{'an' if name[0] in 'aeiou' else 'a'} `{name}`"


class _Unfit(Exception):
    """What a function returned is not what is wanted of it."""


def _raised(error: BaseException, root: str) -> dict[str, object]:
    """What has happened, as the author would see it: without the frames of this program."""
    told = traceback.TracebackException.from_exception(error, limit=-50)
    for one in _chain(told):
        kept = [frame for frame in one.stack if not _ours(frame.filename)]
        one.stack[:] = kept
    place = _place(error, told, root)
    return {
        "reply": "raised",
        "type": type(error).__qualname__,
        "kinds": [
            name
            for kind in type(error).__mro__[:-1]
            for name in (kind.__qualname__, f"{kind.__module__}.{kind.__qualname__}")
        ],
        "message": str(error)[:_LONGEST],
        "unfit": isinstance(error, _Unfit),
        "file": place[0],
        "line": place[1],
        "code": place[2],
        "traceback": "".join(told.format())[-_LONGEST:],
    }


def _chain(told: traceback.TracebackException | None) -> Iterator[traceback.TracebackException]:
    while told is not None:
        yield told
        told = told.__cause__ or told.__context__


def _ours(file: str) -> bool:
    return file == __file__ or file.startswith("<frozen importlib")


def _place(
    error: BaseException, told: traceback.TracebackException, root: str
) -> tuple[str | None, int | None, str]:
    """The innermost line of the author's own: its file from the project's folder."""
    if isinstance(error, SyntaxError) and error.filename:
        return _from(error.filename, root), error.lineno, (error.text or "").strip()
    inside = [frame for frame in told.stack if _from(frame.filename, root) != frame.filename]
    if not inside:
        return None, None, ""
    return _from(inside[-1].filename, root), inside[-1].lineno, (inside[-1].line or "").strip()


def _from(file: str, root: str) -> str:
    return file.removeprefix(root.rstrip("/") + "/")


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError, ValueError):
            stream.flush()


def _read(given: BinaryIO) -> tuple[dict[str, object], bytes] | None:
    start = given.read(_LENGTHS.size)
    if len(start) < _LENGTHS.size:
        return None
    head, body = _LENGTHS.unpack(start)
    return json.loads(given.read(head)), given.read(body)


def _write(answers: BinaryIO, head: dict[str, object], body: bytes) -> None:
    written = json.dumps(head).encode()
    answers.write(_LENGTHS.pack(len(written), len(body)) + written)
    answers.write(body)
    answers.flush()


if __name__ == "__main__":
    main()
