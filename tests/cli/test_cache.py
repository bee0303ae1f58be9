"""`flowctl cache …` and what `plan` and `run` say of cached steps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flowctl.cli.main import main
from flowctl.syntax.node import Json

FLOW = """\
flowctl: 1
name: cached
params: {least: {type: integer, default: 1}}
steps:
  clean:
    source: {rows: [{n: 1}, {n: 2}, {n: 3}]}
    transforms: [{filter: n > params.least}]
    cache: true
  counts:
    source: {step: clean}
    sink: {csv: out/counts.csv}
    cache: true
  plain: {run: "true"}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flow.yaml").write_text(FLOW, encoding="utf-8")
    return tmp_path


def told(capsys: pytest.CaptureFixture[str], *command: str) -> str:
    capsys.readouterr()
    main(command)
    return capsys.readouterr().out


def planned(capsys: pytest.CaptureFixture[str]) -> dict[str, tuple[str, str]]:
    steps = json.loads(told(capsys, "plan", "flow.yaml", "--format", "json"))["steps"]
    return {id: (step["action"], step["why"]) for id, step in steps.items()}


def run(*options: str) -> int:
    return main(["run", "flow.yaml", *options])


def statuses(capsys: pytest.CaptureFixture[str], *options: str) -> list[Json]:
    found = json.loads(told(capsys, "run", "flow.yaml", "--format", "json", *options))
    return [step["status"] for step in found["steps"].values()]


def last(capsys: pytest.CaptureFixture[str]) -> str:
    return str(json.loads(told(capsys, "runs", "show", "last", "--format", "json"))["run"])


def test_the_plan_says_of_each_step_what_becomes_of_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = ("run", "a step of a new run always runs")
    assert planned(capsys) == {
        "clean": ("run", "it has not succeeded yet"),
        "counts": ("run", "it has not succeeded yet"),
        "plain": new,
    }
    assert run() == 0
    as_then = ("cached", f"as in run {last(capsys)}")
    assert planned(capsys) == {"clean": as_then, "counts": as_then, "plain": new}
    text = told(capsys, "plan", "flow.yaml")
    assert f"  cached      as in run {last(capsys)}\n" in text
    assert "  runs        a step of a new run always runs\n" in text
    (folder / "out/counts.csv").write_text("edited\n")
    assert planned(capsys)["counts"] == ("run", "out/counts.csv has changed")
    assert planned(capsys)["clean"] == as_then
    listed = told(capsys, "run", "flow.yaml", "--dry-run").splitlines()
    assert listed[2].split() == ["counts", "runs", "out/counts.csv", "has", "changed"]


def test_fresh_takes_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert statuses(capsys) == ["succeeded"] * 3
    assert statuses(capsys) == ["cached", "cached", "succeeded"]
    assert statuses(capsys, "--fresh") == ["succeeded"] * 3
    assert statuses(capsys, "--only", "counts") == ["succeeded", "cached"]
    assert statuses(capsys, "--only", "counts", "--fresh") == ["succeeded"] * 2


def test_list_stats_and_clear(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "cache", "list") == "nothing is cached\n"
    assert told(capsys, "cache", "stats").startswith("0 successes of 0 steps\n")
    run()
    run("-p", "least=2")
    run()
    listed = json.loads(told(capsys, "cache", "list", "--format", "json"))
    assert [(one["step"], one["state"], one["taken"]) for one in listed] == [
        ("clean", "kept", 1),
        ("clean", "kept", 0),
        ("counts", "kept", 0),
        ("counts", "kept", 0),
    ]
    stats = json.loads(told(capsys, "cache", "stats", "--format", "json"))
    assert (stats["successes"], stats["steps"], stats["taken"]) == (4, 2, 1)
    assert stats["bytes"] == sum(one["bytes"] for one in listed) > 0
    assert told(capsys, "cache", "list", "clean").count("clean") == 2
    assert "out" not in told(capsys, "cache", "list", "counts")
    assert told(capsys, "cache", "clear", "clean", "--older-than", "1d").startswith("forgot 0 ")
    assert told(capsys, "cache", "clear", "clean").startswith("forgot 2 successes, freed ")
    assert json.loads(told(capsys, "cache", "stats", "--format", "json"))["bytes"] == 0
    assert statuses(capsys) == ["succeeded", "cached", "succeeded"]
    assert told(capsys, "cache", "clear").startswith("forgot 3 successes, freed ")
    assert statuses(capsys) == ["succeeded"] * 3


def test_a_typo_is_answered_by_the_nearest_step(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run()
    capsys.readouterr()
    assert main(["cache", "clear", "count"]) == 2
    assert "no step `count` is cached; did you mean `counts`?" in capsys.readouterr().err


def test_damage_is_found_and_mended(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run()
    assert told(capsys, "cache", "verify") == "2 successes: all is whole\n"
    (kept,) = (folder / ".flowctl/cache").iterdir()
    kept.write_bytes(b"other")
    name = last(capsys)
    assert main(["cache", "verify"]) == 1
    out = capsys.readouterr().out
    assert out == f"clean: the records of run {name} are not what was written\n"
    assert main(["cache", "verify", "--mend"]) == 0
    assert told(capsys, "cache", "verify") == "1 success: all is whole\n"
    assert statuses(capsys) == ["succeeded", "cached", "succeeded"]
    next((folder / ".flowctl/cache").iterdir()).unlink()
    assert main(["cache", "verify"]) == 1
    assert "are gone" in capsys.readouterr().out


def test_a_bound_that_is_no_size(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--max-cache", "25%") == 2
    assert "`25%` is not a size such as `4GiB`" in capsys.readouterr().err
    assert run("--max-cache", "100MB") == 0
