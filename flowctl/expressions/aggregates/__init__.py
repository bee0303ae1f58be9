"""Aggregate functions: what they are, how `sum(a) / count(*)` is read, and how it is computed.

`table` is the one table of aggregates, `reading` finds them in an expression, `checking` types
what is inside and what is around them.
"""

from __future__ import annotations

from flowctl.expressions.aggregates.checking import (
    Aggregated,
    Aggregation,
    check_aggregation,
    narrowed,
)
from flowctl.expressions.aggregates.table import AGGREGATES

__all__ = ["AGGREGATES", "Aggregated", "Aggregation", "check_aggregation", "narrowed"]
