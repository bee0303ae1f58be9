"""The one table of functions: what is not in it does not exist.

Each family has a module with a tuple `FUNCTIONS`; the type rule of a function stands beside its
lowering. To add one, add an entry to its family: checker, lowering, `flowctl kinds functions` and
the tests against DuckDB follow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from flowctl.expressions.functions import (
    arithmetic,
    bits,
    conditional,
    dates,
    distances,
    encoding,
    intervals,
    jsontext,
    lists,
    logic,
    making,
    mathematics,
    patterns,
    structs,
    text,
    timetext,
)
from flowctl.expressions.functions.signature import Function, Signature

FAMILIES: Final[dict[str, tuple[Function, ...]]] = {
    "arithmetic": arithmetic.FUNCTIONS,
    "mathematics": mathematics.FUNCTIONS + bits.FUNCTIONS,
    "logic": logic.FUNCTIONS,
    "conditional": conditional.FUNCTIONS,
    "text": text.FUNCTIONS,
    "patterns": patterns.FUNCTIONS,
    "lists": lists.FUNCTIONS,
    "structs": structs.FUNCTIONS,
    "json": jsontext.FUNCTIONS,
    "encoding": encoding.FUNCTIONS,
    "dates": dates.FUNCTIONS
    + distances.FUNCTIONS
    + making.FUNCTIONS
    + timetext.FUNCTIONS
    + intervals.FUNCTIONS,
}

FUNCTIONS: Final[Mapping[str, Function]] = {
    function.name: replace(function, family=family)
    for family, functions in FAMILIES.items()
    for function in functions
}

BY_NAME: Final[Mapping[str, Function]] = {
    **{alias: function for function in FUNCTIONS.values() for alias in function.aliases},
    **FUNCTIONS,
}
"""Every function under its name and its aliases."""

__all__ = ["BY_NAME", "FAMILIES", "FUNCTIONS", "Function", "Signature"]
