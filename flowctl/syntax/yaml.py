"""YAML 1.2 into the located tree, by the core schema, within bounds on size and depth."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from typing import Any

from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import ScalarEvent

from flowctl.codes.syntax import CONTROL_CHARACTER
from flowctl.diagnostics import Diagnostic, Report
from flowctl.syntax.node import Node
from flowctl.syntax.source import SourceFile
from flowctl.syntax.yaml_compose import Composer

try:
    from ruamel.yaml.cyaml import CParser  # type: ignore[attr-defined]
except ImportError:  # a platform without the compiled parser
    CParser = None

# What YAML's `c-printable` leaves out: a class of all that it holds takes twelve times as long to
# compile.
_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]"
)
# In YAML 1.1, which libyaml reads, an unquoted value inside brackets holds neither `:` nor `?`: it
# stumbles over `{at: 10:30, name: string?}`, and reads `[?a]` as a key. Where YAML 1.2 takes them
# for text whatever is around, the parser gets stand-ins, which are as long and mean nothing.
# (Each branch begins with its character, so that the search leaps from one to the next.)
_TEXT = re.compile(r"""\?(?:(?<=[^\s\[{,]\?)|(?=[^\s,\]}]))|:(?<!["'\]}]:)(?=[^\s,\[\]{}])""")
_PRIVATE_USE = range(0xE000, 0xF900)
# The rest (a lone `?` between words) is left to the parser in Python, which is slow but knows 1.2.
_ONLY_IN_1_1 = re.compile(r"found unexpected ':'|expected ',' or|node content")
_SLOW_LIMIT = 256 * 1024


def parse_yaml(source: SourceFile, report: Report, *, compiled: bool = True) -> Node | None:
    """The tree of the one document of a file; None where the text cannot be read at all.

    Faults that leave the rest readable (a key that stands twice, an unknown tag) are reported and
    the tree is returned. `compiled=False` takes the parser written in Python.
    """
    if (fault := _forbidden_character(source)) is not None:
        report.add(fault)
        return None
    error: YAMLError | None = None
    if compiled and CParser is not None:
        try:
            return Composer(source, report).compose(_with_stand_ins(source.text, _fast_events))
        except YAMLError as found:
            error = found
        if not _may_be_right(source, error):
            report.add(_explained(source, error))
            return None
    try:
        return Composer(source, report).compose(_with_stand_ins(source.text, _slow_events))
    except YAMLError as found:
        # Both refuse it: the parser that came further knows better what is wrong.
        report.add(_explained(source, error if error and _place(error) >= _place(found) else found))
        return None


def _forbidden_character(source: SourceFile) -> Diagnostic | None:
    """The first character that YAML does not allow, or reads as a line end that no editor shows."""
    found = _FORBIDDEN.search(source.text)
    if found is None:
        return None
    return Diagnostic(
        CONTROL_CHARACTER,
        f"the character U+{ord(found[0]):04X} may not stand in YAML",
        source.span(found.start(), found.end()),
        help="remove it, or write its escape inside double quotes",
    )


def _explained(source: SourceFile, error: YAMLError) -> Diagnostic:
    """In words of ours; the table of mistakes is only loaded where there is one."""
    from flowctl.syntax.yaml_faults import explain

    return explain(source, error)


def _may_be_right(source: SourceFile, error: YAMLError) -> bool:
    """Whether libyaml may have refused what is fine in YAML 1.2."""
    around = source.text[max(0, _place(error) - 2) : _place(error) + 1]
    if len(source.text) > _SLOW_LIMIT or not ("?" in around or ":" in around):
        return False
    return _ONLY_IN_1_1.search(str(getattr(error, "problem", ""))) is not None


def _place(error: YAMLError) -> int:
    mark = getattr(error, "problem_mark", None)
    return int(mark.index) if mark is not None else 0


def _fast_events(text: str) -> Iterator[Any]:
    return iter(CParser(text).get_event, None)


def _slow_events(text: str) -> Iterator[Any]:
    from ruamel.yaml import YAML

    events: Iterator[Any] = YAML(typ="safe", pure=True).parse(io.StringIO(text))
    return events


def _with_stand_ins(text: str, parse: Callable[[str], Iterator[Any]]) -> Iterator[Any]:
    """The events of a text, in which stand-ins have taken the places of `?` and `:` for a while."""
    if _TEXT.search(text) is None:
        return parse(text)
    unused = (chr(point) for point in _PRIVATE_USE if chr(point) not in text)
    stand_in = {character: next(unused, character) for character in "?:"}
    back = {ord(mark): character for character, mark in stand_in.items()}
    return _translated(parse(_TEXT.sub(lambda found: stand_in[found[0]], text)), back)


def _translated(events: Iterator[Any], back: dict[int, str]) -> Iterator[Any]:
    for event in events:
        if type(event) is ScalarEvent and not event.value.isascii():
            event.value = event.value.translate(back)
        yield event
