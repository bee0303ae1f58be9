"""E46x: workflows that use each other, and what a workflow hands on."""

from __future__ import annotations

from flowctl.diagnostics import Code

USES_CYCLE = Code(
    "E460",
    "workflows that use each other in a circle",
    """\
A sub-workflow is compiled into the plan of the workflow that uses it. One that uses itself, by way
of others or not, would never come to an end, whatever its params are.

    # load.yaml
    steps:
      again: {uses: load.yaml}                     # E460

To do the same for many values, give the using step a `matrix`.
""",
)
USES_RUNTIME = Code(
    "E461",
    "a sub-workflow that would only be known at run time",
    """\
What `uses` names, and what `with` hands to its params, is compiled before anything runs: files are
found and columns checked by it. So `${{ ... }}` cannot stand there.

    load:
      uses: load.yaml
      with: {file: "${{ steps.fetch.outputs.file }}"}     # E461

Agree on a path that is known before, or let the sub-workflow find out for itself:

      with: {file: "build/{{ params.day }}.csv"}
      needs: [fetch]
""",
)
NOT_BESIDE_USES = Code(
    "E462",
    "a key that a step with `uses` cannot have",
    """\
A step that uses a workflow does nothing by itself: its steps do. How these are tried again, bounded
in time and given slots is said there, or under the `defaults` of that workflow. What the step may
have is `needs`, `if`, `matrix`, `hooks`, `priority` (added to that of its steps) and
`continue_on_error`.

    load: {uses: load.yaml, retry: {attempts: 3}}         # E462
    load: {uses: load.yaml, priority: 10}

Where such a key comes from `defaults`, `null` takes it away: `retry: null`.
""",
)
RESOURCE_CLASH = Code(
    "E463",
    "a resource that is declared in two ways",
    """\
Resources belong to the whole run: where a workflow and one that it uses both declare `db`, their
steps share its slots and its breaker. So both must say the same of it.

    # main.yaml                                    # load.yaml
    resources: {db: {slots: 4}}                    resources: {db: {slots: 2}}     # E463

Declare it alike, for example by `$ref` from one file, or give one of them another name.
""",
)
HOOKS_OF_A_PART = Code(
    "E464",
    "hooks of a workflow that is only a part",
    """\
The `hooks` of a document belong to a run of it. Where another workflow uses it, it is no run of its
own; the using step can have hooks:

    load:
      uses: load.yaml
      hooks: {failure: {run: ./tell.sh}}
""",
)
OUTPUT_TEXT = Code(
    "E465",
    "text around `${{ }}` in an output",
    """\
An output is one expression, bare or in `${{ }}`, so that its type is known to who reads it. Text is
joined with `||`:

    outputs:
      report: "build/${{ steps.build.outputs.name }}.html"          # E465
      report: "'build/' || steps.build.outputs.name || '.html'"
""",
)
