"""How the C library hands out memory for large blocks."""

from __future__ import annotations

import ctypes
from contextlib import suppress

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
