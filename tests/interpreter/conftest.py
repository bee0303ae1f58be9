"""What the interpreter's tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interpreter.running import Runner


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)
