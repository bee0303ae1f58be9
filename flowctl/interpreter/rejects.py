"""Records that were rejected: where they stand, what is wrong with them, and how many may be so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction

import polars as pl

from flowctl.dataclass import dataclass
from flowctl.dataflow import Split
from flowctl.interpreter.careful import StageFault
from flowctl.interpreter.outputs import Outlet
from flowctl.records import Schema

SCHEMA = Schema.of(
    {
        "file": "string",
        "line": "int64?",
        "offset": "int64?",
        "step": "string",
        "transform": "string",
        "rule": "string",
        "message": "string",
        "record": "string",
    }
)


class TooManyRejects(Exception):
    """More records are rejected than `max_rejects` allows."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many rejects a step bears: a count or a share of the records read.

    >>> Allowance.parse("1%"), Allowance.parse("10")
    (Allowance(count=None, share=Fraction(1, 100)), Allowance(count=10, share=None))
    """

    count: int | None = None
    share: Fraction | None = None

    @classmethod
    def parse(cls, text: str | None) -> Allowance:
        """From `max_rejects`, which the compiler has checked."""
        if text is None:
            return cls()
        if text.endswith("%"):
            return cls(share=Fraction(text[:-1]) / 100)
        return cls(count=int(text))


@dataclass(slots=True)
class Rejects:
    """Takes a split's faults, writes the rejects among them in order of their records.

    A count is held at every split, a share when all is read.
    """

    step: str
    allowance: Allowance
    output: Outlet | None
    count: int = 0

    def begin(self) -> None:
        if self.output is not None:
            self.output.begin()

    def carry(self, lines: bytes) -> None:
        """Takes earlier rejects, as NDJSON, before all others; they count for nothing here."""
        if self.output is not None and lines:
            self.output.take(pl.read_ndjson(lines, schema=_TYPES))

    def finish(self, read: int) -> None:
        """Ends the output; raises TooManyRejects for too large a share of the records read."""
        self.check_share(read)
        if self.output is not None:
            self.output.finish()

    def take(self, split: Split, faults: Sequence[StageFault]) -> int:
        """How many of the faults are rejects; raises TooManyRejects."""
        found = [fault for fault in faults if fault.stage.on_error == "reject"]
        found.sort(key=lambda fault: fault.fault.record)
        if not found:
            return 0
        self.count += len(found)
        allowed = self.allowance.count
        if allowed is not None and self.count > allowed:
            raise TooManyRejects(f"{self.count} records rejected, but `max_rejects` is {allowed}")
        if self.output is not None:
            self.output.take(
                pl.DataFrame(list(self._rows(split, found)), orient="row", schema=_TYPES)
            )
        return len(found)

    def check_share(self, read: int) -> None:
        """Raises TooManyRejects where too large a share of the records read was rejected."""
        allowed = self.allowance.share
        if allowed is not None and self.count > allowed * read:
            share = f"{float(allowed * 100):g}%"
            message = f"{self.count} of {read} records rejected, but `max_rejects` is {share}"
            raise TooManyRejects(message)

    def _rows(
        self, split: Split, faults: Iterable[StageFault]
    ) -> Iterator[tuple[str | int | None, ...]]:
        found = list(faults)
        # Where a record was multiplied, several faults may be its own.
        records = sorted({fault.fault.record for fault in found})
        origins = dict(zip(records, split.origins(records), strict=True))
        for fault in found:
            origin = origins[fault.fault.record]
            transform = "/".join(map(str, (*fault.stage.pointer, fault.stage.kind)))
            place = (origin.file, origin.line, origin.offset)
            rule, message = fault.fault.rule, fault.fault.message
            yield (*place, self.step, transform, rule, message, origin.text)


_TYPES = {
    column.name: pl.Int64() if column.name in ("line", "offset") else pl.String()
    for column in SCHEMA
}
