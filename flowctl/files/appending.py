"""What a text file must be like, so that further records can stand behind those that it holds."""

from __future__ import annotations

from typing import Final

from flowctl.codes.environment import NOT_JOINED
from flowctl.dataflow import BadInput
from flowctl.diagnostics import Fault
from flowctl.files.compressing import compressed
from flowctl.files.dialect import Dialect, Layout, read_header
from flowctl.files.paths import DataFile
from flowctl.files.streams import PIECE, compression, open_stream
from flowctl.records import Schema

_QUOTE: Final = ord('"')


def other_header(file: DataFile, names: tuple[str, ...], delimiter: str) -> Fault | None:
    """What keeps records with these columns from standing in a CSV file with a header.

    A file that is not there, or empty, keeps nothing.
    """
    layout = Layout(Dialect(ord(delimiter), _QUOTE))
    try:
        if not holds_anything(file):
            return None
        stream = open_stream(file)
        try:
            header = read_header(stream, file.name, layout)
        finally:
            stream.close()
    except BadInput as error:
        return Fault(NOT_JOINED, error.fault.message)
    if header is None or header.names == names:
        return None
    return Fault(NOT_JOINED, f"`{file.name}` has other columns: {_difference(header.names, names)}")


def other_columns(there: Schema, here: Schema, name: str) -> Fault | None:
    """What keeps files with columns of their own types from standing beside another one."""
    types = {column.name: column.type for column in there}
    for column in here:
        if types.get(column.name) != column.type:
            seen = f"{types[column.name]}" if column.name in types else "missing"
            message = f"`{name}`: column `{column.name}` is {seen} there and {column.type} here"
            return Fault(NOT_JOINED, message)
    further = next((column.name for column in there if column.name not in here), None)
    if further is None:
        return None
    return Fault(NOT_JOINED, f"`{name}` has a column `{further}`, which is missing here")


def _difference(there: tuple[str, ...], here: tuple[str, ...]) -> str:
    """The first difference between two lists of columns."""
    for number, (one, other) in enumerate(zip(there, here, strict=False), 1):
        if one != other:
            return f"column {number} is `{one}` there and `{other}` here"
    return f"there are {len(there)} there and {len(here)} here"


def joint(file: DataFile) -> bytes:
    """What must stand between the last line of a file and the next one; raises BadInput."""
    last = b""
    if compression(file.path) is None:
        with file.path.open("rb") as found:
            found.seek(-1, 2)
            last = found.read(1)
    else:
        stream = open_stream(file)
        try:
            while piece := stream.read(PIECE):
                last = piece[-1:]
        finally:
            stream.close()
    return compressed(b"\n", file.path.name) if last not in (b"\n", b"") else b""


def holds_anything(file: DataFile) -> bool:
    """Whether there is any text in a file, which may not exist; raises BadInput."""
    if not file.path.is_file() or not file.path.stat().st_size:
        return False
    stream = open_stream(file)
    try:
        return bool(stream.peek(0, 1))
    finally:
        stream.close()
