"""Compresses parts of a text file so that they can stand one behind the other.

Each part is a gzip member or a zstd frame of its own: that costs no ratio worth naming, lets the
workers compress side by side, and lets a file be cut at any part's end.
"""

from __future__ import annotations

import bz2
import lzma

from flowctl.files.streams import compression

_GZIP_LEVEL = 1  # twice zlib's speed, and smaller
_ZSTD_LEVEL = 3


def compressed(data: bytes, path: str) -> bytes:
    """The data as a file of this name holds them; the same data give the same bytes."""
    match compression(path):
        case ".gz":
            import deflate

            # Not isal, which is faster: of 500 processes 11 gave other bytes for the same data.
            return bytes(deflate.gzip_compress(data, _GZIP_LEVEL))
        case ".zst":
            import zstandard

            return zstandard.ZstdCompressor(_ZSTD_LEVEL, write_checksum=True).compress(data)
        case ".bz2":
            return bz2.compress(data)
        case ".xz":
            return lzma.compress(data)
    return data
