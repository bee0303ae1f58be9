"""E6xx: files and the environment."""

from __future__ import annotations

from flowctl.diagnostics import Code
