"""What became of a stream's records, so that none is lost silently."""

from __future__ import annotations

from dataclasses import fields

from flowctl.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Counts:
    """A stream's records: read + made = written + filtered + rejected + skipped + absorbed."""

    read: int = 0
    made: int = 0
    written: int = 0
    filtered: int = 0
    rejected: int = 0
    skipped: int = 0
    absorbed: int = 0


def sum_of(*parts: Counts) -> Counts:
    """The counts of several parts together.

    >>> sum_of(Counts(read=2, written=2), Counts(read=1, absorbed=1)).read
    3
    """
    return Counts(*(sum(getattr(part, one.name) for part in parts) for one in fields(Counts)))


def after_stage(before: Counts, stage: Counts, entered: int) -> Counts:
    """The records of a stream after one more stage, which reads what an earlier one has gathered.

    Of the records that were written, so many had `entered` there: the stage has read as many,
    unless the transform between has absorbed records, or made some.
    """
    return Counts(
        read=before.read,
        made=before.made + stage.made + max(0, stage.read - entered),
        written=before.written - entered + stage.written,
        filtered=before.filtered + stage.filtered,
        rejected=before.rejected + stage.rejected,
        skipped=before.skipped + stage.skipped,
        absorbed=before.absorbed + stage.absorbed + max(0, entered - stage.read),
    )
