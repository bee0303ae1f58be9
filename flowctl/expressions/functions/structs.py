"""Structs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from flowctl.expressions.functions.signature import (
    ANY,
    Fixed,
    Function,
    Match,
    Operands,
    Signature,
    T,
    ruled,
)
from flowctl.expressions.lazily import pl
from flowctl.expressions.tree import Literal, Tree
from flowctl.expressions.types import STRING, is_open
from flowctl.records import Column, DataType, List, Struct, Unknown


def _pack(call: Operands) -> pl.Expr:
    assert isinstance(call.result, Struct)
    names = [field.name for field in call.result.fields]
    return pl.struct(*(value.alias(name) for value, name in zip(call.values, names, strict=True)))


def pack_type(names: Sequence[str | None], arguments: Sequence[Tree]) -> DataType:
    """The type of a struct that is put together."""
    pairs = zip(names, arguments, strict=True)
    return Struct(tuple(Column(name or "", tree.type) for name, tree in pairs))


def _extract_rule(arguments: Sequence[Tree]) -> Match | str | None:
    kind, name = arguments[0].type, arguments[1]
    if is_open(kind):
        return Match((kind, STRING), Unknown(), 0)
    if not isinstance(kind, Struct) or not isinstance(name, Literal):
        return None
    for field in kind.fields:
        if field.name == name.value:
            return Match((kind, STRING), field.type, 0)
    known = ", ".join(f"`{field.name}`" for field in kind.fields)
    return f"the struct has no field `{name.value!s}`; it has {known}"


def _extract(call: Operands) -> pl.Expr:
    return call[0].struct.field(call.text(1))


def _keys_rule(arguments: Sequence[Tree]) -> Match | None:
    kind = arguments[0].type
    fits = isinstance(kind, Struct) or is_open(kind)
    return Match((kind,), List(STRING), 0) if fits else None


def _keys(call: Operands) -> pl.Expr:
    kind = call.types[0]
    assert isinstance(kind, Struct)
    names = pl.lit([field.name for field in kind.fields], dtype=pl.List(pl.String))
    return pl.when(call[0].is_not_null()).then(names)


FUNCTIONS: Final = (
    Function("struct_pack", (Signature((ANY,), Struct(()), _pack, more=True),),
             "A struct; also `{'a': 1}`.", "struct_pack(a := 1) → {'a': 1}", named=True),
    Function("struct_extract", (ruled(T, Fixed(STRING), by=_extract_rule, lower=_extract),),
             "A field of a struct; also `s.a`.", "struct_extract({'a': 1}, 'a') → 1"),
    Function("struct_keys", (ruled(T, by=_keys_rule, lower=_keys, shown="list<string>"),),
             "The names of the fields.", "struct_keys({'a': 1, 'b': 2}) → ['a', 'b']"),
)  # fmt: skip
