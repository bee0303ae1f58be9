"""Diagnostics for programs: JSON, SARIF 2.1.0, and GitHub's annotations."""

from __future__ import annotations

import json
from collections.abc import Iterable
from urllib.parse import quote

from flowctl.cli.report import Sources
from flowctl.codec import diagnostic_to_json
from flowctl.diagnostics import Diagnostic, Severity, Span
from flowctl.syntax.node import Json

_LEVELS: dict[Severity, str] = {"error": "error", "warning": "warning", "note": "note"}
_COMMANDS: dict[Severity, str] = {"error": "error", "warning": "warning", "note": "notice"}
_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def as_json(diagnostics: Iterable[Diagnostic], sources: Sources) -> str:
    """A list of objects, one a diagnostic; what has no place has null there."""
    return json.dumps([as_object(found, sources) for found in diagnostics], indent=2) + "\n"


def as_github(diagnostics: Iterable[Diagnostic], sources: Sources) -> str:
    """Workflow commands that GitHub shows beside the changed lines."""
    return "".join(_annotation(found, sources) + "\n" for found in diagnostics)


def as_sarif(diagnostics: Iterable[Diagnostic], sources: Sources, version: str) -> str:
    """A SARIF log with one run, whose rules are the codes that were found."""
    found = list(diagnostics)
    codes = {one.code.id: one.code for one in found}
    indexes = {code: index for index, code in enumerate(codes)}
    rules: list[Json] = [
        {
            "id": code.id,
            "shortDescription": {"text": code.title},
            "fullDescription": {"text": code.title},
            "help": {"text": code.explanation.strip() or code.title},
            "defaultConfiguration": {"level": _LEVELS[code.severity]},
        }
        for code in codes.values()
    ]
    driver: Json = {"name": "flowctl", "version": version, "rules": rules}
    run: Json = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(one, indexes[one.code.id], sources) for one in found],
    }
    log: Json = {"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2) + "\n"


def as_object(found: Diagnostic, sources: Sources) -> dict[str, Json]:
    return diagnostic_to_json(found, sources.shown)


def _result(found: Diagnostic, rule: int, sources: Sources) -> Json:
    message = found.message + (f"\n{found.help}" if found.help else "")
    result: dict[str, Json] = {
        "ruleId": found.code.id,
        "ruleIndex": rule,
        "level": _LEVELS[found.severity],
        "message": {"text": message},
        "locations": [_location(found.span, sources)] if found.span else [],
    }
    others = [(other.span, other.message) for other in found.related]
    others += [(step.span, f"in {step.kind} {step.detail}") for step in found.trace]
    if others:
        result["relatedLocations"] = [
            {"id": number, "message": {"text": text}, **_location(span, sources)}
            for number, (span, text) in enumerate(others, 1)
        ]
    return result


def _location(span: Span, sources: Sources) -> dict[str, Json]:
    region: dict[str, Json] = {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }
    uri = sources.shown(span.file)
    place: Json = {"uri": quote(uri) if not uri.startswith("/") else "file://" + quote(uri)}
    return {"physicalLocation": {"artifactLocation": place, "region": region}}


def _annotation(found: Diagnostic, sources: Sources) -> str:
    properties: list[tuple[str, str]] = []
    if found.span:
        span = found.span
        properties = [
            ("file", sources.shown(span.file)),
            ("line", str(span.line)),
            ("col", str(span.column)),
            ("endLine", str(span.end_line)),
            ("endColumn", str(span.end_column)),
        ]
    properties.append(("title", f"{found.code.id}: {found.code.title}"))
    lines = [found.message]
    lines += [f"{other.message}: {sources.place(other.span)}" for other in found.related]
    lines += [f"in {step.kind} {step.detail}: {sources.place(step.span)}" for step in found.trace]
    if found.help:
        lines.append(f"help: {found.help}")
    shown = ",".join(f"{name}={_escape_property(value)}" for name, value in properties)
    return f"::{_COMMANDS[found.severity]} {shown}::{_escape(chr(10).join(lines))}"


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape(text).replace(":", "%3A").replace(",", "%2C")
