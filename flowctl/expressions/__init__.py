"""SQL scalar expressions with DuckDB's syntax and results, computed by Polars.

The way of an expression: text ──parse──▶ tree ──check(scope)──▶ typed tree ──lower──▶ Polars.
`tree` says what a tree is, `functions` holds the table of functions (types and lowering beside each
other), `canonical` prints a tree for the plan, `evaluate` computes one value without records.
"""

from __future__ import annotations

from flowctl.expressions.canonical import canonical
from flowctl.expressions.check import Checked, check
from flowctl.expressions.functions import FUNCTIONS, Function
from flowctl.expressions.parse import parse
from flowctl.expressions.scope import NOT_YET_KNOWN, Scope
from flowctl.expressions.tree import Tree, columns_used, functions_used, runtime_used, unchecked

__all__ = [
    "FUNCTIONS",
    "NOT_YET_KNOWN",
    "Checked",
    "Function",
    "Scope",
    "Tree",
    "canonical",
    "check",
    "columns_used",
    "functions_used",
    "parse",
    "runtime_used",
    "unchecked",
]
