"""Records that stand in the plan, read as NDJSON is."""

from __future__ import annotations

import json
from collections.abc import Iterator

from flowctl.dataclass import dataclass
from flowctl.dataflow import Split
from flowctl.files.cutting import Chunk
from flowctl.files.jsonlines import JsonColumns, JsonSplit
from flowctl.files.lines import after
from flowctl.files.origins import Place
from flowctl.syntax.node import Json


@dataclass(frozen=True, slots=True)
class InlineRows:
    """An opened table of the plan; a record's line is its place in the table, from 1."""

    rows: list[Json]
    columns: JsonColumns
    size: int | None = None

    def splits(self, target: int, start: Json = None) -> Iterator[Split]:
        if self.rows and start is None:
            text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in self.rows)
            data = text.encode()
            chunk = Chunk(data, 0, 1, len(self.rows), quoted=False, size=len(data))
            yield JsonSplit(self.columns, Place("rows", chunk), after(0, chunk))

    def close(self) -> None:
        pass
