"""E1xx: the text of a file."""

from __future__ import annotations

from flowctl.diagnostics import Code
