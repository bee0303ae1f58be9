"""E76x: rejects that are replayed."""

from __future__ import annotations

from flowctl.diagnostics import Code

NOT_A_REJECT = Code(
    "E760",
    "a record of the rejects cannot be replayed",
    """\
`flowctl run FILE --replay REJECTS` takes the lines that a step has written to its `rejects`, with
the text under `record` mended by hand. This line is none of them: it is not JSON, a key is missing,
its step is not in the workflow, the record is not one record of the source's format, or the run
whose output is there now has not rejected it.

Mend nothing but `record`; leave out lines that are not to be replayed.
""",
)

NO_REPLAY = Code(
    "E761",
    "rejects of this step cannot be replayed",
    """\
Mended records can be added to an output where each of them passes by itself. A transform that needs
all records (`aggregate`, `sort`, `dedupe`, `join` with all of another source) or their order
(`limit`, `sample`) would have to see the others again, and what went to standard output cannot be
added to.

Mend the input and run the workflow again; or reject in a step of its own, whose records the step
with these transforms reads.
""",
)

NOT_OF_THIS_OUTPUT = Code(
    "E762",
    "the rejects do not belong to what was published",
    """\
The step means something else now than when it wrote these rejects, or it has not published
anything yet: the mended records would follow another rule than those beside them.

Undo the change, or run the workflow again from its beginning.
""",
)
