"""Window functions: what they are, and how an expression with them is checked.

`table` is the one table of them, `checking` types what is inside and what is around them; both
see the record. The aggregates among them are those of `expressions.aggregates`.
"""

from __future__ import annotations

from flowctl.expressions.windows.checking import Viewed, Viewing, check_window
from flowctl.expressions.windows.table import WINDOWS

__all__ = ["WINDOWS", "Viewed", "Viewing", "check_window"]
