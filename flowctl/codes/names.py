"""E4xx: names and the graph of steps."""

from __future__ import annotations

from flowctl.diagnostics import Code
