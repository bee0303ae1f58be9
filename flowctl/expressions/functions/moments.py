"""Dates, timestamps, times and intervals under `+ - *`."""

from __future__ import annotations

from typing import Final

from flowctl.expressions.functions.signature import Signature

SUMS: Final[tuple[Signature, ...]] = ()
DIFFERENCES: Final[tuple[Signature, ...]] = ()
PRODUCTS: Final[tuple[Signature, ...]] = ()
