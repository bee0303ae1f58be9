"""Points in time: what they are in Polars, and which of them DuckDB refuses."""

from __future__ import annotations

from typing import Final

from flowctl.records import Datetime

NOW_TYPE: Final = Datetime("UTC")
