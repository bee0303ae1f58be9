"""E4xx: names, the graph of steps, and where records and columns go."""

from __future__ import annotations

from flowctl.diagnostics import Code

UNKNOWN_STEP = Code(
    "E401",
    "unknown step",
    """\
A step names another one that the document does not have. Names of steps are case-sensitive; a
matrix step is named without its cells, which means all of them.

    steps:
      load:  {run: ./load.sh}
      clean: {run: ./clean.sh, needs: [laod]}    # E401: did you mean `load`?
""",
)
SELF_NEED = Code(
    "E402",
    "a step that needs itself",
    """\
A step starts when all that it needs has ended, so one that needs itself would never start. A step
needs itself where `needs`, `source: {step: ...}`, `if` or `${{ }}` names it.

In `${{ }}` and `if` name only steps that have ended before; to repeat a step use `retry`.
""",
)
FOREACH_LIST = Code(
    "E426",
    "a `foreach` that names no list",
    """\
`foreach` is one run-time expression in `${{ }}`, and its value is a list: the step is done once for
each element. An output of a command is text unless it is declared, and a secret may not stand in
the list, which is kept with the run.

    steps:
      list:
        run: echo "files=$(ls -1 in | jq -Rsc 'split("\\n")[:-1]')" >> "$FLOWCTL_OUTPUT"
        outputs: {files: {type: array, items: {type: string}}}
      load:
        foreach: ${{ steps.list.outputs.files }}
        run: ./load.sh ${{ item }}

A list that is known before the run is a `matrix`.
""",
)
FOREACH_PLACE = Code(
    "E427",
    "a `foreach` where none can be",
    """\
A stream's paths and columns are checked before the run, so a stream cannot be fanned out over a
list that only the run knows; nor can a step that has a `matrix`.

    load:
      matrix: {region: [us, eu]}                # known before the run: a step for each
      source: {csv: "in/{{ matrix.region }}.csv"}

Mend: let a `matrix` make the steps, or read all files in one stream (a glob, a folder, a list).
""",
)
CYCLE = Code(
    "E403",
    "steps that wait for each other",
    """\
The needs of these steps form a circle, so that none of them could ever start. A need comes from
`needs`, from `source: {step: ...}`, from a step's name in `if` or `${{ }}`, or from reading a path
that another step writes; the message says which for each link of the circle.

Break the circle at the link that is not meant.
""",
)
WRITTEN_TWICE = Code(
    "E404",
    "a path that is written twice",
    """\
Two sinks write the same path, or one writes inside the folder that the other one replaces. What
the path holds in the end would depend on which step came last.

    sink: {csv: "out/{{ matrix.region }}.csv"}    # in a matrix: one path a cell

Give each sink a path of its own. To put several streams into one dataset, write them as cells of
one folder each and read them with a glob.
""",
)
OWN_OUTPUT = Code(
    "E405",
    "a step that reads what it writes",
    """\
The step's sink writes a path that its own source reads. On its second run it would read its own
output of the first one, so that no two runs would mean the same.

Write to another path, or keep the source's glob or folder away from the output.
""",
)
NO_SUCH_CELL = Code(
    "E406",
    "`same` finds no cell",
    """\
`needs: [{step: load, same: [region]}]` waits for those cells of `load` whose matrix value of
`region` is that of this step's own cell. Both steps need a `matrix` with that name, and `load`
needs a cell of that value.

    load:  {matrix: {region: [us, eu], year: [2012, 2013]}, ...}
    merge: {matrix: {region: [us, eu]}, needs: [{step: load, same: [region]}], ...}
""",
)
DUPLICATE_COLUMN = Code(
    "E407",
    "two columns of one name",
    """\
The records that leave this transform would have two columns of the same name, and a name must
mean one column. Drop the old column first, or choose another name.

    - rename: {delay: dep_delay, time: dep_delay}    # each new name once, each old one once
""",
)
NO_COLUMNS = Code(
    "E408",
    "no column is left",
    """\
The records that leave this transform would have no column at all. Keep at least one.
""",
)
COLUMN_TYPE = Code(
    "E409",
    "a column type that cannot be read",
    """\
Types of columns are `boolean`, `int8` ... `int64`, `uint8` ... `uint64`, `float32`, `float64`,
`decimal(p,s)`, `string`, `binary`, `date`, `time`, `datetime`, `datetime(zone)`, `duration`,
`list<...>` and `struct<name: type, ...>`. A `?` behind a type admits nulls.

    cast: {amount: "decimal(10,2)", note: "string?"}
""",
)
NO_CAST = Code(
    "E410",
    "no cast between these types",
    """\
There is no value of the new type for any value of the old one. Compute the new column from the
old one in `derive` instead, which has functions to take values apart.
""",
)
JSON_SCHEMA = Code(
    "E411",
    "a JSON Schema that is not valid",
    """\
`validate` takes a JSON Schema (draft 2020-12, unless its `$schema` says another one) for one
record. The schema itself breaks the rules of JSON Schema at this place.

    validate: {properties: {delay: {type: integre}}}    # E411: types are named in the standard
    validate: {properties: {delay: {type: integer}}}
""",
)
NO_GROUPS = Code(
    "E412",
    "a pattern without named groups",
    """\
`extract` makes a column of each named group of its pattern, so there must be at least one.

    extract: line
    pattern: '(?P<ip>[0-9.]+) (?P<rest>.*)'
""",
)
REJECTS_NOWHERE = Code(
    "E413",
    "rejected records have nowhere to go",
    """\
With `on_error: reject` a record at fault is set aside, to be mended and replayed. It needs a sink:

    rejects: {ndjson: build/rejects.ndjson}

To lose such records on purpose say `on_error: skip`.
""",
)
NOTHING_REJECTS = Code(
    "E414",
    "nothing is ever rejected",
    """\
The step says where rejected records go, or how many there may be, but none of its parts rejects
any: a fault ends the run. Say `on_error: reject` at the source or at the transforms whose faulty
records are to be set aside.
""",
    severity="warning",
)
NO_SINK = Code(
    "E415",
    "records that go nowhere",
    """\
The step reads records and neither writes them nor is read by another step. Give it a `sink`, or
read it with `source: {step: ...}`.
""",
    severity="warning",
)
OLD_REPLACED = Code(
    "E425",
    "what is new replaces what was written",
    """\
The step reads only the files that no earlier run has read, but its sink replaces what earlier runs
wrote. So after each run the sink holds that run's records alone, and none where nothing is new.

    source: {csv: in/, incremental: true}
    sink: {csv: all.csv, mode: append}      # keeps what earlier runs wrote

Where each run's records are to stand alone, say it: `mode: replace`.
""",
    severity="warning",
)
NEVER_ENDS = Code(
    "E480",
    "what does not go with a stream that never ends",
    """\
A source with `follow: true` reads one UTF-8 text file as it grows, until the run is told to stop,
and publishes at each checkpoint. So its records pass one by one or in order: what needs all of them
before any leaves (`aggregate`, `sort`, a `check`) would wait for ever, and so would another step.
Its sinks add to what stands there, since nothing is whole at any time.

    source: {ndjson: app.log, follow: true, columns: {at: datetime, level: string}}
    sink: [{csv: errors.csv, mode: append}, {parquet: events/, mode: append}]

A `limit` among the transforms ends such a stream.
""",
)
QUOTED_INTERPOLATION = Code(
    "E416",
    "`${{ }}` inside single quotes",
    """\
In a `run` string each `${{ ... }}` reaches the shell as an environment variable, so that no value
is ever taken for shell code. The shell does not look for variables inside single quotes.

    run: echo '${{ steps.load.sink }}'      # E416: prints the variable's name
    run: echo ${{ steps.load.sink }}        # right: needs no quotes, whatever the value holds

Nor can a value stand in `$'...'`, in a here-document whose delimiter is quoted, behind a backslash
or a `$`, in backquotes, `${...}` or `$((...))`: there the shell would not expand it, or would read
it as code.
""",
)
UNCHECKED = Code(
    "E417",
    "could not be checked",
    """\
Something is not known before the run, so that the columns or types that depend on it were not
checked: a file that does not exist yet, a param without a value. The run checks them when it gets
there. Declare `columns:` at the source, or pass the value with `-p`, to have them checked now;
`--strict` makes this an error.
""",
    severity="note",
)
PLAN_UNREADABLE = Code(
    "E418",
    "not a plan",
    """\
The file is not a plan as `flowctl plan -o plan.json` writes it: it is not JSON, or keys are missing
or unknown. `flowctl schema plan` prints the JSON Schema of a plan.
""",
)
PLAN_FORMAT = Code(
    "E419",
    "a plan of another version",
    """\
The format of plans changes with flowctl. A plan is read only by a version that knows its format,
because a part that is not understood cannot be run. Write it again from the workflow:

    flowctl plan workflow.yaml -o plan.json
""",
)
PLAN_CHANGED = Code(
    "E420",
    "a plan that was changed",
    """\
A plan carries the digests of its steps and of itself. They no longer fit, so the file was edited or
damaged, and nobody has checked what it says now. Change the workflow and write the plan again:

    flowctl plan workflow.yaml -o plan.json
""",
)
NO_RUNTIME = Code(
    "E421",
    "`${{ }}` where nothing computes it",
    """\
`${{ ... }}` is computed when a command starts: in `run`, `cwd` and `env`. What a stream reads, does
and writes is fixed when the workflow is compiled, so that it can be checked and resumed. There take
`{{ ... }}` for what is known then, such as params:

    sink: {csv: "out/${{ run.id }}.csv"}          # E421
    sink: {csv: "out/{{ params.region }}.csv"}
""",
)
NO_RECORDS = Code(
    "E422",
    "a step without records",
    """\
`source: {step: ...}` reads the records of a step that has a `source` itself. A command has none:
let it write a file, and read that file.

    source: {csv: build/fetched.csv}
    needs: [fetch]
""",
)
CELLS_DIFFER = Code(
    "E423",
    "cells whose columns differ",
    """\
`source: {step: load}` reads the records of all cells of `load` as one stream, so all cells must
hand on the same columns with the same types. Bring them to one form at the end of `load`, with
`select` and `cast`, or read one cell by its id, `load[us,2012]`.
""",
)
UNKNOWN_POOL = Code(
    "E424",
    "a resource that does not exist",
    """\
`pool` names a resource that the document's `resources` do not have, or takes more slots of it than
there are.

    resources: {db: {slots: 4}}
    steps:
      load: {run: ./load.sh, pool: {db: 2}}
""",
)
KEY_TYPES = Code(
    "E440",
    "keys that cannot be compared",
    """\
The two columns of a key must be of types that compare: numbers with numbers, dates with dates and
timestamps, anything else only with its like. A list or a struct is no key. Bring both sides to one
type, with `cast` before the join, or with `columns` at the right side's source.

    - join: {csv: planes.csv}
      on: {plane_id: id}                # E440 where `plane_id` is text and `id` a number
    - cast: {plane_id: int64}           # mended, before the join
""",
)
UNION_COLUMNS = Code(
    "E441",
    "a union of other columns",
    """\
`union` puts records of several sources into one stream, so each source must have the stream's
columns, by name, and no others. Bring it to them in a step of its own, and read that step.

    old: {source: {csv: old.csv}, transforms: [{rename: {delay: dep_delay}}]}
    all: {source: {csv: new.csv}, transforms: [{union: [{step: old}]}], sink: {csv: all.csv}}
""",
)
UNION_TYPES = Code(
    "E442",
    "a union of other types",
    """\
A column must have one type in all sources of a `union`. Numbers widen (`int32` and `int64` are
`int64`), other types must be the same. Say the type at the source, or `cast` the stream's column.

    - union: [{csv: old.csv, columns: {flight: string}}]
""",
)
WRONG_COLUMN = Code(
    "E430",
    "a column whose type this transform cannot take",
    """\
`explode` takes a list apart, `flatten` a struct, and `unpivot` puts several columns into one, for
which they need a common type. Bring the columns to such a type with `cast` or `derive` before.

    - derive: {tags: "string_split(tags, ',')"}     # a text becomes a list
    - explode: tags
""",
)
WINDOW_FRAME = Code(
    "E431",
    "a frame that holds no records",
    """\
`rows` says which records a function sees, counted from its own one: `7` is that one and the 6
before, `[-3, 3]` reaches 3 to either side, and `null` means as far as the partition goes. The
first number must not be greater than the second, and only a frame that begins with the partition
may end with it.

    - window: {week: avg(delay)}
      order: [day]
      rows: 7

From a record to the end of its partition: turn `order` around, and take `rows: [null, 0]`.
""",
)
NO_MODULE = Code(
    "E450",
    "a module that does not exist",
    """\
`python: module:function` calls a function of the project. Modules start at the project's folder
(the one with a `flowctl.toml`, else the workflow's own): `cleaning.flights:tidy` is the function
`tidy` in `cleaning/flights.py` there. Modules of Python or of a package are called from there.

    - python: cleaning.flights:tidy
      columns: {dest: string, delay: float64}
""",
)
WRONG_ARGUMENTS = Code(
    "E453",
    "arguments that a function does not take",
    """\
`with` gives a function's arguments by name. One of them is not in its signature, or one that it
needs is missing.

    def monthly(month: str, *, full: bool = False) -> dict[str, object]: ...

    python: reports:monthly
    with: {month: 2024-01, full: true}
""",
)
NO_FUNCTION = Code(
    "E451",
    "a function that does not exist",
    """\
The module exists, but has no function of this name at its top level; or the name is that of a
class or of an `async` function, which are not called.

    def tidy(frame: pl.DataFrame) -> pl.DataFrame:      # python: cleaning:tidy
        return frame.drop_nulls()
""",
)
FUNCTION_SHAPE = Code(
    "E452",
    "a function of the wrong shape",
    """\
The transform `python` calls its function with one argument, the frame, and takes the frame that
it returns. Further parameters need defaults; `*args` and `**kwargs` are fine.

    def tidy(frame: pl.DataFrame, most: int = 600) -> pl.DataFrame:
        return frame.with_columns(pl.col("dep_delay").clip(0, most))
""",
)
