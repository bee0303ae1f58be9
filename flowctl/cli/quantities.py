"""Numbers as people read them."""

from __future__ import annotations

_DECIMAL = 1000


def seconds(value: float) -> str:
    """A stretch of time, to what matters at its size.

    >>> seconds(0.0421), seconds(3.25), seconds(75), seconds(3700)
    ('42 ms', '3.2 s', '1:15', '1:01:40')
    """
    if value < 1:
        return f"{value * 1000:.0f} ms"
    if value < 60:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def amount(value: float) -> str:
    """A count in few characters.

    >>> amount(999), amount(12_340), amount(2_500_000)
    ('999', '12.3k', '2.5M')
    """
    for unit in ("", "k", "M"):
        if value < _DECIMAL:
            return f"{value:.1f}{unit}" if unit else f"{value:.0f}"
        value /= _DECIMAL
    return f"{value:.1f}G"


def room(value: int) -> str:
    """Bytes on disk in few characters.

    >>> room(900), room(12_340), room(2_500_000_000)
    ('900 B', '12.3 kB', '2.5 GB')
    """
    if value < _DECIMAL:
        return f"{value} B"
    size = value / _DECIMAL
    for unit in ("kB", "MB", "GB"):
        if size < _DECIMAL:
            return f"{size:.1f} {unit}"
        size /= _DECIMAL
    return f"{size:.1f} TB"


def plural(number: int, noun: str) -> str:
    """A number with its noun.

    >>> plural(1, "error"), plural(2000, "row")
    ('1 error', '2,000 rows')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
