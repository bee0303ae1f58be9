"""The further sources of transforms, when they change between a crash and the next run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from tests.crash.crashing import Place, Server

Change = Callable[[Path], object]


def killed(flow: str, root: Path, server: Server, share: float) -> tuple[Place, Path]:
    """A folder in which the flow was killed behind a share of its operations."""
    root.mkdir(exist_ok=True)
    place = Place(root, server, flow)
    place.uninterrupted()
    folder = place.fresh()
    assert place.server.run(folder, flow, int(place.operations * share), "before") is None
    return place, folder


def reversed_records(path: Path) -> None:
    pl.read_parquet(path).reverse().write_parquet(path, row_group_size=37)


def appended(path: Path) -> None:
    text = path.read_text()
    path.write_text(text + text.splitlines(keepends=True)[-1])


@pytest.mark.parametrize("flow", ["join", "join in little memory"])
def test_a_changed_right_side_is_refused(flow: str, tmp_path: Path, server: Server) -> None:
    _, folder = killed(flow, tmp_path, server, 0.6)
    reversed_records(folder / "all.parquet")
    told = server.run(folder, flow)
    assert told is not None
    assert told["status"] == "refused", told
    assert "`all.parquet` has changed" in str(told["faults"])


def test_a_source_behind_others_may_change_before_it_is_read(
    tmp_path: Path, server: Server
) -> None:
    """As any file of which nothing was read; once it was read, a change is refused."""
    _, folder = killed("union", tmp_path / "early", server, 0.2)
    appended(folder / "all.ndjson")
    told = server.run(folder, "union")
    assert told is not None
    assert told["status"] == "succeeded", told
    _, folder = killed("union", tmp_path / "late", server, 0.8)
    (folder / "all.ndjson").write_text("{}\n")
    told = server.run(folder, "union")
    assert told is not None
    assert told["status"] == "refused", told
    assert "`all.ndjson`" in str(told["faults"])
