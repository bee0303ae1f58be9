"""Why an expression of a template has no value."""

from __future__ import annotations

from flowctl.diagnostics import Code


class TemplateFault(Exception):
    """The author is wrong; `start` and `end` are offsets into the expression, None if it is all."""

    def __init__(
        self,
        code: Code,
        message: str,
        start: int | None = None,
        end: int | None = None,
        help: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.start = start
        self.end = end
        self.help = help


class Unavailable(Exception):
    """A value is not known yet, or is wrong and the report already says so."""
