"""One server of processes for all tests of crashes, and a place for each flow."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

import pytest

from tests.crash.crashing import Place, Server

IN_MEMORY = Path("/dev/shm")
"""A disk that costs nothing, for deaths that need no real one."""


class Places(Protocol):
    """Gives the place of a flow, in which it has run once to its end."""

    def __call__(self, flow: str) -> Place: ...


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with Server.started() as server:
        yield server


@pytest.fixture(scope="session")
def places(server: Server) -> Iterator[Places]:
    memory = IN_MEMORY if IN_MEMORY.is_dir() else None
    with TemporaryDirectory(prefix="flowctl-crash-", dir=memory) as root:

        @cache
        def place_of(flow: str) -> Place:
            place = Place(Path(root) / flow, server, flow)
            place.uninterrupted()
            return place

        yield place_of
