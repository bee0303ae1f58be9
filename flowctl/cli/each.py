"""`run --each day=2024-01-01..2024-01-31`: the values of a param, each of which is a run."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product

from flowctl.api.given import Given
from flowctl.dataclass import dataclass
from flowctl.errors import UsageError

MOST = 10_000
"""More runs than this are more likely a slip of the pen than a backfill."""

_NUMBER = re.compile(r"-?[0-9]{1,15}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Round:
    """One run of several, with the params that tell it from the others."""

    params: tuple[tuple[str, str], ...]

    def given(self, given: Given) -> Given:
        """The options of this run."""
        return replace(given, params=(*given.params, *self.params))

    def __str__(self) -> str:
        return ", ".join(f"{name}={value}" for name, value in self.params)


def rounds(each: Sequence[tuple[str, str]], given: Given) -> list[Round]:
    """The runs, in the order of the values, the last param's running fastest; raises UsageError."""
    names = [name for name, _ in each]
    fixed = {name for name, _ in given.params}
    for name in names:
        if name in fixed or names.count(name) > 1:
            raise UsageError(f"`{name}` is given twice: `--each` is enough")
    choices = [[(name, value) for value in values(text, name)] for name, text in each]
    size = 1
    for choice in choices:
        size *= len(choice)
    if size > MOST:
        raise UsageError(f"these are {size:,} runs; at most {MOST:,} are made at once")
    return [Round(params) for params in product(*choices)]


def values(text: str, name: str = "") -> list[str]:
    """The values of `a..b`, of days or whole numbers and both included, or of `a,b,c`.

    >>> values("2024-02-28..2024-03-01"), values("3..5"), values("us,eu")
    (['2024-02-28', '2024-02-29', '2024-03-01'], ['3', '4', '5'], ['us', 'eu'])
    """
    first, dots, last = text.partition("..")
    if not dots:
        return text.split(",")
    found = list(_between(first, last, name))
    if not found:
        raise UsageError(f"`--each {name}={text}` has no values: it ends before it begins")
    return found


def _between(first: str, last: str, name: str) -> Iterator[str]:
    if _NUMBER.fullmatch(first) and _NUMBER.fullmatch(last):
        numbers = range(int(first), int(last) + 1)
        if numbers and numbers[-1] - numbers[0] >= MOST:
            raise UsageError(f"`--each {name}` has more than {MOST:,} values")
        yield from map(str, numbers)
        return
    try:
        if not (_DATE.fullmatch(first) and _DATE.fullmatch(last)):
            raise ValueError
        start, end = dt.date.fromisoformat(first), dt.date.fromisoformat(last)
    except ValueError:
        wanted = "`2024-01-01..2024-01-31`, `1..12` or `us,eu`"
        raise UsageError(f"`--each {name}={first}..{last}`: write {wanted}") from None
    if (end - start).days >= MOST:
        raise UsageError(f"`--each {name}` has more than {MOST:,} values")
    for day in range((end - start).days + 1):
        yield (start + dt.timedelta(days=day)).isoformat()
