"""Traces and metrics, as a collector on loopback receives them from `flowctl run`."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flowctl.interpreter.events import RunEnded, RunStarted, StepEnded, StepStarted
from flowctl.telemetry import signals

pytest.importorskip("opentelemetry.proto")

from tests.telemetry.collector import Collector, collector, values

CANARY = "s3cret-canary"
FLOW = """\
flowctl: 1
name: flow
params: {code: {type: integer, default: 3}}
secrets: {KEY: {env: THE_KEY}}
steps:
  rows:
    source: {csv: in.csv, on_error: reject, columns: {n: int64}}
    transforms: [{filter: n > 1}]
    sink: {csv: out.csv}
    rejects: {ndjson: bad.ndjson}
  cell:
    matrix: {x: [a, b]}
    run: echo ${{ secrets.KEY }}
  flaky:
    run: test -e again || { touch again; echo ${{ secrets.KEY }} >&2; exit {{ params.code }}; }
    retry: {attempts: 2, delay: 1ms}
    needs: [rows]
    hooks: {success: {run: "true"}}
  wrong: {run: "exit 4", fallback: {run: "exit 5"}, needs: [flaky]}
  after: {run: "true", needs: [wrong]}
"""
FANNED = """\
flowctl: 1
steps:
  list:
    run: echo 'names=["a", "b"]' >> "$FLOWCTL_OUTPUT"
    outputs: {names: {type: array}}
  each: {foreach: "${{ steps.list.outputs.names }}", run: "echo ${{ item }}"}
"""
GOING_ON = """\
flowctl: 1
steps:
  first: {run: "true"}
  second: {run: "test -e go || kill -9 $PPID", needs: [first]}
"""


def flowctl(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    given = {**os.environ, "THE_KEY": CANARY, **environment}
    command = [sys.executable, "-m", "flowctl", *arguments]
    return subprocess.run(command, cwd=folder, env=given, capture_output=True, text=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "flow.yaml").write_text(FLOW, encoding="utf-8")
    (tmp_path / "in.csv").write_text("n\n1\n2\nx\n3\n", encoding="utf-8")
    return tmp_path


@pytest.fixture
def there() -> Iterator[Collector]:
    with collector() as found:
        yield found


def test_a_run_is_a_trace_and_figures(folder: Path, there: Collector) -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    done = flowctl(
        folder,
        "run",
        "flow.yaml",
        OTEL_EXPORTER_OTLP_ENDPOINT=there.url,
        OTEL_EXPORTER_OTLP_HEADERS="x-api-key=abc",
        OTEL_EXPORTER_OTLP_COMPRESSION="gzip",
        OTEL_SERVICE_NAME="nightly",
        TRACEPARENT=parent,
    )
    assert done.returncode == 1
    assert "telemetry" not in done.stderr
    assert {headers["x-api-key"] for _, headers, _ in there.requests} == {"abc"}
    assert there.resources()[0]["service.name"] == "nightly"
    assert CANARY.encode() not in there.raw()

    spans = {span.name: span for span in there.spans()}
    assert sorted(spans) == [
        "attempt 1 of cell[a]",
        "attempt 1 of cell[b]",
        "attempt 1 of flaky",
        "attempt 1 of rows",
        "attempt 1 of wrong",
        "attempt 2 of flaky",
        "run flow",
        "step after",
        "step cell[a]",
        "step cell[b]",
        "step flaky",
        "step rows",
        "step wrong",
    ]
    run = spans["run flow"]
    assert {span.trace_id.hex() for span in spans.values()} == {parent[3:35]}
    assert run.parent_span_id.hex() == parent[36:52]
    assert values(run.attributes)["flowctl.run.status"] == "failed"
    assert run.status.code == 2
    for name, span in spans.items():
        if name.startswith("step "):
            assert span.parent_span_id == run.span_id
        elif name.startswith("attempt "):
            assert span.parent_span_id == spans[f"step {name.rpartition(' ')[2]}"].span_id
        assert run.start_time_unix_nano <= span.start_time_unix_nano <= span.end_time_unix_nano
        assert span.end_time_unix_nano <= run.end_time_unix_nano

    rows = values(spans["step rows"].attributes)
    assert rows["flowctl.step.status"] == "succeeded"
    records = {name: rows[f"flowctl.records.{name}"] for name in ("read", "written", "rejected")}
    assert records == {"read": 4, "written": 2, "rejected": 1}
    assert rows["flowctl.bytes.read"] == 8  # the header is none of the records
    assert values(spans["step cell[a]"].attributes)["flowctl.step.name"] == "cell"
    flaky = values(spans["attempt 1 of flaky"].attributes)
    assert (flaky["flowctl.step.status"], flaky["process.exit.code"]) == ("failed", 3)
    (fault,) = spans["attempt 1 of flaky"].events
    assert values(fault.attributes)["flowctl.fault.code"] == "E710"
    assert values(fault.attributes)["code.line.number"] == 15
    assert values(spans["step flaky"].attributes)["flowctl.step.attempts"] == 2
    assert [event.name for event in spans["step wrong"].events] == ["fallback", "fault", "fault"]
    assert values(spans["step wrong"].attributes)["process.exit.code"] == 5
    assert values(spans["step after"].attributes)["flowctl.step.status"] == "skipped"
    assert [event.name for event in run.events] == ["hook"]

    metrics = there.metrics()
    outcomes = {point["outcome"]: value for point, value in metrics["flowctl.records"]}
    assert outcomes == {"read": 4, "written": 2, "filtered": 1, "rejected": 1}
    assert [value for _, value in metrics["flowctl.bytes.read"]] == [8]
    statuses = {
        (point["flowctl.step.name"], point["flowctl.step.status"]): value
        for point, value in metrics["flowctl.steps"]
    }
    assert statuses == {
        ("rows", "succeeded"): 1,
        ("cell", "succeeded"): 2,
        ("flaky", "succeeded"): 1,
        ("wrong", "failed"): 1,
        ("after", "skipped"): 1,
    }
    failures = {point["flowctl.step.name"]: value for point, value in metrics["flowctl.failures"]}
    assert failures == {"flaky": 1, "wrong": 2}
    assert sum(value for _, value in metrics["flowctl.step.duration"]) == 5
    assert [(point["flowctl.run.status"], value) for point, value in metrics["flowctl.runs"]] == [
        ("failed", 1)
    ]


def test_what_a_step_is_done_for_each_of_stands_below_it(folder: Path, there: Collector) -> None:
    (folder / "flow.yaml").write_text(FANNED, encoding="utf-8")
    assert (
        flowctl(folder, "run", "flow.yaml", OTEL_EXPORTER_OTLP_ENDPOINT=there.url).returncode == 0
    )
    spans = {span.name: span for span in there.spans()}
    fan, cell = spans["step each"], spans["step each[1]"]
    assert cell.parent_span_id == fan.span_id
    assert fan.start_time_unix_nano <= cell.start_time_unix_nano
    assert cell.end_time_unix_nano <= fan.end_time_unix_nano
    assert values(fan.attributes)["flowctl.foreach.items"] == 2
    steps = {point["flowctl.step.name"]: value for point, value in there.metrics()["flowctl.steps"]}
    assert steps == {"list": 1, "each": 2}


def test_a_run_that_goes_on_stays_one_trace(folder: Path, there: Collector) -> None:
    """What an earlier process has ended is not told again."""
    (folder / "flow.yaml").write_text(GOING_ON, encoding="utf-8")
    endpoint = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{there.url}/v1/traces"}
    killed = flowctl(folder, "run", "flow.yaml", OTEL_BSP_SCHEDULE_DELAY="1", **endpoint)
    assert killed.returncode == -9
    first = {span.trace_id for span in there.spans()}
    (folder / "go").touch()
    there.requests.clear()
    assert flowctl(folder, "run", "flow.yaml", **endpoint).returncode == 0
    spans = {span.name: span for span in there.spans()}
    assert sorted(spans) == ["attempt 2 of second", "run flow", "step second"]
    assert first <= {span.trace_id for span in spans.values()}
    told = values(spans["run flow"].attributes)
    assert (told["flowctl.session"], told["flowctl.resumed"]) == (2, True)
    assert {path for path, _, _ in there.requests} == {"/v1/traces"}


def test_a_collector_that_refuses_costs_a_line(folder: Path, there: Collector) -> None:
    there.status = 400
    (folder / "again").touch()
    done = flowctl(folder, "run", "flow.yaml", OTEL_EXPORTER_OTLP_ENDPOINT=there.url)
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if "telemetry" in line]
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("warning: telemetry is not complete: ")
    assert "Traceback" not in done.stderr


def test_a_collector_that_is_down_costs_a_line(folder: Path) -> None:
    (folder / "flow.yaml").write_text("flowctl: 1\nsteps: {a: {run: 'true'}}\n", encoding="utf-8")
    done = flowctl(folder, "run", "flow.yaml", OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")
    assert done.returncode == 0
    [told] = (line for line in done.stderr.splitlines() if "telem" in line)
    assert told.startswith("warning: telemetry is not complete: ")
    assert "127.0.0.1" in told
    assert done.stderr.splitlines()[-1].endswith(": succeeded")
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_collector_that_does_not_answer_is_not_waited_for(
    there: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has taken the first spans and says nothing; the run goes on, and ends within a bound."""
    from flowctl.telemetry.exporting import PATIENCE, exporting

    there.silent = threading.Event()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", there.url)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "1")
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "600")
    warnings: list[str] = []
    steps = tuple(f"s{number}" for number in range(2_000))
    now = datetime.now(UTC)
    with exporting(("traces", "metrics"), os.environ, warnings.append) as take:
        began = time.monotonic()
        take(RunStarted(now, "r", "w", "d", steps))
        for step in steps:
            take(StepStarted(now, step, 1))
            take(StepEnded(now, step, "succeeded"))
        take(RunEnded(now, "r", "succeeded"))
        assert time.monotonic() - began < PATIENCE
        ended = time.monotonic()
    assert PATIENCE <= time.monotonic() - ended < PATIENCE + 3
    (warning,) = warnings
    assert warning.startswith("telemetry is not complete: Queue full")


def test_who_stumbles_over_an_event_is_heard_no_more(
    there: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flowctl.telemetry.exporting import exporting

    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", there.url)
    warnings: list[str] = []
    now = datetime.now(UTC)
    with exporting(("traces",), os.environ, warnings.append) as take:
        take(RunStarted(now, "r", "w", "d", ("a",)))
        take(StepEnded(now, "a", "succeeded", why=object()))  # type: ignore[arg-type]
        take(StepEnded(now, "a", "succeeded", counts=object()))  # type: ignore[arg-type]
        take(RunEnded(now, "r", "succeeded"))
    assert len(warnings) == 1
    assert "AttributeError" in warnings[0]
    assert "run w" in [span.name for span in there.spans()]


def test_what_is_wrong_in_the_variables_ends_no_run(folder: Path) -> None:
    (folder / "flow.yaml").write_text("flowctl: 1\nsteps: {a: {run: 'true'}}\n", encoding="utf-8")
    endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://127.0.0.1:9"}
    for more in ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, {"OTEL_SDK_DISABLED": "true"}):
        done = flowctl(folder, "run", "flow.yaml", **endpoint, **more)
        assert done.returncode == 0
        told = [line for line in done.stderr.splitlines() if line.startswith("warning")]
        assert len(told) == ("OTEL_SDK_DISABLED" not in more)


def test_without_the_extra_there_is_a_line(folder: Path) -> None:
    """As where it is not installed: its import fails."""
    (folder / "flow.yaml").write_text("flowctl: 1\nsteps: {a: {run: 'true'}}\n", encoding="utf-8")
    code = (
        "import sys; sys.modules['opentelemetry'] = None\n"
        "from flowctl.cli.main import main; sys.exit(main(['run', 'flow.yaml']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    assert "warning: no telemetry is sent: it needs `pip install 'flowctl[otel]'`" in done.stderr


def test_without_a_variable_nothing_is_loaded(folder: Path) -> None:
    code = (
        "import sys; from flowctl.cli.main import main; main(['run', 'flow.yaml'])\n"
        "print(*[name for name in sys.modules if 'telemetry' in name])"
    )
    environment = {name: text for name, text in os.environ.items() if not name.startswith("OTEL")}
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert told.stdout.split() == ["flowctl.telemetry"]


def test_signals_can_be_asked_for_one_by_one() -> None:
    own = {"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://c/v1/metrics"}
    assert signals(own) == ("metrics",)
    assert signals({**own, "OTEL_SDK_DISABLED": "TRUE"}) == ()
    assert signals({**own, "OTEL_METRICS_EXPORTER": "none"}) == ()
