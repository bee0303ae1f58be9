"""What Polars' readers do that nobody would expect of them."""

from __future__ import annotations

from typing import Final

import polars as pl

# A damaged Parquet page makes the reader panic, which is no Exception.
REFUSALS: Final = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)
"""All that a query may raise because of what it reads."""

_PACKED: Final = (b"\x1f\x8b", b"x\x01", b"x^", b"x\x9c", b"x\xda", b"(\xb5/\xfd")


def seems_packed(text: bytes) -> bool:
    """Whether Polars would unpack the text, by its first bytes, although it is plain.

    >>> seems_packed(b"x^2 is a square"), seems_packed(b"2 is prime")
    (True, False)
    """
    return text.startswith(_PACKED)


def reason(error: BaseException) -> str:
    """The first line of what Polars says, without its advice to programmers."""
    return next(iter(str(error).splitlines()), type(error).__name__)
