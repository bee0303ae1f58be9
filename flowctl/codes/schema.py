"""E2xx: the shape of a document."""

from __future__ import annotations

from flowctl.diagnostics import Code

UNKNOWN_KEY = Code(
    "E201",
    "unknown key",
    """\
A mapping holds a key that means nothing there. flowctl never ignores a key silently: a misspelt
option would otherwise look as if it worked.

    source: {csv: a.csv, delimeter: ";"}     # E201: did you mean `delimiter`?

At the top of a document, keys that start with `x-` are free for your own fragments.
""",
)

MISSING_KEY = Code(
    "E202",
    "a key is missing",
    """\
A mapping lacks a key that it cannot do without. The place is the key that needs the missing one
beside it or below it.

    - extract: line                          # E202: needs `pattern` beside it
      pattern: '(?P<ip>\\S+)'                  # right
""",
)

WRONG_TYPE = Code(
    "E203",
    "a value of the wrong type",
    """\
A value is, for example, a number where text is needed, or a single value where a list is needed.
In YAML quotes make text of anything, and without quotes `5`, `true` and `null` are no text.

    delimiter: 0        # E203: a number
    delimiter: "0"      # text
    drop: name          # E203: a single value
    drop: [name]        # a list
""",
)

NOT_ALLOWED = Code(
    "E204",
    "a value that is not allowed here",
    """\
Only certain values may stand here; the message lists them. Words are case-sensitive.

    on_error: ignore    # E204: `fail`, `skip` or `reject`
""",
)

BAD_NAME = Code(
    "E205",
    "a name that cannot be used",
    """\
Names of steps, params, variables, secrets and matrix dimensions are words of letters, digits and
underscores that do not start with a digit, so that expressions can say `steps.load.written` and
`params.year`.

    steps:
      load-flights: ...     # E205: write `load_flights`
""",
)

NO_KIND = Code(
    "E206",
    "nothing says what this does",
    """\
Everything that does something is a mapping with one kind key, which says what it is and holds its
main argument; options stand beside it. Here no key is a known kind. `flowctl kinds` lists them.

    transforms:
      - fliter: delay > 15       # E206: did you mean `filter`?
""",
)

TWO_KINDS = Code(
    "E207",
    "two kinds in one mapping",
    """\
A mapping does one thing, so it has exactly one kind key. Two of them leave open which one comes
first, or which one counts.

    transforms:
      - {filter: delay > 15, limit: 10}     # E207
      - filter: delay > 15                  # right: two items of the list
      - limit: 10
""",
)

EMPTY = Code(
    "E208",
    "nothing stands where something is needed",
    """\
A mapping, list or text is empty (or the value after the colon is left out), although it must hold
at least one thing.

    steps: {}           # E208: a workflow has at least one step
    select: []          # E208: name at least one column
""",
)

TEXT_FORM = Code(
    "E209",
    "text of another form than needed",
    """\
A text must follow a certain form, which the message names.

    max_rejects: 1 percent     # E209: a count such as `10` or a share such as `1%`
""",
)

OUT_OF_RANGE = Code(
    "E210",
    "a number or a size out of range",
    """\
A number is smaller or larger than allowed, or a text or list is shorter or longer than allowed;
the message says which bound applies.

    limit: -1           # E210: at least 0
""",
)

REPEATED = Code(
    "E211",
    "an item stands twice in a list",
    """\
The items of this list are names or values that must differ; a repeated one has no meaning, or two.

    drop: [a, b, a]     # E211: `a` stands twice
""",
)

STRAY_OPTION = Code(
    "E212",
    "an option without its kind",
    """\
A mapping holds an option of some kind but no kind key. Mostly a dash too many has made two items
of what should be one:

    transforms:
      - extract: line
      - pattern: '(?P<ip>\\S+)'    # E212: stands beside `extract`, without a dash of its own
""",
)

VERSION = Code(
    "E213",
    "the language version is missing or unknown",
    """\
Every workflow begins with the version of the language that it is written in. There is one so far:

    flowctl: 1

A workflow of a newer version needs a newer flowctl.
""",
)

NOT_A_MAPPING = Code(
    "E214",
    "a document that is no mapping",
    """\
A workflow is a mapping at its top: keys such as `flowctl`, `name` and `steps`, each with a value.
A list or a single text cannot be a workflow.
""",
)

EXPRESSION_TAKEN_APART = Code(
    "E215",
    "an expression that YAML takes for something else",
    """\
Without quotes, YAML reads `{...}` as a mapping and `[...]` as a list, also where an expression was
meant. An expression is one text: put quotes around the whole of it.

    derive: {point: {'x': 1}}            # E215: a mapping
    derive: {point: "{'x': 1}"}          # an expression that makes a struct
""",
)

CUT_BY_COMMENT = Code(
    "E216",
    "a `#` that cuts an expression",
    """\
In an unquoted YAML value, a `#` after a space begins a comment, and the rest of the line is gone.
What is left here cannot be the whole expression.

    filter: tag = ' #1'                  # E216: reads as  tag = '
    filter: "tag = ' #1'"                # right
""",
)

COMPARISON = Code(
    "E217",
    "not a comparison",
    """\
`rows` and `rejected` of a `check` compare a count with a number: a sign, a number, and perhaps
`and` with a second one. `rejected` may also be a share of the records that were read.

    check: {rows: ">= 1000 and < 5000", rejected: "< 1%"}

The quotes are needed: an unquoted `>` means something else to YAML.
""",
)
