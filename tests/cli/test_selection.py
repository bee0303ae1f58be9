"""`flowctl run --only` and `--from`: some steps run, and what they need is taken as it stands."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from flowctl.cli.main import main

FLOW = """\
flowctl: 1
name: selected
params: {least: {type: integer, default: 1}}
steps:
  fetch:
    run: |
      echo fetch >> done
      printf 'n\\n1\\n2\\n3\\n' > a.csv
      echo got=3 >> "$FLOWCTL_OUTPUT"
  clean:
    source: {csv: a.csv, columns: {n: int64}}
    needs: [fetch]
    transforms: [{filter: n > params.least}]
  counts:
    source: {step: clean}
    transforms: [{aggregate: {c: count(*)}}]
    sink: {csv: counts.csv}
  report:
    run: echo "report ${{ steps.counts.read }} of ${{ steps.fetch.outputs.got }}" >> done
  cells:
    matrix: {k: [x, y]}
    run: echo "cell {{ matrix.k }}" >> done
  apart: {run: echo apart >> done}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flow.yaml").write_text(FLOW, encoding="utf-8")
    return tmp_path


def run(*options: str) -> int:
    return main(["run", "flow.yaml", "--log-format", "json", *options])


def logged(*options: str) -> int:
    """The command in a process that is its steps' parent; its events are in `log`."""
    command = [sys.executable, "-m", "flowctl", "run", "flow.yaml", "--log-format", "json"]
    with Path("log").open("wb") as log:
        return subprocess.run([*command, *options], stderr=log, stdout=log).returncode


def done(folder: Path) -> list[str]:
    """What the commands have told since this was asked last."""
    path = folder / "done"
    told = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    path.unlink(missing_ok=True)
    return sorted(told)


def statuses(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, str]:
    capsys.readouterr()
    run("--format", "json", *options)
    steps = json.loads(capsys.readouterr().out)["steps"]
    return {id: step["status"] for id, step in steps.items()}


def test_one_step_alone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Values of others are as in the last run; what is not needed is not even mentioned."""
    assert run() == 0
    done(folder)
    assert statuses(capsys, "--only", "report") == dict.fromkeys(
        ("fetch", "clean", "counts", "report"), "succeeded"
    )
    assert done(folder) == ["report 2 of 3"]
    assert statuses(capsys, "--only", "apart", "--only", "cells[y]") == dict.fromkeys(
        ("cells[y]", "apart"), "succeeded"
    )
    assert done(folder) == ["apart", "cell y"]
    assert statuses(capsys, "--only", "cells").keys() == {"cells[x]", "cells[y]"}


def test_a_step_and_all_that_need_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 0
    done(folder)
    (folder / "a.csv").write_text("n\n5\n", encoding="utf-8")
    found = statuses(capsys, "--from", "clean")
    assert found == dict.fromkeys(("fetch", "clean", "counts", "report"), "succeeded")
    assert done(folder) == ["report 1 of 3"]
    assert (folder / "counts.csv").read_text() == "c\n1\n"


def test_values_come_from_the_last_run_with_the_same_params(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("-p", "least=0")
    run("-p", "least=2")
    done(folder)
    run("-p", "least=0", "--only", "report")
    assert done(folder) == ["report 3 of 3"]
    run("-p", "least=2", "--only", "report")
    assert done(folder) == ["report 1 of 3"]
    assert run("-p", "least=1", "--only", "report") == 4
    told = capsys.readouterr().err
    assert "`counts` is not asked for, and has not succeeded in any run with these params" in told
    assert "help: `--from counts` runs that step, too" in told
    assert done(folder) == []


def test_a_taken_step_is_told_by_the_run_that_did_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run() == 0
    assert run("--only", "report") == 0
    capsys.readouterr()
    assert main(["run", "flow.yaml", "--only", "report"]) == 0
    lines = capsys.readouterr().err.splitlines()
    main(["runs", "list", "--format", "json"])
    first = json.loads(capsys.readouterr().out)[-1]["run"]
    assert f"fetch: succeeded, taken from run {first}" in lines
    assert not [line for line in lines if line.startswith("wrote")]


def test_what_only_comes_before_need_not_be_known(folder: Path) -> None:
    (folder / "a.csv").write_text("n\n5\n", encoding="utf-8")
    assert run("--from", "clean", "--keep-going") == 4, "`report` names an output of `fetch`"
    assert run("--only", "clean", "--only", "counts") == 0
    assert (folder / "counts.csv").read_text() == "c\n1\n"
    assert done(folder) == []


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--only", "counst"], 2, "the workflow has no step `counst`; did you mean `counts`?"),
        (
            ["--from", "cells[z]"],
            2,
            "the workflow has no step `cells[z]`; did you mean `cells[y]`?",
        ),
        (
            ["--only", "zzzzzz"],
            2,
            "there are `fetch`, `clean`, `counts`, `report`, `cells`, `apart`",
        ),
        (["--only", "counts"], 4, "flow.yaml:15:13: error[E735]: the records of `clean`, which is"),
        (["--only", "apart", "--replay", "flow.yaml"], 2, "`--only` does not go with `--replay`"),
    ],
)
def test_what_cannot_be_done_is_said(
    folder: Path, options: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run() == 0
    done(folder)
    capsys.readouterr()
    assert run(*options) == code
    assert message in capsys.readouterr().err
    assert done(folder) == []


def test_a_file_that_another_step_writes_must_be_there(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "flow.yaml").write_text(
        "flowctl: 1\nsteps:\n"
        "  a: {source: {rows: [{n: 1}]}, sink: {csv: a.csv}}\n"
        "  b: {source: {csv: a.csv}, sink: {csv: b.csv}}\n"
    )
    assert run("--only", "b") == 4
    assert "`a.csv` is not there, and `a` is not asked for" in capsys.readouterr().err
    assert run() == 0
    assert run("--only", "b") == 0


def test_records_come_from_the_cache_or_from_a_run_that_is_not_over(folder: Path) -> None:
    flow = FLOW.replace("  clean:\n", "  clean:\n    cache: true\n")
    (folder / "flow.yaml").write_text(flow, encoding="utf-8")
    assert run() == 0
    (folder / "counts.csv").unlink()
    assert run("--only", "counts") == 0
    assert (folder / "counts.csv").read_text() == "c\n2\n"
    failing = FLOW.replace("count(*)}", "count(*), e: sum(1 // (n - 2))}")
    (folder / "flow.yaml").write_text(failing, encoding="utf-8")
    assert run("-p", "least=0") == 1
    (folder / "flow.yaml").write_text(FLOW, encoding="utf-8")
    assert run("-p", "least=0", "--only", "counts") == 0
    assert (folder / "counts.csv").read_text() == "c\n3\n"


def test_such_a_run_is_another_one_and_goes_on_by_the_same_options(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run of the whole that is unfinished stays so, and is gone on with afterwards."""
    stop = "kill -INT $PPID; until grep -q run_stopping log; do sleep 0.01; done"
    (folder / "flow.yaml").write_text(
        "flowctl: 1\nsteps:\n  a: {run: echo a >> done}\n"
        f"  b: {{run: 'echo b >> done; test -e go || {{ {stop}; }}', needs: [a]}}\n"
        "  c: {run: echo c >> done, needs: [b]}\n"
    )
    assert logged() == 130
    assert done(folder) == ["a", "b"]
    assert logged("--from", "b") == 130
    assert done(folder) == ["b"]
    (folder / "go").touch()
    assert run("--from", "b") == 0
    assert done(folder) == ["c"]
    capsys.readouterr()
    main(["runs", "list", "--format", "json"])
    runs = json.loads(capsys.readouterr().out)
    told = [(one["status"], one["from"], one["resumable"]) for one in runs]
    assert told == [("succeeded", ["b"], False), ("cancelled", [], True)]
    assert run() == 0, "the whole goes on, and does nothing twice"
    assert done(folder) == ["c"]
    (folder / "go").unlink()
    assert logged("--from", "b") == 130, "what has succeeded is over: it begins anew"
    assert main(["runs", "resume", "last"]) == 0
    assert done(folder) == ["b", "c"]


def test_a_dry_run_tells_what_stands(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 0
    capsys.readouterr()
    assert run("--only", "report", "--dry-run") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "a new run would begin"
    assert lines[-1].split() == ["report", "runs"]
    assert {line.split()[1] for line in lines[1:-1]} == {"stands"}


def test_hooks_of_what_stands_are_not_done(folder: Path) -> None:
    hooked = FLOW.replace("  fetch:\n", "  fetch:\n    hooks: {finish: {run: echo hook >> done}}\n")
    (folder / "flow.yaml").write_text(hooked, encoding="utf-8")
    assert run() == 0
    assert "hook" in done(folder)
    assert run("--only", "report") == 0
    assert done(folder) == ["report 2 of 3"]


def test_steps_of_a_used_workflow(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They are named by what they are within, and go with it; what is around takes what stood."""
    (folder / "part.yaml").write_text(
        "flowctl: 1\nparams: {k: {type: string}}\nsteps:\n"
        "  x: {run: 'echo x{{ params.k }} >> done; echo n=1 >> $FLOWCTL_OUTPUT'}\n"
        "  y: {run: 'echo y{{ params.k }} ${{ steps.x.outputs.n }} >> done'}\n"
        "outputs: {n: '${{ steps.x.outputs.n }}'}\n"
    )
    (folder / "flow.yaml").write_text(
        "flowctl: 1\nsteps:\n"
        "  part: {uses: part.yaml, matrix: {k: [a, b]}, with: {k: '{{ matrix.k }}'}}\n"
        "  end: {run: 'echo end ${{ steps.part[''a''].outputs.n }} >> done'}\n"
    )
    assert run() == 0
    assert done(folder) == ["end 1", "xa", "xb", "ya 1", "yb 1"]
    assert run("--only", "part/y") == 0
    assert done(folder) == ["ya 1", "yb 1"]
    assert run("--only", "part[a]") == 0
    assert done(folder) == ["xa", "ya 1"]
    assert run("--from", "part[a]/y") == 0
    assert done(folder) == ["end 1", "ya 1"]
    assert run("--only", "end") == 0
    assert done(folder) == ["end 1"]
    capsys.readouterr()
    assert run("--only", "part/z") == 2
    assert "the workflow has no step `part/z`; did you mean `part/y`?" in capsys.readouterr().err


def test_a_name_for_the_shell_is_quoted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "flow.yaml").write_text(
        "flowctl: 1\nsteps:\n"
        "  cells: {run: 'true', matrix: {k: [a]}}\n"
        "  end: {run: 'echo ${{ steps.cells.exit_code }}'}\n"
    )
    assert run("--only", "end") == 4
    assert "help: `--from 'cells[a]'` runs that step, too" in capsys.readouterr().err


def test_a_list_of_cells_is_taken_whole(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "flow.yaml").write_text(
        "flowctl: 1\nsteps:\n"
        "  list: {run: 'echo l=[1,2,3] >> $FLOWCTL_OUTPUT', outputs: {l: {type: array}}}\n"
        "  each:\n    foreach: ${{ steps.list.outputs.l }}\n"
        "    run: echo n=${{ item }} >> $FLOWCTL_OUTPUT; echo ${{ item }} >> done\n"
        "    outputs: {n: {type: integer}}\n"
        "  end: {run: 'echo ${{ steps.each.outputs.n }} ${{ steps.each.exit_code }} >> done'}\n"
    )
    assert run() == 0
    assert done(folder) == ["1", "2", "3", "[1, 2, 3] [0, 0, 0]"]
    assert run("--only", "end") == 0
    assert done(folder) == ["[1, 2, 3] [0, 0, 0]"]
    assert run("--only", "each") == 0
    assert done(folder) == ["1", "2", "3"]
    capsys.readouterr()
    assert run("--only", "each[1]") == 2
    assert "go together; name `each` instead of `each[1]`" in capsys.readouterr().err
