"""E1xx: the text of a file."""

from __future__ import annotations

from flowctl.diagnostics import Code

NOT_UTF8 = Code(
    "E101",
    "not UTF-8",
    """\
Workflow files are text in UTF-8; a byte order mark at the start is accepted. Bytes of another
encoding would be read as other characters than were meant, so flowctl does not guess.

Save the file as UTF-8; most editors offer it under "Save with encoding". On a command line:

    iconv -f LATIN1 -t UTF-8 old.yaml > new.yaml
""",
)

FILE_TOO_LARGE = Code(
    "E102",
    "a document beyond its bounds",
    """\
A document has at most 16 MiB of text, 1,000,000 values once every alias is written out, and
mappings and lists nest at most 64 deep. The bounds keep a small hostile file from filling the
memory of the machine that reads it.

Keep data out of the workflow: put rows into a CSV file and read it with a source.
""",
)

CONTROL_CHARACTER = Code(
    "E103",
    "a character that text may not hold",
    """\
The file holds a character that cannot be seen and that parsers take differently: a control
character, such as NUL or escape, or one of Unicode's own line ends (U+0085, U+2028, U+2029).
It often comes with text that was copied from a web page or a terminal.

Remove it; where it is meant, write its escape inside double quotes:

    delimiter: "\\x1f"
""",
)

UNKNOWN_FORMAT = Code(
    "E104",
    "unknown file format",
    """\
The extension of a file says how it is written: `.yaml` and `.yml` are YAML 1.2, `.toml` is TOML,
and `.json`, for files that a `$ref` names, is JSON.

Give the file the extension of what it holds.
""",
)

EMPTY_DOCUMENT = Code(
    "E105",
    "an empty document",
    """\
The file holds nothing but white space and comments. The smallest workflow is

    flowctl: 1
    name: hello
    steps:
      greet: {run: echo hello}
""",
)

SEVERAL_DOCUMENTS = Code(
    "E106",
    "several documents in one file",
    """\
In YAML a line `---` begins a new document. A workflow is one document, so what follows the
second `---` would be ignored silently.

Remove the line, or write one file for each document. A single `---` at the very start is fine.
""",
)

DUPLICATE_KEY = Code(
    "E107",
    "a key stands twice",
    """\
A key may stand once in a mapping. Where it stands twice, one of the two values would be lost
silently, and programs do not agree on which one.

    steps:
      load: {run: ./load.sh}
      load: {run: ./other.sh}     # E107: name it `load_other`, or remove one of the two
""",
)

KEY_NOT_TEXT = Code(
    "E108",
    "a key that is no text",
    """\
Keys are strings. An unquoted `1`, `1.5`, `true` or `null` is a number, a boolean or null to YAML,
and a list or mapping cannot be a key at all. Words such as `on`, `yes` and dates are strings.

Put quotes around the key:

    rename: {"1": first}
""",
)

UNQUOTED_TEMPLATE = Code(
    "E109",
    "a template without quotes",
    """\
A brace at the start of a value opens a mapping in YAML, so an unquoted `{{ params.year }}` is a
mapping inside a mapping and not a template.

Put quotes around the whole value:

    path: "{{ params.year }}/flights.csv"
""",
)

CUT_BY_COMMA = Code(
    "E110",
    "a comma that cuts a value",
    """\
Inside `{ }` and `[ ]` a comma ends an unquoted value, so the arguments of a call fall apart:
`{filter: coalesce(a, b) > 1}` reads as `filter: "coalesce(a"` and a second key `b) > 1`.

Put quotes around the value, or write the mapping on lines of its own:

    - {filter: "coalesce(a, b) > 1"}
    - filter: coalesce(a, b) > 1
""",
)

UNKNOWN_ALIAS = Code(
    "E111",
    "an alias without its anchor",
    """\
An unquoted `*` at the start of a value makes it an alias: it stands for the value that is marked
with `&` and the same name, further up in the same file, and that does not hold the alias itself.

    defaults: &retry {retry: {attempts: 3}}
    steps: {load: {run: make, <<: *retry}}

Where a `*` is meant as text, as in a glob, put quotes around the value:

    csv: "*.csv"
""",
)

TAG = Code(
    "E112",
    "a tag that is not understood",
    """\
An unquoted `!` at the start of a value is a tag: it names the type of the value. Only the tags of
the core schema are understood: `!!str !!int !!float !!bool !!null !!map !!seq`, and the value has
to fit the tag.

Where the `!` is meant as text, put quotes around the value:

    run: "! grep -q ERROR log.txt"
""",
)

MERGE = Code(
    "E113",
    "a merge of something that is no mapping",
    """\
The key `<<` copies the keys of another mapping to where it stands; keys that are written out win.
Its value is an alias of a mapping, or a list of such aliases, of which the first wins.

    base: &base {timeout: 5m, retry: {attempts: 2}}
    steps:
      load: {run: make, <<: *base}
      store: {run: make store, <<: [*base, *other]}
""",
)

NUMBER = Code(
    "E114",
    "a number that cannot be held",
    """\
Whole numbers have at most 4,000 digits (those of TOML lie within 64 bits), and a decimal number
has to fit a 64-bit float: `1e999` would become infinity silently.

Where digits are meant as text, as in an account number, put quotes around them.
""",
)

DIRECTIVE = Code(
    "E115",
    "a directive that cannot be followed",
    """\
A line that starts with `%` before the document instructs the parser. flowctl reads YAML 1.2: by
the rules of YAML 1.1 `on`, `yes` and dates would mean something else, so a file that asks for
them is refused rather than read differently than it says.

Remove the line, or write `%YAML 1.2`. A key that starts with `%` needs quotes.
""",
)

TAB = Code(
    "E116",
    "a tab where spaces are needed",
    """\
YAML is indented with spaces; a tab may not stand before the first character of a line, because its
width depends on who looks at it.

Replace each tab by spaces. Editors do it on request: "Convert indentation to spaces".
""",
)

UNCLOSED_QUOTE = Code(
    "E117",
    "a quote that is not closed",
    """\
A text that begins with a quote goes on until the same quote comes again, over line ends too. The
place is where the text begins; the missing quote belongs at its end.

Inside single quotes, a single quote is written twice; inside double quotes it needs no mark:

    run: 'echo it''s done'
    run: "echo it's done"
""",
)

UNCLOSED_BRACKET = Code(
    "E118",
    "a bracket that is not closed",
    """\
A mapping in braces or a list in brackets goes on until its `}` or `]`, over line ends too, and has
a comma between two entries. The place is where it begins, or where the comma is missing.

    by: [carrier, dest]
    retry: {attempts: 3, delay: 1s}
""",
)

COLON_IN_VALUE = Code(
    "E119",
    "a `: ` inside an unquoted value",
    """\
A colon with a space after it separates a key from its value, so it cannot stand inside an unquoted
value. The same message comes where a line is indented deeper than its neighbours.

Put quotes around the value, or write it as a block:

    run: "echo total: 5"
    run: |
      echo total: 5
""",
)

INDENTATION = Code(
    "E120",
    "a line that is not indented as its neighbours",
    """\
Entries of one mapping, and items of one list, begin in the same column. This line begins in a
column that belongs to nothing above it.

    retry:
      attempts: 3
     delay: 1s        # E120: one space less than `attempts`
""",
)

ESCAPE = Code(
    "E121",
    "an unknown escape",
    """\
Inside double quotes a backslash begins an escape, such as `\\n` or `\\u00e9`. A regular expression
or a Windows path is full of other backslashes.

Use single quotes, in which a backslash is a backslash:

    pattern: '\\d+'
""",
)

RESERVED_CHARACTER = Code(
    "E122",
    "a character that cannot begin a value",
    """\
An unquoted value in YAML cannot begin with any of ``@ ` % , ] } > | & * ! # ' " - ?`` unless that
character is meant with the sense that it has in YAML.

Put quotes around the value:

    columns: ["@id", "%share"]
    rows: "> 1000"
""",
)

TEXT_AFTER_VALUE = Code(
    "E123",
    "text after the end of a value",
    """\
A value in quotes, braces or brackets ends at its closing mark; nothing but a comment may follow on
that line. An expression that begins with a quote needs quotes around the whole:

    filter: '"odd name" > 3'
    check: "'a' || b"
""",
)

NO_KEY = Code(
    "E124",
    "a line that is no `key: value`",
    """\
In a mapping every line at its indentation begins with a key and a colon with a space after it; in
a list every item begins with `- `. One level of a document is either the one or the other.

    steps:
      load:
        run: make       # `run:make`, without the space, would be one word
""",
)

UNKNOWN_VALUE = Code(
    "E125",
    "a value that TOML does not know",
    """\
A value in TOML is a string in quotes, a number, `true`, `false`, a date, a list or an inline
table. Words without quotes are no strings there, and numbers have no leading zeros.

    sink = { parquet = "out/clean.parquet" }
    enabled = true
""",
)

SYNTAX = Code(
    "E126",
    "a text that cannot be read",
    """\
The parser came to a character that can mean nothing where it stands. Look at the line of the
message and at the one above it.
""",
)
