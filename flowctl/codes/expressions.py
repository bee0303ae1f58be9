"""E5xx: expressions and types."""

from __future__ import annotations

from flowctl.diagnostics import Code
