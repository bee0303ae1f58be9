"""Resolves dotted names: columns, then constants, then what the run brings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from flowctl.codes.expressions import NOT_REPEATABLE, OPERAND_TYPES, UNKNOWN_COLUMN, UNKNOWN_NAME
from flowctl.diagnostics import Fault, nearest
from flowctl.expressions.functions.signature import unify
from flowctl.expressions.refused import NOT_REPEATABLE as UNREPEATABLE
from flowctl.expressions.scope import NOT_YET_KNOWN, Constant, Fanned, Names, Open, Scope
from flowctl.expressions.tree import Call, Column, Field, Literal, Name, Part, Runtime, Tree
from flowctl.expressions.types import (
    BOOLEAN,
    FLOAT64,
    NULL,
    STRING,
    UNKNOWN,
    literal_type,
)
from flowctl.records import Column as RecordColumn
from flowctl.records import DataType, List, Schema, Struct, Unknown

Resolved = tuple[Tree, int]
"""What a name means, and how many of its parts that took; the rest are fields of a struct."""

SOURCE_COLUMNS: Final = {"source_file": "__source_file", "source_line": "__source_line"}


def resolve(name: Name, scope: Scope) -> Resolved | Fault:
    """What the name means in this scope."""
    root = name.parts[0]
    column = _column(name, scope.columns)
    if column is not None:
        return column, 1
    if not root.quoted:
        if root.text in scope.constants:
            return _constant(name, scope.constants)
        if root.text in scope.runtime:
            return _runtime(name, scope.runtime)
    if scope.columns is not None and scope.columns.open:
        return Column(root.text, name.start, root.end, UNKNOWN), 1
    return _unknown(name, scope)


def runtime_path(tree: Tree, scope: Scope) -> Name | None:
    """`steps.load['us,2012'].read` as the name that it is; None for the index of a value."""
    if isinstance(tree, Name):
        root = tree.parts[0]
        known = root.text in scope.runtime or root.text in scope.constants
        return tree if known and not root.quoted else None
    if isinstance(tree, Field):
        base = runtime_path(tree.operand, scope)
        part = Part(tree.name, False, tree.name_start, tree.end)
    elif isinstance(tree, Call) and tree.name == "[]":
        index = tree.arguments[1]
        if not isinstance(index, Literal) or not isinstance(index.value, str):
            return None
        base = runtime_path(tree.arguments[0], scope)
        part = Part(index.value, False, index.start, index.end)
    else:
        return None
    return Name((*base.parts, part), base.start, tree.end) if base is not None else None


def _column(name: Name, columns: Schema | None) -> Column | None:
    if columns is None:
        return None
    root = name.parts[0]
    for column in columns.columns:
        if column.name == root.text:
            return Column(root.text, name.start, root.end, column.type)
    return None


def _constant(name: Name, constants: Mapping[str, Constant]) -> Resolved | Fault:
    value: Constant = constants[name.parts[0].text]
    for index, part in enumerate(name.parts[1:], start=1):
        if value is NOT_YET_KNOWN:
            break
        if not isinstance(value, Mapping):
            before = ".".join(part.text for part in name.parts[:index])
            return Fault(UNKNOWN_NAME, f"`{before}` has nothing below it", (), part.start, part.end)
        if part.text not in value:
            return _missing(name, index, list(value))
        value = value[part.text]
    return constant_tree(value, name.start, name.end), len(name.parts)


def constant_tree(value: Constant, start: int, end: int) -> Tree:
    """A value of JSON as a tree of literals; nothing is ever pasted into text."""
    if value is NOT_YET_KNOWN:
        return Literal(None, start, end, UNKNOWN)
    if value is None:
        return Literal(None, start, end, NULL)
    if isinstance(value, bool):
        return Literal(value, start, end, BOOLEAN)
    if isinstance(value, int):
        return Literal(value, start, end, literal_type(value))
    if isinstance(value, float | Decimal):
        return Literal(float(value), start, end, FLOAT64)
    if isinstance(value, str):
        return Literal(value, start, end, STRING)
    if isinstance(value, Mapping):
        fields = tuple(constant_tree(item, start, end) for item in value.values())
        kinds = zip(value, fields, strict=True)
        kind = Struct(tuple(RecordColumn(key, field.type) for key, field in kinds))
        return Call("struct_pack", fields, start, end, kind, tuple(value), start, end)
    assert isinstance(value, Sequence)
    return _list_tree([constant_tree(item, start, end) for item in value], start, end)


def _list_tree(items: list[Tree], start: int, end: int) -> Tree:
    kind: DataType | None = unify(items)
    return Call("list_value", tuple(items), start, end, List(kind or UNKNOWN), (), start, end)


def _runtime(name: Name, runtime: Mapping[str, Names]) -> Resolved | Fault:
    known: Names = runtime[name.parts[0].text]
    path = [name.parts[0].text]
    for index, part in enumerate(name.parts[1:], start=1):
        if not isinstance(known, Mapping):
            if isinstance(known, Unknown):
                path.extend(rest.text for rest in name.parts[index:])
                return Runtime(tuple(path), name.start, name.end, UNKNOWN), len(name.parts)
            base = Runtime(tuple(path), name.start, name.parts[index - 1].end, known)
            return base, index
        if part.text not in known:
            if not isinstance(known, Open) or nearest(part.text, known) is not None:
                return _missing(name, index, list(known), fanned=isinstance(known, Fanned))
            known = known.rest
        else:
            known = known[part.text]
        path.append(part.text)
    if isinstance(known, Mapping):
        shown = ".".join(path)
        message = f"`{shown}` is a group of names, not a value"
        listed = ", ".join(f"`{shown}.{below}`" for below in list(known)[:8])
        help = f"it has {listed}" if listed else f"name one of them, as in `{shown}.name`"
        return Fault(OPERAND_TYPES, message, (), name.start, name.end, help)
    return Runtime(tuple(path), name.start, name.end, known), len(name.parts)


def _missing(name: Name, index: int, legal: list[str], *, fanned: bool = False) -> Fault:
    part = name.parts[index]
    before = ".".join(part.text for part in name.parts[:index])
    near = nearest(part.text, legal)
    if near is not None:
        help = f"did you mean `{before}.{near}`?"
    elif fanned and part.text.isdigit():
        help = f"its cells are known at run time only; `{before}.status[1]` is the first one's"
    elif legal:
        help = f"it has {', '.join(f'`{known}`' for known in legal[:12])}"
    else:
        help = f"there are no {before} here"
    message = f"`{before}` has no `{part.text}`"
    return Fault(UNKNOWN_NAME, message, (), part.start, part.end, help)


def _unknown(name: Name, scope: Scope) -> Fault:
    root = name.parts[0]
    columns = scope.columns.names if scope.columns is not None else []
    roots = [*scope.constants, *scope.runtime]
    folded = root.text.lower()
    if folded in UNREPEATABLE and not root.quoted:
        message = f"the result of `{root.text}` would change from run to run"
        return Fault(NOT_REPEATABLE, message, (), root.start, root.end, UNREPEATABLE[folded])
    if root.text in scope.absent and not root.quoted:
        message, help = f"there is no `{root.text}` here", scope.absent[root.text]
        return Fault(UNKNOWN_NAME, message, (), root.start, root.end, help)
    near = nearest(root.text, [*columns, *roots])
    if scope.columns is None:
        help = f"did you mean `{near}`?" if near else _listed("the names here are", roots)
        return Fault(UNKNOWN_NAME, f"unknown name `{root.text}`", (), root.start, root.end, help)
    if root.quoted and near is None:
        help = f"text stands in single quotes: `'{root.text}'`"
    elif near is not None:
        help = f"did you mean `{near}`?"
    else:
        help = _listed("the columns are", columns)
    message = f"unknown column `{root.text}`"
    return Fault(UNKNOWN_COLUMN, message, (), root.start, root.end, help)


def _listed(before: str, names: list[str]) -> str:
    if not names:
        return "there are none here"
    shown = ", ".join(f"`{name}`" for name in names[:12])
    return f"{before} {shown}" + (f" and {len(names) - 12} more" if len(names) > 12 else "")
