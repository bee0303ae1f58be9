"""The real command, killed at random moments; `python -m tests.crash --minutes N` goes on so."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.killing import Project


@pytest.mark.slow
def test_random_kills_leave_the_same_bytes(tmp_path: Path) -> None:
    project = Project.made(tmp_path, 500_000)
    assert project.killed(seed=1, most=4) > 0
