"""The input changes while the run stands still after a crash, or while it reads.

Whatever happens: the output is that of an input which was there at one time, or nothing is
published and the file is named.
"""

from __future__ import annotations

import gzip
import lzma
from pathlib import Path
from typing import cast, get_args

import polars as pl
import pytest
import zstandard

from tests.crash.conftest import Places
from tests.crash.crashing import Place, Told
from tests.crash.flows import FLOWS, INPUT, Change, changed, outputs

CHANGES = cast("tuple[Change, ...]", get_args(Change))


@pytest.fixture(params=[flow for flow in FLOWS if flow in INPUT])
def place(request: pytest.FixtureRequest, places: Places) -> Place:
    return places(str(request.param))


def named_or_one_of(place: Place, told: Told, *allowed: dict[str, bytes]) -> None:
    """Holds the outcome to the promise.

    Where a file has grown, splits end elsewhere than if it had always been so, and with them the
    members of compressed files and the row groups: the records are the same.
    """
    folder = place.root / "flow"
    if told["status"] == "succeeded":
        assert records(outputs(folder)) in [records(files) for files in allowed]
    else:
        assert Path(INPUT[place.flow]).name in str(told["faults"]), told
        assert all(name.startswith("old/") for name in outputs(folder))


def records(files: dict[str, bytes]) -> dict[str, object]:
    """What is in the files."""
    return {name: _unpacked(Path(name).suffix, data) for name, data in files.items()}


def _unpacked(suffix: str, data: bytes) -> object:
    match suffix:
        case ".gz":
            return gzip.decompress(data)
        case ".xz":
            return lzma.decompress(data)
        case ".zst":
            return zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True).read()
        case ".parquet":
            return pl.read_parquet(data).to_dict(as_series=False)
    return data


def of_the_changed(place: Place, change: Change) -> dict[str, bytes]:
    """What a run makes of the changed input that is never interrupted; nothing if it cannot."""
    folder = place.fresh()
    changed(folder / INPUT[place.flow], change)
    told = place.server.run(folder, place.flow)
    assert told is not None
    return outputs(folder) if told["status"] == "succeeded" else {}


@pytest.mark.parametrize("change", CHANGES)
def test_input_that_changes(place: Place, change: Change) -> None:
    allowed = (place.expected, of_the_changed(place, change))
    folder = place.fresh()
    assert place.server.run(folder, place.flow, place.operations * 3 // 5, "before") is None
    changed(folder / INPUT[place.flow], change)
    told = place.server.run(folder, place.flow)
    assert told is not None
    named_or_one_of(place, told, *allowed)
    for at in (4, 20, 35):
        told = place.server.changing(place.fresh(), place.flow, at, change)
        named_or_one_of(place, told, *allowed)
