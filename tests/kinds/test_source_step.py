"""`source: {step}`: the columns of the steps that are read."""

from __future__ import annotations

from pathlib import Path

from flowctl.component import Situation
from flowctl.expressions.scope import Scope
from flowctl.files.paths import DataFiles
from flowctl.kinds.sources.step import COMPONENT
from flowctl.records import Schema

CLEAN = Schema.of({"a": "int64?"})


def test_the_columns_are_those_that_the_step_hands_on() -> None:
    situation = Situation(Scope(), DataFiles(Path()), {"clean": CLEAN})
    assert COMPONENT.rule({"step": "clean"}, situation).schema == CLEAN
    assert COMPONENT.rule({"step": ["clean", "other"]}, situation).schema == CLEAN
    assert COMPONENT.rule({"step": "other"}, situation).schema.open
