"""E3xx: templates, references, params, matrices and profiles."""

from __future__ import annotations

from flowctl.diagnostics import Code
