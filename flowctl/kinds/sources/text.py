"""`text: path`: lines of text."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from flowctl.arguments import ON_ERROR
from flowctl.component import Again, Arguments, Situation, Source, Spec, Typed
from flowctl.files.paths import DataFile
from flowctl.following import followed
from flowctl.partitions import partitioned
from flowctl.records import Column, Schema, String
from flowctl.sourcing import (
    ENCODING,
    PATHS,
    encoding_faults,
    files_of,
    no_files,
    paths_of,
    size_of,
)

if TYPE_CHECKING:
    from flowctl.dataflow import Reader

SPEC = Spec(
    kind="text",
    summary="Reads lines of text, as a column `line`.",
    argument=PATHS,
    options={"encoding": ENCODING, **ON_ERROR},
    example="text: logs/access-*.log.gz",
    detail="A line's end is no part of it. A line that is not UTF-8 is at fault.",
)
_SCHEMA = Schema((Column("line", String(), nullable=False),))


def rule(arguments: Arguments, situation: Situation) -> Typed:
    canonical = {"text": arguments["text"]}
    if arguments.get("encoding", "utf-8") != "utf-8":
        canonical["encoding"] = arguments["encoding"]
    faults = tuple(encoding_faults(arguments))
    found = files_of(arguments["text"], situation.files, ())
    return Typed(
        canonical, _SCHEMA, faults, missing=() if found else (no_files(arguments["text"]),)
    )


def open(arguments: Arguments, schema: Schema, files: tuple[DataFile, ...]) -> Reader:
    from flowctl.files.lines import LineFiles, TextSplit

    encoding = str(arguments.get("encoding", "utf-8"))
    return LineFiles(files, TextSplit, encoding, size_of(files))


def again(arguments: Arguments, schema: Schema, base: Path, file: str) -> Again:
    return Again("text", {}, b"", lambda text: b"\n" not in text)


COMPONENT = followed(
    partitioned(
        Source(SPEC, rule, open, lambda arguments: paths_of(arguments["text"]), again=again)
    )
)
