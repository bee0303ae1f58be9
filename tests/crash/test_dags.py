"""A DAG that is killed again and again does every step, and no finished one twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.dags import judge, until_done


@pytest.mark.slow
def test_a_killed_dag(tmp_path: Path) -> None:
    judge(tmp_path, 160, until_done(tmp_path, 160, kills=4, seed=1))
