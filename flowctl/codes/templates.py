"""E3xx: templates, references, params and what else is expanded at compile time."""

from __future__ import annotations

from flowctl.diagnostics import Code

UNDEFINED = Code(
    "E301",
    "an undefined name in a template",
    """\
A template names something that does not exist. Templates are evaluated at compile time, before
any step runs; they know `params`, `vars`, `workflow` and, in a step with a matrix, `matrix`.

    sink: {csv: "{{ params.yeer }}.csv"}         # E301: did you mean `params.year`?

What is known only at run time (`steps`, `run`, `item`) is written `${{ ... }}`.
""",
)

TEMPLATE_SYNTAX = Code(
    "E302",
    "a template that cannot be read",
    """\
Between `{{` and `}}` stands one Jinja expression: names, literals, operators, filters, calls.
Statements (`{% if %}`) and comments do not exist. Two opening braces that are meant as text are
written as a template of their own:

    run: docker ps --format '{{ "{{" }}.Names}}'
""",
)

TEMPLATE_FAILS = Code(
    "E303",
    "a template that cannot be evaluated",
    """\
The expression is well formed, but has no value: an operation on values of the wrong type, a
division by zero, a filter or function that refuses its argument.

    "{{ params.name + 1 }}"              # E303 where `name` is text
    "{{ params.name ~ 1 }}"              # `~` joins anything as text
""",
)

TEMPLATE_TOO_LARGE = Code(
    "E304",
    "a template that asks for too much",
    """\
Templates are bounded, so that a workflow cannot exhaust the machine that looks at it: a value has
at most 1,000,000 characters or 100,000 items, an expression at most 4,000 characters.

    "{{ 'a' * 10 ** 9 }}"                # E304
""",
)

NOT_TEXT = Code(
    "E305",
    "a value that cannot stand inside text",
    """\
A template that is part of a longer text must give text, a number or a boolean. A list or mapping
keeps its type only where the template is the whole value; inside text, say how to write it.

    csv: "{{ params.files }}.csv"                    # E305 where `files` is a list
    csv: "{{ params.files | join('-') }}.csv"
    csv: "{{ params.files }}"                        # the list itself
""",
)

BAD_KEY = Code(
    "E306",
    "a template that gives no usable key",
    """\
A key may be a template, but it must give text, and no two keys of a mapping may come out equal.

    derive: {"{{ params.a }}": x, "{{ params.b }}": y}    # E306 where both are `total`
""",
)

SECRET_IN_TEMPLATE = Code(
    "E307",
    "a secret in a template",
    """\
Secrets are never read at compile time, so that they cannot end up in a plan. They exist at run
time only, in `${{ ... }}`:

    env: {TOKEN: "{{ secrets.TOKEN }}"}      # E307
    env: {TOKEN: "${{ secrets.TOKEN }}"}
""",
)

UNKNOWN_PARAM = Code(
    "E308",
    "a value for a param that does not exist",
    """\
`-p name=value`, or a key of the file given with `--params-file`, names a param that the workflow
does not declare. A typo would otherwise run the workflow with a default.
""",
)

BAD_PARAM = Code(
    "E309",
    "a value that does not fit its param",
    """\
A param's value, wherever it comes from (`-p`, `--params-file`, an environment variable or the
default), must fit the JSON Schema in which the param is declared.

    params:
      year: {type: integer, minimum: 1987}

    flowctl run flights.yaml -p year=1986        # E309: at least 1987
""",
)

MISSING_PARAM = Code(
    "E310",
    "a param without a value",
    """\
The param has no default and no value is given. To validate, that is fine: what depends on it goes
unchecked. To run, give the value with `-p name=value`, with `--params-file` or, where the param
has `env`, with that environment variable. `--strict` makes this an error.
""",
    severity="note",
)

UNUSED_PARAM = Code(
    "E311",
    "an unused param",
    """\
Nothing in the document uses the param: neither a template nor an expression names
`params.<name>`. Mostly a name is misspelt somewhere, or the param is left over.
""",
    severity="warning",
)

UNUSED_VAR = Code(
    "E312",
    "an unused variable",
    """\
Nothing in the document uses the variable: neither a template nor an expression names
`vars.<name>`. Mostly a name is misspelt somewhere, or the variable is left over.
""",
    severity="warning",
)

VAR_CYCLE = Code(
    "E313",
    "variables that refer to each other in a circle",
    """\
A variable may refer to others, in any order, but not to itself by way of them: none of them would
ever have a value.

    vars:
      out: "build/{{ vars.name }}"
      name: "{{ vars.out }}-1"           # E313
""",
)

REF_CYCLE = Code(
    "E314",
    "references that go in a circle",
    """\
A `$ref` is replaced by what it points to. Here that holds, by way of other references, the `$ref`
itself, so that the replacing would never end. The message shows the whole circle.

Inside a JSON Schema, where `$ref` keeps its own meaning, a circle is allowed.
""",
)

REF_TARGET = Code(
    "E315",
    "a reference to something that is not there",
    """\
A `$ref` names a file, and behind a `#` the way into it, as a JSON Pointer (RFC 6901): the keys
one after the other, and indexes of lists counted from 0. `#/...` alone points into the file that
holds the `$ref`. Paths start at the folder of that file.

    {$ref: "common.yaml#/sinks/parquet"}
    {$ref: "#/x-retry"}
""",
)

OUTSIDE_PROJECT = Code(
    "E316",
    "a file outside of the project",
    """\
`$ref`, `file`, `glob` and `table` may read the files of the project only: those below the nearest
folder above the workflow that holds a `flowctl.toml`, else those below the workflow's own folder.
Symbolic links are followed before that is judged, and nothing is read from the network.

Put a `flowctl.toml` (it may be empty) into the folder that is to be the project's.
""",
)

REF_OVERLAY = Code(
    "E317",
    "a reference that cannot be applied",
    """\
A `$ref` is a text. Keys beside it are laid over the mapping that it points to (RFC 7396: mappings
merge, anything else replaces, `null` removes); over a list or a single value no keys can be laid.

    {$ref: "#/x-sink", parquet: out.parquet}
""",
)

TOO_LARGE = Code(
    "E318",
    "a document that grows without bounds",
    """\
With its references, templates and matrices put in place, the document becomes larger or deeper
than any workflow needs: 1,000,000 values, 100 levels, 20,000 cells of one matrix. Mostly
references multiply each other.
""",
)

MATRIX_EMPTY_CELL = Code(
    "E319",
    "a matrix whose cells cannot be told apart",
    """\
Each combination of a matrix becomes a step that is called by its values, `load[us,2012]`, so no
two combinations may have the same ones. A value stands twice in a dimension, or `include` repeats
a combination.
""",
)

MATRIX_EXCLUDE = Code(
    "E320",
    "an `exclude` that excludes nothing",
    """\
An item of `exclude` removes the combinations that have all of its values. This one fits none, so
a name or value is misspelt.

    matrix:
      region: [us, eu]
      exclude: [{region: uk}]            # E320
""",
)

UNKNOWN_PROFILE = Code(
    "E321",
    "an unknown profile",
    """\
`--profile` names a profile that the document does not have under `profiles`.
""",
)

RUNTIME_IN_PARAM = Code(
    "E322",
    "a param's value that would be evaluated",
    """\
A value from outside is never taken for code. This one holds `${{`, which in a step's text would
be evaluated at run time, and could for example read a secret. Write such expressions into the
workflow itself.
""",
)

SCHEMA_REF = Code(
    "E323",
    "a reference of a JSON Schema that cannot be followed",
    """\
Inside a JSON Schema `$ref` keeps JSON Schema's own meaning: a path from the file that holds it,
with a pointer or an anchor behind `#`, recursive ones too. It may not leave the project, and
nothing is read from the network.

    items: {$ref: "#/$defs/flight"}
    items: {$ref: "flight.json#/$defs/leg"}
""",
)
