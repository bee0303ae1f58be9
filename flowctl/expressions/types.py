"""What types turn into each other silently, and which type two of them have in common.

The rules are DuckDB's, except that numbers never mix with text or booleans, and text never turns
into anything else (a quoted literal may: see `literals`).
"""

from __future__ import annotations

from typing import Final

from flowctl.records import (
    Binary,
    Boolean,
    Column,
    DataType,
    Date,
    Datetime,
    Decimal,
    Duration,
    Float,
    Integer,
    Interval,
    List,
    Null,
    String,
    Struct,
    Time,
    Unknown,
)

BOOLEAN: Final = Boolean()
STRING: Final = String()
BINARY: Final = Binary()
DATE: Final = Date()
INT8: Final = Integer(8)
INT16: Final = Integer(16)
INT32: Final = Integer(32)
INT64: Final = Integer(64)
INT128: Final = Integer(128)
UINT64: Final = Integer(64, signed=False)
FLOAT32: Final = Float(32)
FLOAT64: Final = Float(64)
NULL: Final = Null()
UNKNOWN: Final = Unknown()

MAX_DIGITS: Final = 38
_DIGITS: Final = {(8, True): 3, (16, True): 5, (32, True): 10, (64, True): 19, (128, True): 38,
                  (8, False): 3, (16, False): 5, (32, False): 10, (64, False): 20}  # fmt: skip


def is_number(kind: DataType) -> bool:
    return isinstance(kind, Integer | Float | Decimal)


def is_open(kind: DataType) -> bool:
    """Whether nothing is known of the type: a bare NULL, or what only the run can tell."""
    return isinstance(kind, Null | Unknown)


def integer_range(kind: Integer) -> tuple[int, int]:
    """The least and the greatest value.

    >>> integer_range(Integer(8))
    (-128, 127)
    """
    if kind.signed:
        return -(1 << kind.bits - 1), (1 << kind.bits - 1) - 1
    return 0, (1 << kind.bits) - 1


def literal_type(value: int) -> DataType:
    """The type of an integer that stands in the text: at least 32 bits, as large as it needs."""
    for kind in (INT32, INT64, INT128):
        low, high = integer_range(kind)
        if low <= value <= high:
            return kind
    return FLOAT64


def as_decimal(kind: DataType) -> Decimal:
    """The decimal type that holds every value of an integer type."""
    if isinstance(kind, Decimal):
        return kind
    assert isinstance(kind, Integer)
    return Decimal(_DIGITS[kind.bits, kind.signed], 0)


def common(left: DataType, right: DataType) -> DataType | None:
    """The type that both turn into in a comparison, a `case` or a list; None where there is none.

    >>> str(common(INT64, Decimal(2, 1)))
    'decimal(20,1)'
    >>> common(INT64, STRING)
    """
    if left == right or is_open(right):
        return left if not isinstance(right, Unknown) else right
    if is_open(left):
        return right if not isinstance(left, Unknown) else left
    if is_number(left) and is_number(right):
        return common_number(left, right)
    if isinstance(left, Date | Datetime) and isinstance(right, Date | Datetime):
        return _common_instant(left, right)
    if isinstance(left, List) and isinstance(right, List):
        item = common(left.item, right.item)
        return List(item) if item is not None else None
    if isinstance(left, Struct) and isinstance(right, Struct):
        return _common_struct(left, right)
    return None


def common_number(left: DataType, right: DataType) -> DataType:
    """Of two numbers: float before decimal before integer, each as wide as both need."""
    if isinstance(left, Float) or isinstance(right, Float):
        wide = FLOAT64 in (left, right)
        return FLOAT64 if wide else FLOAT32
    if isinstance(left, Decimal) or isinstance(right, Decimal):
        return _common_decimal(as_decimal(left), as_decimal(right))
    assert isinstance(left, Integer) and isinstance(right, Integer)
    return _common_integer(left, right)


def implicit_cost(given: DataType, wanted: DataType) -> int | None:
    """How far the silent conversion goes, 0 for none; None where there is none."""
    if given == wanted:
        return 0
    if is_open(given) or is_open(wanted):
        return 1
    match given, wanted:
        case Integer(), Integer():
            return _integer_cost(given, wanted)
        case Integer(), Decimal():
            room = wanted.precision - wanted.scale
            return 40 if room >= as_decimal(given).precision else None
        case Integer() | Decimal(), Float(bits):
            return 60 if bits == 64 else 70
        case Decimal(), Decimal():
            fits = wanted.scale >= given.scale
            room = wanted.precision - wanted.scale >= given.precision - given.scale
            return 5 if fits and room else None
        case Float(bits), Float(wide):
            return 10 if wide > bits else None
        case (Date(), Datetime()) | (Datetime(None), Datetime()):
            return 20
        case Duration(), Interval():
            return 20
        case Datetime(), Datetime():
            return 5 if given.zone and wanted.zone else None
        case List(), List():
            return implicit_cost(given.item, wanted.item)
        case Struct(), Struct():
            return 5 if _common_struct(given, wanted) == wanted else None
        case _:
            return None


def fits_cast(given: DataType, wanted: DataType) -> bool:
    """Whether a cast that is written out exists; whether it succeeds is up to the value."""
    if given == wanted or is_open(given) or is_open(wanted):
        return True
    if isinstance(wanted, String):
        return True
    if isinstance(given, String):
        return not isinstance(wanted, List | Struct)
    if isinstance(given, List) and isinstance(wanted, List):
        return fits_cast(given.item, wanted.item)
    if isinstance(given, Struct) and isinstance(wanted, Struct):
        pairs = zip(given.fields, wanted.fields, strict=False)
        same = [field.name for field in given.fields] == [field.name for field in wanted.fields]
        return same and all(fits_cast(mine.type, theirs.type) for mine, theirs in pairs)
    if is_number(given) or isinstance(given, Boolean):
        return is_number(wanted) or isinstance(wanted, Boolean)
    match given, wanted:
        case Date(), Datetime():
            return True
        case Datetime(), Date() | Datetime() | Time():
            return True
        case _:
            return False


def _integer_cost(given: Integer, wanted: Integer) -> int | None:
    low, high = integer_range(given)
    least, greatest = integer_range(wanted)
    return 10 + wanted.bits // 8 if least <= low and high <= greatest else None


def _common_integer(left: Integer, right: Integer) -> Integer:
    if left.signed == right.signed:
        return left if left.bits >= right.bits else right
    signed, unsigned = (left, right) if left.signed else (right, left)
    if signed.bits > unsigned.bits:
        return signed
    return {8: INT16, 16: INT32, 32: INT64, 64: INT128}[unsigned.bits]


def _common_decimal(left: Decimal, right: Decimal) -> Decimal:
    scale = max(left.scale, right.scale)
    whole = max(left.precision - left.scale, right.precision - right.scale)
    return Decimal(min(MAX_DIGITS, whole + scale), scale)


def _common_instant(left: Date | Datetime, right: Date | Datetime) -> DataType:
    zones = [kind.zone for kind in (left, right) if isinstance(kind, Datetime) and kind.zone]
    return Datetime(zones[0]) if zones else Datetime()


def _common_struct(left: Struct, right: Struct) -> DataType | None:
    if [field.name for field in left.fields] != [field.name for field in right.fields]:
        return None
    fields = []
    for mine, theirs in zip(left.fields, right.fields, strict=True):
        kind = common(mine.type, theirs.type)
        if kind is None:
            return None
        fields.append(Column(mine.name, kind))
    return Struct(tuple(fields))
