"""Text into the located tree: YAML, TOML and JSON give the same nodes."""

from __future__ import annotations

from pathlib import PurePosixPath

from flowctl.codes.syntax import UNKNOWN_FORMAT
from flowctl.diagnostics import Report, Span
from flowctl.syntax.node import Node
from flowctl.syntax.source import SourceFile, decode_source, read_source

__all__ = ["SourceFile", "decode_source", "parse", "read_source"]

EXTENSIONS = (".yaml", ".yml", ".toml", ".json")


def parse(source: SourceFile, report: Report) -> Node | None:
    """The tree of a document, by the extension of its name; text from `<stdin>` is YAML.

    None where nothing of the text can be read; the report then holds an error.
    """
    extension = PurePosixPath(source.name).suffix.lower()
    if extension == ".toml":
        from flowctl.syntax.toml import parse_toml

        return parse_toml(source, report)
    if extension == ".json":
        from flowctl.syntax.json import parse_json

        return parse_json(source, report)
    if extension in (".yaml", ".yml") or source.name.startswith("<"):
        from flowctl.syntax.yaml import parse_yaml

        return parse_yaml(source, report)
    report.say(
        UNKNOWN_FORMAT,
        Span.point(source.name, 1, 1),
        f"the extension `{extension}` is not known",
        help=f"name the file with one of {', '.join(EXTENSIONS)}",
    )
    return None
