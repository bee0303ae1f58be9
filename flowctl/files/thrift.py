"""Reads and writes Thrift's compact protocol as plain trees, as far as Parquet footers need it."""

from __future__ import annotations

from typing import TypeAlias

from flowctl.dataclass import dataclass

TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = range(1, 13)

Value: TypeAlias = "bool | int | bytes | Items | Fields"
Fields: TypeAlias = "dict[int, tuple[int, Value]]"
"""A struct: each field's id, with its type and value, in order of ids."""


@dataclass(slots=True)
class Items:
    """A list whose items are of one type."""

    type: int
    values: list[Value]


class Malformed(ValueError):
    """The bytes are no compact Thrift."""


def decode(data: bytes) -> Fields:
    """The struct at the start of the data; raises Malformed."""
    try:
        return _Decoder(data).fields()
    except (IndexError, RecursionError) as error:
        raise Malformed("the footer ends too early") from error


def encode(fields: Fields) -> bytes:
    """The bytes of a struct."""
    out = bytearray()
    _put_fields(out, fields)
    return bytes(out)


class _Decoder:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def fields(self) -> Fields:
        found: Fields = {}
        number = 0
        while header := self._byte():
            delta, kind = header >> 4, header & 15
            number = number + delta if delta else _unzigzag(self._varint())
            found[number] = (kind, kind == TRUE if kind in (TRUE, FALSE) else self._value(kind))
        return found

    def _value(self, kind: int) -> Value:
        if kind in (TRUE, FALSE):
            return self._byte() == TRUE
        if kind in (I16, I32, I64):
            return _unzigzag(self._varint())
        if kind == BYTE:
            return self._byte()
        if kind == DOUBLE:
            return self._take(8)
        if kind == BINARY:
            return self._take(self._varint())
        if kind in (LIST, SET):
            header = self._byte()
            size = self._varint() if header >> 4 == 15 else header >> 4
            return Items(header & 15, [self._value(header & 15) for _ in range(size)])
        if kind == STRUCT:
            return self.fields()
        raise Malformed(f"unknown type {kind}")

    def _byte(self) -> int:
        self._position += 1
        return self._data[self._position - 1]

    def _take(self, size: int) -> bytes:
        taken = self._data[self._position : self._position + size]
        if len(taken) < size:
            raise Malformed("the footer ends too early")
        self._position += size
        return taken

    def _varint(self) -> int:
        found = shift = 0
        while True:
            byte = self._byte()
            found |= (byte & 127) << shift
            if byte < 128:
                return found
            shift += 7


def _put_fields(out: bytearray, fields: Fields) -> None:
    last = 0
    for number in sorted(fields):
        kind, value = fields[number]
        delta = number - last
        if 0 < delta < 16:
            out.append(delta << 4 | kind)
        else:
            out.append(kind)
            _put_varint(out, _zigzag(number))
        if kind not in (TRUE, FALSE):
            _put_value(out, kind, value)
        last = number
    out.append(0)


def _put_value(out: bytearray, kind: int, value: Value) -> None:
    match value:
        case bool():
            out.append(TRUE if value else FALSE)
        case int() if kind == BYTE:
            out.append(value)
        case int():
            _put_varint(out, _zigzag(value))
        case bytes():
            if kind == BINARY:
                _put_varint(out, len(value))
            out += value
        case Items(item_type, values):
            if len(values) < 15:
                out.append(len(values) << 4 | item_type)
            else:
                out.append(15 << 4 | item_type)
                _put_varint(out, len(values))
            for item in values:
                _put_value(out, item_type, item)
        case dict():
            _put_fields(out, value)


def _put_varint(out: bytearray, value: int) -> None:
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)


def _zigzag(value: int) -> int:
    return value << 1 if value >= 0 else (-value << 1) - 1


def _unzigzag(value: int) -> int:
    return value >> 1 ^ -(value & 1)
