"""Events as JSON: they come back as they were, and the published schema describes them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from flowctl.codec import Malformed
from flowctl.codes.runs import COMMAND_FAILED
from flowctl.diagnostics import Diagnostic, Frame, Related, Span
from flowctl.interpreter.counts import Counts
from flowctl.interpreter.eventjson import (
    EVENTS,
    event_from_json,
    event_to_json,
    event_to_row,
    kind_of,
)
from flowctl.interpreter.events import (
    Event,
    HookEnded,
    HookOutput,
    Resumed,
    RunCreated,
    RunEnded,
    RunPaused,
    RunStarted,
    RunStopping,
    RunUnpaused,
    StepEnded,
    StepFallingBack,
    StepFannedOut,
    StepNoticed,
    StepOutput,
    StepProgress,
    StepRetrying,
    StepStarted,
)
from flowctl.interpreter.eventschema import events_schema, text
from flowctl.store.identity import Identity
from flowctl.store.provenance import Provenance
from flowctl.syntax.node import Json
from tests.interpreter.running import Runner, command, plan

ROOT = Path(__file__).parents[2]
NOON = datetime(2024, 2, 29, 12, 0, 0, 5, tzinfo=UTC)
SPAN = Span("/p/w.yaml", 1, 2, 3, 4)
FAULT = Diagnostic(
    COMMAND_FAILED,
    "exit code 3",
    SPAN,
    "help",
    (Related(SPAN, "here"),),
    (Frame("$ref", "x", SPAN),),
)
IDENTITY = Identity("w.yaml", {"n": [1, None, {"a": "b"}]}, "prod", "2024-02-29")
PLACE = Provenance("h", 1, "Linux x86_64", "3.11.7", {"polars": "2.1"}, "abc", True)
SAMPLES: list[Event] = [
    RunCreated(NOON, "r", "w", IDENTITY, NOON),
    RunStarted(NOON, "r", "w", "d", ("a",), (Resumed("a", 1, "x:1", True),), 2, ("a",), PLACE),
    RunStarted(NOON, "r", "w", "d", ("a",)),
    RunPaused(NOON, "r"),
    RunUnpaused(NOON, "r"),
    RunStopping(NOON, "r"),
    StepFannedOut(NOON, "a", ("x", 1, None, {"y": [True]}), "d"),
    StepStarted(NOON, "a", 1, "d"),
    StepRetrying(NOON, "a", 1, 3, 0.5, 2, (FAULT,)),
    StepFallingBack(NOON, "a", 2, (FAULT,)),
    StepProgress(NOON, "a", 10, 100, None),
    StepNoticed(NOON, "a", (FAULT,)),
    StepOutput(NOON, "a", "stderr", "x \ud800"),
    StepEnded(NOON, "a", "failed", Counts(1, 2, 3), ("a.csv",), 3, (FAULT,), "why"),
    StepEnded(NOON, "a", "skipped"),
    HookOutput(NOON, "a", "start", "stdout", "x"),
    HookEnded(NOON, None, "finish", 3, (FAULT,)),
    RunEnded(NOON, "r", "failed", resumable=True),
]


def test_there_is_a_sample_of_each() -> None:
    assert {type(sample) for sample in SAMPLES} == set(EVENTS)


@pytest.mark.parametrize("event", SAMPLES, ids=kind_of)
def test_an_event_comes_back_as_it_was(event: Event) -> None:
    told = json.loads(json.dumps(event_to_json(event)))
    assert event_from_json(told) == event
    Draft202012Validator(events_schema()).validate(told)
    assert event_from_json(json.loads(json.dumps(event_to_row(event)))) == event


def test_what_is_no_event_is_told() -> None:
    broken: list[Json] = [{"event": "fire"}, [], {"event": "run_ended", "at": "noon"}, {}]
    for value in broken:
        with pytest.raises(Malformed):
            event_from_json(value)


def test_the_schema_refuses_what_it_does_not_describe() -> None:
    judge = Draft202012Validator(events_schema())
    told = event_to_json(SAMPLES[-1])
    for wrong in ({**told, "more": 1}, {**told, "status": "done"}, {**told, "event": "x"}, {}):
        assert not judge.is_valid(wrong)


def test_the_events_of_a_run_fit_the_schema(runner: Runner) -> None:
    runner(plan(command("a", "echo x"), command("b", "exit 3", "a"), command("c", "true", "b")))
    judge = Draft202012Validator(events_schema())
    for event in runner.events:
        judge.validate(event_to_json(event))
    assert len({type(event) for event in runner.events}) == 5


def test_the_file_is_what_the_events_say() -> None:
    written = (ROOT / "schemas" / "events.schema.json").read_text(encoding="utf-8")
    assert written == text()
    Draft202012Validator.check_schema(json.loads(written))
