"""Writes one Arrow file out of record batches that were encoded by themselves.

A batch's bytes name no place in the file; only the footer does. So batches stand one behind the
other as they are, a file that is cut behind one of them can be gone on with, and one footer that
lists them all is written last.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Final, Literal, TypeAlias

import polars as pl

from flowctl.dataclass import dataclass
from flowctl.dataflow import BadInput, Part
from flowctl.diagnostics import Fault
from flowctl.expressions.polars_types import polars_type
from flowctl.files.appending import other_columns
from flowctl.files.arrow import schema_of_arrow
from flowctl.files.arrowframes import BLOCK, END, MAGIC, Table, schema_message
from flowctl.files.paths import DataFile
from flowctl.records import Schema

ArrowCompression: TypeAlias = Literal["uncompressed", "lz4", "zstd"]
BATCH: Final = 65_536
_VERSION, _SCHEMA, _BATCHES = 0, 1, 3
"""The fields of a footer."""
_TAIL: Final = 4 + len(MAGIC)


@dataclass(frozen=True)
class ArrowWriter:
    """Writes record batches of so many records or more, but for the last one."""

    schema: Schema
    compression: ArrowCompression = "uncompressed"
    rows: int = BATCH

    def begin(self) -> bytes:
        """The magic and the schema, as a stream begins: the one that Polars writes is none."""
        footer = _Encoded(self._like).footer
        table = Table.root(footer)
        schema = table.table(_SCHEMA)
        if schema is None:
            raise ValueError("the footer has no schema")
        message = schema_message(footer, schema.position, table.number(_VERSION, "<h"))
        return MAGIC.ljust(8, b"\0") + message

    def encode(self, frame: pl.DataFrame) -> Part:
        whole = self._file(frame)
        encoded = _Encoded(whole)
        if not encoded.blocks:
            return Part(b"")
        start = encoded.blocks[0][0]
        end = max(offset + meta + body for offset, meta, body in encoded.blocks)
        places = (BLOCK.pack(offset - start, meta, body) for offset, meta, body in encoded.blocks)
        return Part(whole[start:end], b"".join(places))

    def finish(self, footers: Sequence[tuple[int, bytes]]) -> bytes:
        blocks = [
            BLOCK.pack(offset + at, meta, body)
            for at, packed in footers
            for offset, meta, body in BLOCK.iter_unpack(packed)
        ]
        footer = _listing(_Encoded(self._like).footer, blocks)
        return END + footer + struct.pack("<I", len(footer)) + MAGIC

    def misfit(self, path: Path, name: str) -> Fault | None:
        try:
            return other_columns(schema_of_arrow(DataFile(path, name)), self.schema, name)
        except BadInput as error:
            return error.fault

    @cached_property
    def _like(self) -> bytes:
        """A file with these columns and one record, of nothing but nulls."""
        types = {column.name: polars_type(column.type) for column in self.schema}
        return self._file(pl.DataFrame(schema=types).clear(1))

    def _file(self, frame: pl.DataFrame) -> bytes:
        buffer = io.BytesIO()
        oldest = pl.CompatLevel.oldest()
        one = frame.rechunk()
        one.write_ipc(
            buffer,
            compression=self.compression,
            compat_level=oldest,
            record_batch_size=max(1, frame.height),
        )
        return buffer.getvalue()


@dataclass(frozen=True)
class _Encoded:
    """A whole Arrow file in memory."""

    file: bytes

    @cached_property
    def footer(self) -> bytes:
        end = len(self.file) - _TAIL
        return self.file[end - struct.unpack_from("<I", self.file, end)[0] : end]

    @cached_property
    def blocks(self) -> list[tuple[int, int, int]]:
        return [*Table.root(self.footer).blocks(_BATCHES)]


def _listing(footer: bytes, blocks: Sequence[bytes]) -> bytes:
    """The footer with these batches in place of its own: the list stands behind all else."""
    place = Table.root(footer).place(_BATCHES)
    if place is None:
        raise ValueError("the footer lists no batches")
    start = len(footer) + (4 - len(footer)) % 8  # the blocks, 4 bytes later, are aligned to 8
    made = bytearray(footer.ljust(start, b"\0"))
    struct.pack_into("<I", made, place, start - place)
    made += struct.pack("<I", len(blocks)) + b"".join(blocks)
    return bytes(made)
