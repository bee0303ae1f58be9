"""What templates may call: `file glob table date_range range`, and the filter `date`."""

from __future__ import annotations

import csv
import datetime as dt
import glob
import io
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from flowctl.codes.templates import TEMPLATE_FAILS
from flowctl.compiler.expand.bounds import MAX_ITEMS, sized
from flowctl.compiler.expand.faults import TemplateFault
from flowctl.compiler.project import FileRefused, ProjectFiles
from flowctl.syntax.node import to_json

Function = Callable[..., object]
T = TypeVar("T")


def functions(files: ProjectFiles, holder: str) -> Mapping[str, Function]:
    """The functions for templates in the file `holder`, from whose folder their paths start."""

    def file(path: object) -> str:
        """The text of a file."""
        written = _text(path, "file")
        return _refusing(lambda: files.text(files.locate(written, holder), written))

    def table(path: object) -> list[object]:
        """The rows of a small CSV (every value a text) or JSON file."""
        written = _text(path, "table")
        return _refusing(lambda: _rows(files, files.locate(written, holder), written))

    def matching(pattern: object) -> list[str]:
        """The files that match, sorted, as seen from the workflow's folder."""
        written = _text(pattern, "glob")
        return _refusing(lambda: _matches(files, written, holder))

    return {
        "file": file,
        "glob": matching,
        "table": table,
        "date_range": date_range,
        "range": _range,
    }


def date_range(first: object, last: object) -> list[str]:
    """The days from the first to the last, both included, as ISO texts.

    >>> date_range("2024-02-28", "2024-03-01")
    ['2024-02-28', '2024-02-29', '2024-03-01']
    """
    start, end = _moment(first, "date_range").date(), _moment(last, "date_range").date()
    days = (end - start).days + 1
    sized(range(0) if days < 0 else [None] * min(days, MAX_ITEMS + 1))
    return [(start + dt.timedelta(days=day)).isoformat() for day in range(days)]


def date(value: object, format: object = "%Y-%m-%d") -> str:
    """A date or time as a text, by default its ISO date.

    >>> date("2024-02-28T10:00:00Z", "%Y/%m")
    '2024/02'
    """
    return _moment(value, "date").strftime(_text(format, "date"))


def _range(*bounds: object) -> list[int]:
    whole = [bound for bound in bounds if type(bound) is int]
    if len(whole) != len(bounds) or not 1 <= len(whole) <= 3 or whole[2:] == [0]:
        raise TemplateFault(TEMPLATE_FAILS, "`range` takes one to three whole numbers")
    numbers = range(*whole)
    sized([None] * min(_length(numbers), MAX_ITEMS + 1))
    return list(numbers)


def _length(numbers: range) -> int:
    """Unlike `len`, for ranges of any size."""
    if not numbers:
        return 0
    return (numbers[-1] - numbers[0]) // numbers.step + 1


def _moment(value: object, asker: str) -> dt.datetime:
    text = _text(value, asker)
    try:
        return dt.datetime.fromisoformat(text)
    except ValueError:
        message = f"`{asker}` needs a date such as `2024-01-31`, not `{text[:40]}`"
        raise TemplateFault(TEMPLATE_FAILS, message) from None


def _text(value: object, asker: str) -> str:
    if not isinstance(value, str):
        raise TemplateFault(TEMPLATE_FAILS, f"`{asker}` needs a text")
    return value


def _refusing(read: Callable[[], T]) -> T:
    try:
        return read()
    except FileRefused as refused:
        raise TemplateFault(refused.code, refused.message, help=refused.help) from None


def _rows(files: ProjectFiles, path: Path, written: str) -> list[object]:
    if path.suffix.lower() == ".json":
        rows = to_json(files.tree(path, written))
        if not isinstance(rows, list):
            raise TemplateFault(TEMPLATE_FAILS, f"`{written}` holds no list of rows")
        return list(rows)
    if path.suffix.lower() != ".csv":
        message = f"`table` reads `.csv` and `.json`, not `{path.suffix or written}`"
        raise TemplateFault(TEMPLATE_FAILS, message)
    reader = csv.DictReader(io.StringIO(files.text(path, written)), strict=True)
    rows_read: list[object] = []
    try:
        for row in reader:
            if None in row or None in row.values():
                message = (
                    f"line {reader.line_num} of `{written}` has not as many fields as the header"
                )
                raise TemplateFault(TEMPLATE_FAILS, message)
            rows_read.append(row)
            sized(rows_read)
    except csv.Error as error:
        message = f"line {reader.line_num} of `{written}`: {error}"
        raise TemplateFault(TEMPLATE_FAILS, message) from None
    return rows_read


def _matches(files: ProjectFiles, written: str, holder: str) -> list[str]:
    start = files.locate(written, holder)
    base = files.project.base
    found = sorted(glob.iglob(start.as_posix(), recursive=True))  # noqa: PTH207  # any pattern
    sized(found)
    for path in found:
        files.locate(path, holder)
    return [Path(os.path.relpath(path, base)).as_posix() for path in found]
