"""The process ends before any one operation on the disk, or in the midst of it; then it goes on."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.crash.crashing import Place, Server
from tests.crash.flows import FLOWS, outputs

QUICK = 9
"""Operations of a flow that are tried each time; `python -m tests.crash` tries all."""


@pytest.fixture(params=FLOWS)
def place(request: pytest.FixtureRequest, tmp_path: Path, server: Server) -> Place:
    place = Place(tmp_path, server, str(request.param))
    place.uninterrupted()
    return place


def chosen(place: Place, few: int) -> list[int]:
    operations = range(1, place.operations + 1)
    return sorted(random.Random(place.flow).sample(operations, min(few, place.operations)))


def test_killed_before_an_operation(place: Place) -> None:
    for at in chosen(place, QUICK):
        folder = place.fresh()
        assert place.server.run(folder, place.flow, at, "before") is None
        place.again(folder)


def test_killed_in_the_midst_of_a_write(place: Place) -> None:
    for at in chosen(place, QUICK // 2):
        folder = place.fresh()
        place.server.run(folder, place.flow, at, "torn")
        place.again(folder)


def test_killed_again_and_again(place: Place) -> None:
    """Each attempt is killed behind a few operations, until none is left."""
    folder = place.fresh()
    for attempt in range(200):
        told = place.server.run(folder, place.flow, 5 + attempt % 11, "after")
        if told is not None:
            assert told["status"] == "succeeded", told
            break
    assert outputs(folder) == place.expected


def test_a_full_disk(place: Place) -> None:
    """The old output stays, the fault is told, and with space again the run goes on."""
    for at in chosen(place, QUICK // 3):
        folder = place.fresh()
        before = dict.fromkeys(place.expected, b"as it was")
        for name, data in before.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(data)
        told = place.server.run(folder, place.flow, at, "full")
        assert told is not None
        if told["status"] != "succeeded":
            assert "no space left on device" in str(told["faults"]).lower()
            left = outputs(folder)
            assert all(left[name] in (before[name], place.expected[name]) for name in before)
        place.again(folder)
