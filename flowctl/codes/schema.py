"""E2xx: the shape of a document."""

from __future__ import annotations

from flowctl.diagnostics import Code
