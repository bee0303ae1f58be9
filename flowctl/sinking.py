"""What the sinks share in their rules: the path, and types that a format cannot hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from flowctl.codes.environment import SINK_TYPE
from flowctl.component import JsonSchema
from flowctl.diagnostics import Fault
from flowctl.records import DataType, List, Schema, Struct

PATH: Final[JsonSchema] = {
    "description": "The file to write; missing folders are made, and what stands there before is "
    "replaced when all is written.",
    "type": "string",
    "format": "path",
    "minLength": 1,
}
COMPRESSED: Final = "Compressed where the name ends in `.gz`, `.zst`, `.bz2` or `.xz`."


def unfit_types(
    schema: Schema, refused: tuple[type[DataType], ...], kind: str, form: str
) -> Iterator[Fault]:
    """A fault, told at the kind key, for each column of a type that the format cannot spell."""
    for column in schema:
        if any(isinstance(part, refused) for part in _parts(column.type)):
            message = f"column `{column.name}` is {column.type}, which {form} cannot hold"
            help = "drop it, make text of it with `derive`, or write Parquet"
            yield Fault(SINK_TYPE, message, (kind,), help=help)


def _parts(kind: DataType) -> Iterable[DataType]:
    yield kind
    if isinstance(kind, List):
        yield from _parts(kind.item)
    if isinstance(kind, Struct):
        for field in kind.fields:
            yield from _parts(field.type)
