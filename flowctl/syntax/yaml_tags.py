"""The tags of YAML's core schema: what they say of a value, and whether it fits."""

from __future__ import annotations

from flowctl.dataclass import dataclass
from flowctl.syntax.core import Scalar, TooLarge, finite, resolve

_PREFIX = "tag:yaml.org,2002:"
_SCALARS: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (float, int),
    "bool": (bool,),
    "null": (type(None),),
}
_COLLECTIONS = ("map", "seq")


@dataclass(frozen=True, slots=True)
class TagFault:
    """Why a tag cannot be followed, and what to do about it."""

    message: str
    help: str


def tagged_value(tag: str, text: str) -> Scalar | TooLarge | TagFault:
    """The value of a scalar with this tag."""
    short = tag.removeprefix(_PREFIX)
    if short == "str":
        return text
    if tag == short or short not in _SCALARS:
        return _unfit(tag, "a scalar")
    value = resolve(text)
    if isinstance(value, TooLarge):
        return value
    fits = isinstance(value, _SCALARS[short]) and isinstance(value, bool) == (short == "bool")
    if not fits:
        return TagFault(f"this value is not what its tag `!!{short}` says", "remove the tag")
    return finite(text) if short == "float" and isinstance(value, int) else value


def collection_fault(tag: str, kind: str) -> TagFault | None:
    """What is wrong with the tag of a collection; `kind` is `map` or `seq`."""
    if tag == _PREFIX + kind:
        return None
    return _unfit(tag, "a mapping" if kind == "map" else "a list")


def _unfit(tag: str, what: str) -> TagFault:
    short = tag.removeprefix(_PREFIX)
    if short in _SCALARS or short in _COLLECTIONS:
        return TagFault(f"the tag `!!{short}` stands before {what}", "remove the tag")
    help = "an unquoted `!` begins a tag: put quotes around the value"
    if tag == "!":
        # It would turn `! grep x` into `grep x` without a word.
        return TagFault("a `!` without quotes is a tag and no part of the text", help)
    return TagFault(f"unknown tag `{tag if short == tag else '!!' + short}`", help)
