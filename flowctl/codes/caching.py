"""E49x and E75x: steps that are to be taken from their last success."""

from __future__ import annotations

from flowctl.diagnostics import Code

UNNAMED = Code(
    "E490",
    "a cached command that does not name its files",
    """\
What a command reads and writes is not known from outside. A `run` that is to be cached names both:
files, folders or globs, from the workflow's folder on. A list may be empty.

    run: python report.py data > build/report.html
    cache: {inputs: [report.py, data/], outputs: [build/report.html]}

The command itself, its `env` and the values of its `${{ }}` are compared, too. Variables of the
environment that the step does not set, and what it fetches from elsewhere, are not.
""",
)
NOT_CACHED = Code(
    "E491",
    "a step that cannot be cached",
    """\
A cached step is not run where its outputs stand as its last success has left them. That means
nothing where each run adds something: to a file (`mode: append`), to standard output, or by reading
only what no earlier run has read (`incremental: true`). And a command that is told `run.id`,
`run.dir` or `run.attempt` is another one in each run.

Take `cache` away (`cache: false` where `defaults` bring it), or let the step write anew what it
writes.
""",
)
OVERLAPPING = Code(
    "E492",
    "an input that is an output, too",
    """\
The step itself changes what it depends on, so that it would never be as at its last success. Name
as inputs only what the step reads and others make, and let it write elsewhere.

    cache: {inputs: [data/raw/], outputs: [data/clean/]}
""",
)
NOT_MADE = Code(
    "E750",
    "an output that the step has not made",
    """\
The step has ended well, but there is nothing at a path that its `cache` names as an output. Nobody
could tell then whether what it makes is still there, so the step has failed.

Name what the command really writes, from the workflow's folder on; a glob must match a file, and a
folder must be there, though perhaps empty.
""",
)
