"""The quick `dataclass` does what the standard one does."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, field

import pytest

from flowctl import dataclass as quick

Decorator = Callable[[type], type]


@quick.dataclass(frozen=True, slots=True)
class Point:
    """Stands at the top, where pickle finds it."""

    x: int
    names: list[str] = field(default_factory=list)
    note: str = "none"

    @property
    def far(self) -> bool:
        return self.x > 10


@quick.dataclass(slots=True)
class Counter:
    count: int = 0
    seen: set[int] = field(default_factory=set)


@quick.dataclass(frozen=True, slots=True)
class Nothing:
    pass


def both(**options: bool) -> list[Decorator]:
    return [dataclasses.dataclass(**options), quick.dataclass(**options)]


def test_values() -> None:
    assert Point(1) == Point(1, [], "none") != Point(2)
    assert Point(1).__eq__((1, [], "none")) is NotImplemented
    assert repr(Point(1, note="a")) == "Point(x=1, names=[], note='a')"
    assert Point(x=11).far
    assert Point(1).names is not Point(1).names
    assert (Nothing(), hash(Nothing())) == (Nothing(), hash(Nothing()))
    match Point(3, ["n"]):
        case Point(x, [name], note=note):
            assert (x, name, note) == (3, "n", "none")
        case _:
            pytest.fail("no match")


@pytest.mark.parametrize(
    "taken", [copy.copy, copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))]
)
def test_copies(taken: Callable[[object], object]) -> None:
    for item in (Point(1, ["a"]), Counter(2, {3}), Nothing()):
        copied = taken(item)
        assert copied == item and copied is not item


def test_the_standard_functions_know_it() -> None:
    assert dataclasses.is_dataclass(Point)
    assert dataclasses.asdict(Point(1)) == {"x": 1, "names": [], "note": "none"}
    assert dataclasses.replace(Point(1), note="b") == Point(1, [], "b")
    assert [item.name for item in dataclasses.fields(Point)] == ["x", "names", "note"]
    assert Point.__match_args__ == ("x", "names", "note")


def test_frozen_is_frozen() -> None:
    point = Point(1)
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'x'"):
        point.x = 2  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError, match="cannot delete field 'x'"):
        del point.x
    with pytest.raises((AttributeError, FrozenInstanceError)):
        point.other = 2  # type: ignore[attr-defined]
    assert hash(quick_pair()(1, "a")) == hash(quick_pair()(1, "a"))


def quick_pair() -> type:
    return quick.dataclass(frozen=True, slots=True)(_pair())


def _pair() -> type:
    class Pair:
        left: int
        right: str = "r"

    return Pair


def test_changing_changes() -> None:
    counter = Counter()
    counter.count += 1
    counter.seen.add(1)
    assert counter == Counter(1, {1}) != Counter()
    with pytest.raises(TypeError, match="unhashable"):
        hash(counter)
    with pytest.raises(AttributeError):
        counter.other = 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("made", both(frozen=True, slots=True))
def test_a_method_of_its_own_stays(made: Decorator) -> None:
    class Cheap:
        value: int

        def __eq__(self, other: object) -> bool:
            return True

        def __hash__(self) -> int:
            return 7

        def __repr__(self) -> str:
            return "cheap"

        def __post_init__(self) -> None:
            seen.append(self.value)

    seen: list[int] = []
    kind = made(Cheap)
    assert (kind(1) == 2, hash(kind(1)), repr(kind(1)), seen) == (True, 7, "cheap", [1, 1, 1])


@pytest.mark.parametrize("made", both(frozen=True, slots=True))
def test_wrong_calls(made: Decorator) -> None:
    pair = made(_pair())
    for arguments, named in [((), {}), ((1, 2, 3), {}), ((1,), {"left": 2}), ((1,), {"up": 1})]:
        with pytest.raises(TypeError):
            pair(*arguments, **named)


@pytest.mark.parametrize("made", both(frozen=True, slots=True))
def test_inheritance_and_field_options(made: Decorator) -> None:
    class Base:
        a: int = 1

    base = made(Base)

    class Derived(base):  # type: ignore[misc, valid-type]
        b: int = 2
        hidden: int = field(default=0, repr=False, compare=False)

    derived = made(Derived)
    assert repr(derived(b=3)).endswith("Derived(a=1, b=3)")
    assert derived(hidden=1) == derived(hidden=2)
    assert dataclasses.replace(derived(), a=5).a == 5


def test_a_shared_default_that_may_change_is_refused() -> None:
    class Shared:
        items: list[int] = []  # noqa: RUF012

    with pytest.raises(ValueError, match="mutable default"):
        quick.dataclass(frozen=True, slots=True)(Shared)


def test_the_signature_is_told_before_there_is_an_object() -> None:
    @quick.dataclass(frozen=True, slots=True)
    class Base:
        first: int
        second: str = "x"

    @dataclasses.dataclass(frozen=True)
    class Below(Base):
        third: int = 3

    assert str(inspect.signature(Base)) == "(first, second='x')"
    assert [*inspect.signature(Below).parameters] == ["first", "second", "third"]
    assert Base(1) == Base(first=1, second="x")
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'first'"):
        Base()  # type: ignore[call-arg]
