"""Spans of time as people write them: `30s`, `5m`, `1h30m`, `1.5h`, `250ms`."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

PATTERN: Final = r"^\s*([0-9]+(\.[0-9]+)?(ms|s|m|h|d)\s*)+$"
PATTERN_NAME: Final = "a duration such as `30s`, `5m` or `1h30m`"
LONGEST: Final = 3650 * 86_400_000
"""Milliseconds; whoever writes more means none at all."""

_PART: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)")
_UNITS: Final = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def milliseconds(text: str) -> int:
    """How long a duration is; raises ValueError for a text that is none.

    >>> milliseconds("1h30m"), milliseconds("1.5s")
    (5400000, 1500)
    """
    if re.fullmatch(PATTERN, text) is None:
        raise ValueError(text)
    return int(sum(Decimal(number) * _UNITS[unit] for number, unit in _PART.findall(text)))


def shown(duration: float) -> str:
    """So many milliseconds as a person writes them, at most two units.

    >>> shown(5_400_000), shown(1500), shown(90_000), shown(20)
    ('1h30m', '1.5s', '1m30s', '20ms')
    """
    if duration < 1000:
        return f"{duration:.0f}ms"
    if duration < 60_000:
        return f"{duration / 1000:.3g}s"
    for unit, below in (("d", "h"), ("h", "m"), ("m", "s")):
        count, rest = divmod(int(duration), _UNITS[unit])
        if count:
            rest //= _UNITS[below]
            return f"{count}{unit}" + (f"{rest}{below}" if rest else "")
    return f"{duration:.0f}ms"
