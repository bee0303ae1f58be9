"""The names that SQL gives to types, as they stand in casts; DuckDB's `int8` is 8 bytes wide."""

from __future__ import annotations

from typing import Final

from flowctl.records import (
    Binary,
    Boolean,
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
    quoted,
)

UTC: Final = "UTC"

SQL_TYPES: Final[dict[str, DataType]] = {
    **dict.fromkeys(("boolean", "bool", "logical"), Boolean()),
    **dict.fromkeys(("tinyint", "int1"), Integer(8)),
    **dict.fromkeys(("smallint", "int2", "int16", "short"), Integer(16)),
    **dict.fromkeys(("integer", "int", "int4", "int32", "signed"), Integer(32)),
    **dict.fromkeys(("bigint", "int8", "int64", "long"), Integer(64)),
    **dict.fromkeys(("hugeint", "int128"), Integer(128)),
    **dict.fromkeys(("utinyint", "uint8"), Integer(8, signed=False)),
    **dict.fromkeys(("usmallint", "uint16"), Integer(16, signed=False)),
    **dict.fromkeys(("uinteger", "uint32"), Integer(32, signed=False)),
    **dict.fromkeys(("ubigint", "uint64"), Integer(64, signed=False)),
    **dict.fromkeys(("real", "float", "float4"), Float(32)),
    **dict.fromkeys(("double", "float8"), Float(64)),
    **dict.fromkeys(("decimal", "numeric", "dec"), Decimal(18, 3)),
    **dict.fromkeys(("varchar", "text", "string", "char", "bpchar"), String()),
    **dict.fromkeys(("blob", "bytea", "binary", "varbinary"), Binary()),
    "date": Date(),
    "time": Time(),
    **dict.fromkeys(("timestamp", "datetime"), Datetime()),
    "timestamptz": Datetime(UTC),
    "interval": Duration(),
}

_NAMES: Final[dict[DataType, str]] = {
    Boolean(): "BOOLEAN",
    Integer(8): "TINYINT",
    Integer(16): "SMALLINT",
    Integer(32): "INTEGER",
    Integer(64): "BIGINT",
    Integer(128): "HUGEINT",
    Integer(8, signed=False): "UTINYINT",
    Integer(16, signed=False): "USMALLINT",
    Integer(32, signed=False): "UINTEGER",
    Integer(64, signed=False): "UBIGINT",
    Float(32): "REAL",
    Float(64): "DOUBLE",
    String(): "TEXT",
    Binary(): "BLOB",
    Date(): "DATE",
    Time(): "TIME",
    Duration(): "INTERVAL",
    Interval(): "INTERVAL",
    Null(): '"NULL"',
    Unknown(): '"NULL"',
}


def sql_name(kind: DataType) -> str:
    """The type as a cast writes it.

    >>> sql_name(List(Integer(32)))
    'INTEGER[]'
    """
    match kind:
        case Decimal(precision, scale):
            return f"DECIMAL({precision},{scale})"
        case Datetime(zone):
            return "TIMESTAMPTZ" if zone else "TIMESTAMP"
        case List(item):
            return f"{sql_name(item)}[]"
        case Struct(fields):
            inner = ", ".join(f"{quoted(field.name)} {sql_name(field.type)}" for field in fields)
            return f"STRUCT({inner})"
        case _:
            return _NAMES[kind]
