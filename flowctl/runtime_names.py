"""What expressions may ask of steps and of the run when a step begins, with its types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from flowctl.records import Boolean, DataType, Integer, List, String

STEP: Final[Mapping[str, DataType]] = {
    "status": String(),
    "read": Integer(64),
    "written": Integer(64),
    "rejected": Integer(64),
    "sink": String(),
    "exit_code": Integer(64),
}
SUMMED: Final = ("read", "written", "rejected")
"""Over the cells of a matrix these are sums, the others lists in the matrix's order."""
CELLS: Final[Mapping[str, DataType]] = {
    name: kind if name in SUMMED else List(kind) for name, kind in STEP.items()
}
RUN: Final[Mapping[str, DataType]] = {
    "id": String(),
    "dir": String(),
    "failed": Boolean(),
    "attempt": Integer(64),
}
