"""Diagnostics for programs: JSON, SARIF and GitHub's annotations."""

from __future__ import annotations

import json
import re
from pathlib import Path

from flowctl.cli.machine import as_github, as_json, as_sarif
from flowctl.cli.report import Sources
from flowctl.diagnostics import Code, Diagnostic, Frame, Related, Span

WRONG = Code("E999", "something is wrong", "Why it matters.\n")
NOTED = Code("N999", "not checked", "Why it matters.\n", "note")
FOLDER = Path("/work of mine")
SPAN = Span("/work of mine/a,b:c.yaml", 3, 1, 3, 5)
FOUND = [
    Diagnostic(
        WRONG,
        "100% wrong,\nreally: no",
        SPAN,
        "mend it",
        (Related(Span("/work of mine/b.yaml", 1, 2, 1, 3), "first defined here"),),
        (Frame("template", "{{ params.x }}", Span("/other/c.yaml", 7, 8, 7, 9)),),
    ),
    Diagnostic(NOTED, "no file matches"),
]


def test_json_holds_every_field_of_the_contract() -> None:
    first, second = json.loads(as_json(FOUND, Sources(FOLDER)))
    assert first == {
        "code": "E999",
        "severity": "error",
        "message": "100% wrong,\nreally: no",
        "file": "a,b:c.yaml",
        "line": 3,
        "column": 1,
        "end_line": 3,
        "end_column": 5,
        "help": "mend it",
        "related": [
            {
                "message": "first defined here",
                "file": "b.yaml",
                "line": 1,
                "column": 2,
                "end_line": 1,
                "end_column": 3,
            }
        ],
        "trace": [
            {
                "kind": "template",
                "detail": "{{ params.x }}",
                "file": "/other/c.yaml",
                "line": 7,
                "column": 8,
                "end_line": 7,
                "end_column": 9,
            }
        ],
    }
    assert second["severity"] == "note"
    assert second["file"] is None
    assert second["end_column"] is None
    assert second["related"] == []
    assert json.loads(as_json([], Sources(FOLDER))) == []


def test_sarif_has_what_the_standard_demands() -> None:
    log = json.loads(as_sarif(FOUND, Sources(FOLDER), "1.2.3"))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["E999", "N999"]
    assert [rule["defaultConfiguration"]["level"] for rule in rules] == ["error", "note"]
    assert all(rule["help"]["text"] for rule in rules)
    first, second = run["results"]
    assert rules[first["ruleIndex"]]["id"] == first["ruleId"]
    location = first["locations"][0]["physicalLocation"]
    assert location["artifactLocation"]["uri"] == "a%2Cb%3Ac.yaml"
    assert location["region"] == {"startLine": 3, "startColumn": 1, "endLine": 3, "endColumn": 5}
    ids = [place["id"] for place in first["relatedLocations"]]
    assert ids == [1, 2]
    uris = [
        place["physicalLocation"]["artifactLocation"]["uri"] for place in first["relatedLocations"]
    ]
    assert uris == ["b.yaml", "file:///other/c.yaml"]
    assert second["locations"] == []
    assert second["message"]["text"]


def test_sarif_of_nothing_is_a_run_that_found_nothing() -> None:
    (run,) = json.loads(as_sarif([], Sources(FOLDER), "1"))["runs"]
    assert run["results"] == []
    assert run["tool"]["driver"]["rules"] == []


def test_github_reads_back_what_was_meant() -> None:
    first, second = as_github(FOUND, Sources(FOLDER)).splitlines()
    command, properties, message = read_command(first)
    assert command == "error"
    assert properties == {
        "file": "a,b:c.yaml",
        "line": "3",
        "col": "1",
        "endLine": "3",
        "endColumn": "5",
        "title": "E999: something is wrong",
    }
    assert message.startswith("100% wrong,\nreally: no\nfirst defined here: b.yaml:1:2\n")
    assert message.endswith("\nhelp: mend it")
    assert read_command(second) == ("notice", {"title": "N999: not checked"}, "no file matches")


def read_command(line: str) -> tuple[str, dict[str, str], str]:
    """As the runner of GitHub Actions reads a workflow command."""
    found = re.fullmatch(r"::(\w+) (.*?)::(.*)", line)
    assert found
    properties = dict(part.split("=", 1) for part in found[2].split(","))
    values = {
        name: value.replace("%3A", ":").replace("%2C", ",").replace("%25", "%")
        for name, value in properties.items()
    }
    message = found[3].replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
    return found[1], values, message
