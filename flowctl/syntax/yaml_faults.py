"""What a parser of YAML says, in words of ours and at the place that the author has to mend.

The parser stops where it can no longer go on, which is often well after the mistake. Each entry
of the table below knows one sort of mistake and looks for its origin.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ruamel.yaml.error import YAMLError

from flowctl.codes.syntax import (
    DIRECTIVE,
    ESCAPE,
    RESERVED_CHARACTER,
    SYNTAX,
    TAB,
    TAG,
    UNCLOSED_QUOTE,
    UNKNOWN_ALIAS,
)
from flowctl.diagnostics import Diagnostic
from flowctl.syntax.source import SourceFile
from flowctl.syntax.traps import quoted, unquoted_template
from flowctl.syntax.yaml_brackets import behind_value, in_brackets, no_content
from flowctl.syntax.yaml_lines import after_document, colon, in_block, no_colon
from flowctl.syntax.yaml_trouble import Trouble

_TEMPLATE = re.compile(r"(?:^|[:\-,\[{]\s+|\[)\s*(\{\{)")
_WORD = re.compile(r"[^\s,\]}]+")
_BLANKS = re.compile(r"[ \t]*")


def explain(source: SourceFile, error: YAMLError) -> Diagnostic:
    """The diagnostic for an error of the parser."""
    context, problem = (getattr(error, name, None) or "" for name in ("context", "problem"))
    at = _offset(source, getattr(error, "problem_mark", None))
    since = _offset(source, getattr(error, "context_mark", None), at)
    if at >= len(source.text):
        at = _last(source)
    trouble = Trouble(source, f"{context}: {problem}", at, since)
    found = _template(trouble)
    if found is not None:
        return found
    for pattern, handler in _SORTS:
        if pattern.search(trouble.said):
            return handler(trouble)
    return _anything(trouble)


def _template(trouble: Trouble) -> Diagnostic | None:
    """An unquoted `{{ … }}` on the line, which YAML has begun to read as a mapping."""
    line = trouble.line(trouble.at)
    found = _TEMPLATE.search(line.shadow)
    if found is None or line.start + found.start(1) > trouble.at:
        return None
    return unquoted_template(trouble.source, line.start + found.start(1))


def _offset(source: SourceFile, mark: Any, default: int = 0) -> int:
    return min(int(mark.index), len(source.text)) if mark is not None else default


def _last(source: SourceFile) -> int:
    """The end of the last line that holds something: where a text that ends too early ends."""
    return len(source.text.rstrip())


def _unclosed_quote(trouble: Trouble) -> Diagnostic:
    mark = trouble.source.text[trouble.since]
    return trouble.say(
        UNCLOSED_QUOTE,
        trouble.since,
        trouble.since + 1,
        f"this `{mark}` is not closed",
        help=f"write a second `{mark}` at the end of the text"
        + (", and `''` for each apostrophe in it" if mark == "'" else ""),
    )


def _escape(trouble: Trouble) -> Diagnostic:
    text = trouble.source.text
    start = text.rindex("\\", 0, trouble.at + 1) if "\\" in text[: trouble.at + 1] else trouble.at
    letter = text[start + 1 : start + 2]
    end = start + 2
    if letter in "xuU":
        end += len(re.compile(r"[0-9a-fA-F]*").match(text, start + 2)[0])  # type: ignore[index]
        message = f"`{text[start:end]}` is no escape of a character"
        help = "`\\x41`, `\\u0041` and `\\U00000041` take exactly 2, 4 and 8 hexadecimal digits"
    else:
        message = f"`{text[start:end]}` is no escape"
        help = "write two backslashes, or use single quotes, in which a backslash is itself"
    return trouble.say(ESCAPE, start, end, message, help)


def _block_header(trouble: Trouble) -> Diagnostic:
    if "tab" in trouble.said:
        return _tab(trouble)
    mark = trouble.source.text[trouble.since]
    end = trouble.ends_line(trouble.since)
    if (found := behind_value(trouble, trouble.since)) is not None:
        return found
    whole = trouble.source.text[trouble.since : end]
    return trouble.say(
        RESERVED_CHARACTER,
        trouble.since,
        end,
        f"`{mark}` begins a block of text, which stands on the lines below",
        help=f"put quotes around the value: `{quoted(whole)}`",
    )


def _alias(trouble: Trouble) -> Diagnostic:
    if (found := behind_value(trouble, trouble.since)) is not None:
        return found
    mark = trouble.source.text[trouble.since]
    end = trouble.ends_line(trouble.since)
    word = _WORD.match(trouble.source.text, trouble.since, end)
    whole = word[0] if word else mark
    what, code = ("an alias", UNKNOWN_ALIAS) if mark == "*" else ("an anchor", RESERVED_CHARACTER)
    return trouble.say(
        code,
        trouble.since,
        trouble.since + len(whole),
        f"`{mark}` begins {what}, whose name has only letters, digits, `-` and `_`",
        help=f"put quotes around text that begins with `{mark}`: `{quoted(whole)}`",
    )


def _tag(trouble: Trouble) -> Diagnostic:
    word = _WORD.match(trouble.source.text, trouble.since)
    whole = word[0] if word else "!"
    return trouble.say(
        TAG,
        trouble.since,
        trouble.since + len(whole),
        f"unknown tag `{whole}`",
        help="an unquoted `!` begins a tag: put quotes around the value",
    )


def _directive(trouble: Trouble) -> Diagnostic:
    line = trouble.line(trouble.since)
    return trouble.say(
        DIRECTIVE,
        line.start,
        line.start + max(1, line.ends),
        "a `%` at the start of a line begins a directive, and this one is not known",
        help="remove the line; a key that begins with `%` needs quotes",
    )


def _tab(trouble: Trouble) -> Diagnostic:
    line = trouble.line(trouble.at)
    indents = trouble.opens_line(trouble.at)
    start = line.start if indents else trouble.at
    found = _BLANKS.match(trouble.source.text, trouble.at)
    end = max(trouble.at + 1, found.end() if found else 0)
    if indents:
        start = trouble.source.text.index("\t", start, end)
        return trouble.say(TAB, start, end, "a tab indents this line", help="indent with spaces")
    return trouble.say(TAB, start, end, "a tab stands here", help="use spaces")


def _cannot_begin(trouble: Trouble) -> Diagnostic:
    character = trouble.character
    if character == "\t":
        return _tab(trouble)
    if (found := behind_value(trouble, trouble.at)) is not None:
        return found
    word = _WORD.match(trouble.source.text, trouble.at)
    shown = "a backquote" if character == "`" else f"`{character}`"
    return trouble.say(
        RESERVED_CHARACTER,
        trouble.at,
        trouble.at + 1,
        f"an unquoted value cannot begin with {shown}",
        help=f"put quotes around the value: `{quoted(word[0] if word else character)}`",
    )


def _misplaced_list(trouble: Trouble) -> Diagnostic:
    return trouble.say(
        RESERVED_CHARACTER,
        trouble.at,
        trouble.at + 1,
        "a list cannot begin here, behind something else",
        help="begin it on the next line, or write `[a, b]`; where text is meant, put quotes around",
    )


def _misplaced_key(trouble: Trouble) -> Diagnostic:
    return trouble.say(
        RESERVED_CHARACTER,
        trouble.at,
        trouble.at + 1,
        "an unquoted value cannot begin with `? `",
        help="put quotes around the value",
    )


def _anything(trouble: Trouble) -> Diagnostic:
    if (found := behind_value(trouble, trouble.at)) is not None:
        return found
    if trouble.at >= _last(trouble.source):
        return trouble.say(SYNTAX, trouble.at, trouble.at, "the text ends too early")
    return trouble.say(SYNTAX, trouble.at, trouble.at + 1, "this can mean nothing here")


_SORTS: tuple[tuple[re.Pattern[str], Callable[[Trouble], Diagnostic]], ...] = tuple(
    (re.compile(pattern), handler)
    for pattern, handler in (
        (r"quoted scalar.*(end of stream|document (indicator|separator))", _unclosed_quote),
        (r"quoted scalar", _escape),
        (r"block scalar", _block_header),
        (r"scanning an (alias|anchor)", _alias),
        (r"\btag\b", _tag),
        (r"directive|incompatible YAML", _directive),
        (r"tab character", _tab),
        (r"cannot start any token", _cannot_begin),
        (r"sequence entries are not allowed", _misplaced_list),
        (r"mapping keys are not allowed", _misplaced_key),
        (r"mapping values are not allowed", colon),
        (r"simple key", no_colon),
        (r"node content|node: expected the node", no_content),
        (r"flow (sequence|mapping)", in_brackets),
        (r"block (mapping|collection)", in_block),
        (r"document start", after_document),
    )
)
