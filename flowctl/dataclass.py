"""The standard `dataclass`, made quicker for classes with slots.

Python 3.11 compiles six methods for each class, half a millisecond in which a command that has
hundreds of them only starts. Here one method is compiled, `__init__`, when the first object is
made; the others are shared. What the quick way does not know, as inheritance and fields with
options, is left to the standard one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError
from inspect import Signature, get_annotations, signature
from operator import attrgetter
from types import FunctionType, MemberDescriptorType
from typing import TYPE_CHECKING, Protocol, TypeVar

_Class = TypeVar("_Class", bound=type)

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(
        *, frozen: bool = False, slots: bool = False, eq: bool = True, order: bool = False
    ) -> Callable[[_Class], _Class]:
        """Makes a class hold data, as `dataclasses.dataclass` does.

        >>> @dataclass(frozen=True, slots=True)
        ... class Point:
        ...     x: int
        ...     y: int = 0
        >>> Point(1), Point(1) == Point(1, 0), dataclasses.replace(Point(1), y=2)
        (Point(x=1, y=0), True, Point(x=1, y=2))
        """

        def made(cls: _Class) -> _Class:
            found = _fields(cls) if slots and eq and not order else None
            if found is None:
                return dataclasses.dataclass(frozen=frozen, slots=slots, eq=eq, order=order)(cls)
            return _with_slots(cls, found, frozen)

        return made


class _Made(Protocol):
    """An object of a class that was made here."""

    @property
    def __match_args__(self) -> tuple[str, ...]: ...


@dataclasses.dataclass(frozen=True, slots=True)
class _Frozen:
    """What the standard library says of a frozen class and of its fields."""

    field: object


@dataclasses.dataclass(slots=True)
class _Changing:
    """The same of a class whose fields may change."""

    field: object


_PLAIN = [
    (option, getattr(_Frozen.__dataclass_fields__["field"], option)) for option in Field.__slots__
]


def _fields(cls: type) -> dict[str, Field[object]] | None:
    """The fields of a class; None where only the standard way knows what to do with it."""
    if any(hasattr(base, "__dataclass_fields__") for base in cls.__mro__[1:]):
        return None
    found: dict[str, Field[object]] = {}
    for name, kind in get_annotations(cls).items():
        if not isinstance(kind, str) or kind.startswith(("ClassVar", "InitVar", "KW_ONLY")):
            return None
        given = cls.__dict__.get(name, MISSING)
        plain = _plain_field()
        if isinstance(given, Field):
            if not (given.init and given.repr and given.compare) or given.kw_only is True:
                return None
            plain.default, plain.default_factory = given.default, given.default_factory
        elif not isinstance(given, MemberDescriptorType):
            if given.__class__.__hash__ is None:
                return None
            plain.default = given
        plain.name, plain.type = name, kind
        found[name] = plain
    return found


def _plain_field() -> Field[object]:
    """A field without options, as the standard library marks one."""
    made = Field.__new__(Field)
    for option, value in _PLAIN:
        setattr(made, option, value)
    return made


def _with_slots(cls: _Class, fields: dict[str, Field[object]], frozen: bool) -> _Class:
    names = tuple(fields)
    space = {
        name: value
        for name, value in cls.__dict__.items()
        if name not in fields and name not in ("__dict__", "__weakref__")
    }
    values = attrgetter(*names) if names else lambda item: ()
    like = _Frozen if frozen else _Changing

    def equal(self: object, other: object) -> object:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return values(self) == values(other)

    added: dict[str, object] = {
        "__eq__": equal,
        "__hash__": (lambda self: hash(values(self))) if frozen else None,
        "__repr__": _repr,
        "__match_args__": names,
    }
    space |= {name: value for name, value in added.items() if cls.__dict__.get(name) is None}
    space |= {
        "__slots__": names,
        "__dataclass_fields__": fields,
        "__dataclass_params__": vars(like)["__dataclass_params__"],
        "__signature__": _Shown(),
    }
    if frozen:
        space |= {
            "__setattr__": _refuse_setting,
            "__delattr__": _refuse_deleting,
            "__getstate__": _state,
            "__setstate__": _set_state,
        }
    made = type(cls)(cls.__name__, cls.__bases__, space)
    made.__qualname__ = cls.__qualname__
    type.__setattr__(made, "__init__", _first_init(made, fields))
    return made


def _first_init(cls: type, fields: dict[str, Field[object]]) -> Callable[..., None]:
    """An `__init__` that makes way for the real one: most classes are loaded and never used."""

    def init(self: object, *args: object, **named: object) -> None:
        compiled = _init(cls, fields)
        type.__setattr__(cls, "__init__", compiled)
        compiled(self, *args, **named)

    return init


class _Shown:
    """The signature that a class shows to who asks: its first `__init__` takes anything."""

    def __get__(self, item: object, cls: type) -> Signature:
        if "__signature__" not in cls.__dict__:
            raise AttributeError("__signature__")  # a class below has an `__init__` of its own
        found = signature(_init(cls, cls.__dict__["__dataclass_fields__"]))
        return found.replace(parameters=[*found.parameters.values()][1:])


def _init(cls: type, fields: dict[str, Field[object]]) -> Callable[..., None]:
    """`__init__`, which sets each slot by itself since a frozen class refuses to be set."""
    names: dict[str, object] = {}
    parameters, body = ["self"], []
    for name, field in fields.items():
        names[f"set_{name}"] = cls.__dict__[name].__set__
        value = name
        if field.default_factory is not MISSING:
            names[f"new_{name}"], names["MISSING"] = field.default_factory, MISSING
            parameters.append(f"{name}=MISSING")
            value = f"new_{name}() if {name} is MISSING else {name}"
        elif field.default is not MISSING:
            names[f"default_{name}"] = field.default
            parameters.append(f"{name}=default_{name}")
        else:
            parameters.append(name)
        body.append(f"    set_{name}(self, {value})")
    if hasattr(cls, "__post_init__"):
        body.append("    self.__post_init__()")
    text = f"def __init__({', '.join(parameters)}):\n" + ("\n".join(body) or "    pass")
    exec(text, names)  # the names are those of the class's own annotations
    init = names["__init__"]
    assert isinstance(init, FunctionType)
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    return init


def _repr(self: _Made) -> str:
    fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__match_args__)
    return f"{type(self).__qualname__}({fields})"


def _refuse_setting(self: object, name: str, value: object) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_deleting(self: object, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: _Made) -> list[object]:
    return [getattr(self, name) for name in self.__match_args__]


def _set_state(self: _Made, state: list[object]) -> None:
    for name, value in zip(self.__match_args__, state, strict=True):
        object.__setattr__(self, name, value)
