"""Files that are read once: however a run dies, none is lost and none is read twice."""

from __future__ import annotations

from pathlib import Path

from flowctl.dataflow import BadInput
from flowctl.files.paths import expand
from flowctl.interpreter.incremental import Incremental
from flowctl.store.disk import REAL
from tests.crash.conftest import Places
from tests.crash.flows import outputs


def left_for_another(folder: Path) -> list[str] | None:
    """What a run at another time would read; None where it must not."""
    path = next(folder.glob(".flowctl/incremental/*/s0"), folder / "none")
    others = Incremental(folder / ".flowctl", path, "other", REAL)
    try:
        return [file.name for file in others.left(expand(folder, ["in/*.csv"]), "utf-8")]
    except BadInput as error:
        if "is claimed by run run" not in error.fault.message:
            raise
        return None


def test_what_is_published_is_never_read_again(places: Places) -> None:
    place = places("once")
    seen: set[tuple[int, str]] = set()
    for at in range(place.operations - 16, place.operations + 1):
        folder = place.fresh()
        assert place.server.run(folder, "once", at, "after") is None
        published = len({"a.csv", "b.parquet"} & outputs(folder).keys())
        left = left_for_another(folder)
        assert left == ["in/a.csv", "in/b.csv"] if not published and left else not left
        seen.add((published, "claimed" if left is None else "kept" if not left else "left"))
        place.again(folder, f"after {at}")
        assert left_for_another(folder) == []
    assert {(0, "left"), (0, "claimed"), (1, "claimed"), (2, "claimed"), (2, "kept")} <= seen
