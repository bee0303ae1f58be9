"""How the C library, and Polars' own allocator, hand out memory for large blocks."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
"""Names of `mallopt` in malloc.h of glibc."""


def reuse_large_blocks(size: int = 128 * 1024 * 1024) -> None:
    """Lets blocks below this size, in bytes, be allocated from memory that was used before.

    glibc maps each block above a threshold afresh, and gives it back when it is freed. The faults
    of its pages then cost as much as reading a split does. The arenas that threads get give large
    blocks back, too, so threads that begin from now on share the main one. All this is the whole
    process's, so who owns that decides. Other C libraries are left as they are.
    """
    with suppress(AttributeError, OSError):
        set_option = ctypes.CDLL(None).mallopt
        set_option(_MMAP_THRESHOLD, size)
        set_option(_TRIM_THRESHOLD, size)
        set_option(_ARENA_MAX, 1)


KEPT_BYTES: Final = 256 * 1024 * 1024
"""What pages that are kept may come to, as measured."""
_SETTINGS: Final = "_RJEM_MALLOC_CONF"
_POLARS: Final = "dirty_decay_ms:500,muzzy_decay_ms:1000"
"""What Polars itself sets, which a child of a process that has loaded it finds."""
_KEEP, _RETURN = "dirty_decay_ms:2000,muzzy_decay_ms:0", "dirty_decay_ms:100,muzzy_decay_ms:0"


@contextmanager
def settled(memory: int) -> Iterator[None]:
    """How Polars, if it is loaded within, treats memory that it has freed; `memory` is in bytes.

    Where there is much, it keeps it for two seconds, to use again, and for a tenth of one where
    there is little; it is half a second otherwise, and the faults of new pages take up to a fifth
    of a sort's time. Then it gives it back. It would only offer it to the system, and what that
    does not take is still the process's: a quarter of all that a sort within 512 MB came to.
    Where the user has settings of their own, nothing is changed. Children see none of it.
    """
    own = os.environ.get(_SETTINGS)
    if own not in (None, _POLARS):
        yield
        return
    os.environ[_SETTINGS] = _KEEP if memory >= 8 * KEPT_BYTES else _RETURN
    try:
        yield
    finally:
        del os.environ[_SETTINGS]
        if own is not None:
            os.environ[_SETTINGS] = own
