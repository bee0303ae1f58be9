"""What has changed between a crash and the next run: refused with exit 4, or fine."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from flowctl.interpreter.runs import RunRecord, Runs
from flowctl.store.identity import Identity
from flowctl.store.locks import Busy
from tests.crash.crashing import Finished, Server

ROOT = Path(__file__).parents[2]
FILES = {"b": 1000, "d": 30_000, "f": 500}
ROWS = sum(FILES.values())
FLOW = """\
flowctl: 1
name: held
params: {least: {type: integer, default: 5}}
steps:
  first:
    source: {csv: in/*.csv}
    transforms:
      - filter: n % 10 > params.least
    sink: [{csv: out/a.csv}, {parquet: out/b.parquet}]
  then:
    source: {step: first}
    transforms:
      - limit: 5
    sink: {ndjson: out/c.ndjson}
"""


@dataclass(frozen=True)
class Held:
    """The folder of a project with an unfinished run."""

    path: Path
    server: Server

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    def flowctl(self, *arguments: str) -> Finished:
        return self.server.command(self.path, *arguments)


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory, server: Server) -> Path:
    """A project whose run was killed in the midst of the second of three files."""
    folder = tmp_path_factory.mktemp("stopped")
    (folder / "flow.yaml").write_text(FLOW, encoding="utf-8")
    (folder / "in").mkdir()
    for name, rows in FILES.items():
        lines = "\n".join(f"{n},some text" for n in range(rows))
        (folder / "in" / f"{name}.csv").write_text(f"n,text\n{lines}\n", encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, "-m", "tests.crash.stopping", "15000"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"there\n"
        second = server.command(folder, "run", "flow.yaml")
        assert second.returncode == 1
        assert f"is at work already, in process {process.pid}; `flowctl runs" in second.stderr
        process.kill()
    return folder


@pytest.fixture
def held(stopped: Path, tmp_path: Path, server: Server) -> Held:
    """A copy of it."""
    shutil.copytree(stopped, tmp_path, dirs_exist_ok=True)
    return Held(tmp_path, server)


def edited(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def refused(held: Held, code: str, *words: str) -> str:
    """Runs it again: it is refused with these words, by the dry run too, and nothing is touched."""
    before = sizes(held.path)
    result = held.flowctl("run", "flow.yaml")
    assert result.returncode == 4, result.stderr
    assert f"error[{code}]" in result.stderr
    for word in (*words, "--fresh"):
        assert word in result.stderr
    assert held.flowctl("run", "flow.yaml", "--dry-run").returncode == 4
    assert sizes(held.path) == before
    return result.stderr


def sizes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in folder.rglob("*.part")}


def goes_on(held: Held, rows: int = ROWS) -> None:
    """Runs it again to the end, from where it was."""
    result = held.flowctl("run", "flow.yaml", "--format", "json")
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout)
    assert told["resumed_from"]["first"]["rows"] > 0
    assert "resuming run" in result.stderr
    assert told["steps"]["first"]["read"] == rows
    found = pl.read_csv(held / "out/a.csv")
    source = pl.concat(pl.read_csv(path) for path in sorted((held / "in").glob("*.csv")))
    assert found.equals(source.filter(pl.col("n") % 10 > 5))
    assert pl.read_parquet(held / "out/b.parquet").equals(found)
    assert not list(held.path.rglob("*.part"))


def test_a_changed_step_is_refused(held: Held) -> None:
    edited(held / "flow.yaml", "n % 10 > params", "n % 10 >= params")
    told = refused(held, "E730", "step `first` has changed", "`n % 10 > 5`", "`n % 10 >= 5`")
    assert "flow.yaml:8:17" in told


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda path: edited(path / "in/b.csv", "\n7,", "\n7,x\n7,"), "`in/b.csv` has changed"),
        (lambda path: edited(path / "in/b.csv", "n,text", 'n,"text"'), "`in/b.csv` has changed"),
        (lambda path: edited(path / "in/d.csv", "\n7,", "\n8,"), "`in/d.csv` has changed"),
        (lambda path: os.truncate(path / "in/d.csv", 1000), "`in/d.csv` is shorter"),
        (lambda path: (path / "in/b.csv").unlink(), "`in/b.csv` is gone"),
        (lambda path: (path / "in/c.csv").write_text("n,text\n1,x\n"), "`in/c.csv` is new"),
        (lambda path: appended(path / "in/b.csv", "1,x\n"), "`in/b.csv` has grown"),
    ],
)
def test_changed_input_is_refused(held: Held, change: Callable[[Path], object], words: str) -> None:
    change(held.path)
    refused(held, "E731", words)


def appended(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def test_an_output_that_is_too_short_is_refused(held: Held) -> None:
    (staged,) = held.path.glob("out/.a.csv.*.part")
    os.truncate(staged, 5)
    refused(held, "E732", "which becomes `out/a.csv`, lacks")
    staged.unlink()
    refused(held, "E732", "which becomes `out/a.csv`, is gone")


def test_another_version_is_refused(held: Held) -> None:
    """As a journal written by another version would be."""
    from flowctl.store.disk import REAL
    from flowctl.store.journal import Journal, read_records

    (path,) = held.path.rglob("checkpoints")
    last = json.loads(json.dumps(read_records(path).values[-1]))
    last["engine"]["polars"] = "1.0.0"
    journal = Journal(path, REAL)
    journal.open(read_records(path).length)
    journal.append(last)
    refused(held, "E733", "began with Polars 1.0.0")


def test_a_damaged_checkpoint_is_refused(held: Held) -> None:
    for footers in held.path.rglob("footers-1"):
        footers.write_bytes(footers.read_bytes()[:-1])
    for pending in held.path.rglob("pending-1-*"):
        pending.write_bytes(b"")
    refused(held, "E734", "the last checkpoint of step `first` is damaged")


def test_what_may_change(held: Held) -> None:
    """Layout, comments, steps that have not begun, files that come later, a torn journal."""
    edited(held / "flow.yaml", "  first:\n", "  # a comment\n\n  first:\n    description: more\n")
    edited(held / "flow.yaml", "limit: 5", "limit: 3")
    edited(held / "flow.yaml", "n % 10 > params.least", "(n % 10)   >   params.least")
    (held / "in/e.csv").write_text("n,text\n1,x\n19,y\n")
    appended(held / "in/d.csv", "9,grown\n")
    for journal in held.path.rglob("checkpoints"):
        appended(journal, "00000fff torn")
    goes_on(held, ROWS + 3)
    assert len((held / "out/c.ndjson").read_text().splitlines()) == 3


def test_other_params_are_another_run(held: Held) -> None:
    other = held.flowctl("run", "flow.yaml", "-p", "least=6", "--format", "json")
    assert other.returncode == 0, other.stderr
    assert json.loads(other.stdout)["resumed_from"] is None
    goes_on(held)


def test_fresh_begins_anew(held: Held) -> None:
    edited(held / "flow.yaml", "n % 10 > params", "n % 10 >= params")
    result = held.flowctl("run", "flow.yaml", "--fresh", "--format", "json")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["resumed_from"] is None
    assert not list(held.path.rglob("*.part"))
    assert "a new run would begin" in held.flowctl("run", "flow.yaml", "--dry-run").stdout


def test_dry_run_says_what_would_be_done(held: Held) -> None:
    told = held.flowctl("run", "flow.yaml", "--dry-run").stdout
    assert "first  goes on  at in/d.csv:" in told
    assert "rows are not read again" in told
    assert "then   runs" in told


def test_plan_says_what_would_be_done(held: Held) -> None:
    def steps() -> dict[str, dict[str, str]]:
        result = held.flowctl("plan", "flow.yaml", "--format", "json")
        assert result.returncode == 0, result.stderr
        found: dict[str, dict[str, str]] = json.loads(result.stdout)["steps"]
        return found

    first, then = steps()["first"], steps()["then"]
    assert (first["action"], then["action"]) == ("resume", "run")
    assert re.search(r"goes on at in/d.csv:[\d,]+: [\d,]+ rows are not read again", first["why"])
    assert "has not begun in run" in then["why"]
    assert "resumes     run" in held.flowctl("plan", "flow.yaml").stdout
    other = json.loads(
        held.flowctl("plan", "flow.yaml", "--format", "json", "-p", "least=6").stdout
    )
    assert other["steps"]["first"]["why"] == "a step of a new run always runs"
    edited(held / "flow.yaml", "n % 10 > params", "n % 10 >= params")
    assert "cannot go on; `--fresh` gives it up" in steps()["first"]["why"]
    told = held.flowctl("plan", "flow.yaml").stdout
    assert "step `first` has changed since its run began" in " ".join(told.split())


def test_a_dead_process_holds_nothing(tmp_path: Path) -> None:
    runs = Runs(tmp_path / ".flowctl")
    runs.begin(RunRecord("r", "w", Identity("a.yaml"), datetime(2024, 1, 1, tzinfo=UTC)))
    code = (
        "import os, signal; from pathlib import Path; from flowctl.interpreter.runs import Runs\n"
        "with Runs(Path('.flowctl')).held('r'): os.kill(os.getpid(), signal.SIGKILL)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment).returncode
    with runs.held("r"), pytest.raises(Busy, match=str(os.getpid())), runs.held("r"):
        pass


def test_checkpoints_are_shown_and_verified(held: Held) -> None:
    told = held.flowctl("checkpoint", "show", "flow.yaml").stdout
    assert re.search(r"first +\d+  in/d.csv:1[45],\d{3} +1\d,\d{3}", told), told
    assert re.search(r"then +has not begun", told)
    every = held.flowctl("checkpoint", "show", "flow.yaml", "--all").stdout
    assert len(every.splitlines()) > len(told.splitlines()) + 3
    assert held.flowctl("checkpoint", "verify", "flow.yaml").returncode == 0
    edited(held / "in/d.csv", "\n7,", "\n8,")
    result = held.flowctl("checkpoint", "verify", "flow.yaml")
    assert result.returncode == 4
    assert "`in/d.csv` has changed" in result.stderr
    assert held.flowctl("checkpoint", "verify", "flow.yaml", "--run", "no").returncode == 2


@pytest.mark.parametrize(
    ("to", "place"),
    [
        ("in/d.csv:9,000", "in/d.csv:"),
        ("in/b.csv:5", "the beginning"),
        ("2", "in/d.csv:"),
        ("0", "the beginning"),
    ],
)
def test_rewound_to_an_earlier_checkpoint(held: Held, to: str, place: str) -> None:
    result = held.flowctl("checkpoint", "rewind", "flow.yaml", "--to", to)
    assert result.returncode == 0, result.stderr
    assert f"first goes on at {place}" in result.stdout
    if line := re.search(r"d.csv:([\d,]+): run", result.stdout):
        assert int(line[1].replace(",", "")) <= 9000
    if place != "the beginning":
        goes_on(held)
        return
    assert held.flowctl("run", "flow.yaml").returncode == 0
    assert not list(held.path.rglob("*.part"))


@pytest.mark.parametrize("to", ["99", "in/none.csv:5", "x"])
def test_there_is_nowhere_to_rewind_to(held: Held, to: str) -> None:
    before = held.flowctl("checkpoint", "show", "flow.yaml").stdout
    assert held.flowctl("checkpoint", "rewind", "flow.yaml", "--to", to).returncode == 2
    assert held.flowctl("checkpoint", "show", "flow.yaml").stdout == before


def test_rewinding_a_step_or_a_file_that_is_not_there(held: Held) -> None:
    for arguments, message in (
        (
            ("flow.yaml", "--step", "then"),
            "step `then` is not in its work; those that are: `first`",
        ),
        (("no.yaml",), "there is no file `no.yaml`"),
    ):
        result = held.flowctl("checkpoint", "rewind", *arguments, "--to", "1")
        assert (result.returncode, message in result.stderr) == (2, True)
