"""Looks at the head, the middle and the end of data files, to tell their columns' types.

Imports nothing heavy, since a workflow is validated on each keystroke.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from flowctl.dataclass import dataclass
from flowctl.files.dialect import Header, Layout, check_names, csv_reader, read_header
from flowctl.files.inference import infer_json, infer_text
from flowctl.files.paths import DataFile
from flowctl.files.streams import compression, open_stream, unreadable
from flowctl.records import Column, String

_HEAD = 48 * 1024
_PIECE = 24 * 1024
_LONGEST_LINE = 4 * 1024 * 1024
_FILES = 8
_EMPTY_TEXT = "\0"
_BEGINNING = re.compile(r"[ \t\r\n]*(?:\[[ \t\r\n]*)?(?=\{)")
_BETWEEN = re.compile(r"[ \t\r\n]*,[ \t\r\n]*(?=\{)")


@dataclass(frozen=True, slots=True)
class Sample:
    """The columns that were seen: all may hold nulls."""

    columns: tuple[Column, ...]


def sample_delimited(
    paths: Sequence[Path], layout: Layout, null_values: Iterable[str] = ()
) -> Sample | None:
    """The columns of CSV files, None where all files are empty; raises BadInput."""
    nulls = {"", _EMPTY_TEXT, *null_values}
    names: tuple[str, ...] | None = None
    seen: list[set[str]] = []
    texts: set[int] = set()
    for path in _some(paths):
        file = DataFile(path, path.name)
        header = _header(file, layout)
        if header is None:
            continue
        if names is None:
            names = header.names
            seen = [set() for _ in names]
        check_names(header.names, names, file.name, header.lines)
        places = {name: index for index, name in enumerate(names)}
        rows = list(_rows(file, layout, header))
        for column, name in enumerate(header.names):
            place, found = places[name], {row[column] for row in rows}
            seen[place] |= found - nulls
            if _EMPTY_TEXT in found:
                texts.add(place)
    if names is None:
        return None
    types = (
        String() if not values and place in texts else infer_text(values)
        for place, values in enumerate(seen)
    )
    return Sample(tuple(Column(*found) for found in zip(names, types, strict=True)))


def sample_json_lines(paths: Sequence[Path], encoding: str = "utf-8") -> Sample | None:
    """The columns of NDJSON files in order of appearance, None where there is no record."""
    return _json_columns(
        record
        for path in _some(paths)
        for piece in _pieces(DataFile(path, path.name), encoding, 0)
        for record in _lines_of_json(piece)
    )


def sample_json(paths: Sequence[Path]) -> Sample | None:
    """The columns of files of JSON arrays, or of one object each, as `sample_json_lines` does."""
    return _json_columns(record for path in _some(paths) for record in _elements(path))


def no_element(paths: Sequence[Path]) -> str:
    """Why JSON files have no columns."""
    return f"`{paths[0].name}` does not begin with a JSON object, nor with an array of them"


def _lines_of_json(text: bytes) -> Iterator[object]:
    for line in text.splitlines():
        try:
            yield json.loads(line)
        except (ValueError, RecursionError):
            continue


def _elements(path: Path) -> Iterator[dict[str, object]]:
    """The first objects of an array, and some that look like them from its middle and end."""
    file = DataFile(path, path.name)
    size, head = _HEAD, [*_objects(_bytes(file, 0, _HEAD))]
    while not head and size < _LONGEST_LINE and len(_bytes(file, 0, size)) == size:
        size *= 4
        head = [*_objects(_bytes(file, 0, size))]
    yield from head
    keys = {key for record in head for key in record}
    if not keys or compression(path) is not None:
        return
    whole = path.stat().st_size
    for place in sorted({(whole - _PIECE) // 2, whole - _PIECE}):
        if place > size:
            # A nested object has few of these keys, if it is taken for a record.
            found = _objects(_bytes(file, place, _PIECE), within=True)
            yield from (record for record in found if 2 * len(keys & set(record)) > len(keys))


def _bytes(file: DataFile, start: int, size: int) -> bytes:
    stream = open_stream(file)
    try:
        stream.skip(start)
        return stream.peek(0, size)
    finally:
        stream.close()


def _objects(data: bytes, within: bool = False) -> Iterator[dict[str, object]]:
    """The objects of an array that stand whole in a part of it, from the front or from within."""
    text = data.decode("utf-8-sig" if not within else "utf-8", errors="replace")
    decoder = json.JSONDecoder()
    between = _BETWEEN if within else _BEGINNING
    place: re.Match[str] | None = between.search(text) if within else between.match(text)
    while place is not None:
        try:
            record, end = decoder.raw_decode(text, place.end())
        except (ValueError, RecursionError):
            if not within:
                return
            place = _BETWEEN.search(text, place.end())
            continue
        if isinstance(record, dict):
            yield record
        place = _BETWEEN.match(text, end) or (_BETWEEN.search(text, end) if within else None)


def _json_columns(records: Iterable[object]) -> Sample | None:
    """The columns in order of appearance, None where nothing is a record."""
    values: dict[str, list[object]] = {}
    found = False
    for record in records:
        if isinstance(record, dict):
            found = True
            for name, value in record.items():
                values.setdefault(name, []).append(value)
    if not found:
        return None
    return Sample(tuple(Column(name, infer_json(seen)) for name, seen in values.items()))


def no_record(paths: Sequence[Path]) -> str:
    """Why NDJSON files have no columns: the first line that is there is no record, or none is."""
    for path in _some(paths):
        head = _piece(DataFile(path, path.name), "utf-8", 0, _HEAD, whole=True)
        for number, line in enumerate(head.splitlines(), 1):
            if line.strip():
                return f"line {number} of `{path.name}` is no JSON object"
    return f"`{paths[0].name}` has no record"


def _some(paths: Sequence[Path]) -> list[Path]:
    """All of a few files, a few of many: always the first and the last."""
    if len(paths) <= _FILES:
        return list(paths)
    return [paths[index * (len(paths) - 1) // (_FILES - 1)] for index in range(_FILES)]


def _header(file: DataFile, layout: Layout) -> Header | None:
    stream = open_stream(file, layout.encoding)
    try:
        return read_header(stream, file.name, layout)
    finally:
        stream.close()


def _rows(file: DataFile, layout: Layout, header: Header) -> Iterator[list[str]]:
    """Records with the right number of fields; a piece may begin inside a quoted one."""
    for piece in _pieces(file, layout.encoding, header.bytes):
        text = _marked(piece.decode(errors="replace"), layout)
        lines = iter(text.splitlines(keepends=True))
        try:
            for row in csv_reader(lines, layout.dialect):
                if len(row) == len(header.names):
                    yield row
        except csv.Error:
            continue


def _marked(text: str, layout: Layout) -> str:
    """The text with a mark in its empty quoted fields, which the csv module cannot tell."""
    if layout.dialect.quote is None:
        return text
    delimiter, quote = re.escape(chr(layout.dialect.delimiter)), chr(layout.dialect.quote)
    empty = rf"(?m)(?:(?<={delimiter})|^){re.escape(quote * 2)}(?={delimiter}|\r?$)"
    return re.sub(empty, f"{quote}{_EMPTY_TEXT}{quote}", text)


def _pieces(file: DataFile, encoding: str, start: int) -> Iterator[bytes]:
    """Whole lines from the head and, where it can be reached, the middle and the end."""
    yield _piece(file, encoding, start, _HEAD, whole=True)
    if compression(file.path) is not None or encoding != "utf-8":
        return
    try:
        size = file.path.stat().st_size
    except OSError as error:
        raise unreadable(file.name, error) from error
    for place in sorted({(start + size - _PIECE) // 2, size - _PIECE}):
        if place > start + _HEAD:
            yield _piece(file, encoding, place, _PIECE, whole=False)


def _piece(file: DataFile, encoding: str, start: int, size: int, whole: bool) -> bytes:
    stream = open_stream(file, encoding)
    try:
        stream.skip(start)
        data = stream.peek(0, size)
        while b"\n" not in data and size <= len(data) < _LONGEST_LINE:
            size *= 4
            data = stream.peek(0, size)
        ended = not stream.peek(len(data), 1)
    finally:
        stream.close()
    first = 0 if whole else data.find(b"\n") + 1
    return data[first:] if ended else data[first : data.rfind(b"\n") + 1]
