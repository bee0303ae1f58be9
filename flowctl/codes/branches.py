"""E47x: where records go on in branches."""

from __future__ import annotations

from flowctl.diagnostics import Code

NEVER_REACHED = Code(
    "E470",
    "a branch to which no record comes",
    """\
A record goes into the first branch whose `when` is true for it, and a branch without `when` takes
all that is left. So one that stands behind such a branch would never see a record: put the branch
without `when` last.

    - split:
        late: {when: dep_delay > 15, sink: {csv: late.csv}}
        rest: {sink: {csv: rest.csv}}           # without `when`: the last one
""",
)
BEHIND_BRANCHES = Code(
    "E471",
    "what stands behind the branches of a stream",
    """\
`split` is the last of the transforms: behind it, records go on in its branches, each with its own
`transforms` and its own `sink`. What is to be done with all records stands before the `split`;
what is to be done with those of one branch stands in that branch.

    transforms:
      - derive: {speed: distance / air_time}    # all records
      - split:
          late:
            when: dep_delay > 15
            transforms: [{sort: [-dep_delay]}]  # those of `late`
            sink: {csv: late.csv}               # not beside `source`
""",
)
NO_ONE_STREAM = Code(
    "E472",
    "the records of a step that has branches",
    """\
The records of a step whose stream has branches are no single stream, and their columns may differ.
Read the file that the branch writes: the step is then needed by itself, and the file's columns
are known.

    split_up:
      source: {csv: flights.csv}
      transforms:
        - split: {late: {when: dep_delay > 15, sink: {parquet: build/late.parquet}}}
    worst:
      source: {parquet: build/late.parquet}     # not `step: split_up`
""",
)
