"""JSON inside text: reading it strictly, and paths into it as DuckDB writes them."""

from __future__ import annotations

import json
import math
import re
from functools import lru_cache
from typing import Final

_STEP: Final = re.compile(
    r"""\.(?:"((?:[^"\\]|\\.)*)"|([^.\[\]"*]+)) | \[(\#-)?(-?\d+)\] """, re.VERBOSE
)
MISSING: Final = object()

Path = tuple[str | int, ...]


class BadPath(ValueError):
    """The path cannot be read."""


@lru_cache(maxsize=512)
def read_path(text: str | int) -> Path:
    """The steps of `$.a[0]`, `/a/0`, a plain key, or a place; raises BadPath.

    >>> read_path("$.a[0]"), read_path("a"), read_path("/a/0")
    (('a', 0), ('a',), ('a', '0'))
    """
    if isinstance(text, int):
        return (text,)
    if text.startswith("/"):
        return tuple(part.replace("~1", "/").replace("~0", "~") for part in text[1:].split("/"))
    if not text.startswith("$"):
        return (text,)
    if "*" in text or ".." in text:
        raise BadPath("a path leads to one value; `*` and `..` do not exist here")
    steps: list[str | int] = []
    position = 1
    while position < len(text):
        found = _STEP.match(text, position)
        if found is None:
            raise BadPath("a path is written `$.a.b[0]`, or `/a/b/0`, or is the name of a field")
        if found[4] is not None:
            steps.append(-int(found[4]) if found[3] else int(found[4]))
        else:
            steps.append(found[2] if found[1] is None else found[1].replace('\\"', '"'))
        position = found.end()
    return tuple(steps)


def load(text: str) -> object:
    """The value that the text is; MISSING where it is no JSON."""
    try:
        value: object = json.loads(text, parse_constant=_refuse, object_pairs_hook=_first_wins)
        if "\\u" in text:
            dump(value).encode()
    except (ValueError, RecursionError):
        return MISSING
    return value


def find(value: object, path: Path) -> object:
    """What the path leads to; MISSING where it leads nowhere."""
    for step in path:
        if isinstance(value, dict) and isinstance(step, str):
            value = value.get(step, MISSING)
        elif isinstance(value, list):
            value = _item(value, step)
        else:
            return MISSING
    return value


def _item(values: list[object], step: str | int) -> object:
    if isinstance(step, str):
        if not step.isdigit():
            return MISSING
        step = int(step)
    place = step if step >= 0 else len(values) + step
    return values[place] if 0 <= place < len(values) else MISSING


def dump(value: object) -> str:
    """The value as compact JSON, numbers as DuckDB writes them."""
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, dict):
        pairs = (f"{json.dumps(key, ensure_ascii=False)}:{dump(v)}" for key, v in value.items())
        return "{" + ",".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(dump, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _number(value: float) -> str:
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else f"{'-' if value < 0 else ''}Infinity"
    return re.sub(r"e([+-])0?", lambda found: f"e{found[1]}".replace("+", ""), repr(value))


def _refuse(word: str) -> object:
    raise ValueError(f"{word} is no JSON")


def _first_wins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        found.setdefault(key, value)
    return found
