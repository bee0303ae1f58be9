"""Processes that really end at an operation on the disk, and disks that are full from one on."""

from __future__ import annotations

import random

import pytest

from tests.crash.conftest import Places
from tests.crash.crashing import Place
from tests.crash.faulty import Fault
from tests.crash.flows import FLOWS, outputs

QUICK = 2
"""Operations of a flow that are tried each time; `python -m tests.crash` tries all."""


@pytest.fixture(params=FLOWS)
def place(request: pytest.FixtureRequest, places: Places) -> Place:
    return places(str(request.param))


def chosen(place: Place, few: int) -> list[int]:
    return sorted(random.Random(place.flow).sample(range(1, place.operations + 1), few))


def test_killed_at_an_operation(place: Place) -> None:
    faults: tuple[Fault, ...] = ("before", "torn")
    for at, fault in zip(chosen(place, QUICK), faults, strict=True):
        folder = place.fresh()
        assert place.server.run(folder, place.flow, at, fault) is None
        place.again(folder, f"{fault} {at}")


def test_killed_again_and_again(place: Place) -> None:
    """Each attempt is killed behind a few operations, until none is left.

    To go on at all takes some for each output, which must find its file again.
    """
    folder = place.fresh()
    few = 9 * max(1, place.most_sinks)
    for attempt in range(200):
        told = place.server.run(folder, place.flow, few + attempt % 11, "after")
        if told is not None:
            assert told["status"] == "succeeded", told
            break
    assert outputs(folder) == place.expected


def test_a_full_disk(place: Place) -> None:
    """The old output stays, the fault is told, and with space again the run goes on."""
    for at in chosen(place, QUICK):
        place.filled(at)
