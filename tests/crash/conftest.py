"""One server of processes for all tests of crashes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.crash.crashing import Server


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with Server.started() as server:
        yield server
