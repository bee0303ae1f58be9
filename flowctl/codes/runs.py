"""E7xx: runs and resume."""

from __future__ import annotations

from flowctl.diagnostics import Code

RECORD_FAULT = Code(
    "E701",
    "a record at fault",
    """A record breaks a rule: a field is not of its column's type, a line has too many fields, a cast
or a calculation fails, a check does not hold. The message names the file, the line and the value.

By default the step fails and publishes nothing. `on_error: skip` leaves such records out and counts
them, `on_error: reject` also writes them, with the reason, to `rejects`.

    source: {csv: in.csv, columns: {qty: int64}, on_error: reject}
    rejects: {ndjson: rejects.ndjson}
""",
)

TOO_MANY_REJECTS = Code(
    "E702",
    "too many records rejected",
    """More records were at fault than `max_rejects` allows, so the step failed and published nothing.

Mend: look at what the records have in common, mend the input or the rule, or allow more.

    max_rejects: 1%
""",
)

ENGINE_FAULT = Code(
    "E703",
    "the engine cannot do this",
    """The engine below flowctl has refused a whole split of records although no single record is at
fault, as the message says. This is a gap in flowctl's checks: please report it with the workflow.
""",
)
