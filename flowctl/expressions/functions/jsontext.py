"""JSON inside text. There is no type for JSON here: it is a string that holds JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from flowctl.expressions import jsonpath
from flowctl.expressions.casts import convert
from flowctl.expressions.elementwise import elementwise
from flowctl.expressions.functions.signature import (
    ANY,
    Fixed,
    Function,
    Match,
    Operands,
    Problem,
    Result,
    Signature,
    Verify,
    ruled,
    takes,
)
from flowctl.expressions.jsonpath import MISSING
from flowctl.expressions.lazily import pl
from flowctl.expressions.tree import Literal, Tree
from flowctl.expressions.types import BOOLEAN, FLOAT64, INT64, STRING, UINT64
from flowctl.records import (
    Binary,
    Boolean,
    Column,
    DataType,
    Decimal,
    Float,
    Integer,
    Interval,
    List,
    Null,
    Struct,
    Unknown,
)

_NAMES: Final = {bool: "BOOLEAN", float: "DOUBLE", str: "VARCHAR", list: "ARRAY", dict: "OBJECT",
                 type(None): "NULL"}  # fmt: skip


def _at_path(call: Operands, read: Callable[[object], Any], result: DataType) -> Result:
    """The function of what the path leads to; text that is no JSON is refused."""
    path = jsonpath.read_path(_path(call)) if len(call) > 1 else ()

    def compute(text: str) -> Any:
        value = jsonpath.load(text)
        found = jsonpath.find(value, path) if value is not MISSING else MISSING
        return None if found is MISSING else read(found)

    valid = elementwise(lambda text: jsonpath.load(text) is not MISSING, (call[0],), BOOLEAN)
    found = elementwise(compute, (call[0],), result)
    # A value that was found shows that the text is JSON.
    suspect = found.is_null() & call[0].is_not_null()
    return Result(found, (Problem(~valid, f"no JSON in {call.shown}", suspect),))


def _path(call: Operands) -> str | int:
    value = call.constant(1)
    return value if isinstance(value, str | int) else ""


def _as_json(value: object) -> str:
    return jsonpath.dump(value)


def _as_text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return jsonpath.dump(value)


def _as_plain(value: object) -> str | None:
    return None if isinstance(value, list | dict) else _as_text(value)


def _length(value: object) -> int:
    return len(value) if isinstance(value, list) else 0


def _keys(value: object) -> list[str] | None:
    return list(value) if isinstance(value, dict) else None


def _type(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return "UBIGINT" if value >= 0 else "BIGINT"
    return _NAMES[type(value)]


def _valid(call: Operands) -> pl.Expr:
    return elementwise(lambda text: jsonpath.load(text) is not MISSING, call.values, BOOLEAN)


def _exists(call: Operands) -> Result:
    path = jsonpath.read_path(_path(call))

    def compute(text: str) -> bool:
        return jsonpath.find(jsonpath.load(text), path) is not MISSING

    found = elementwise(compute, (call[0],), BOOLEAN)
    valid = elementwise(lambda text: jsonpath.load(text) is not MISSING, (call[0],), BOOLEAN)
    return Result(found, (Problem(~valid, f"no JSON in {call.shown}", ~found),))


def _verify_path(arguments: Sequence[Tree]) -> tuple[int, str] | None:
    value = arguments[1].value if len(arguments) > 1 and isinstance(arguments[1], Literal) else None
    if isinstance(value, str | int):
        try:
            jsonpath.read_path(value)
        except jsonpath.BadPath as problem:
            return 1, str(problem)
    return None


def _plain_type(kind: DataType) -> DataType:
    """The same type with what JSON lacks turned into text."""
    match kind:
        case List(item):
            return List(_plain_type(item))
        case Struct(fields):
            return Struct(tuple(Column(f.name, _plain_type(f.type)) for f in fields))
        case Integer() | Float() | Boolean() | Null():
            return kind
        case Decimal():
            return FLOAT64
        case _:
            return STRING


def _writer(kind: DataType) -> Callable[[Any], str]:
    """How a value of this type is written."""
    if isinstance(kind, List):
        item = _writer(kind.item)
        return lambda value: "null" if value is None else f"[{','.join(map(item, value))}]"
    if isinstance(kind, Struct):
        writers = {field.name: _writer(field.type) for field in kind.fields}
        return lambda value: "null" if value is None else _object(value, writers)
    return lambda value: jsonpath.dump(value)


def _object(value: dict[str, Any], writers: dict[str, Callable[[Any], str]]) -> str:
    pairs = (f"{jsonpath.dump(name)}:{write(value[name])}" for name, write in writers.items())
    return "{" + ",".join(pairs) + "}"


def _written(value: pl.Expr, kind: DataType) -> pl.Expr:
    """JSON of a value; null of null."""
    if isinstance(kind, Null):
        return pl.lit(None, dtype=pl.String)
    plain = convert(value, kind, _plain_type(kind)).value
    return elementwise(_writer(kind), (plain,), STRING)


def _to_json(call: Operands) -> pl.Expr:
    return _written(call[0], call.types[0])


def _array(call: Operands) -> pl.Expr:
    return pl.lit("[") + _joined(call, range(len(call))) + pl.lit("]")


def _joined(call: Operands, indexes: Sequence[int]) -> pl.Expr:
    parts = [_written(call[index], call.types[index]).fill_null("null") for index in indexes]
    return pl.concat_str(*parts, separator=",") if parts else pl.lit("")


def _pairs_rule(arguments: Sequence[Tree]) -> Match | str | None:
    if len(arguments) % 2:
        return "`json_object` takes names and values in turn"
    kinds = tuple(tree.type for tree in arguments)
    if any(isinstance(kind, Binary | Interval) for kind in kinds):
        return "JSON has no such value"
    if any(str(kind) not in ("string", "unknown") for kind in kinds[::2]):
        return "the names of a JSON object are text"
    return Match(kinds, STRING, 0)


def _pairs(call: Operands) -> pl.Expr:
    parts: list[pl.Expr] = []
    for index in range(0, len(call), 2):
        name, value = (
            _written(call[i], call.types[i]).fill_null("null") for i in (index, index + 1)
        )
        parts.append(name + pl.lit(":") + value)
    return pl.lit("{") + pl.concat_str(*parts, separator=",") + pl.lit("}")


def _value_rule(arguments: Sequence[Tree]) -> Match | str | None:
    kinds = tuple(tree.type for tree in arguments)
    if any(_odd(kind) for kind in kinds):
        return "JSON has no such value"
    result: DataType = Unknown() if any(isinstance(k, Unknown) for k in kinds) else STRING
    return Match(kinds, result, 0)


def _odd(kind: DataType) -> bool:
    match kind:
        case List(item):
            return _odd(item)
        case Struct(fields):
            return any(_odd(field.type) for field in fields)
        case _:
            return isinstance(kind, Binary | Interval)


def _function(name: str, doc: str, example: str, read: Callable[[object], Any], result: DataType,
              *aliases: str, alone: bool = True, path: bool = True) -> Function:  # fmt: skip
    def lower(call: Operands) -> Result:
        return _at_path(call, read, result)

    signatures: list[Signature] = []
    if alone:
        signatures.append(takes(STRING, gives=result, lower=lower))
    if path:
        signatures.append(takes(STRING, Fixed(STRING), gives=result, lower=lower))
        signatures.append(takes(STRING, Fixed(INT64), gives=result, lower=lower))
    verify: Verify = _verify_path
    return Function(name, tuple(signatures), doc, example, aliases=aliases, verify=verify)


FUNCTIONS: Final = (
    _function("json_extract", "What a path leads to, as JSON; null where it leads nowhere.",
              """json_extract('{"a": ["x"]}', '$.a[0]') → '"x"'""", _as_json, STRING, "->",
              "json_extract_path", alone=False),
    _function("json_extract_string", "What a path leads to, as plain text.",
              """json_extract_string('{"a": ["x"]}', '$.a[0]') → 'x'""", _as_text, STRING, "->>",
              "json_extract_path_text", alone=False),
    _function("json_value", "A text, number or boolean at a path, as plain text.",
              """json_value('{"a": 1}', '$.a') → '1'""", _as_plain, STRING, alone=False),
    Function("json_exists", (takes(STRING, Fixed(STRING), gives=BOOLEAN, lower=_exists),),
             "Whether a path leads to something.", """json_exists('{"a": null}', '$.a') → true""",
             verify=_verify_path),
    _function("json_array_length", "How many items a JSON array has.",
              "json_array_length('[1, 2]') → 2", _length, UINT64),
    _function("json_keys", "The names of a JSON object.", """json_keys('{"a": 1}') → ['a']""",
              _keys, List(STRING)),
    _function("json_type", "What it is: OBJECT, ARRAY, VARCHAR, UBIGINT, BIGINT, DOUBLE, BOOLEAN,"
              " NULL.", "json_type('[1]') → 'ARRAY'", _type, STRING),
    _function("json", "Compact JSON.", """json('{"a":  1}') → '{"a":1}'""", _as_json, STRING,
              path=False),
    Function("json_valid", (takes(STRING, gives=BOOLEAN, lower=_valid),),
             "Whether the text is JSON.", "json_valid('{') → false"),
    Function("to_json", (ruled(ANY, by=_value_rule, lower=_to_json, shown="string"),),
             "A value as JSON.", "to_json([1, null]) → '[1,null]'", aliases=("json_quote",)),
    Function("json_array", (ruled(ANY, by=_value_rule, lower=_array, more=True, shown="string"),),
             "Values as a JSON array.", "json_array(1, 'a', null) → '[1,\"a\",null]'"),
    Function("json_object", (ruled(ANY, by=_pairs_rule, lower=_pairs, more=True,
                                   shown="string"),),
             "Names and values in turn as a JSON object.",
             "json_object('a', 1) → '{\"a\":1}'"),
)  # fmt: skip
