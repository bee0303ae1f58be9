"""An output has no place to stand, or no checkpoint has: the refusal names the cause."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.crashing import Server

FLOW = """\
flowctl: 1
name: placed
steps:
  first:
    source: {{csv: in.csv}}
    sink: {{csv: {sink}}}
"""


@pytest.mark.parametrize(
    ("sink", "words"),
    [
        ("flow.yaml/a.csv", "cannot write `flow.yaml/a.csv`: not a directory"),
        ("folder", "cannot write `folder`: a folder stands there"),
        ("/proc/none/a.csv", "cannot write `/proc/none/a.csv`: no such file or directory"),
        ("/dev/null", "cannot write `/dev/null`: a device or a pipe stands there"),
    ],
)
def test_no_place_for_an_output(tmp_path: Path, server: Server, sink: str, words: str) -> None:
    (tmp_path / "in.csv").write_text("n\n1\n")
    (tmp_path / "folder").mkdir()
    (tmp_path / "flow.yaml").write_text(FLOW.format(sink=sink))
    told = server.command(tmp_path, "run", "flow.yaml")
    assert told.returncode == 1
    assert words in told.stderr
    assert not [*tmp_path.rglob("*.part")]


def test_no_place_for_checkpoints(tmp_path: Path, server: Server) -> None:
    (tmp_path / "in.csv").write_text("n\n1\n")
    (tmp_path / "flow.yaml").write_text(FLOW.format(sink="out.csv"))
    (tmp_path / ".flowctl").write_text("a file")
    told = server.command(tmp_path, "run", "flow.yaml")
    assert told.returncode == 1
    assert ".flowctl: not a directory" in told.stderr
    assert not (tmp_path / "out.csv").exists()
