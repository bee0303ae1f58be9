"""What the sources of text files can do besides: `follow` one file as it grows."""

from __future__ import annotations

import codecs
import glob
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final, cast

from flowctl.arguments import listed
from flowctl.codes.names import NEVER_ENDS
from flowctl.component import Arguments, JsonSchema, Situation, Source, Typed
from flowctl.diagnostics import Fault
from flowctl.files.paths import DataFile
from flowctl.files.streams import compression
from flowctl.records import Null, Schema, Unknown
from flowctl.sourcing import declared, paths_of

if TYPE_CHECKING:
    from flowctl.dataflow import Reader
    from flowctl.files.delimited import Delimited
    from flowctl.files.lines import LineFiles

_FOLLOW: Final[JsonSchema] = {
    "description": "Read on as the file grows, through rotations, until the run is told to stop, "
    "and publish what has come about once a second. The source is one file, which need not exist "
    "yet; the sinks add to what stands there. False unless said.",
    "type": "boolean",
}


def followed(source: Source) -> Source:
    """The same source, with `follow`."""
    kind = source.spec.kind

    def rule(arguments: Arguments, situation: Situation) -> Typed:
        plain = {name: value for name, value in arguments.items() if name != "follow"}
        if arguments.get("follow") is not True:
            return source.rule(plain, situation)
        faults = tuple(_faults(kind, plain, situation))
        if faults:
            return Typed(dict(arguments), Schema(open=True), faults)
        typed = source.rule(plain, situation)
        return _expected(kind, plain, typed)

    def open(arguments: Arguments, schema: Schema, files: tuple[DataFile, ...]) -> Reader:
        plain = {name: value for name, value in arguments.items() if name != "follow"}
        reader = source.open(plain, schema, files)
        if arguments.get("follow") is not True:
            return reader
        from flowctl.files.growing import GrowingFile

        return GrowingFile(files[0], cast("Delimited | LineFiles", reader))

    spec = replace(source.spec, options={**source.spec.options, "follow": _FOLLOW})
    return replace(source, spec=spec, rule=rule, open=open)


def _expected(kind: str, arguments: Arguments, typed: Typed) -> Typed:
    """The rule's answer for a file that may have no records yet."""
    canonical = {**typed.arguments, "follow": True}
    if typed.missing and kind != "text":
        columns = declared(arguments.get("columns"), (), kind).columns
        if not columns:
            message = f"`{arguments[kind]}` has no records yet: say in `columns` what they will be"
            return replace(typed, arguments=canonical, missing=(message,))
        return Typed(canonical, Schema(columns), typed.faults)
    empty = [column.name for column in typed.observed if isinstance(column.type, Null | Unknown)]
    missing: tuple[str, ...] = ()
    if empty:
        message = f"no value of {listed(empty)} has come yet: say in `columns` what they will be"
        missing = (message,)
    return replace(typed, arguments=canonical, missing=missing)


def _faults(kind: str, arguments: Arguments, situation: Situation) -> Iterator[Fault]:
    """Why this cannot be followed."""
    paths = paths_of(arguments[kind])
    if isinstance(arguments[kind], list) or len(paths) != 1:
        message = "one file can be followed, not a list"
        yield Fault(NEVER_ENDS, message, (kind,), help="follow each in a step of its own")
        return
    path = paths[0]
    found = situation.files.expand(path)
    if path.endswith("/") or [file.name for file in found] not in ([], [path]):
        what = "a glob" if glob.has_magic(path) else "a folder"
        help = "read new files as they come with `incremental: true`, in one run after the other"
        yield Fault(NEVER_ENDS, f"one file can be followed, not {what}", (kind,), help=help)
    elif not found and glob.has_magic(path):
        help = "name the file that is written to; those that it is rotated to are found"
        yield Fault(NEVER_ENDS, "one file can be followed, not a glob", (kind,), help=help)
    elif compression(path) is not None:
        message = "a compressed file cannot be followed: where a record ends is not seen in it"
        yield Fault(NEVER_ENDS, message, (kind,))
    if arguments.get("incremental") is True:
        message = "`follow` reads on in the same file, `incremental` reads each file once"
        yield Fault(NEVER_ENDS, message, ("incremental",), help="leave one of them out")
    encoding = str(arguments.get("encoding", "utf-8"))
    if not _is_utf8(encoding):
        message = "only UTF-8 can be followed"
        yield Fault(NEVER_ENDS, message, ("encoding",), help="have the writer write UTF-8")


def _is_utf8(encoding: str) -> bool:
    try:
        return codecs.lookup(encoding).name == "utf-8"
    except (LookupError, ValueError):
        return True  # told by the source itself
