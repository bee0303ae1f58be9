"""E6xx: files and the environment."""

from __future__ import annotations

from flowctl.diagnostics import Code

NO_SUCH_FILE = Code(
    "E620",
    "no such file",
    """The command line names a workflow, or a file of params, that does not exist.

Mend: write the path as it is seen from the folder in which the command runs.

    flowctl validate samples/flights/workflow.yaml
""",
)

NO_INPUT = Code(
    "E601",
    "no file to read",
    """A source names a path for which no file exists when the step begins.

`validate` only notes this, since an earlier step or another program may still bring the file.
A run cannot go on without it: an empty result would look like an answer.

Mend: write the path as it is seen from the workflow's folder, bring the file, or let the step that
writes it stand in `needs`.

    source: {csv: data/flights-*.csv.gz}
""",
)

UNREADABLE = Code(
    "E602",
    "a file cannot be read",
    """The file is there, but the system does not hand out its bytes: no permission, a folder where
a file should be, a device error.

Mend: give the user that runs flowctl the right to read it, or name another file.
""",
)

DAMAGED = Code(
    "E603",
    "a file is damaged",
    """A compressed file ends in the middle of a member, fails its checksum, or holds something else
than its extension says; or a Parquet file has no valid footer.

Records behind the damage are lost, so the step fails whatever `on_error` says: a half-read file is
never taken for a whole one.

Mend: fetch or write the file again; `gzip -t` and `zstd -t` test one by hand.
""",
)

HEADER = Code(
    "E604",
    "a header that does not fit",
    """A CSV file's header has one name twice, lacks a column that `columns` declares, or has other
columns than the first file of the same source.

The files of one source may hold their columns in any order, since they are matched by name; but all
must hold the same ones.

Mend: correct the file, narrow the glob, or give the files that differ a step of their own.

    source: {csv: data/flights-2013-*.csv}
""",
)

ENDLESS_RECORD = Code(
    "E605",
    "a record that does not end",
    """A quoted field is opened and never closed, or a record is longer than 64 MiB.

All that follows would be read as part of that one field, so the step fails whatever `on_error`
says. Most often a quote stands in a file that does not use quotes.

Mend: close the quote, or switch quoting off.

    source: {csv: pipes.csv, quote: ""}
""",
)

COLUMN_TYPES = Code(
    "E606",
    "columns that a source cannot have",
    """An entry of `columns` is no type, names a type that the format has no values for, or stands
twice.

Mend: write one of the types that `flowctl explain` lists for columns; a `?` behind it allows nulls.

    source: {csv: flights.csv, columns: {dep_delay: int64?, dest: string}}
""",
)

OPTION = Code(
    "E607",
    "an option that does not fit",
    """An option's value has the right shape but no meaning here: a delimiter of two characters, a
quote that is also the delimiter, an encoding that nobody knows.

Mend: see `flowctl kinds KIND` for what each option takes.

    source: {csv: flights.csv, delimiter: ";", quote: "'"}
""",
)

SINK_TYPE = Code(
    "E608",
    "a type that a sink cannot hold",
    """The records have a column whose values the sink's format has no spelling for, such as a list
in a CSV file. It would have to be written as something else, and could not be read back.

Mend: drop or convert the column before the sink, or write Parquet, which holds every type.

    transforms:
      - drop: [tags]
    sink: {csv: out.csv}
""",
)

UNWRITABLE = Code(
    "E609",
    "an output cannot be written",
    """The system refuses to create, extend or replace an output: no permission, a full disk, a
folder that stands at its path.

What stood at the path before is untouched, and the half-written file is gone.

Mend: free space, or write where the user that runs flowctl may write.
""",
)

STANDS_ALREADY = Code(
    "E610",
    "an output that stands there already",
    """\
A sink says `mode: error`, so nothing may stand at its path when the step begins, nor when it would
publish.

Mend: move away what stands there, write elsewhere, or say what is to become of it.

    sink: {csv: out.csv, mode: replace}
""",
)

NOT_OURS = Code(
    "E611",
    "a folder that holds other things",
    """\
A sink would replace a whole folder, or a partition of it, but not all that lies there looks like a
dataset: files `part-…`, folders `column=value`, and names that begin with `.` or `_`. Everything
else would be lost.

Mend: give the dataset a folder of its own, or move away what is not part of it.

    sink: {parquet: build/flights/}
""",
)

NOT_JOINED = Code(
    "E612",
    "records that cannot be added to a file",
    """\
A sink says `mode: append`, but the file that stands at its path has other columns, or cannot be
read. The records would stand under the wrong names, so nothing is written.

Mend: bring the columns into the file's order and names with `select` and `rename`, or write to
another file.

    transforms:
      - select: [day, dest, delay]
    sink: {csv: delays.csv, mode: append}
""",
)

PLACING = Code(
    "E613",
    "a way to write that does not fit",
    """\
`mode` and `partition_by` do not go with each other, with the path or with the format. Partitions
are folders, so `partition_by` needs a path that ends in `/`; an Arrow or JSON file ends in what
makes it whole, so nothing can be added behind it, but a dataset folder takes further files; and
values that name folders are texts, integers, booleans or dates.

    sink: {parquet: build/flights/, partition_by: [year, month], mode: replace_partitions}
""",
)
