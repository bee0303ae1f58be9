"""Lists."""

from __future__ import annotations

from flowctl.expressions.functions.signature import Operands
from flowctl.expressions.lazily import pl


def contains(call: Operands) -> pl.Expr:
    """Whether a value is in a list; null where the value is null."""
    return pl.when(call[1].is_not_null()).then(call[0].list.contains(call[1]))
