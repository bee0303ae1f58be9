"""Compresses parts of a text file so that they can stand one behind the other.

Each part is a gzip member or a zstd frame of its own: that costs no ratio worth naming, lets the
workers compress side by side, and lets a file be cut at any part's end.
"""

from __future__ import annotations

import bz2
import lzma

from flowctl.files.streams import compression

_GZIP_LEVEL = 1  # isal's fastest but one: ten times zlib's speed
_ZSTD_LEVEL = 3


def compressed(data: bytes, path: str) -> bytes:
    """The data as a file of this name holds them; the same data give the same bytes."""
    match compression(path):
        case ".gz":
            from isal import isal_zlib

            # What `igzip.compress` gives hangs on what its memory held before.
            member = isal_zlib.compressobj(_GZIP_LEVEL, wbits=31)
            return member.compress(data) + member.flush()
        case ".zst":
            import zstandard

            return zstandard.ZstdCompressor(_ZSTD_LEVEL, write_checksum=True).compress(data)
        case ".bz2":
            return bz2.compress(data)
        case ".xz":
            return lzma.compress(data)
    return data
