"""Two names change places in one step, for which Python has no word of its own."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from pathlib import Path
from typing import Final

_HERE: Final = -100
_EXCHANGE: Final = 2


def exchange(one: Path, other: Path) -> None:
    """What is at either name is then at the other; raises OSError where the system cannot."""
    library = ctypes.CDLL(None, use_errno=True)
    first, second = os.fsencode(one), os.fsencode(other)
    if sys.platform == "darwin":
        renamed = _called(library, "renamex_np", first, second, ctypes.c_uint(_EXCHANGE))
    else:
        renamed = _called(
            library, "renameat2", _HERE, first, _HERE, second, ctypes.c_uint(_EXCHANGE)
        )
    if renamed:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), str(one), None, str(other))


def _called(library: ctypes.CDLL, name: str, *arguments: bytes | int | ctypes.c_uint) -> int:
    function = getattr(library, name, None)
    if function is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    return int(function(*arguments))
