"""Whether a failed attempt is followed by another one, and when."""

from __future__ import annotations

from typing import Final

from flowctl.plan import Retry

_FAR: Final = 3650 * 86_400.0


def delay_before_next(
    retry: Retry | None, attempt: int, causes: tuple[str, ...], chance: float
) -> float | None:
    """The seconds to wait behind a failed attempt (the first is 1); None where none follows.

    `chance` is a number from 0 up to 1.

    >>> retry = Retry(5, "exponential", delay=1000, max_delay=5000)
    >>> [delay_before_next(retry, attempt, (), 0.5) for attempt in (1, 2, 3, 4, 5)]
    [1.0, 2.0, 4.0, 5.0, None]
    """
    if retry is None or attempt >= retry.attempts:
        return None
    if retry.on and set(retry.on).isdisjoint(causes):
        return None
    factor = {"constant": 1.0, "linear": float(attempt), "exponential": 2.0 ** (attempt - 1)}
    delay = min(retry.delay / 1000 * factor[retry.backoff], _FAR)
    if retry.max_delay is not None:
        delay = min(delay, retry.max_delay / 1000)
    return delay * (1 - chance / 2) if retry.jitter else delay
