"""The real command, killed at random moments; `python -m tests.crash --minutes N` goes on so."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.killing import Project


@pytest.mark.slow
def test_random_kills_leave_the_same_bytes(tmp_path: Path) -> None:
    project = Project.made(tmp_path, 2_000_000)
    assert sum(project.killed(seed) for seed in range(3)) > 0
