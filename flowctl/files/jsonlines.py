"""Records in JSON as splits, read by Polars; where its parser refuses one, it is examined.

NumPy is loaded only for texts in which there is something to look for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import polars as pl

from flowctl.dataclass import dataclass
from flowctl.dataflow import SUSPECT, Examined, Origin, Scan, Stretch
from flowctl.files.counting import lines_of
from flowctl.files.origins import Place
from flowctl.files.texttypes import Conversion, suspects
from flowctl.records import Float
from flowctl.syntax.node import Json

if TYPE_CHECKING:
    from polars.datatypes import DataType as PolarsType

    from flowctl.files.spans import Spans


@dataclass(frozen=True, slots=True)
class JsonColumns:
    """What the columns become; those in `always` are read even where nothing uses them."""

    conversions: dict[str, Conversion]
    always: frozenset[str] = frozenset()

    @property
    def parsed(self) -> dict[str, PolarsType]:
        """What the parser reads."""
        return {name: made.parsed for name, made in self.conversions.items()}

    @property
    def judged(self) -> dict[str, PolarsType]:
        """The same with text for floats, which may be `"NaN"`: that they fit is known before."""
        floats = {
            name for name, made in self.conversions.items() if isinstance(made.column.type, Float)
        }
        return self.parsed | dict.fromkeys(floats, pl.String())

    def read(self, columns: Sequence[str]) -> list[Conversion]:
        """The columns that can be at fault."""
        wanted = self.always.union(columns)
        return [made for name, made in self.conversions.items() if name in wanted]


@dataclass(frozen=True, slots=True)
class JsonText:
    """So many records as lines for the parser.

    A `doubtful` text has to be examined, since the parser might not refuse what is wrong in it.
    `spans` tells where each record stands in the text, and where in the chunk itself.
    """

    data: bytes
    records: int
    doubtful: bool
    spans: Callable[[], tuple[Spans, Spans]]


def json_lines(data: bytes) -> JsonText:
    """NDJSON: blank lines are no records."""

    def spans() -> tuple[Spans, Spans]:
        found = _spans(data)
        return found, found

    lines, objects = lines_of(data, ord("{"))
    records = lines if objects == lines else len(_spans(data).ends)
    return JsonText(data, records, lone_surrogates(data), spans)


@dataclass(frozen=True, slots=True)
class JsonSplit:
    """A run of records of one file; `noun` is what a record is called there."""

    columns: JsonColumns
    place: Place
    after: Json
    text: Callable[[bytes], JsonText] = json_lines
    noun: str = "line"

    @property
    def file(self) -> str:
        return self.place.file

    @property
    def size(self) -> int:
        return self.place.chunk.size

    def taken(self) -> Sequence[Stretch]:
        return self.place.taken()

    def scan(self, columns: Sequence[str]) -> Scan | None:
        text = self.text(self.place.chunk.data)
        if text.doubtful:
            return None
        frame = self.place.marked(self.parse(text.data), columns, lambda: text.spans()[1])
        made = self.columns.conversions.values()
        values = [conversion.quick for conversion in made if conversion.convert is not None]
        if doubts := suspects(self.columns.read(columns), columns):
            values.append(pl.any_horizontal(doubts).alias(SUSPECT))
        return Scan(text.records, frame.with_columns(values))

    def examine(self, columns: Sequence[str]) -> Examined:
        from flowctl.files.json_faults import examine

        return examine(self, columns)

    def origins(self, records: Sequence[int]) -> list[Origin]:
        return self.place.origins(self.text(self.place.chunk.data).spans()[1], records)

    def parse(self, data: bytes, lenient: bool = False) -> pl.LazyFrame:
        return pl.scan_ndjson(data, schema=self.columns.parsed, ignore_errors=lenient)


def _spans(data: bytes) -> Spans:
    """The lines that are not blank."""
    import numpy as np

    from flowctl.files.spans import Spans, line_spans

    spans = line_spans(data)
    first = np.frombuffer(data, np.uint8)[spans.starts]
    kept = first == ord("{")
    for line in np.flatnonzero(~kept).tolist():
        kept[line] = bool(data[spans.starts[line] : spans.ends[line]].strip())
    if kept.all():
        return spans
    return Spans(spans.starts[kept], spans.ends[kept], spans.fields[kept], spans.stray[kept])


def lone_surrogates(data: bytes) -> bool:
    """Whether an escape may stand for half a character, which the parser reads as NUL."""
    if b"\\" not in data:
        return False
    import numpy as np

    raw = np.frombuffer(data + b"\0" * 12, np.uint8)
    escapes = np.flatnonzero(raw == ord("\\"))
    escapes = escapes[(raw[escapes + 1] == ord("u")) & (raw[escapes + 2] | 32 == ord("d"))]
    digit = raw[escapes + 3] | 32
    low = (digit >= ord("c")) & (digit <= ord("f"))
    high = (digit == ord("8")) | (digit == ord("9")) | (digit == ord("a")) | (digit == ord("b"))
    return not np.array_equal(escapes[high] + 6, escapes[low])
