"""Memory of Python's as columns of Polars, without a copy.

Through Arrow's C data interface: https://arrow.apache.org/docs/format/CDataInterface.html.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import polars as pl


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
_BYTES, _BITS = b"C", b"b"
"""Arrow's names of uint8, and of booleans of one bit each, the first one the lowest."""


@contextmanager
def lent_bytes(text: bytes) -> Iterator[pl.Series]:
    """The bytes as a column of numbers, which must be gone when the text is."""
    lent = _Lent(ctypes.cast(ctypes.c_char_p(text), ctypes.c_void_p), len(text), _BYTES)
    yield pl.Series(lent)


@contextmanager
def lent_bits(place: int, length: int) -> Iterator[pl.Series]:
    """So many bits at an address as a column of booleans, which must be gone when they are."""
    lent = _Lent(ctypes.c_void_p(place), length, _BITS)
    yield pl.Series(lent)


class _Lent:
    """An array of Arrow that owns nothing, so there is nothing to free."""

    def __init__(self, place: ctypes.c_void_p, length: int, kind: bytes) -> None:
        self._buffers = (ctypes.c_void_p * 2)(None, place)
        self._schema = _Schema(kind, b"", None, 0, 0, None, None, _release_schema, None)
        self._array = _Array(length, 0, 0, 2, 0, self._buffers, None, None, _release_array, None)

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[object, object]:
        """The two capsules of the interface."""
        return (
            _capsule(ctypes.addressof(self._schema), b"arrow_schema", None),
            _capsule(ctypes.addressof(self._array), b"arrow_array", None),
        )
