"""E5xx: expressions and types."""

from __future__ import annotations

from flowctl.diagnostics import Code

EXPRESSION_SYNTAX = Code(
    "E501",
    "the expression cannot be read",
    """\
An expression is SQL as DuckDB writes it: `dep_delay > 15 and carrier = 'UA'`. Text stands in
single quotes, an odd column name in double quotes, a quote within either is written twice.

    filter: carrier == "UA"       # wrong: "UA" is a column here
    filter: carrier = 'UA'
""",
)
NOT_SCALAR = Code(
    "E502",
    "this is not an expression over one record",
    """\
An expression computes one value from one record. Queries, sub-queries, several statements, `*`
and query parameters (`?`, `$1`) have no meaning there. Join or aggregate in a transform of its
own, and write a value from outside as `params.name`.
""",
)
AGGREGATE = Code(
    "E503",
    "an aggregate or window function where only one record is seen",
    """\
`sum`, `count`, `row_number() over (...)` look at many records, but this expression sees one
record at a time. Use the transforms that see them all:

    - aggregate: {flights: count(*), delay: avg(dep_delay)}
      by: [dest]
    - window: {nth: row_number(), before: lag(dep_delay)}
      by: [dest]
      order: [time_hour]

For the sum or maximum of a list use `list_sum`, `list_max`; of several columns, `greatest`.
""",
)
TOO_LARGE = Code(
    "E504",
    "the expression is too long or too deep",
    """\
An expression has at most 100,000 characters and nests at most 100 deep. Compute parts of it in a
`derive` of its own, and compare with a long list by a join.
""",
)
UNKNOWN_COLUMN = Code(
    "E505",
    "unknown column",
    """\
The records that reach this expression have no such column. Names of columns are case-sensitive,
and each transform before this one may have renamed or dropped columns. All expressions of one
`derive` see the columns of its input, not each other's results.

    - derive: {speed: distance / hours}
    - filter: sped > 100           # wrong
    - filter: speed > 100
""",
)
UNKNOWN_NAME = Code(
    "E506",
    "unknown name",
    """\
Beside columns an expression knows the constants `params`, `vars`, `matrix`, `item` and `index`
where they exist, and in `if` and `${{ }}` also `steps`, `run` and `secrets`. What stands behind
the dot must have been declared.

    params: {carrier: {type: string}}
    ...
    filter: carrier = params.carier     # wrong
    filter: carrier = params.carrier
""",
)
UNKNOWN_FUNCTION = Code(
    "E507",
    "unknown function",
    """\
Expressions know the functions that `flowctl kinds functions` lists, with DuckDB's names and
meaning. Names of functions may be written in upper or lower case.
""",
)
ARGUMENTS = Code(
    "E508",
    "wrong arguments",
    """\
The function takes another number of arguments, or one of them must be written out as a literal
(a part of a date, a pattern, a format), or is not of a kind that the function knows.

    left(name)          # wrong
    left(name, 2)
""",
)
OPERAND_TYPES = Code(
    "E509",
    "these types do not go together",
    """\
Numbers compare and calculate with numbers; everything else only with its like. A quoted literal
beside a date, time, timestamp or decimal takes its type. Say what you mean with a cast:

    filter: flight = '12'            # wrong, where flight is a number
    filter: flight = 12
    filter: cast(flight as text) = '12'
""",
)
RESULT_TYPE = Code(
    "E510",
    "the expression has the wrong type",
    """\
The place where the expression stands wants another type: `filter` and `if` want a boolean.

    filter: dep_delay                # wrong
    filter: dep_delay > 0
""",
)
BAD_LITERAL = Code(
    "E511",
    "a literal that its type does not have",
    """\
The literal is no value of the type that it must have here: there is no 13th month and no number
`'12a'`.

    filter: day > '2013-13-01'       # wrong
    filter: day > '2013-12-01'
""",
)
NOT_REPEATABLE = Code(
    "E512",
    "a function whose result changes from run to run",
    """\
A run that is resumed must give the same bytes as one that was never interrupted, so nothing in an
expression is random or reads the clock. `now()` is the logical time of the run
(`--timestamp`), the same in every record; for a stable sample hash a key: `md5(id) < '1a'`, or
use the transform `sample`.
""",
)
NOT_HERE = Code(
    "E513",
    "a function that does not exist in this place",
    """\
`source_file()` and `source_line()` exist where records are read from files, and up to the first
transform that has to see all records (`sort`, `aggregate`); `always()`, `failure()` and
`success()` exist in a step's `if`.
""",
)
UNKNOWN_TYPE = Code(
    "E514",
    "unknown type",
    """\
A cast names a type of SQL: `boolean tinyint smallint integer bigint hugeint` (and `utinyint …
ubigint`), `real double decimal(p,s) text blob date time timestamp timestamptz interval`, lists
`integer[]` and `struct(a integer, b text)`.

    cast(x as number)     # wrong
    x::double
""",
)
PATTERN = Code(
    "E515",
    "a pattern or format that cannot be read",
    """\
A regular expression or a date format must be well formed. Regular expressions have neither
look-around nor back-references; formats are those of `strftime`, such as `%Y-%m-%d %H:%M:%S`.
""",
)
UNKNOWN_FIELD = Code(
    "E516",
    "unknown field",
    """\
The struct has no field of this name. `flowctl infer` prints the fields of a file's columns.
""",
)
INTERPOLATION = Code(
    "E517",
    "`${{` is never closed",
    """\
A run-time expression inside a string stands between `${{` and `}}`.

    run: echo ${{ run.id          # wrong
    run: echo ${{ run.id }}
""",
)
NOT_GROUPED = Code(
    "E518",
    "a column that has many values in a group",
    """\
`aggregate` makes one record of each group, and a column of the records has a value in each of
them. Say with an aggregate which one is meant, or group by the column.

    - aggregate: {flights: count(*), carrier: carrier}          # wrong
      by: [dest]
    - aggregate: {flights: count(*), carrier: min(carrier)}
      by: [dest]
""",
)
