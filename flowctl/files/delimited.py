"""Delimited text as splits: RFC 4180, read by Polars, its structure checked by bits.

On the hot path Polars parses only the columns that are wanted. It fills short records silently and
passes over long ones, so the fields of each record are counted before. A split in which anything is
wrong is read a second time: the records that break the structure are cut out, the rest is read by
the same parser, once as values and once as text, and where a text has no value the record is at
fault. So both readings agree on every sound record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import polars as pl

from flowctl.dataclass import dataclass
from flowctl.dataflow import SUSPECT, Examined, Origin, Scan, Split, Stretch
from flowctl.files.counting import even_records
from flowctl.files.cutting import Chunk, cut
from flowctl.files.dialect import Layout, check_names, read_header
from flowctl.files.lending import lent_bits
from flowctl.files.origins import Place
from flowctl.files.paths import DataFile
from flowctl.files.polars_quirks import seems_packed
from flowctl.files.streams import ByteStream, open_stream
from flowctl.files.texttypes import Conversion, suspects
from flowctl.syntax.node import Json

if TYPE_CHECKING:
    from polars.datatypes import DataType as PolarsType

    from flowctl.files.spans import Spans

_BEHIND = "__behind_the_last_field"


@dataclass(frozen=True, slots=True)
class Delimited:
    """An opened CSV source; the columns in `always` are read even where nothing uses them.

    `opened` gives the bytes of a file in an encoding.
    """

    files: tuple[DataFile, ...]
    layout: Layout
    conversions: dict[str, Conversion]
    always: frozenset[str] = frozenset()
    null_values: tuple[str, ...] = ()
    size: int | None = None
    opened: Callable[[DataFile, str], ByteStream] = open_stream

    def splits(self, target: int, start: Json = None) -> Iterator[Split]:
        first, offset, line = _position(start)
        for index in range(first, len(self.files)):
            yield from self._splits_of(index, target, offset, line)
            offset = line = 0

    def _splits_of(self, index: int, target: int, offset: int, line: int) -> Iterator[Split]:
        file = self.files[index]
        stream = self.opened(file, self.layout.encoding)
        try:
            header = read_header(stream, file.name, self.layout)
            if header is None:
                return
            check_names(header.names, list(self.conversions), file.name, header.lines)
            before = header.text if offset <= header.bytes else b""
            stream.skip(max(0, offset - header.bytes))
            offset, line = max(offset, header.bytes), max(line, header.lines + 1)
            dialect = self.layout.dialect
            for chunk in cut(stream, file.name, target, dialect, offset, line, before):
                yield CsvSplit(self, index, header.names, chunk)
        finally:
            stream.close()

    def close(self) -> None:
        pass


def _position(start: Json) -> tuple[int, int, int]:
    if isinstance(start, list):
        index, offset, line = (int(part) for part in start if isinstance(part, int))
        return index, offset, line
    return 0, 0, 0


@dataclass(frozen=True, slots=True)
class CsvSplit:
    """A run of whole records of one file, whose columns stand in the order of `names`."""

    reader: Delimited
    index: int
    names: tuple[str, ...]
    chunk: Chunk

    @property
    def file(self) -> str:
        return self.reader.files[self.index].name

    @property
    def size(self) -> int:
        return self.chunk.size

    @property
    def after(self) -> Json:
        chunk = self.chunk
        return [self.index, chunk.offset + len(chunk.data), chunk.line + chunk.lines]

    def taken(self) -> Sequence[Stretch]:
        return self.place.taken()

    def scan(self, columns: Sequence[str]) -> Scan | None:
        records = self._even_records()
        if records is None:
            return None
        types = {name: made.parsed for name, made in self.reader.conversions.items()}
        read = self.read(columns)
        doubts = suspects(read, columns)
        if behind := self._looks_behind(read):
            doubts.append(pl.col(_BEHIND).is_not_null())
        parsed = self.parse(self.chunk.data, types, behind=behind)
        frame = self.place.marked(parsed, columns, self.spans)
        made = self.reader.conversions.values()
        values = [conversion.quick for conversion in made if conversion.convert is not None]
        if doubts:
            # Flat, because Polars takes a square of the time for a chain of ors.
            values.append(pl.any_horizontal(doubts).alias(SUSPECT))
        return Scan(records, frame.with_columns(values).drop(_BEHIND, strict=False))

    def _looks_behind(self, read: Sequence[Conversion]) -> bool:
        """Whether a field behind the last one is looked for, which never is there.

        So Polars comes to a record's end field by field, which takes less time than its way of
        passing over the rest, unless that is most of the record.
        """
        last = self.names.index(read[-1].column.name) + 1 if read else 0
        return len(self.names) // 2 < last < len(self.names)

    def _even_records(self) -> int | None:
        """How many records there are, if each has a field for each column; else None."""
        data, dialect = self.chunk.data, self.reader.layout.dialect
        if not self.chunk.quoted:
            return even_records(data, dialect.delimiter, len(self.names))
        from flowctl.files.structure import find_outside

        outside = find_outside(data, dialect)
        if outside is None:
            return None
        with lent_bits(outside.ctypes.data, len(data)) as bits:
            return even_records(data, dialect.delimiter, len(self.names), bits)

    def examine(self, columns: Sequence[str]) -> Examined:
        from flowctl.files.delimited_faults import examine

        return examine(self, columns)

    def origins(self, records: Sequence[int]) -> list[Origin]:
        return self.place.origins(self.spans(), records)

    @property
    def place(self) -> Place:
        return Place(self.reader.files[self.index].name, self.chunk)

    def read(self, columns: Sequence[str]) -> list[Conversion]:
        wanted = self.reader.always.union(columns)
        return [self.reader.conversions[name] for name in self.names if name in wanted]

    def spans(self) -> Spans:
        """Where the records stand."""
        from flowctl.files.structure import find_spans, find_structure

        structure = find_structure(self.chunk.data, self.reader.layout.dialect)
        return find_spans(structure, len(self.names))

    def parse(
        self,
        data: bytes,
        types: Mapping[str, PolarsType],
        lenient: bool = False,
        behind: bool = False,
    ) -> pl.LazyFrame:
        """Records of the chunk as columns, with one `behind` them if it is asked for."""
        dialect = self.reader.layout.dialect
        quote = dialect.quote if self.chunk.quoted else None
        further: dict[str, PolarsType] = {_BEHIND: pl.Boolean()} if behind else {}
        packed = seems_packed(data)
        return pl.scan_csv(
            b"\n" + data if packed else data,
            skip_lines=int(packed),
            has_header=False,
            separator=chr(dialect.delimiter),
            quote_char=chr(quote) if quote is not None else None,
            schema={name: types[name] for name in self.names} | further,
            null_values=list(self.reader.null_values) or None,
            missing_columns="insert" if behind else "raise",
            ignore_errors=lenient,
        )
