"""Random expressions that have a type, made of templates whose holes are expressions again.

What DuckDB and flowctl are known to see differently is kept out; `duckdb_differences.md` says what
that is, and why.
"""

from __future__ import annotations

import re
from typing import Final

from hypothesis import strategies as st

COLUMNS: Final[dict[str, list[str]]] = {
    "int": ["a", "b", "i", "j", "k", "u", "v"],
    "float": ["f", "g", "h"],
    "dec": ["p", "q"],
    "text": ["s", "t"],
    "bool": ["o", "w"],
    "date": ["d", "e"],
    "moment": ["m", "n"],
    "span": ["dur"],
    "list": ["l"],
    "texts": ["x"],
}
LITERALS: Final[dict[str, list[str]]] = {
    "int": ["0", "1", "-1", "2", "7", "100", "300", "9223372036854775807"],
    "float": ["0e0", "1.5e0", "-2.5e0", "1e300", "'nan'::double", "'-inf'::double"],
    "dec": ["0.5", "-1.25", "100.0", "99.999"],
    "text": ["''", "'a'", "'héllo'", "' 12 '", "'2013-01-05'", "'%a_'"],
    "bool": ["true", "false"],
    "date": ["DATE '2013-02-28'", "DATE '1969-12-31'"],
    "moment": ["TIMESTAMP '2013-02-28 12:30:00'", "TIMESTAMP '1900-01-01'"],
    "span": ["INTERVAL '1 day'", "INTERVAL '-90 seconds'"],
    "list": ["[1, 2, NULL]", "[7]"],
    "texts": ["['a', NULL]", "['']"],
}
TEMPLATES: Final[dict[str, list[str]]] = {
    "int": [
        "{int} + {int}", "{int} - {int}", "{int} * {int}", "{int} // {int}", "{int} % {int}",
        "-({int})", "abs({int})", "sign({num})", "cast({num} as bigint)", "cast({num} as tinyint)",
        "cast({num} as ubigint)", "cast({text} as integer)", "try_cast({text} as bigint)",
        "length({text})", "strlen({text})", "strpos({text}, {text})", "{int} & {int}",
        "year({date})", "month({moment})", "dayofweek({date})", "date_part('doy', {moment})",
        "{date} - {date}", "date_diff('day', {date}, {date})",
        "date_diff('month', {moment}, {moment})",
        "list_count({list})", "len({texts})", "{list}[{small}]", "list_max({list})",
        "round({int}, -1)", "bit_count({int})", "list_position(l, {int})", "ascii({text})",
    ],
    "float": [
        "{float} + {num}", "{num} - {float}", "{float} * {num}", "{num} / {num}",
        "{float} % {float}", "cast({num} as double)", "sqrt({num})", "floor({float})",
        "ceil({float})", "round({float})", "round({float}, 2)", "-({float})", "abs({float})",
        "trunc({float})", "cast({text} as double)", "list_avg({list})",
    ],
    "dec": [
        "{dec} + {dec}", "{dec} - {int}", "{dec} * {dec}", "-({dec})", "abs({dec})",
        "cast({num} as decimal(12, 3))", "round({dec}, 1)", "{dec} % {dec}", "floor({dec})",
        "cast({text} as decimal(10, 2))",
    ],
    "text": [
        "{text} || {text}", "{text} || {int}", "upper({text})", "lower({text})", "trim({text})",
        "left({text}, {small})", "right({text}, 2)", "substring({text}, {small}, 2)",
        "replace({text}, {text}, 'x')", "cast({int} as text)", "cast({date} as text)",
        "cast({bool} as text)", "concat({text}, {int}, {date})", "coalesce({text}, {text})",
        "split_part({text}, ',', {small})", "lpad({text}, 4, '*')", "reverse({text})",
        "regexp_replace({text}, '[a-c]+', '<\\0>')", "regexp_extract({text}, '(\\w)(\\w)', 2)",
        "strftime({date}, '%d.%m.%Y')", "md5({text})", "array_to_string({list}, '-')",
        "nullif({text}, {text})", "{texts}[{small}]", "{text}[{small}]", "dayname({date})",
    ],
    "bool": [
        "{num} = {num}", "{num} <> {num}", "{num} < {num}", "{num} >= {num}", "{text} = {text}",
        "{text} < {text}", "{date} <= {date}", "{date} > {moment}", "{bool} and {bool}",
        "{bool} or {bool}", "not {bool}", "{any} is null", "{any} is not null",
        "{bool} is not true",
        "{num} between i and 100", "{int} in (1, 2, b)", "{text} in ('a', t)",
        "{text} like '%a%'", "{text} like {text}", "{text} ilike 'A%'", "{text} ~ '^[a-z]'",
        "contains({text}, {text})", "starts_with({text}, {text})", "{int} is distinct from {int}",
        "list_contains({list}, {int})", "{text} in {texts}", "isnan({float})",
        "{date} = '2013-02-28'",
        "list_has_any({list}, {list})", "json_valid({text})", "{span} > {span}",
    ],
    "date": [
        "greatest({date}, DATE '0001-07-01') + {small}",
        "cast({moment} as date)", "try_cast({text} as date)",
        "cast({text} as date)", "last_day({date})", "make_date(2013, {small}, 2)",
        "least({date}, {date})",
    ],
    "moment": [
        "{moment} + {span}", "{date} + {span}", "{moment} - interval '1 month'",
        "date_trunc('month', {date})", "date_trunc('hour', {moment})", "cast({date} as timestamp)",
        "{date} + to_months({small})", "time_bucket(interval '7 days', {moment})",
        "try_strptime({text}, '%Y-%m-%d')", "cast({text} as timestamp)",
    ],
    "span": ["{moment} - {moment}", "{span} + {span}", "-({span})", "to_hours({small})"],
    "list": [
        "[{int}, {int}]", "list_sort({list})", "list_reverse({list})", "{list} || {list}",
        "list_transform({list}, lambda v: v + 1)", "list_filter({list}, lambda v: v > 1)",
        "{list}[{small}:]", "list_append({list}, {int})", "range({small})",
    ],
    "texts": ["split({text}, ',')", "[{text}, {text}]",
              "list_transform({texts}, lambda v: upper(v))",
              "regexp_extract_all({text}, '[a-z]')"],
}  # fmt: skip
EVERYWHERE: Final = (
    "case when {bool} then {same} else {same} end",
    "coalesce({same}, {same})",
    "case when {bool} then {same} end",
    "try({same})",
    "greatest({same}, {same})",
)
_UNORDERED: Final = ("list", "texts", "bool", "span")
_HOLE: Final = re.compile(r"\{(\w+)\}")


@st.composite
def expressions(draw: st.DrawFn, kind: str | None = None, depth: int = 3) -> str:
    """The text of an expression of a kind (`int`, `text`, …)."""
    wanted = kind or draw(st.sampled_from(sorted(TEMPLATES)))
    if depth == 0 or draw(st.integers(0, 5)) == 0:
        return _leaf(draw, wanted)
    several = [text for text in EVERYWHERE if wanted not in _UNORDERED or "greatest" not in text]
    template = draw(st.sampled_from([*TEMPLATES[wanted], *several]))

    def fill(found: re.Match[str]) -> str:
        name = found[1]
        if name == "small":
            return draw(st.sampled_from(["k", "1", "2", "-1", "0", "3"]))
        if name == "same":
            name = wanted
        elif name == "num":
            name = draw(st.sampled_from(["int", "float", "dec"]))
        elif name == "any":
            name = draw(st.sampled_from(sorted(TEMPLATES)))
        inner = draw(expressions(kind=name, depth=depth - 1))
        return f"({inner})"

    return _HOLE.sub(fill, template)


def _leaf(draw: st.DrawFn, kind: str) -> str:
    return draw(st.sampled_from([*COLUMNS[kind], *LITERALS[kind]]))
