"""Parquet's footer: what row groups a file has, and one footer made of several files'.

A row group's bytes name no place in the file; only the footer does. So files can be put one behind
the other without encoding anything again, when the places in their footers are moved.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from flowctl.codes.environment import DAMAGED
from flowctl.dataclass import dataclass
from flowctl.dataflow import BadInput
from flowctl.diagnostics import Fault
from flowctl.files.streams import unreadable
from flowctl.files.thrift import I64, LIST, STRUCT, Fields, Items, Malformed, decode, encode
from flowctl.ordinary import open_file

MAGIC: Final = b"PAR1"
_TAIL = 8

_FILE_SCHEMA, _FILE_ROWS, _FILE_GROUPS = 2, 3, 4
_GROUP_COLUMNS, _GROUP_BYTES, _GROUP_ROWS, _GROUP_OFFSET, _GROUP_ORDINAL = 1, 2, 3, 5, 7
_CHUNK_OFFSET, _CHUNK_META, _CHUNK_INDEXES = 2, 3, (4, 5, 6, 7)
_META_SIZE, _META_OFFSETS, _META_BLOOM = 7, (9, 10, 11), (14, 15)


@dataclass(frozen=True, slots=True)
class RowGroup:
    """A run of records in a Parquet file; `bytes` are its uncompressed size.

    Its pages stand between the bytes `start` and `end` of the file.
    """

    rows: int
    bytes: int
    start: int
    end: int


def row_groups(path: Path, name: str) -> list[RowGroup]:
    """The row groups of a file in order; raises BadInput on a file that is no whole Parquet."""
    try:
        footer = decode(_read_footer(path))
        return [
            RowGroup(_number(group, _GROUP_ROWS), _number(group, _GROUP_BYTES), *_pages(group))
            for group in _structs(footer, _FILE_GROUPS)
        ]
    except OSError as error:
        raise unreadable(name, error) from error
    except (Malformed, KeyError, TypeError) as error:
        fault = Fault(DAMAGED, f"`{name}` is no whole Parquet file: it has no valid footer")
        raise BadInput(fault, name) from error


def _read_footer(path: Path) -> bytes:
    with os.fdopen(open_file(path), "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size < len(MAGIC) + _TAIL:
            raise Malformed("too short")
        file.seek(size - _TAIL)
        tail = file.read(_TAIL)
        length = int.from_bytes(tail[:4], "little")
        if tail[4:] != MAGIC or length > size - _TAIL:
            raise Malformed("no magic")
        file.seek(size - _TAIL - length)
        return file.read(length)


def body_of(path: Path, name: str) -> tuple[int, bytes]:
    """Where the row groups of a file end, and its footer; raises BadInput as `row_groups` does."""
    ends = [group.end for group in row_groups(path, name)]
    try:
        return max(ends, default=len(MAGIC)), _read_footer(path)
    except OSError as error:
        raise unreadable(name, error) from error


def columns_of(footer: bytes) -> object:
    """What a footer says of the columns: files with the same of it can become one."""
    return decode(footer)[_FILE_SCHEMA]


def take_apart(file: bytes) -> tuple[bytes, bytes]:
    """The row groups of a whole file in memory, and its footer."""
    end = len(file) - _TAIL
    start = end - int.from_bytes(file[end : end + 4], "little")
    footer = file[start:end]
    ends = [_pages(group)[1] for group in _structs(decode(footer), _FILE_GROUPS)]
    # Page indexes and bloom filters, which stand behind the row groups, are left out.
    return file[len(MAGIC) : max(ends, default=len(MAGIC))], footer


def put_together(footers: Sequence[tuple[int, bytes]], empty: bytes) -> bytes:
    """The end of a file that holds these files' row groups, each from its offset on.

    `empty` is the footer of a file without records; it tells the columns where there are no others.
    Raises ValueError where the files differ in their columns.
    """
    whole = decode(empty)
    groups: list[Fields] = []
    for offset, footer in footers:
        part = decode(footer)
        if part[_FILE_SCHEMA] != whole[_FILE_SCHEMA]:
            raise ValueError("the parts of a Parquet file have different columns")
        for group in _structs(part, _FILE_GROUPS):
            _move(group, offset - len(MAGIC))
            groups.append(group)
    whole[_FILE_ROWS] = (I64, sum(_number(group, _GROUP_ROWS) for group in groups))
    whole[_FILE_GROUPS] = (LIST, Items(STRUCT, [*groups]))
    footer = encode(whole)
    return footer + len(footer).to_bytes(4, "little") + MAGIC


def _move(group: Fields, distance: int) -> None:
    group.pop(_GROUP_ORDINAL, None)
    _move_number(group, _GROUP_OFFSET, distance)
    for chunk in _structs(group, _GROUP_COLUMNS):
        for number in _CHUNK_INDEXES:
            chunk.pop(number, None)
        _move_number(chunk, _CHUNK_OFFSET, distance)
        meta = _struct(chunk, _CHUNK_META)
        for number in _META_OFFSETS:
            _move_number(meta, number, distance)
        for number in _META_BLOOM:
            meta.pop(number, None)


def _move_number(fields: Fields, number: int, distance: int) -> None:
    """Zero means that there is no such place."""
    if fields.get(number, (I64, 0))[1]:
        fields[number] = (I64, _number(fields, number) + distance)


def _pages(group: Fields) -> tuple[int, int]:
    """Where the pages of a row group begin and end."""
    metas = [_struct(chunk, _CHUNK_META) for chunk in _structs(group, _GROUP_COLUMNS)]
    places = [
        (page, page + _number(meta, _META_SIZE)) for meta in metas if (page := _first_page(meta))
    ]
    start = min((place[0] for place in places), default=len(MAGIC))
    return start, max((place[1] for place in places), default=len(MAGIC))


def _first_page(meta: Fields) -> int:
    data, _, dictionary = _META_OFFSETS
    places = [_number(meta, number) for number in (data, dictionary) if number in meta]
    return min(place for place in places if place)


def _number(fields: Fields, number: int) -> int:
    value = fields[number][1]
    if not isinstance(value, int):
        raise TypeError(f"field {number} is no number")
    return value


def _struct(fields: Fields, number: int) -> Fields:
    value = fields[number][1]
    if not isinstance(value, dict):
        raise TypeError(f"field {number} is no struct")
    return value


def _structs(fields: Fields, number: int) -> list[Fields]:
    value = fields[number][1]
    if not isinstance(value, Items):
        raise TypeError(f"field {number} is no list")
    return [item for item in value.values if isinstance(item, dict)]
