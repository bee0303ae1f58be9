"""validate, plan, preview and infer on a small workflow."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from flowctl.cli.main import main
from flowctl.diagnostics import Diagnostic, Report
from flowctl.syntax import parse, read_source
from flowctl.syntax.node import to_json

FLOW = """\
flowctl: 1
name: small
params: {least: {type: integer, default: 1}}
steps:
  clean:
    source: {csv: data/*.csv}
    transforms:
      - filter: a > params.least
      - derive: {double: a * 2}
    sink: {csv: build/clean.csv}
  late:
    source: {step: clean}
    transforms:
      - limit: 2
    sink: {csv: build/late.csv}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "1.csv").write_text("a,b\n1,x\n2,y\n3,\n4,z\n", encoding="utf-8")
    (tmp_path / "flow.yaml").write_text(FLOW, encoding="utf-8")
    return tmp_path


def write(old: str, new: str, name: str = "wrong.yaml") -> None:
    assert old in FLOW
    Path(name).write_text(FLOW.replace(old, new), encoding="utf-8")


def test_valid_files_are_ok(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "flow.yaml", "--strict"]) == 0
    assert capsys.readouterr().out == "flow.yaml: ok, 2 steps\n"


def test_all_faults_of_all_files_sorted(capsys: pytest.CaptureFixture[str]) -> None:
    write("a > params", "aa > params", "b.yaml")
    write("filter:", "fliter:", "a.yaml")
    assert main(["validate", "b.yaml", "flow.yaml", "a.yaml"]) == 3
    lines = capsys.readouterr().out.splitlines()
    heads = [line for line in lines if "error[" in line]
    assert [head.split(":")[0] for head in heads] == ["a.yaml", "b.yaml"]
    assert lines[-2:] == ["2 errors in 2 files", "flow.yaml: ok, 2 steps"]


def test_machine_formats_hold_the_same_faults(capsys: pytest.CaptureFixture[str]) -> None:
    write("a > params", "aa > params")
    outputs = {}
    for format_ in ("json", "sarif", "github"):
        assert main(["validate", "wrong.yaml", "--format", format_]) == 3
        outputs[format_] = capsys.readouterr().out
    (found,) = json.loads(outputs["json"])
    assert (found["file"], found["line"], found["column"]) == ("wrong.yaml", 8, 17)
    (result,) = json.loads(outputs["sarif"])["runs"][0]["results"]
    assert result["ruleId"] == found["code"]
    assert outputs["github"].startswith("::error file=wrong.yaml,line=8,col=17,endLine=8,")


def test_strict_makes_errors_of_what_cannot_be_checked(capsys: pytest.CaptureFixture[str]) -> None:
    write("data/*.csv", "none/*.csv")
    assert main(["validate", "wrong.yaml"]) == 0
    assert "note[" in capsys.readouterr().out
    assert main(["validate", "wrong.yaml", "--strict"]) == 3
    assert "error[" in capsys.readouterr().out


def test_params_come_from_options_and_files(capsys: pytest.CaptureFixture[str]) -> None:
    Path("params.yaml").write_text("least: 3\n", encoding="utf-8")

    def digest(*options: str) -> str:
        assert main(["plan", "flow.yaml", "--format", "json", *options]) == 0
        found: str = json.loads(capsys.readouterr().out)["digest"]
        return found

    assert digest("-p", "least=3") == digest("--params-file", "params.yaml") != digest()
    assert main(["plan", "flow.yaml", "-p", "leest=3"]) == 3
    assert "`least`" in capsys.readouterr().err


def test_plan_reads_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "flow.yaml"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("small  sha256:")
    for line in (
        "  params      least = 1",
        "  runs        every step: a step of a new run always runs",
        "  source      csv: data/*.csv",
        "  derive      double = a * 2",
        "  sink        csv: build/clean.csv",
        "  source      step: clean",
        "  needs       clean",
    ):
        assert line in lines
    assert [line for line in lines if line.startswith("  columns     a: int64")]
    assert max(map(len, lines)) <= 80


def test_a_plan_shows_of_a_function_what_its_author_says(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("tidying.py").write_text("def tidy(frame): return frame\n", encoding="utf-8")
    write("limit: 2", "python: tidying:tidy\n        columns: {a: int64}", "calls.yaml")
    assert main(["plan", "calls.yaml"]) == 0
    assert "  python      tidying:tidy  (columns: a: int64)\n" in capsys.readouterr().out


def test_plan_file_has_the_same_bytes_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["plan", "flow.yaml", "-o", "plan.json"]) == 0
    here = Path("plan.json").read_bytes()
    there = tmp_path / "another" / "place"
    (there / "data").mkdir(parents=True)
    for name in ("flow.yaml", "data/1.csv"):
        (there / name).write_bytes((tmp_path / name).read_bytes())
    monkeypatch.chdir(there)
    assert main(["plan", "flow.yaml", "-o", "plan.json"]) == 0
    assert Path("plan.json").read_bytes() == here
    assert next(iter(json.loads(here))) == "digest"


def test_preview_shows_the_records_after_each_transform(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["preview", "flow.yaml", "clean", "--rows", "2"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "clean",
        "  source  csv: data/*.csv",
        "    a  1  2",
        "    b  x  y",
        "",
        "  filter  a > 1",
        "    a  2  3",
        "    b  y  null",
        "",
        "  derive  double = a * 2",
        "    a       2  3",
        "    b       y  null",
        "  + double  4  6",
        "",
    ]
    assert not Path("build").exists()


def test_preview_of_what_reads_another_step(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["preview", "flow.yaml", "late"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-4:-1] == ["    a       2  3", "    b       y  null", "    double  4  6"]
    assert main(["preview", "flow.yaml", "laet"]) == 2
    assert "did you mean `late`?" in capsys.readouterr().err


def test_preview_of_what_reads_all_cells(capsys: pytest.CaptureFixture[str]) -> None:
    Path("data/2.csv").write_text("a,b\n7,w\n", encoding="utf-8")
    cells = """
  clean:
    matrix: {n: [1, 2]}
    source: {csv: "data/{{ matrix.n }}.csv"}
    transforms:
      - filter: a > 3
    sink: {csv: "build/{{ matrix.n }}.csv"}
  late:
"""
    text = FLOW[: FLOW.index("\n  clean:")] + cells + FLOW[FLOW.index("    source: {step") :]
    Path("cells.yaml").write_text(text.replace("params: {least", "x-params: {least"), "utf-8")
    assert main(["preview", "cells.yaml", "late"]) == 0
    assert capsys.readouterr().out.splitlines()[1:4] == [
        "  source  step: clean[1], clean[2]",
        "    a  4  7",
        "    b  z  w",
    ]
    assert not Path("build").exists()


def test_a_plan_is_written_where_a_link_leads() -> None:
    Path("link.json").symlink_to("real.json")
    assert main(["plan", "flow.yaml", "-o", "link.json"]) == 0
    assert Path("link.json").is_symlink()
    assert "checksum" in Path("real.json").read_text()


def test_a_plan_that_cannot_be_written_leaves_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "flow.yaml", "-o", "gone/plan.json"]) == 1
    assert capsys.readouterr().err == "error: gone/plan.json: no such file or directory\n"
    Path("plan.json").mkdir()
    assert main(["plan", "flow.yaml", "-o", "plan.json"]) == 2
    assert [path.name for path in Path().iterdir() if path.name.startswith(".p")] == []


def test_inferred_columns_can_be_pasted(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    text = 'n,x y,on,when\n1,"a, b",true,2024-01-31\n2,,false,2024-02-01\n'
    (folder / "data.csv.gz").write_bytes(gzip.compress(text.encode()))
    assert main(["infer", "data.csv.gz"]) == 0
    out = capsys.readouterr().out
    Path("columns.yaml").write_text(out, encoding="utf-8")
    source = read_source(Path("columns.yaml"))
    assert not isinstance(source, Diagnostic)
    tree = parse(source, Report())
    assert tree is not None
    columns = to_json(tree)
    assert isinstance(columns, dict)
    assert columns["columns"] == {
        "n": "int64?",
        "x y": "string?",
        "on": "boolean?",
        "when": "date?",
    }


def test_infer_says_what_it_cannot_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["infer", "gone.csv"]) == 3
    assert "gone.csv" in capsys.readouterr().err
    assert main(["infer", "flow.yaml"]) == 2
    assert "--kind" in capsys.readouterr().err
    assert main(["infer", "flow.yaml", "--kind", "cvs"]) == 2
    assert "there is no source `cvs`" in capsys.readouterr().err
