"""Text: cutting, joining, searching, changing; positions count code points from one."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import reduce
from typing import Any, Final

from flowctl.expressions.casts import convert
from flowctl.expressions.elementwise import elementwise, patched, refusable
from flowctl.expressions.functions.lists import contains as list_contains
from flowctl.expressions.functions.signature import (
    SCALAR,
    Function,
    ListOf,
    Operands,
    Problem,
    Result,
    T,
    takes,
)
from flowctl.expressions.lazily import pl
from flowctl.expressions.types import BINARY, BOOLEAN, INT32, INT64, STRING
from flowctl.records import List

LONGEST: Final = 1_000_000
"""A function that makes text of any length makes no longer one than this."""
_REACH: Final = (-(2**32), 2**32 - 1)
_NO_SEPARATOR: Final = "\0null"
"""Stands for a separator that is null: the whole text is one part."""
_NOT_ASCII: Final = r"[^\x00-\x7F]"


def _text(call: Operands, index: int) -> pl.Expr:
    """An argument of any type as text."""
    return convert(call[index], call.types[index], STRING).value


def _concat(call: Operands) -> pl.Expr:
    parts = [_text(call, index).fill_null("") for index in range(len(call))]
    return reduce(lambda a, b: a + b, parts)


def _concat_ws(call: Operands) -> pl.Expr:
    parts = [_text(call, index) for index in range(1, len(call))]
    joined = pl.concat_list(*parts).list.drop_nulls()
    return pl.when(call[0].is_not_null()).then(joined.list.join(call[0].fill_null("")))


def _join(call: Operands) -> pl.Expr:
    return _text(call, 0) + _text(call, 1)


def _simple_case(change: Callable[[str], str]) -> Callable[[str], str]:
    """Letter by letter: a letter whose other case is several letters stays as it is."""

    def turn(letter: str) -> str:
        changed = change(letter)
        return changed if len(changed) == 1 else _ODD_CASE.get(letter, letter)

    return lambda text: "".join(map(turn, text))


_ODD_CASE: Final = {"ß": "ẞ", "İ": "i"}


def _cased(call: Operands, fast: pl.Expr, change: Callable[[str], str]) -> pl.Expr:
    odd = call[0].str.contains(_NOT_ASCII)
    return patched(call[0], fast, odd, _simple_case(change), STRING)


def _upper(call: Operands) -> pl.Expr:
    return _cased(call, call[0].str.to_uppercase(), str.upper)


def lower_case(text: str) -> str:
    """As DuckDB has it: letter by letter."""
    return _simple_case(str.lower)(text)


def _lower(call: Operands) -> pl.Expr:
    return _cased(call, call[0].str.to_lowercase(), str.lower)


def _trim(side: str) -> Callable[[Operands], pl.Expr]:
    def lower(call: Operands) -> pl.Expr:
        value = call[0]
        if len(call) == 2:
            strip = {"both": str.strip, "start": str.lstrip, "end": str.rstrip}[side]
            return elementwise(lambda text, marks: strip(text, marks) if marks else text,
                               call.values, STRING)  # fmt: skip
        if side == "both":
            return value.str.strip_chars(" ")
        return (
            value.str.strip_chars_start(" ") if side == "start" else value.str.strip_chars_end(" ")
        )

    return lower


def _cut(part: Callable[[pl.Expr, pl.Expr], pl.Expr]) -> Callable[[Operands], Result]:
    def lower(call: Operands) -> Result:
        text, count = call.values
        far = ~count.is_between(*_REACH) & text.is_not_null()
        near = pl.when(far).then(0).otherwise(count)
        text = pl.when(count.is_not_null()).then(text)
        message = f"the length is out of range in {call.shown}"
        return Result(part(text, near), (Problem(far & (count > 0), message),))

    return lower


def _head(text: pl.Expr, count: pl.Expr) -> pl.Expr:
    length = text.str.len_chars().cast(pl.Int64)
    return text.str.slice(
        0, pl.when(count < 0).then(pl.max_horizontal(length + count, 0)).otherwise(count)
    )


def _tail(text: pl.Expr, count: pl.Expr) -> pl.Expr:
    length = text.str.len_chars().cast(pl.Int64)
    kept = pl.when(count < 0).then(pl.max_horizontal(length + count, 0)).otherwise(count)
    return text.str.slice(pl.max_horizontal(length - kept, 0), kept)


def _substring(call: Operands) -> Result:
    start, length = call.scalar(1), call.scalar(2) if len(call) == 3 else 0.0
    if (
        start is not None
        and 1 <= start <= _REACH[1]
        and length is not None
        and 0 <= length <= _REACH[1]
    ):
        count = int(length) if len(call) == 3 else None
        return Result(call[0].str.slice(int(start) - 1, count))
    cut = _substring_of if len(call) == 3 else _rest_of
    message = f"the place is out of range in {call.shown}"
    found = elementwise(cut, call.values, STRING)
    far = [~value.is_between(*_REACH) for value in call.values[1:]]
    given = pl.all_horizontal(*(value.is_not_null() for value in call.values))
    return Result(found, (Problem(pl.any_horizontal(*far) & given, message),))


def _substring_of(text: str, start: int, length: int) -> str:
    """DuckDB's rules: from behind where negative; a negative length reads backwards."""
    if length == 0:
        return ""
    size = len(text)
    if start > 0:
        first = start - 1
    elif start < 0:
        first = size + start
        if first < 0:
            if length > 0:
                length = max(length + first, 0)
            first = 0
    else:
        first, length = 0, length - 1
        if length <= 0:
            return ""
    if length > 0:
        return text[first : first + length]
    return text[max(0, first + length) : first]


def _rest_of(text: str, start: int) -> str:
    if start > 0:
        return text[start - 1 :]
    return text[max(0, len(text) + start) :] if start < 0 else text


def _strpos(call: Operands) -> pl.Expr:
    return elementwise(lambda text, part: text.find(part) + 1, call.values, INT64)


def _split(call: Operands) -> pl.Expr:
    separator = call.scalar_text(1)
    if separator:
        return call[0].str.split(separator)
    return elementwise(_split_text, (call[0], call[1].fill_null(_NO_SEPARATOR)), List(STRING))


def _split_text(text: str, separator: str) -> list[str]:
    if separator == _NO_SEPARATOR:
        return [text]
    return text.split(separator) if separator else list(text)


def _split_part(text: str, separator: str, index: int) -> str:
    parts = _split_text(text, separator)
    if index == 0 or abs(index) > len(parts):
        return ""
    return parts[index - 1] if index > 0 else parts[index]


def _pad(left: bool) -> Callable[[Operands], Result]:
    def pad(text: str, length: int, marks: str) -> str | None:
        if length <= len(text):
            return text[: max(0, length)]
        if not marks or length > LONGEST:
            return None
        filling = (marks * length)[: length - len(text)]
        return filling + text if left else text + filling

    return lambda call: refusable(
        pad, call.values, STRING, f"no padding, or too much, in {call.shown}"
    )


def _repeat(text: str, count: int) -> str | None:
    return text * count if len(text) * max(0, count) <= LONGEST else None


def _translate(text: str, given: str, wanted: str) -> str:
    table: dict[int, str] = {}
    for index, letter in enumerate(given):
        table.setdefault(ord(letter), wanted[index] if index < len(wanted) else "")
    return text.translate(table)


def _strip_accents(text: str) -> str:
    parts = unicodedata.normalize("NFD", text)
    bare = "".join(letter for letter in parts if unicodedata.category(letter) != "Mn")
    return unicodedata.normalize("NFC", bare)


def _replace(call: Operands) -> pl.Expr:
    old, new = call.scalar_text(1), call.scalar_text(2)
    if old and new is not None:
        return call[0].str.replace_all(old, new, literal=True)
    return elementwise(
        lambda text, old, new: text.replace(old, new) if old else text, call.values, STRING
    )


def _chr(code: int) -> str | None:
    legal = 0 <= code < 0x110000 and not 0xD800 <= code < 0xE000
    return chr(code) if legal else None


def _simple(function: Callable[..., Any], result: Any) -> Callable[[Operands], pl.Expr]:
    return lambda call: elementwise(function, call.values, result)


def _levenshtein(a: str, b: str) -> int:
    row = list(range(len(b) + 1))
    for index, mark in enumerate(a, start=1):
        previous, row[0] = row[0], index
        for column, other in enumerate(b, start=1):
            cost = min(row[column] + 1, row[column - 1] + 1, previous + (mark != other))
            previous, row[column] = row[column], cost
    return row[-1]


_S, _I = STRING, INT64

FUNCTIONS: Final = (
    Function("||", (takes(SCALAR, SCALAR, gives=_S, lower=_join),
                    takes(BINARY, BINARY, gives=BINARY, lower=lambda call: call[0] + call[1]),
                    takes(ListOf(T), ListOf(T), gives=ListOf(T),
                          lower=lambda call: pl.when(call[0].is_not_null() & call[1].is_not_null())
                          .then(call[0].list.concat([call[1]])))),
             "Joins two texts or two lists; null where one of them is null.", "'a' || 'b' → 'ab'"),
    Function("concat", (takes(SCALAR, gives=_S, lower=_concat, more=True),),
             "Joins values as text, leaving out nulls.", "concat('a', 1, null) → 'a1'"),
    Function("concat_ws", (takes(_S, SCALAR, gives=_S, lower=_concat_ws, more=True),),
             "Joins values as text with a separator between them, leaving out nulls.",
             "concat_ws('-', 'a', null, 'b') → 'a-b'"),
    Function("length", (takes(_S, gives=_I,
                              lower=lambda call: call[0].str.len_chars().cast(pl.Int64)),
                        takes(ListOf(T), gives=_I,
                              lower=lambda call: call[0].list.len().cast(pl.Int64))),
             "How many characters a text has, or items a list.", "length('héllo') → 5",
             aliases=("len", "char_length", "character_length")),
    Function("strlen", (takes(_S, gives=_I,
                              lower=lambda call: call[0].str.len_bytes().cast(pl.Int64)),),
             "How many bytes a text has in UTF-8.", "strlen('é') → 2"),
    Function("octet_length", (takes(BINARY, gives=_I,
                                    lower=lambda call: call[0].bin.size().cast(pl.Int64)),),
             "How many bytes there are.", r"octet_length('\x00\x01'::blob) → 2"),
    Function("upper", (takes(_S, gives=_S, lower=_upper),), "In upper case.",
             "upper('abc') → 'ABC'", aliases=("ucase",)),
    Function("lower", (takes(_S, gives=_S, lower=_lower),), "In lower case.",
             "lower('ABC') → 'abc'", aliases=("lcase",)),
    Function("trim", (takes(_S, gives=_S, lower=_trim("both")),
                      takes(_S, _S, gives=_S, lower=_trim("both"))),
             "Without spaces, or the given characters, at both ends.", "trim(' a ') → 'a'"),
    Function("ltrim", (takes(_S, gives=_S, lower=_trim("start")),
                       takes(_S, _S, gives=_S, lower=_trim("start"))),
             "Without spaces, or the given characters, at the start.", "ltrim('xxa', 'x') → 'a'"),
    Function("rtrim", (takes(_S, gives=_S, lower=_trim("end")),
                       takes(_S, _S, gives=_S, lower=_trim("end"))),
             "Without spaces, or the given characters, at the end.", "rtrim('a  ') → 'a'"),
    Function("left", (takes(_S, _I, gives=_S, lower=_cut(_head)),),
             "The first characters; with a negative count all but the last ones.",
             "left('abc', 2) → 'ab'"),
    Function("right", (takes(_S, _I, gives=_S, lower=_cut(_tail)),),
             "The last characters; with a negative count all but the first ones.",
             "right('abc', 2) → 'bc'"),
    Function("substring", (takes(_S, _I, gives=_S, lower=_substring),
                           takes(_S, _I, _I, gives=_S, lower=_substring)),
             "The part from a place, counted from one or backwards from the end, and of a length.",
             "substring('abcdef', 2, 3) → 'bcd'", aliases=("substr",)),
    Function("strpos", (takes(_S, _S, gives=_I, lower=_strpos),),
             "Where the second text first stands in the first; 0 where it does not.",
             "strpos('abc', 'c') → 3", aliases=("instr", "position")),
    Function("contains", (takes(_S, _S, gives=BOOLEAN,
                                lower=lambda call: call[0].str.contains(call[1], literal=True)),
                          takes(ListOf(T), T, gives=BOOLEAN,
                                lower=list_contains)),
             "Whether the second text stands in the first, or a value in a list.",
             "contains('abc', 'bc') → true"),
    Function("starts_with", (takes(_S, _S, gives=BOOLEAN,
                                   lower=lambda call: call[0].str.starts_with(call[1])),),
             "Whether the text begins so.", "starts_with('abc', 'ab') → true",
             aliases=("prefix", "^@")),
    Function("ends_with", (takes(_S, _S, gives=BOOLEAN,
                                 lower=lambda call: call[0].str.ends_with(call[1])),),
             "Whether the text ends so.", "ends_with('abc', 'bc') → true", aliases=("suffix",)),
    Function("replace", (takes(_S, _S, _S, gives=_S, lower=_replace),),
             "With every occurrence of one text replaced by another.",
             "replace('aXbX', 'X', '-') → 'a-b-'"),
    Function("translate", (takes(_S, _S, _S, gives=_S, lower=_simple(_translate, STRING)),),
             "With characters replaced one by one.", "translate('abc', 'ab', 'xy') → 'xyc'"),
    Function("reverse", (takes(_S, gives=_S, lower=lambda call: call[0].str.reverse()),),
             "Backwards.", "reverse('abc') → 'cba'"),
    Function("repeat", (takes(_S, _I, gives=_S, lower=lambda call: refusable(
                              _repeat, call.values, STRING, f"too long a text in {call.shown}")),),
             "Several times; at most 1,000,000 characters.", "repeat('ab', 3) → 'ababab'"),
    Function("lpad", (takes(_S, INT32, _S, gives=_S, lower=_pad(left=True)),),
             "Filled up or cut at this length, from the left.", "lpad('7', 3, '0') → '007'"),
    Function("rpad", (takes(_S, INT32, _S, gives=_S, lower=_pad(left=False)),),
             "Filled up or cut at this length, from the right.", "rpad('7', 3, '.') → '7..'"),
    Function("split", (takes(_S, _S, gives=List(STRING), lower=_split),),
             "The parts between separators, as a list.", "split('a,b', ',') → ['a', 'b']",
             aliases=("string_split", "str_split", "string_to_array")),
    Function("split_part", (takes(_S, _S, _I, gives=_S, lower=_simple(_split_part, STRING)),),
             "One part between separators, counted from one or from behind.",
             "split_part('a,b,c', ',', 2) → 'b'"),
    Function("ascii", (takes(_S, gives=INT32,
                             lower=_simple(lambda text: ord(text[0]) if text else 0, INT32)),),
             "The code point of the first character; 0 where there is none.", "ascii('A') → 65"),
    Function("unicode", (takes(_S, gives=INT32,
                               lower=_simple(lambda text: ord(text[0]) if text else -1, INT32)),),
             "The code point of the first character; -1 where there is none.",
             "unicode('é') → 233", aliases=("ord",)),
    Function("chr", (takes(INT32, gives=_S, lower=lambda call: refusable(
                           _chr, call.values, STRING, f"no such character in {call.shown}")),),
             "The character of a code point.", "chr(65) → 'A'"),
    Function("strip_accents", (takes(_S, gives=_S, lower=_simple(_strip_accents, STRING)),),
             "Without accents.", "strip_accents('héllo') → 'hello'"),
    Function("nfc_normalize", (takes(_S, gives=_S,
                                     lower=lambda call: call[0].str.normalize("NFC")),),
             "With letters and their accents as one character (Unicode NFC).",
             "nfc_normalize('é') → 'é'"),
    Function("levenshtein", (takes(_S, _S, gives=_I, lower=_simple(_levenshtein, INT64)),),
             "How many changes of one character lead from one text to the other.",
             "levenshtein('kitten', 'sitting') → 3", aliases=("editdist3",)),
)  # fmt: skip
