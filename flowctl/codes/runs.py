"""E7xx: runs and resume."""

from __future__ import annotations

from flowctl.diagnostics import Code
