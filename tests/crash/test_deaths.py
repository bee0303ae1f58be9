"""Every moment at which a process could die, of every flow: what is left is gone on with.

Before and behind each write, sync, rename, cut and removal, and in the midst of each write; left is
what the system was asked for, or after a loss of power what had been synced.
"""

from __future__ import annotations

import pytest

from tests.crash.conftest import Places
from tests.crash.flows import FLOWS

FEW = 6
"""Of some hundred for each flow; `python -m tests.crash` goes through all of them."""


@pytest.mark.parametrize("flow", FLOWS)
def test_gone_on_with_after_any_death(flow: str, places: Places) -> None:
    place = places(flow)
    deaths = 0
    for death, folder in place.deaths(FEW):
        deaths += 1
        place.again(folder, death)
    assert deaths > FEW
