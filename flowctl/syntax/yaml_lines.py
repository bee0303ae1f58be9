"""Mistakes between the lines of a YAML text: missing and surplus colons, and indentation."""

from __future__ import annotations

import re

from flowctl.codes.syntax import INDENTATION, NO_KEY, TEXT_AFTER_VALUE
from flowctl.diagnostics import Diagnostic, Related
from flowctl.syntax.traps import quoted
from flowctl.syntax.yaml_brackets import after_value, behind_value, colon_in_value
from flowctl.syntax.yaml_trouble import Line, Trouble

_WORD_COLON = re.compile(r"[\w.-]+:(?=\S)")


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
            return colon_in_value(trouble, related=(begins,))
        if not lacking:
            return _too_deep(trouble, line, above)
        break
    return _lacking_colon(trouble, lacking[-1] if lacking else line)


def _second_colon(trouble: Trouble, line: Line) -> Diagnostic:
    value = line.value
    if value is None:
        return colon_in_value(trouble)
    if line.text[value] in "'\"" and (found := behind_value(trouble, trouble.at)) is not None:
        return found
    whole = quoted(line.text[value : line.ends])
    return colon_in_value(trouble, help=f"put quotes around the value: `{whole}`")


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
        return after_value(trouble)
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


def after_document(trouble: Trouble) -> Diagnostic:
    """Something that follows the one value of the document."""
    if not trouble.opens_line(trouble.at):
        return after_value(trouble)
    return trouble.say(
        TEXT_AFTER_VALUE,
        trouble.at,
        trouble.ends_line(trouble.at),
        "the document has ended above this line",
        help="write its keys on lines of their own, without quotes or brackets around them all",
    )
