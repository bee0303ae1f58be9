"""Mistakes inside a line of YAML: brackets, commas, and what stands behind a quote or bracket."""

from __future__ import annotations

from typing import Any

from ruamel.yaml.tokens import FlowMappingEndToken, FlowSequenceEndToken

from flowctl.codes.syntax import (
    COLON_IN_VALUE,
    KEY_NOT_TEXT,
    RESERVED_CHARACTER,
    SYNTAX,
    TEXT_AFTER_VALUE,
    UNCLOSED_BRACKET,
    UNCLOSED_QUOTE,
)
from flowctl.diagnostics import Diagnostic, Related
from flowctl.syntax.traps import quoted
from flowctl.syntax.yaml_trouble import Trouble

_CLOSES = {"]": "[", "}": "{"}


def behind_value(trouble: Trouble, offset: int) -> Diagnostic | None:
    """Text behind a closing quote or bracket on the same line, as in `"odd name" > 3`."""
    before = trouble.before(offset)
    token, text = before.token, trouble.source.text
    if token is None or text[token.end_mark.index : offset].strip(" \t"):
        return None
    if getattr(token, "style", None) in ("'", '"'):
        return _behind_quote(trouble, offset, token.start_mark, token.end_mark)
    if not isinstance(token, FlowMappingEndToken | FlowSequenceEndToken):
        return None
    if before.closed is not None and _joins(trouble, before.closed):
        return _bracket_in_value(trouble, before.closed)
    closing = text[token.end_mark.index - 1]
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


def after_value(trouble: Trouble) -> Diagnostic:
    """Something that follows a value on its line."""
    if trouble.character in _CLOSES:
        return _closes_nothing(trouble)
    if (found := behind_value(trouble, trouble.at)) is not None:
        return found
    end = trouble.ends_line(trouble.at)
    if trouble.character in ("&", "!"):
        message = "a value has at most one anchor and one tag"
        return trouble.say(SYNTAX, trouble.at, end, message, help="remove one of the two")
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
    opens = trouble.character in "[{"
    if opens and _joins(trouble, trouble.at):
        return _bracket_in_value(trouble, trouble.at)
    behind = behind_value(trouble, trouble.at)
    if behind is not None and not opens and trouble.character not in "'\"":
        return behind
    return _lacking_comma(trouble, trouble.at)


def _joins(trouble: Trouble, opening: int) -> bool:
    """Whether a bracket follows text without a space, as in `a[0]`."""
    before = trouble.source.text[opening - 1 : opening]
    return before.isalnum() or before in ("_", ")", "^", "$", "\\", "?", "*", "+")


def _bracket_in_value(trouble: Trouble, opening: int) -> Diagnostic:
    return trouble.say(
        RESERVED_CHARACTER,
        opening,
        opening + 1,
        f"inside brackets an unquoted value cannot hold a `{trouble.source.text[opening]}`",
        help="put quotes around the whole value",
    )


def _colon_in_brackets(trouble: Trouble) -> Diagnostic:
    line = trouble.line(trouble.at)
    inside = max(line.start, trouble.since + 1)
    earlier = trouble.source.text[inside : trouble.at]
    if line.start > trouble.since and ": " not in earlier and "," not in earlier:
        return _lacking_comma(trouble, line.start + line.indent)
    return colon_in_value(trouble, help="put quotes around the value")


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
        help=f"write `{_closing(opened)}`",
        related=(begins,),
    )


def _unclosed(trouble: Trouble, opening: int) -> Diagnostic:
    mark = trouble.source.text[opening]
    closing = _closing(mark)
    return trouble.say(
        UNCLOSED_BRACKET,
        opening,
        opening + 1,
        f"this `{mark}` is not closed",
        help=f"write a `{closing}` after its last entry",
    )


def _closing(mark: str) -> str:
    return next(close for close, opened in _CLOSES.items() if opened == mark)


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


def colon_in_value(
    trouble: Trouble,
    help: str = "put quotes around the value, or write it as a block with `|`",
    related: tuple[Related, ...] = (),
) -> Diagnostic:
    """A `: ` inside an unquoted value."""
    return trouble.say(
        COLON_IN_VALUE,
        trouble.at,
        trouble.at + 1,
        "an unquoted value cannot hold a colon with a space after it",
        help,
        related,
    )
