"""What flows to a step from others: records, and the types of the files that they write."""

from __future__ import annotations

from collections.abc import Mapping

from flowctl.codes.names import CELLS_DIFFER
from flowctl.compiler.anatomy import Part
from flowctl.compiler.paths import Use
from flowctl.compiler.voice import Voice
from flowctl.plan import stream_id
from flowctl.records import Column, DataType, Integer, List, Null, Schema, Struct, Unknown
from flowctl.syntax.node import Json


def handed_columns(
    part: Part, writers: Mapping[str, tuple[Use, ...]], schemas: Mapping[str, Schema]
) -> Schema | None:
    """The columns of the files that a source reads, where other steps write all of them.

    None where the author has declared columns himself, and where the writers do not agree, write
    another format, or do not know their own columns.
    """
    feeds = [*writers.values()]
    if part.node.get("columns") is not None or not feeds or not all(feeds):
        return None
    written = {_written(use, part.kind, schemas) for uses in feeds for use in uses}
    schema = written.pop() if len(written) == 1 else None
    if schema is None or schema.open or not all(_declarable(column.type) for column in schema):
        return None
    return schema


def as_option(schema: Schema) -> Json:
    """The columns as the option `columns` of a source has them."""
    return {column.name: _type(column) for column in schema}


def steps_read(
    part: Part, cells: Mapping[str, tuple[str, ...]], schemas: Mapping[str, Schema], voice: Voice
) -> Json:
    """The id of the step that a source reads; a list of them for the name of a matrix step."""
    named = part.arguments["step"] if part.arguments is not None else None
    names = named if isinstance(named, list) else [named]
    ids: list[Json] = [id for name in names for id in cells.get(str(name), ())]
    known = [schemas[str(id)] for id in ids if id in schemas]
    differences = _differences(known)
    if differences and not any(schema.open for schema in known):
        one, other = differences[0]
        message = f"the cells read here hand on different columns: {one} and {other}"
        help = "bring them to one form there, with `select` and `cast`"
        voice.at(CELLS_DIFFER, part.node.get("step") or part.node, message, help)
    return ids[0] if len(ids) == 1 else ids


def _differences(schemas: list[Schema]) -> list[tuple[str, str]]:
    """The columns, by their place, in which a schema differs from the first one."""
    return [
        (_column(schemas[0], index), _column(schema, index))
        for schema in schemas
        for index in range(max(len(schemas[0]), len(schema)))
        if _column(schemas[0], index) != _column(schema, index)
    ]


def _column(schema: Schema, index: int) -> str:
    if index >= len(schema):
        return "no further one"
    return f"`{schema.columns[index].name}: {schema.columns[index].type}`"


def _written(use: Use, kind: str, schemas: Mapping[str, Schema]) -> Schema | None:
    """The columns of the files that a step writes: records, in the reader's format."""
    if use.part.kind != kind or use.part.pointer == ("rejects",):
        return None
    if use.part.node.get("partition_by") is not None:
        return None  # its files do not hold all of the columns
    return schemas.get(stream_id(use.step, use.part.pointer))


def _type(column: Column) -> str:
    return f"{column.type}{'?' if column.nullable else ''}"


def _declarable(kind: DataType) -> bool:
    """Whether `columns:` can name the type."""
    if isinstance(kind, List):
        return _declarable(kind.item)
    if isinstance(kind, Struct):
        return all(_declarable(column.type) for column in kind.fields)
    return not isinstance(kind, Null | Unknown) and kind != Integer(128)
