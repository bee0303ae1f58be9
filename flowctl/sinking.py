"""What the sinks share in their rules: where they write and how, and types that cannot be held."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Literal, NamedTuple, TypeAlias

from flowctl.arguments import listed, texts, unknown_column
from flowctl.codes.environment import PLACING, SINK_TYPE
from flowctl.component import Arguments, JsonSchema
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Fault
from flowctl.records import (
    Boolean,
    DataType,
    Date,
    Integer,
    List,
    Null,
    Schema,
    String,
    Struct,
    Unknown,
)
from flowctl.syntax.node import Json

Mode: TypeAlias = Literal["replace", "append", "replace_partitions", "error"]

PATH: Final[JsonSchema] = {
    "description": "The file to write, or with a `/` at its end the folder of a dataset; missing "
    "folders are made, and what stands there before is replaced when all is written.",
    "type": "string",
    "format": "path",
    "minLength": 1,
}
PLACES: Final[dict[str, JsonSchema]] = {
    "mode": {
        "description": "What becomes of what stands there: `replace` (the default), `append`, "
        "`replace_partitions` (only those that occur in the output), or `error` (it must not "
        "exist).",
        "enum": ["replace", "append", "replace_partitions", "error"],
    },
    "partition_by": {
        "description": "Columns whose values become folders of the dataset (`year=2013`).",
        "type": "array",
        "items": {"type": "string", "format": "column"},
        "minItems": 1,
        "uniqueItems": True,
    },
}
COMPRESSED: Final = "Compressed where the name ends in `.gz`, `.zst`, `.bz2` or `.xz`."
_SUFFIXES: Final = {"text": ".txt"}


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a sink writes: a file, or the folder of a dataset; `suffix` is that of its files."""

    path: str
    suffix: str = ""
    mode: Mode = "replace"
    partition_by: tuple[str, ...] = ()

    @property
    def folder(self) -> bool:
        return self.path.endswith("/")


def destination(kind: str, path: str, arguments: Mapping[str, Json]) -> Destination:
    """Where a sink of this kind writes, by arguments that its rule has found sound."""
    suffix = _SUFFIXES.get(kind, f".{kind}")
    columns = tuple(texts(arguments.get("partition_by")))
    match arguments.get("mode"):
        case "append" | "replace_partitions" | "error" as mode:
            return Destination(path, suffix, mode, columns)
    return Destination(path, suffix, partition_by=columns)


class Placed(NamedTuple):
    """How a sink writes: canonical arguments, the columns of its files, and what is wrong."""

    arguments: dict[str, Json]
    files: Schema
    faults: tuple[Fault, ...]


def placed(kind: str, arguments: Arguments, schema: Schema, *, whole: str | None = None) -> Placed:
    """Judges the path, `mode` and `partition_by` of a sink.

    `whole` says why nothing can be added to a file of the format; None where it can.
    """
    path, mode = str(arguments[kind]), str(arguments.get("mode", "replace"))
    columns = texts(arguments.get("partition_by"))
    canonical: dict[str, Json] = {kind: arguments[kind]}
    if mode != "replace":
        canonical["mode"] = mode
    if columns:
        canonical["partition_by"] = list(columns)
    folder = path.endswith("/")
    faults: list[Fault] = []
    if columns and not folder:
        help = f"write `{_stem(path)}/`, or leave `partition_by` out"
        message = "partitions are folders, so the path must end in `/`"
        faults.append(Fault(PLACING, message, ("partition_by",), help=help))
    elif mode == "append" and whole is not None and not folder:
        help = f"add files to a dataset folder instead: `{kind}: {_stem(path)}/`"
        faults.append(Fault(PLACING, f"nothing can be added here: {whole}", ("mode",), help=help))
    elif mode == "replace_partitions" and not columns:
        message = "there are no partitions to replace without `partition_by`"
        faults.append(Fault(PLACING, message, ("mode",), help="as in `partition_by: [year]`"))
    faults += _partition_faults(columns, schema)
    kept = tuple(column for column in schema if column.name not in columns)
    return Placed(canonical, Schema(kept, open=schema.open), tuple(faults))


def _stem(path: str) -> str:
    """The path of a file without its extension, as the name of a folder."""
    folder, slash, name = path.rpartition("/")
    return f"{folder}{slash}{name.partition('.')[0] or name}"


def _partition_faults(columns: list[str], schema: Schema) -> Iterator[Fault]:
    for index, name in enumerate(columns):
        unknown = unknown_column(name, schema, ("partition_by", index))
        if unknown is not None:
            yield unknown
        elif name in schema and not isinstance(schema[name].type, _FOLDERS):
            message = f"`{name}` is {schema[name].type}, whose values name no folders"
            help = "partition by text, integers, booleans or dates; `derive` makes them"
            yield Fault(PLACING, message, ("partition_by", index), help=help)
    if columns and not schema.open and set(schema.names) <= set(columns):
        message = f"no column is left for the files besides {listed(columns)}"
        yield Fault(PLACING, message, ("partition_by",))


_FOLDERS: Final = (String, Integer, Boolean, Date, Null, Unknown)


def unfit_types(
    schema: Schema, refused: tuple[type[DataType], ...], kind: str, form: str
) -> Iterator[Fault]:
    """A fault, told at the kind key, for each column of a type that the format cannot spell."""
    for column in schema:
        if any(isinstance(part, refused) for part in _parts(column.type)):
            message = f"column `{column.name}` is {column.type}, which {form} cannot hold"
            help = "drop it, make text of it with `derive`, or write Parquet"
            yield Fault(SINK_TYPE, message, (kind,), help=help)


def _parts(kind: DataType) -> Iterable[DataType]:
    yield kind
    if isinstance(kind, List):
        yield from _parts(kind.item)
    if isinstance(kind, Struct):
        for field in kind.fields:
            yield from _parts(field.type)
