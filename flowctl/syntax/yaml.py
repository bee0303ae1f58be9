"""YAML 1.2 into the located tree, by the core schema, within bounds on size and depth."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from ruamel.yaml.error import YAMLError

from flowctl.diagnostics import Report
from flowctl.syntax.node import Node
from flowctl.syntax.source import SourceFile
from flowctl.syntax.yaml_compose import Composer
from flowctl.syntax.yaml_faults import explain, forbidden_character

try:
    from ruamel.yaml.cyaml import CParser  # type: ignore[attr-defined]
except ImportError:  # a platform without the compiled parser
    CParser = None

# libyaml reads YAML 1.1, in which an unquoted value within brackets holds no colon (`a::int`,
# `https://…`); where it stumbles over one, the slower parser of YAML 1.2 has the last word.
_ONLY_IN_1_1 = "found unexpected ':'"


def parse_yaml(source: SourceFile, report: Report, *, compiled: bool = True) -> Node | None:
    """The tree of the one document of a file; None where the text cannot be read at all.

    Faults that leave the rest readable (a key that stands twice, an unknown tag) are reported and
    the tree is returned. `compiled=False` takes the parser written in Python.
    """
    if (fault := forbidden_character(source)) is not None:
        report.add(fault)
        return None
    composer = Composer(source, report)
    try:
        return composer.compose(_events(source.text, compiled))
    except YAMLError as error:
        if compiled and getattr(error, "problem", None) == _ONLY_IN_1_1:
            return parse_yaml(source, report, compiled=False)
        report.add(explain(source, error))
        return None


def _events(text: str, compiled: bool) -> Iterator[Any]:
    if not compiled or CParser is None:
        return _slow_events(text)
    return _fast_events(text)


def _fast_events(text: str) -> Iterator[Any]:
    parser = CParser(text)
    while parser.check_event():
        yield parser.get_event()


def _slow_events(text: str) -> Iterator[Any]:
    from ruamel.yaml import YAML

    events: Iterator[Any] = YAML(typ="safe", pure=True).parse(io.StringIO(text))
    return events
