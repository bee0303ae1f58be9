"""Formats of dates and times, as DuckDB's `strftime` and `strptime` know them."""

from __future__ import annotations

import re
from typing import Final

from flowctl.dataclass import dataclass
from flowctl.expressions.reading import FIRST_DAY, LAST_DAY, days_from_civil

_DAY: Final = 86_400_000_000
_MONTHS: Final = ("january", "february", "march", "april", "may", "june", "july", "august",
                  "september", "october", "november", "december")  # fmt: skip
_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WRITTEN: Final = {
    "Y": "%Y", "y": "%y", "-y": "%-y", "m": "%m", "-m": "%-m", "d": "%d", "-d": "%-d", "H": "%H",
    "-H": "%-H", "I": "%I", "-I": "%-I", "p": "%p", "M": "%M", "-M": "%-M", "S": "%S",
    "-S": "%-S", "f": "%6f", "g": "%3f", "n": "%9f", "j": "%j", "-j": "%-j", "a": "%a", "A": "%A",
    "b": "%b", "B": "%B", "w": "%w", "u": "%u", "U": "%U", "W": "%W", "V": "%V", "G": "%G",
    "c": "%Y-%m-%d %H:%M:%S", "x": "%Y-%m-%d", "X": "%H:%M:%S", "%": "%%", "Z": "%Z", "z": "%z",
}  # fmt: skip
_READ: Final = {
    "Y": r"(?P<Y>-?\d{1,4})", "y": r"(?P<y>\d{1,2})", "m": r"(?P<m>\d{1,2})",
    "d": r"(?P<d>\d{1,2})", "H": r"(?P<H>\d{1,2})", "I": r"(?P<I>\d{1,2})", "M": r"(?P<M>\d{1,2})",
    "S": r"(?P<S>\d{1,2})", "f": r"(?P<f>\d{1,6})", "g": r"(?P<g>\d{1,3})", "n": r"(?P<n>\d{1,9})",
    "j": r"(?P<j>\d{1,3})", "p": r"(?P<p>[AaPp][Mm])", "z": r"(?P<z>[+-]\d{2}(?::?\d{2})?)",
    "b": "(?P<b>" + "|".join(name[:3] for name in _MONTHS) + ")",
    "B": "(?P<B>" + "|".join(_MONTHS) + ")",
    "a": "(?:" + "|".join(name[:3] for name in _DAYS) + ")", "A": "(?:" + "|".join(_DAYS) + ")",
    "%": "%",
}  # fmt: skip
_SPECIFIER: Final = re.compile(r"%(-?.)", re.DOTALL)
_LONG: Final = {"c": "%Y-%m-%d %H:%M:%S", "x": "%Y-%m-%d", "X": "%H:%M:%S"}


class BadFormat(ValueError):
    """The format cannot be read."""


def writing(text: str, zoned: bool) -> str:
    """The format for Polars; raises BadFormat.

    >>> writing("%d.%m.%Y %g", zoned=False)
    '%d.%m.%Y %3f'
    """

    def write(found: re.Match[str]) -> str:
        name = found[1]
        if name not in _WRITTEN:
            raise BadFormat(f"`%{name}` is no part of a format")
        if name in ("Z", "z") and not zoned:
            return "" if name == "Z" else "+00"
        return _WRITTEN[name]

    if re.search(r"%(?:-?)$", text.replace("%%", "")):
        raise BadFormat("the format ends with `%`")
    return _SPECIFIER.sub(write, text)


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads text by a format; `zoned` where the format has an offset."""

    pattern: re.Pattern[str]
    zoned: bool
    fast: str | None
    """The format for Polars, where that reads the same."""

    def read(self, text: str) -> int | None:
        """Microseconds since 1970, or None where the text does not fit."""
        found = self.pattern.fullmatch(text.strip(" \t\n\r\f\v"))
        return _moment(found.groupdict()) if found else None


def reading(text: str) -> Reader:
    """How to read by a format; raises BadFormat."""
    for name, longer in _LONG.items():
        text = text.replace(f"%{name}", longer) if f"%%{name}" not in text else text
    out: list[str] = []
    position = 0
    names: list[str] = []
    for found in _SPECIFIER.finditer(text):
        out.append(_literal(text[position : found.start()]))
        name = found[1].removeprefix("-")
        if name not in _READ or name in names:
            why = "stands twice" if name in names else "cannot be read"
            raise BadFormat(f"`%{found[1]}` {why} in a format")
        if name not in ("%", "a", "A"):
            names.append(name)
        out.append(_READ[name])
        position = found.end()
    rest = text[position:]
    if "%" in rest:
        raise BadFormat("the format ends with `%`")
    out.append(_literal(rest))
    pattern = re.compile("".join(out), re.IGNORECASE | re.ASCII)
    plain = set(names) <= set("YmdHMS") and set("Ymd") <= set(names)
    return Reader(pattern, "z" in names, text if plain else None)


def _literal(text: str) -> str:
    """A space in a format stands for any amount of space."""
    return "".join(
        r"\s*" if part.isspace() else re.escape(part) for part in re.split(r"(\s+)", text)
    )


def _moment(parts: dict[str, str | None]) -> int | None:
    days = _date(parts)
    clock = _clock(parts)
    if days is None or clock is None:
        return None
    offset = 0
    if parts.get("z"):
        zone = str(parts["z"]).replace(":", "")
        seconds = int(zone[1:3]) * 3600 + int(zone[3:5] or 0) * 60
        offset = (-seconds if zone[0] == "-" else seconds) * 1_000_000
    value = days * _DAY + clock - offset
    return value if FIRST_DAY <= value // _DAY <= LAST_DAY else None


def _date(parts: dict[str, str | None]) -> int | None:
    year = int(parts.get("Y") or 1900)
    if parts.get("y"):
        short = int(str(parts["y"]))
        year = short + (1900 if short >= 70 else 2000)
    if parts.get("j"):
        day = int(str(parts["j"]))
        first = days_from_civil(year, 1, 1)
        return None if first is None or not 1 <= day <= 366 else first + day - 1
    month = int(parts.get("m") or 1)
    for name, length in (("B", None), ("b", 3)):
        word = parts.get(name)
        if word:
            month = [known[:length] for known in _MONTHS].index(word.lower()) + 1
    return days_from_civil(year, month, int(parts.get("d") or 1))


def _clock(parts: dict[str, str | None]) -> int | None:
    hour = int(parts.get("H") or 0)
    if parts.get("I"):
        hour = int(str(parts["I"]))
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if str(parts.get("p") or "am").lower() == "pm" else 0)
    minute, second = int(parts.get("M") or 0), int(parts.get("S") or 0)
    if hour > 23 or minute > 59 or second > 59:
        return None
    micros = 0
    for name, length in (("f", 6), ("g", 3), ("n", 9)):
        digits = parts.get(name)
        if digits:
            micros = int(digits.ljust(length, "0")) * 10**6 // 10**length
    return ((hour * 60 + minute) * 60 + second) * 1_000_000 + micros
