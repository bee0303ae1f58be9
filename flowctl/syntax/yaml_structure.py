"""Mistakes in the structure of a YAML text: colons, indentation, brackets, what follows them."""

from __future__ import annotations

import re
from typing import Any

from ruamel.yaml.tokens import FlowMappingEndToken, FlowSequenceEndToken

from flowctl.codes.syntax import (
    COLON_IN_VALUE,
    INDENTATION,
    KEY_NOT_TEXT,
    NO_KEY,
    RESERVED_CHARACTER,
    SYNTAX,
    TEXT_AFTER_VALUE,
    UNCLOSED_BRACKET,
    UNCLOSED_QUOTE,
)
from flowctl.diagnostics import Diagnostic, Related
from flowctl.syntax.traps import quoted
from flowctl.syntax.yaml_trouble import Line, Trouble

_WORD_COLON = re.compile(r"[\w.-]+:(?=\S)")
_CLOSES = {"]": "[", "}": "{"}


def colon(trouble: Trouble) -> Diagnostic:
    """A `: ` where no key can stand: in a value, or on a line that continues a value."""
    line = trouble.line(trouble.at)
    if line.colon is not None and line.start + line.colon < trouble.at:
        return _second_colon(trouble, line)
    lacking: list[Line] = []
    for above in trouble.lines_above(line):
        if above.colon is None and above.indent >= 0:
            lacking.append(above)
            continue
        if above.value is None:
            break
        if lacking and above.indent < lacking[-1].indent:
            start = above.start + above.value
            begins = Related(trouble.span(start, above.start + above.ends), "the value begins here")
            return _in_value(trouble, related=(begins,))
        if not lacking:
            return _too_deep(trouble, line, above)
        break
    return _lacking_colon(trouble, lacking[-1] if lacking else line)


def _second_colon(trouble: Trouble, line: Line) -> Diagnostic:
    value = line.value
    if value is None:
        return _in_value(trouble)
    if line.text[value] in "'\"" and (found := behind_value(trouble, trouble.at)) is not None:
        return found
    whole = quoted(line.text[value : line.ends])
    return _in_value(trouble, help=f"put quotes around the value: `{whole}`")


def _in_value(
    trouble: Trouble,
    help: str = "put quotes around the value, or write it as a block with `|`",
    related: tuple[Related, ...] = (),
) -> Diagnostic:
    return trouble.say(
        COLON_IN_VALUE,
        trouble.at,
        trouble.at + 1,
        "an unquoted value cannot hold a colon with a space after it",
        help,
        related,
    )


def _too_deep(trouble: Trouble, line: Line, above: Line) -> Diagnostic:
    return trouble.say(
        INDENTATION,
        line.start + line.indent,
        max(trouble.at, line.start + line.indent + 1),
        f"this line is indented below `{above.text[above.begins : above.colon]}`,"
        " which already has a value",
        help=f"begin it in column {above.begins + 1}",
    )


def _lacking_colon(trouble: Trouble, line: Line) -> Diagnostic:
    start, end = line.start + line.begins, line.start + max(line.ends, line.begins + 1)
    text = trouble.source.text[start:end]
    if text.startswith("-") and len(text) > 1:
        message, mended = "a space is missing after the dash", f"- {text[1:]}"
    elif (found := _WORD_COLON.match(text)) is not None:
        message = "a space is missing after the colon"
        mended = f"{found[0]} {text[found.end() :]}"
    else:
        message, mended = "a colon is missing on this line", f"{text}: …"
    return trouble.say(NO_KEY, start, end, message, help=f"write `{mended}`")


def no_colon(trouble: Trouble) -> Diagnostic:
    """A line among keys that has no colon."""
    return _lacking_colon(trouble, trouble.line(trouble.since))


def in_block(trouble: Trouble) -> Diagnostic:
    """Something in a mapping or list of lines that is neither its next entry nor its end."""
    if not trouble.opens_line(trouble.at):
        return _after_value(trouble)
    line = trouble.line(trouble.at)
    begins = trouble.source.place(trouble.since)[1]
    here = line.indent + 1
    opening = Related(trouble.span(trouble.since, trouble.since + 1), "it begins here")
    if here == begins and "mapping" in trouble.said:
        return trouble.say(
            NO_KEY,
            trouble.at,
            trouble.ends_line(trouble.at),
            "this line stands in a mapping but has no key"
            if trouble.character != "-"
            else "a list item stands among the keys of a mapping",
            help="indent it below the key that it belongs to",
            related=(opening,),
        )
    if here == begins:
        return trouble.say(
            NO_KEY,
            trouble.at,
            trouble.ends_line(trouble.at),
            "this line stands in a list but is no item of it",
            help="begin it with `- `, or indent it below what it belongs to",
            related=(opening,),
        )
    above = next(trouble.lines_above(line), line)
    columns = sorted({begins, above.begins + 1} - {here})
    return trouble.say(
        INDENTATION,
        trouble.at,
        trouble.ends_line(trouble.at),
        f"this line begins in column {here}, the lines that it could belong to in column "
        + " or ".join(map(str, columns)),
        help="indent it as its neighbours",
    )


def behind_value(trouble: Trouble, offset: int) -> Diagnostic | None:
    """Text behind a closing quote or bracket on the same line, as in `"odd name" > 3`."""
    token = trouble.before(offset).token
    text = trouble.source.text
    if token is None or text[token.end_mark.index : offset].strip(" \t"):
        return None
    if getattr(token, "style", None) in ("'", '"'):
        return _behind_quote(trouble, offset, token.start_mark, token.end_mark)
    closing = text[token.end_mark.index - 1]
    if closing not in _CLOSES or not isinstance(token, FlowMappingEndToken | FlowSequenceEndToken):
        return None
    return trouble.say(
        TEXT_AFTER_VALUE,
        offset,
        trouble.ends_value(offset),
        f"text stands after the closing `{closing}`",
        help="put quotes around the whole value",
    )


def _behind_quote(trouble: Trouble, offset: int, opening: Any, closing: Any) -> Diagnostic:
    text = trouble.source.text
    start, end = opening.index, closing.index
    mark = text[start]
    if opening.line != closing.line:
        found = Related(trouble.span(end - 1, end), f"the next `{mark}` stands here")
        return trouble.say(
            UNCLOSED_QUOTE,
            start,
            start + 1,
            f"this `{mark}` is not closed where it should be",
            help=f"write a second `{mark}` at the end of the text",
            related=(found,),
        )
    last = trouble.ends_value(offset)
    whole = text[start:last].rstrip()
    if mark == "'" and offset == end and text[offset].isalpha():
        help = "inside single quotes an apostrophe is written twice: `''`"
    else:
        help = f"put quotes around the whole value: `{quoted(whole)}`"
    return trouble.say(TEXT_AFTER_VALUE, offset, last, "text stands after the closing quote", help)


def _after_value(trouble: Trouble) -> Diagnostic:
    """Something that follows a value on its line."""
    if trouble.character in _CLOSES:
        return _closes_nothing(trouble)
    if (found := behind_value(trouble, trouble.at)) is not None:
        return found
    end = trouble.ends_line(trouble.at)
    if trouble.character in ("&", "!"):
        message = "a value has at most one anchor and one tag"
        return trouble.say(SYNTAX, trouble.at, end, message)
    return trouble.say(
        TEXT_AFTER_VALUE,
        trouble.at,
        end,
        "text stands after the value",
        help="put quotes around the whole value",
    )


def _closes_nothing(trouble: Trouble) -> Diagnostic:
    return trouble.say(
        UNCLOSED_BRACKET,
        trouble.at,
        trouble.at + 1,
        f"this `{trouble.character}` closes nothing",
        help="remove it, or put quotes around the value",
    )


def after_document(trouble: Trouble) -> Diagnostic:
    """Something that follows the one value of the document."""
    if not trouble.opens_line(trouble.at):
        return _after_value(trouble)
    return trouble.say(
        TEXT_AFTER_VALUE,
        trouble.at,
        trouble.ends_line(trouble.at),
        "the document has ended above this line",
        help="write its keys on lines of their own, without quotes or brackets around them all",
    )


def no_content(trouble: Trouble) -> Diagnostic:
    """A place where a value should begin and none does."""
    brackets = trouble.before(trouble.at).brackets
    if brackets:
        opening = brackets[-1]
        if _has_left(trouble, opening):
            return _unclosed(trouble, opening)
        if trouble.character in _CLOSES:
            return _wrong_closing(trouble, opening)
    elif trouble.character in _CLOSES:
        return _closes_nothing(trouble)
    if trouble.character == ":":
        message = "a key is missing before the colon"
        return trouble.say(KEY_NOT_TEXT, trouble.at, trouble.at, message)
    if trouble.character in ("?", "-"):
        message = f"inside brackets an unquoted value cannot begin with `{trouble.character} `"
        help = "entries are separated by commas alone; put quotes around text"
        return trouble.say(RESERVED_CHARACTER, trouble.at, trouble.at + 1, message, help)
    if trouble.character != ",":
        return trouble.say(SYNTAX, trouble.at, trouble.at + 1, "a value is missing before this")
    return trouble.say(
        RESERVED_CHARACTER,
        trouble.at,
        trouble.at + 1,
        "a value is missing before this `,`",
        help="remove the comma, or put quotes around the value",
    )


def in_brackets(trouble: Trouble) -> Diagnostic:
    """Something in `[ ]` or `{ }` that is neither a comma nor the end."""
    if _has_left(trouble, trouble.since):
        return _unclosed(trouble, trouble.since)
    if trouble.character in _CLOSES:
        return _wrong_closing(trouble, trouble.since)
    if trouble.character == ":":
        return _colon_in_brackets(trouble)
    if (
        trouble.character not in "'\"[{"
        and (found := behind_value(trouble, trouble.at)) is not None
    ):
        return found
    return _lacking_comma(trouble, trouble.at)


def _colon_in_brackets(trouble: Trouble) -> Diagnostic:
    line = trouble.line(trouble.at)
    inside = max(line.start, trouble.since + 1)
    earlier = trouble.source.text[inside : trouble.at]
    if line.start > trouble.since and ": " not in earlier and "," not in earlier:
        return _lacking_comma(trouble, line.start + line.indent)
    return _in_value(trouble, help="put quotes around the value")


def _lacking_comma(trouble: Trouble, offset: int) -> Diagnostic:
    end = len(trouble.source.text[:offset].rstrip())
    opening = trouble.source.text[trouble.since]
    begins = Related(trouble.span(trouble.since, trouble.since + 1), f"the `{opening}` stands here")
    return trouble.say(
        UNCLOSED_BRACKET,
        end,
        end,
        "a comma is missing here",
        help="entries inside brackets are separated by commas",
        related=(begins,),
    )


def _wrong_closing(trouble: Trouble, opening: int) -> Diagnostic:
    opened = trouble.source.text[opening]
    if _CLOSES[trouble.character] == opened:
        message = f"a value is missing before this `{trouble.character}`"
        return trouble.say(RESERVED_CHARACTER, trouble.at, trouble.at + 1, message)
    begins = Related(trouble.span(opening, opening + 1), f"the `{opened}` stands here")
    return trouble.say(
        UNCLOSED_BRACKET,
        trouble.at,
        trouble.at + 1,
        f"this `{trouble.character}` cannot close a `{opened}`",
        related=(begins,),
    )


def _unclosed(trouble: Trouble, opening: int) -> Diagnostic:
    mark = trouble.source.text[opening]
    closing = next(close for close, opened in _CLOSES.items() if opened == mark)
    return trouble.say(
        UNCLOSED_BRACKET,
        opening,
        opening + 1,
        f"this `{mark}` is not closed",
        help=f"write a `{closing}` after its last entry",
    )


def _has_left(trouble: Trouble, opening: int) -> bool:
    """Whether the text below a bracket has ended, or gone on with lines that lie outside it."""
    if trouble.at >= len(trouble.source.text.rstrip()):
        return True
    first = trouble.line(opening)
    if trouble.opens_line(opening):
        return False
    last = trouble.source.place(trouble.at)[0]
    lines = map(trouble.numbered, range(first.number + 1, last + 1))
    return any(
        line.shadow.strip() and line.indent <= first.indent and line.text.strip()[0] not in "]}"
        for line in lines
    )
