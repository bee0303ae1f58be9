"""E7xx: runs and resume."""

from __future__ import annotations

from flowctl.diagnostics import Code

NO_LIST = Code(
    "E723",
    "what a step should go through is no list",
    """\
The value of `foreach` was computed, and is not a list of at most 100,000 elements that JSON can
hold; so the step has failed, and none of its cells has begun.

Mend: have the step that makes the list write one (`outputs: {files: {type: array}}` has it
checked there), and give each cell more than one element of a very long list.
""",
)
RECORD_FAULT = Code(
    "E701",
    "a record at fault",
    """\
A record breaks a rule: a field is not of its column's type, a line has too many fields, a cast
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
    """\
More records were at fault than `max_rejects` allows, so the step failed and published nothing.

Mend: look at what the records have in common, mend the input or the rule, or allow more.

    max_rejects: 1%
""",
)

ENGINE_FAULT = Code(
    "E703",
    "the engine cannot do this",
    """\
The engine below flowctl has refused a whole split of records although no single record is at
fault, as the message says. This is a gap in flowctl's checks: please report it with the workflow.
""",
)

READ_BEFORE = Code(
    "E705",
    "a file that an earlier run has read",
    """\
A source says `incremental: true`, so each file is read once. One that an earlier run has read has
changed since, and what is new in it cannot be told from what was read; or an unfinished run has
read it and not published it yet.

Mend: bring what is new in a file of its own, or let the unfinished run come to its end. To have all
files read again, remove the folder that the message names.

    source: {csv: inbox/*.csv, incremental: true}
""",
)

CHECK_FAILED = Code(
    "E704",
    "a check does not hold",
    """\
All records were read and written aside, but the step's `check` does not hold of them. The message
says what was demanded and what was found. Nothing is published: what stood at the sinks' paths
before stands there still.

Mend: find out why the data are not what they should be, or demand less.

    check: {rows: "> 1000", rejected: "< 1%", unique: [flight, time_hour]}
""",
)

COMMAND_FAILED = Code(
    "E710",
    "a command failed",
    """\
A command ended with another exit code than 0, or a signal ended it. A script ends at its first
command that fails (`bash -eo pipefail`), a pipe included. What it printed is in the step's log.

Where a failure is fine, say so in the script:

    run: grep -c ERROR app.log || true
""",
)

NOT_STARTED = Code(
    "E711",
    "a command cannot be started",
    """\
The program does not exist or may not be executed, its folder does not exist, or its arguments
are longer than the system allows.

A program without a `/` in its name is looked up on the `PATH` that the step sees; `cwd` starts at
the workflow's folder.

    run: [./tools/pack.sh, --fast]
    cwd: build
""",
)

NO_VALUE = Code(
    "E712",
    "an expression has no value",
    """\
An `if` or a `${{ }}` could not be computed when the step was about to begin: a cast that fails,
an overflow, a division `//` by 0. The step fails, and nothing of it has run.

Mend: guard the expression, with `try_cast` or `case`.

    if: try_cast(run.id as bigint) > 0
""",
)

SECRET_MISSING = Code(
    "E713",
    "a secret is missing",
    """\
The step names a secret whose environment variable is not set, or whose file cannot be read.
Secrets are read when the run begins; only steps that name a missing one fail.

    secrets: {TOKEN: {env: API_TOKEN}}        # run with API_TOKEN=... in the environment
""",
)

SECRET_IN_ARGUMENTS = Code(
    "E714",
    "a secret in an argument list",
    """\
`run` as a list starts a program with these very arguments, and every user of the machine can see
them (`ps`). A secret must not be one of them.

Hand it on in the environment:

    run: [./upload.sh, build/report.csv]
    env: {TOKEN: "${{ secrets.TOKEN }}"}
""",
)

UNFIT_VALUE = Code(
    "E715",
    "a value that no command can take",
    """\
Arguments and environment variables end at a NUL character, and the system bounds their length
(128 KiB each on Linux). Write such a value to a file and hand on the file's path.
""",
)

SHELL_OF_LIST = Code(
    "E716",
    "`shell` beside a list",
    """\
`run` as a list starts a program without any shell, so there is nothing that `shell` could choose.

    run: [python, report.py]                  # no shell
    run: python report.py > out.txt           # in bash
""",
)

VARIABLE_NAME = Code(
    "E717",
    "not the name of a variable",
    """\
A key of `env` becomes an environment variable: letters, digits and `_`, not beginning with a
digit. `FLOWCTL_` at its beginning is flowctl's own.

    env: {API_URL: "https://example.org"}
""",
)

STEP_BROKEN = Code(
    "E718",
    "a step could not go on",
    """\
The system refused something that the step needs: the disk is full, a file may not be written,
there are too many open files. The message is the system's own. Nothing was published.
""",
)

NO_RECORDS = Code(
    "E719",
    "a step left no records",
    """\
The step reads the records of another one that did not succeed. That happens only where its `if`
uses `always()` or `failure()`: any other step is skipped with the one that it reads.

Mend: read files that are there in any case, or leave `always()` out.

    if: steps.clean.status = 'succeeded'
""",
)

TIMED_OUT = Code(
    "E720",
    "a step took too long",
    """\
One attempt of the step took longer than its `timeout`. A command was ended with all that it had
started (TERM, and KILL five seconds later); a stream has published nothing. Running the same again
goes on with the steps that have not succeeded, a stream from its last checkpoint.

Mend: allow more time, or try again.

    run: ./fetch.sh
    timeout: 10m
    retry: {attempts: 3, on: [timeout]}
""",
)

BAD_OUTPUT = Code(
    "E721",
    "an output that is not as declared",
    """\
A command hands values on by lines `name=value` in the file that `$FLOWCTL_OUTPUT` names. A line has
another form, a value is not of the type that `outputs` declares, or a declared output was not
written at all. One that may be missing says so: `type: [integer, "null"]`.

    run: echo "rows=$(wc -l < out.csv)" >> "$FLOWCTL_OUTPUT"
    outputs: {rows: {type: integer}}
""",
)

RESTING = Code(
    "E722",
    "a resource rests",
    """\
The step uses a resource whose `breaker` has counted too many failures in a row. Until its `reset`
is over all its users fail at once, in every run of the project; then one tries, and where that
succeeds, all use it again.

    resources: {db: {slots: 4, breaker: {failures: 5, reset: 30s}}}
    steps:
      load:
        run: ./load.sh
        pool: db
        fallback: {run: ./load-from-copy.sh}
""",
)

STEP_CHANGED = Code(
    "E730",
    "a step has changed since its run began",
    """\
An unfinished run goes on where it stopped, so that its output is that of a run which was never
interrupted. That cannot be where a step that has begun, or one whose records it reads, means
something else now: half of the output would follow the old rule.

Undo the change, let the run end, and change the step then; or begin anew: `flowctl run --fresh`.
Layout, comments and `description` may change, and so may steps that have not begun.
""",
)

INPUT_CHANGED = Code(
    "E731",
    "the input has changed since it was read",
    """\
An unfinished run goes on behind what it has read. With records inserted, removed or changed there,
some would be read twice and others never, so the run is refused. A file that has only grown is
fine where it was being read; files that come behind it may come and go.

Input that changes while a step reads it fails the step for the same reason: it would have read a
part as it was and a part as it is. There, too, growing is fine.

Bring the input back as it was, or begin anew: `flowctl run --fresh`.
""",
)

OUTPUT_CHANGED = Code(
    "E732",
    "an unfinished output is not what was written",
    """\
While a run is unfinished, its outputs wait beside their places as `.NAME.RUN.part`. One of them is
gone or shorter than the last checkpoint says, so that records would be missing.

Bring the file back, or begin anew: `flowctl run --fresh`.
""",
)

ENGINE_CHANGED = Code(
    "E733",
    "another version than the run began with",
    """\
An unfinished run was begun with another version of flowctl or of Polars. The rest of its output
could differ from the part that is written.

End the run with the version that began it, or begin anew: `flowctl run --fresh`.
""",
)

NOT_THERE = Code(
    "E735",
    "what a step stands on is not there",
    """\
`--only` and `--from` run some steps, and take what these need as it stands: the files that other
steps have written, their records, and how they ended in the last run of the same workflow with the
same params. Some of that is not there.

The records of a step without a Parquet sink are gone with its run, unless it has a `cache`. Ask for
that step, too (`--from clean`), or let it write a file:

    clean: {source: {csv: in.csv}, sink: {parquet: build/clean.parquet}}
""",
)

CHECKPOINT_DAMAGED = Code(
    "E734",
    "a checkpoint is damaged",
    """\
What the run keeps below `.flowctl/runs` is not what was written there, so it cannot go on.

`flowctl checkpoint rewind` goes back to an earlier checkpoint; `flowctl run --fresh` begins anew.
""",
)

FUNCTION_FAILED = Code(
    "E740",
    "a function has failed",
    """\
A function of the project raised an exception, or the process in which it ran ended: by `os._exit`,
by a signal, or for lack of memory. The message names the line that failed, and in a stream the
records that it was given; Python's traceback is in the step's log. Nothing was published.
""",
)

FUNCTION_RESULT = Code(
    "E741",
    "a function returned something else",
    """\
What a function of the project returned is not what the workflow says: not a Polars data frame, or
not with the columns and types under `columns`. Smaller numbers become larger ones by themselves;
anything else must be as declared, and nothing may be left over.

    - python: cleaning:tidy
      columns: {dest: string, delay: int64?}      # all that comes back; `?` allows nulls
""",
)

FOLLOWED_ROTATED = Code(
    "E770",
    "a file that is followed was rotated",
    """\
The file of a source with `follow: true` has been given another name, and a new one has its place;
or it was truncated after a copy had been made. What was left of it was read before anything of the
new one, so nothing is lost and nothing read twice.

A writer that goes on with the old file after the new one has begun is not heard: rotate when the
writer has let go of the file, as `postrotate` in logrotate sees to.
""",
    severity="note",
)

FOLLOWED_LOST = Code(
    "E771",
    "a followed file whose end is not known",
    """\
The file of a source with `follow: true` was truncated or replaced, and neither the old file nor a
copy of it is found beside it, under a name such as `app.log.1` or `app.log-20240131.gz`. Reading
goes on at the beginning of what is there now. What had been read was passed on; whether further
records stood behind it before the file went, nobody can tell.

Mend: rotate by renaming, and keep at least one old file beside the new one, uncompressed or not.
""",
    severity="warning",
)
