"""A split with suspects, gone through operator by operator: who is at fault, where and why.

Faulty records leave the frame as soon as they are found, so that nothing behind sees them. Where a
fault ends the step, only records before it go on, and so the fault that is told is that of the
first record, not that of the first operator.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field, replace

import polars as pl

from flowctl.dataclass import dataclass
from flowctl.dataflow import CARRIED, RECORD, SUSPECT, Examined, RecordFault, Split
from flowctl.files.polars_quirks import REFUSALS
from flowctl.interpreter.pipeline import Pipeline, Stage
from flowctl.operators import Hazard, Keep, Rowwise


@dataclass(frozen=True, slots=True)
class StageFault:
    """A record's fault and the stage that found it."""

    stage: Stage
    fault: RecordFault


@dataclass(frozen=True, slots=True)
class Examination:
    """What is left of a split, and the faults found; `fatal` is the one that ends the step.

    `filtered` records were left out by a filter; `more` than the `rows` have come, or less.
    """

    rows: int
    frame: pl.DataFrame
    filtered: int
    faults: tuple[StageFault, ...] = ()
    fatal: StageFault | None = None
    more: int = 0


class EngineRefused(Exception):
    """An operator fails as a whole, although no record is at fault."""

    def __init__(self, stage: Stage, error: Exception) -> None:
        super().__init__(str(error).splitlines()[0])
        self.stage = stage


@dataclass(slots=True)
class _Findings:
    """Faults as they come up, stage by stage."""

    faults: list[StageFault] = field(default_factory=list)
    fatal: StageFault | None = None

    def add(self, frame: pl.DataFrame, stage: Stage, found: Sequence[RecordFault]) -> pl.DataFrame:
        """The frame without the faulty records, nor what comes behind one that ends the step."""
        if not found:
            return frame
        if stage.on_error == "fail":
            first = min(found, key=lambda fault: fault.record)
            self.fatal = StageFault(stage, first)
            self.faults = [seen for seen in self.faults if seen.fault.record < first.record]
            return frame.filter(pl.col(RECORD) < first.record)
        self.faults += [StageFault(stage, fault) for fault in found]
        records = pl.Series([fault.record for fault in found], dtype=pl.Int64)
        return frame.filter(~pl.col(RECORD).is_in(records.implode()))


def examine_split(split: Split, pipeline: Pipeline) -> Examination:
    """Reads a split with care and takes it through the first segment; raises BadInput."""
    columns = tuple(dict.fromkeys([*pipeline.columns, RECORD]))
    examined = _read(split, columns, pipeline.schema.names)
    findings = _Findings()
    frame = findings.add(examined.frame, pipeline.source, examined.faults)
    found = _go_on(examined.rows, frame, pipeline, 0, findings)
    return replace(found, more=examined.more)


def examine_frame(frame: pl.DataFrame, pipeline: Pipeline, segment: int) -> Examination:
    """Takes a frame with RECORD through a later segment."""
    return _go_on(frame.height, frame, pipeline, segment, _Findings())


def _read(split: Split, columns: Sequence[str], names: Sequence[str]) -> Examined:
    """By the hot reading where that finds nothing wrong: it is the faster one."""
    scan = split.scan(columns)
    if scan is not None:
        try:
            frame = scan.frame.select(*names, pl.col(CARRIED)).collect()
        except REFUSALS:
            pass
        else:
            if SUSPECT not in frame.columns:
                return Examined(scan.rows, frame, more=scan.more)
            if not frame[SUSPECT].any():
                return Examined(scan.rows, frame.drop(SUSPECT), more=scan.more)
    return split.examine(columns)


def _go_on(
    rows: int,
    frame: pl.DataFrame,
    pipeline: Pipeline,
    segment: int,
    findings: _Findings,
) -> Examination:
    filtered = 0
    for stage in pipeline.segments[segment]:
        try:
            for hazard in stage.operator.hazards:
                frame = findings.add(frame, stage, _hazard_faults(frame, hazard))
            before = frame.height
            frame = _apply(frame, stage)
        except pl.exceptions.PolarsError as error:
            raise EngineRefused(stage, error) from error
        filtered += before - frame.height
    frame = pipeline.leaving(frame.lazy(), segment).collect()
    return Examination(rows, frame, filtered, tuple(findings.faults), findings.fatal)


def _hazard_faults(frame: pl.DataFrame, hazard: Hazard) -> list[RecordFault]:
    if hazard.suspect is not None:
        frame = frame.filter(hazard.suspect)
    if frame.is_empty():
        return []
    messages = hazard.examine(frame)
    return [
        RecordFault(record, hazard.rule, message, hazard.pointer)
        for record, message in zip(frame[RECORD], messages, strict=True)
        if message is not None
    ]


def _apply(frame: pl.DataFrame, stage: Stage) -> pl.DataFrame:
    match stage.operator:
        case Rowwise(apply):
            return apply(frame.lazy()).collect()
        case Keep(predicate):
            return frame.filter(predicate)
