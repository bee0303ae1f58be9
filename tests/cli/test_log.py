"""`--log-format json`: a line is what `flowctl schema events` says, and holds no secret."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from jsonschema import Draft202012Validator

from flowctl.interpreter.eventjson import KINDS

CANARY = "s3cret-canary"
ELSEWHERE = {
    "run_created",  # stands in the store alone, before anybody watches
    "step_noticed",  # of a followed file that is cut or replaced; test_follow has it
}
FLOW = """\
flowctl: 1
name: rich
secrets: {KEY: {env: THE_KEY}}
steps:
  rows:
    source: {csv: in.csv, on_error: reject, columns: {n: int64}}
    sink: {csv: out.csv}
    rejects: {ndjson: bad.ndjson}
  flaky:
    run: echo ${{ secrets.KEY }} >&2; test -e again || { touch again; exit 3; }
    retry: {attempts: 2, delay: 1ms}
  list:
    run: |
      echo "key=${{ secrets.KEY }}" >> "$FLOWCTL_OUTPUT"
      echo 'names=["a", "'${{ secrets.KEY }}'"]' >> "$FLOWCTL_OUTPUT"
    outputs: {names: {type: array}}
  each:
    foreach: ${{ steps.list.outputs.names }}
    run: echo ${{ item }}
    hooks: {success: {run: "echo ${{ secrets.KEY }}; exit 1"}}
  wrong: {run: "echo ${{ secrets.KEY }}; exit 4", fallback: {run: "true"}}
  waits: {run: "until test -e go; do sleep 0.02; done", needs: [each, wrong, flaky, rows]}
  last: {run: "sleep 60", needs: [waits]}
"""


def flowctl(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "flowctl", *arguments],
        cwd=folder,
        env={**os.environ, "THE_KEY": CANARY},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def told(verb: str, folder: Path) -> None:
    with flowctl(folder, "runs", verb, "last") as process:
        _, said = process.communicate()
    assert process.returncode == 0, said


def events(stream: IO[str]) -> Iterator[dict[str, Any]]:
    for line in iter(stream.readline, ""):
        assert CANARY not in line
        yield json.loads(line)


def test_every_event_of_a_rich_run_fits_the_schema(tmp_path: Path) -> None:
    (tmp_path / "flow.yaml").write_text(FLOW, encoding="utf-8")
    (tmp_path / "in.csv").write_text("n\n1\nx\n", encoding="utf-8")
    command = [sys.executable, "-m", "flowctl", "schema", "events"]
    judge = Draft202012Validator(json.loads(subprocess.check_output(command, text=True)))
    seen: set[str] = set()
    with flowctl(tmp_path, "run", "flow.yaml", "--log-format", "json", "--workers", "3") as process:
        assert process.stderr is not None
        for event in events(process.stderr):
            judge.validate(event)
            seen.add(event["event"])
            match event:
                case {"event": "step_started", "step": "waits"}:
                    told("pause", tmp_path)
                case {"event": "run_paused"}:
                    told("resume", tmp_path)
                case {"event": "run_unpaused"}:
                    (tmp_path / "go").touch()
                case {"event": "step_started", "step": "last"} | {"event": "run_stopping"}:
                    process.send_signal(signal.SIGINT)
    assert process.returncode == 130
    assert seen == set(KINDS) - ELSEWHERE
    everything = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert CANARY.encode() not in everything
