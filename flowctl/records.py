"""The types of columns and the schema of a record stream.

Types are written as `int64`, `string?` (nullable), `decimal(10,2)`, `datetime(Europe/Berlin)`,
`list<string?>`, `struct<a: int64, b: string?>`. They have SQL's three families that matter for
checking: numbers compare with numbers, everything else only with its like.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Literal, TypeAlias

from flowctl.dataclass import dataclass

Bits: TypeAlias = Literal[8, 16, 32, 64, 128]


@dataclass(frozen=True, slots=True)
class Boolean:
    def __str__(self) -> str:
        return "boolean"


@dataclass(frozen=True, slots=True)
class Integer:
    """128 bits come up only inside expressions (a sum of int64); no file holds them."""

    bits: Bits = 64
    signed: bool = True

    def __str__(self) -> str:
        return f"{'' if self.signed else 'u'}int{self.bits}"


@dataclass(frozen=True, slots=True)
class Float:
    bits: Literal[32, 64] = 64

    def __str__(self) -> str:
        return f"float{self.bits}"


@dataclass(frozen=True, slots=True)
class Decimal:
    precision: int
    scale: int

    def __str__(self) -> str:
        return f"decimal({self.precision},{self.scale})"


@dataclass(frozen=True, slots=True)
class String:
    def __str__(self) -> str:
        return "string"


@dataclass(frozen=True, slots=True)
class Binary:
    def __str__(self) -> str:
        return "binary"


@dataclass(frozen=True, slots=True)
class Date:
    def __str__(self) -> str:
        return "date"


@dataclass(frozen=True, slots=True)
class Time:
    """A time of day, to the microsecond."""

    def __str__(self) -> str:
        return "time"


@dataclass(frozen=True, slots=True)
class Datetime:
    """A timestamp to the microsecond; with `zone`, an instant that is shown in that zone."""

    zone: str | None = None

    def __str__(self) -> str:
        return f"datetime({self.zone})" if self.zone else "datetime"


@dataclass(frozen=True, slots=True)
class Duration:
    def __str__(self) -> str:
        return "duration"


@dataclass(frozen=True, slots=True)
class Interval:
    """Months and a duration: comes up only inside expressions, to be added to a date."""

    def __str__(self) -> str:
        return "interval"


@dataclass(frozen=True, slots=True)
class Null:
    """The type of a bare NULL, and of a column in whose sample nothing but nulls was seen."""

    def __str__(self) -> str:
        return "null"


@dataclass(frozen=True, slots=True)
class Unknown:
    """A type that cannot be known before the run; nothing is checked against it."""

    def __str__(self) -> str:
        return "unknown"


@dataclass(frozen=True, slots=True)
class List:
    item: DataType
    item_nullable: bool = True

    def __str__(self) -> str:
        return f"list<{self.item}{'?' if self.item_nullable else ''}>"


@dataclass(frozen=True, slots=True)
class Struct:
    fields: tuple[Column, ...]

    def __str__(self) -> str:
        return f"struct<{', '.join(map(str, self.fields))}>"


DataType: TypeAlias = (
    "Boolean | Integer | Float | Decimal | String | Binary | Date | Time | Datetime | Duration"
    " | Interval"
    " | Null | Unknown | List | Struct"
)


@dataclass(frozen=True, slots=True)
class Column:
    """A named, typed column; unless declared otherwise it may hold nulls."""

    name: str
    type: DataType
    nullable: bool = True

    def __str__(self) -> str:
        return f"{quoted(self.name)}: {self.type}{'?' if self.nullable else ''}"


@dataclass(frozen=True, slots=True)
class Schema:
    """The columns of a stream in order; `open` where there may be more that cannot be known yet.

    >>> flights = Schema.of({"dest": "string", "delay": "int64?"})
    >>> str(flights["delay"].type), "dest" in flights
    ('int64', True)
    """

    columns: tuple[Column, ...] = ()
    open: bool = False

    @classmethod
    def of(cls, types: dict[str, str]) -> Schema:
        """From the `columns:` of a workflow; raises TypeSyntaxError on a type it cannot read."""
        return cls(tuple(Column(name, *parse_type(text)) for name, text in types.items()))

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)

    def __contains__(self, name: str) -> bool:
        return any(column.name == name for column in self.columns)

    def __getitem__(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    def with_columns(self, added: Iterable[Column]) -> Schema:
        """Replaces columns of the same name in their place, and adds the rest at the end."""
        new = {column.name: column for column in added}
        kept = tuple(new.pop(column.name, column) for column in self.columns)
        return replace(self, columns=kept + tuple(new.values()))


UNKNOWN_SCHEMA = Schema(open=True)


class TypeSyntaxError(ValueError):
    """A type that cannot be read; `start` and `end` are offsets into the text."""

    def __init__(self, message: str, start: int, end: int) -> None:
        super().__init__(message)
        self.start = start
        self.end = end


SIMPLE_TYPES: dict[str, DataType] = {
    "boolean": Boolean(),
    **{
        str(kind): kind
        for kind in (Integer(bits, signed) for signed in (True, False) for bits in (8, 16, 32, 64))
    },
    "float32": Float(32),
    "float64": Float(64),
    "string": String(),
    "binary": Binary(),
    "date": Date(),
    "time": Time(),
    "datetime": Datetime(),
    "duration": Duration(),
}
TYPE_NAMES = (*SIMPLE_TYPES, "decimal", "list", "struct")


@lru_cache(maxsize=1024)
def parse_type(text: str) -> tuple[DataType, bool]:
    """Reads a type and whether it is nullable; raises TypeSyntaxError.

    >>> parse_type("list<int8>?")
    (List(item=Integer(bits=8, signed=True), item_nullable=False), True)
    """
    reader = _TypeReader(text)
    found = reader.nullable_type()
    reader.expect_end()
    return found


def quoted(name: str) -> str:
    """A column's name as expressions write it."""
    return name if _NAME.fullmatch(name) else '"' + name.replace('"', '""') + '"'


_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TOKEN = re.compile(
    r"\s*(?:(?P<word>[A-Za-z_][A-Za-z0-9_]*)|(?P<quoted>\"(?:[^\"]|\"\")*\")|(?P<mark>[<>(),:?]))"
)
_ZONE = re.compile(r"\s*([A-Za-z0-9_+\-/:]+)\s*")
_DIGITS = re.compile(r"\s*(\d{1,3})\s*")


class _TypeReader:
    """A recursive descent over the little grammar of types."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.depth = 0

    def nullable_type(self) -> tuple[DataType, bool]:
        self.depth += 1
        if self.depth > 32:
            raise TypeSyntaxError("types nest at most 32 deep", self.position, len(self.text))
        kind = self._type()
        self.depth -= 1
        return kind, self._accept("?")

    def expect_end(self) -> None:
        if self.text[self.position :].strip():
            raise TypeSyntaxError("the type should end here", self.position, len(self.text))

    def _type(self) -> DataType:
        start = self.position + len(self.text[self.position :]) - len(self._rest().lstrip())
        word = self._word()
        if word == "decimal":
            return self._decimal()
        if word == "datetime" and self._accept("("):
            zone = self._match(_ZONE, "a time zone, such as UTC or Europe/Berlin")
            self._expect(")")
            return Datetime(zone)
        if word == "list":
            self._expect("<")
            item, nullable = self.nullable_type()
            self._expect(">")
            return List(item, nullable)
        if word == "struct":
            return self._struct()
        if word not in SIMPLE_TYPES:
            raise TypeSyntaxError(f"unknown type {word!r}", start, start + len(word))
        return SIMPLE_TYPES[word]

    def _decimal(self) -> Decimal:
        start = self.position
        self._expect("(")
        precision = int(self._match(_DIGITS, "the number of digits"))
        self._expect(",")
        scale = int(self._match(_DIGITS, "the number of digits after the point"))
        self._expect(")")
        if not 1 <= precision <= 38 or scale > precision:
            message = "a decimal has 1 to 38 digits, of which no more stand after the point"
            raise TypeSyntaxError(message, start, self.position)
        return Decimal(precision, scale)

    def _struct(self) -> Struct:
        self._expect("<")
        fields: list[Column] = []
        while True:
            start = self.position
            name = self._word()
            if any(name == field.name for field in fields):
                raise TypeSyntaxError(f"field {name!r} stands twice", start, self.position)
            self._expect(":")
            fields.append(Column(name, *self.nullable_type()))
            if not self._accept(","):
                break
        self._expect(">")
        return Struct(tuple(fields))

    def _rest(self) -> str:
        return self.text[self.position :]

    def _word(self) -> str:
        found = _TOKEN.match(self.text, self.position)
        if found is None or found["mark"]:
            raise TypeSyntaxError("a name should stand here", self.position, len(self.text))
        self.position = found.end()
        return found["word"] or found["quoted"][1:-1].replace('""', '"')

    def _match(self, pattern: re.Pattern[str], wanted: str) -> str:
        found = pattern.match(self.text, self.position)
        if found is None:
            raise TypeSyntaxError(f"{wanted} should stand here", self.position, len(self.text))
        self.position = found.end()
        return found[1]

    def _accept(self, mark: str) -> bool:
        found = _TOKEN.match(self.text, self.position)
        if found is None or found["mark"] != mark:
            return False
        self.position = found.end()
        return True

    def _expect(self, mark: str) -> None:
        if not self._accept(mark):
            raise TypeSyntaxError(f"{mark!r} should stand here", self.position, len(self.text))


def common_columns(schemas: Sequence[Schema]) -> Schema:
    """The columns that all of these have, by name and type, as the first one orders them.

    >>> one, other = Schema.of({"a": "int64", "b": "string"}), Schema.of({"b": "string?"})
    >>> [str(column) for column in common_columns([one, other])]
    ['b: string?']
    """
    first, *others = schemas
    shared = [column for column in first if all(_has(other, column) for other in others)]
    nullable = {column.name for schema in schemas for column in schema if column.nullable}
    columns = (replace(one, nullable=one.name in nullable) for one in shared)
    return Schema(tuple(columns), any(schema.open for schema in schemas))


def _has(schema: Schema, column: Column) -> bool:
    return column.name in schema and schema[column.name].type == column.type
