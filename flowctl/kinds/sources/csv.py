"""`csv: path`: records from delimited text, as RFC 4180 has it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from flowctl.arguments import ON_ERROR, texts
from flowctl.codes.environment import OPTION
from flowctl.component import Again, Arguments, Situation, Source, Spec, Typed
from flowctl.dataflow import BadInput
from flowctl.diagnostics import Fault
from flowctl.files.dialect import Dialect, Layout
from flowctl.files.paths import DataFile
from flowctl.files.sampling import Sample, sample_delimited
from flowctl.following import followed
from flowctl.partitions import partitioned
from flowctl.records import Binary, Duration, List, Schema, Struct
from flowctl.sourcing import (
    COLUMNS,
    ENCODING,
    PATHS,
    declared,
    encoding_faults,
    files_of,
    given,
    no_files,
    paths_of,
    size_of,
    typed_in_place,
)
from flowctl.syntax.node import Json

if TYPE_CHECKING:
    from flowctl.dataflow import Reader

SPEC = Spec(
    kind="csv",
    summary="Reads delimited text.",
    argument=PATHS,
    options={
        "columns": COLUMNS,
        "delimiter": {
            "description": "The character between fields; `,` unless said.",
            "type": "string",
        },
        "quote": {
            "description": 'The character around quoted fields; `"` unless said, empty for none.',
            "type": "string",
        },
        "header": {
            "description": "Whether the first record names the columns; true unless said. Without "
            "one, `columns` names them in order, or they are `column0`, `column1`...",
            "type": "boolean",
        },
        "null_values": {
            "description": "Texts that stand for null, besides the unquoted empty field.",
            "type": "array",
            "items": {"type": "string", "minLength": 1},
        },
        "encoding": ENCODING,
        "skip": {
            "description": "Lines that stand before the header; 0 unless said.",
            "type": "integer",
            "minimum": 0,
        },
        **ON_ERROR,
    },
    example="csv: data/flights-*.csv.gz\ncolumns: {dep_delay: int64?}\nnull_values: [NA]\n",
    detail='An unquoted empty field is null, `""` is empty text. The files of one source have '
    "the same columns, in any order. A record with too few or too many fields is at fault; blank "
    "lines are passed over where there are several columns. Dates and times are ISO 8601.",
)
_DEFAULTS: Final[dict[str, Json]] = {
    "delimiter": ",",
    "quote": '"',
    "header": True,
    "null_values": [],
    "encoding": "utf-8",
    "skip": 0,
}
_NOT_IN_TEXT = (Binary, Duration, List, Struct)
_ENDINGS = (".csv", ".tsv")


def rule(arguments: Arguments, situation: Situation) -> Typed:
    columns = declared(arguments.get("columns"), _NOT_IN_TEXT, "CSV")
    canonical = {"csv": arguments["csv"], **given(arguments, _DEFAULTS, _DEFAULTS)}
    if columns.columns:
        canonical["columns"] = columns.canonical
    faults = (*columns.faults, *_option_faults(arguments))
    unsure = Schema(columns.columns, open=True)
    if faults:
        return Typed(canonical, unsure, faults)
    files = files_of(arguments["csv"], situation.files, _ENDINGS)
    if not files:
        return Typed(canonical, unsure, missing=(no_files(arguments["csv"]),))
    try:
        layout = _layout(arguments, tuple(column.name for column in columns.columns))
        sample = sample_delimited(files, layout, texts(arguments.get("null_values")))
    except BadInput as error:
        return Typed(canonical, unsure, (error.fault.below("csv"),))
    if sample is None and not columns.columns:
        skipped = f"has nothing behind {layout.skip} skipped lines" if layout.skip else "is empty"
        message = f"`{files[0].name}` {skipped}, so its columns are not known: say `columns`"
        return Typed(canonical, unsure, missing=(message,))
    return typed_in_place(canonical, columns, sample or Sample(columns.columns))


def _option_faults(arguments: Arguments) -> Iterator[Fault]:
    delimiter, quote = _text(arguments, "delimiter"), _text(arguments, "quote")
    if len(delimiter.encode()) != 1 or delimiter in "\r\n":
        message = "the delimiter must be one ASCII character"
        yield Fault(OPTION, message, ("delimiter",), help='a tab is written "\\t"')
    if quote and (len(quote.encode()) != 1 or quote in "\r\n"):
        message = "the quote must be one ASCII character, or empty for none"
        yield Fault(OPTION, message, ("quote",))
    elif quote == delimiter:
        yield Fault(OPTION, "the quote is the delimiter too", ("quote",))
    yield from encoding_faults(arguments)


def _text(arguments: Arguments, option: str) -> str:
    return str(arguments.get(option, _DEFAULTS[option]))


def _layout(arguments: Arguments, names: tuple[str, ...]) -> Layout:
    quote, skip = _text(arguments, "quote"), arguments.get("skip", 0)
    header = arguments.get("header") is not False
    return Layout(
        Dialect(ord(_text(arguments, "delimiter")), ord(quote) if quote else None),
        header=header,
        names=() if header else names,
        skip=skip if isinstance(skip, int) else 0,
        encoding=_text(arguments, "encoding"),
    )


def open(arguments: Arguments, schema: Schema, files: tuple[DataFile, ...]) -> Reader:
    from flowctl.files.delimited import Delimited
    from flowctl.files.texttypes import conversions

    names = tuple(column.name for column in declared(arguments.get("columns"), (), "CSV").columns)
    return Delimited(
        files,
        _layout(arguments, tuple(schema.names)),
        conversions({column.name: column for column in schema}),
        always=frozenset(names),
        null_values=tuple(texts(arguments.get("null_values"))),
        size=size_of(files),
    )


def again(arguments: Arguments, schema: Schema, base: Path, file: str) -> Again:
    """The header tells in which order the columns stand in this file; it is read as UTF-8."""
    from flowctl.files.dialect import read_header
    from flowctl.files.streams import open_stream
    from flowctl.files.structure import find_structure

    layout = _layout(arguments, tuple(schema.names))
    stream = open_stream(DataFile(base / file, file), layout.encoding)
    try:
        header = read_header(stream, file, layout)
    finally:
        stream.close()
    names = header.names if header is not None else tuple(schema.names)

    def whole(text: bytes) -> bool:
        found = find_structure(text, layout.dialect)
        closed = found.quotes is None or not found.quotes.open
        return closed and len(found.ends()) == 1 and (len(names) == 1 or bool(text.strip()))

    others = {name: value for name, value in arguments.items() if name != "encoding"}
    return Again("csv", others, header.text if header is not None else b"", whole)


COMPONENT = followed(
    partitioned(
        Source(SPEC, rule, open, lambda arguments: paths_of(arguments["csv"]), _ENDINGS, again)
    )
)
