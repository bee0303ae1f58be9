"""Hashes, encodings, numbers in other bases, and the parts of paths."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote, unquote_to_bytes

from flowctl.expressions.elementwise import elementwise, refusable
from flowctl.expressions.functions.signature import Fixed, Function, Operands, Result, takes
from flowctl.expressions.lazily import pl
from flowctl.expressions.types import BINARY, BOOLEAN, INT32, INT64, STRING, UINT64
from flowctl.records import DataType, List

_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _hash(name: str) -> Callable[[Operands], pl.Expr]:
    make = getattr(hashlib, name)

    def digest(value: str | bytes) -> str:
        data = value.encode() if isinstance(value, str) else value
        found: str = make(data, usedforsecurity=False).hexdigest()
        return found

    return lambda call: elementwise(digest, call.values, STRING)


def _each(function: Callable[..., Any], result: DataType) -> Callable[[Operands], pl.Expr]:
    return lambda call: elementwise(function, call.values, result)


def _checked(
    function: Callable[..., Any], result: DataType, message: str
) -> Callable[[Operands], Result]:
    return lambda call: refusable(function, call.values, result, f"{message} in {call.shown}")


def _from_base64(text: str) -> bytes | None:
    if len(text) % 4 or not re.fullmatch(r"[A-Za-z0-9+/]*={0,2}", text):
        return None
    try:
        return base64.b64decode(text)
    except binascii.Error:
        return None


def _unhex(text: str) -> bytes | None:
    if not re.fullmatch("[0-9a-fA-F]*", text):
        return None
    return bytes.fromhex("0" * (len(text) % 2) + text)


def _hex(value: int | str | bytes) -> str:
    if isinstance(value, int):
        return f"{value & (2**64 - 1):X}"
    data = value.encode() if isinstance(value, str) else value
    return data.hex().upper()


def _bin(value: int | str) -> str:
    if isinstance(value, int):
        return f"{value & (2**64 - 1):b}"
    return "".join(f"{byte:08b}" for byte in value.encode())


def _to_base(value: int, base: int, length: int = 0) -> str | None:
    if value < 0 or not 2 <= base <= 36 or not 0 <= length <= 64:
        return None
    digits = ""
    while value:
        value, digit = divmod(value, base)
        digits = _DIGITS[digit] + digits
    return (digits or ("0" if length == 0 else "")).rjust(length, "0") or "0"


def _decode(data: bytes) -> str | None:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _url_decode(text: str) -> str | None:
    return _decode(unquote_to_bytes(text))


def _file_name(path: str, without_suffix: bool = False) -> str:
    name = re.split(r"[/\\]", path)[-1]
    cut = name.rfind(".")
    return name[:cut] if without_suffix and cut > 0 else name


def _folder_path(path: str) -> str:
    cut = max(path.rfind("/"), path.rfind("\\"))
    return path[:cut] if cut > 0 else path[: cut + 1].replace("\\", "")


def _folder(path: str) -> str:
    if path.startswith(("/", "\\")):
        return path[0]
    parts = re.split(r"[/\\]", path)
    return parts[0] if len(parts) > 1 else ""


def _parts(path: str) -> list[str]:
    root = [path[0]] if path.startswith(("/", "\\")) else []
    return root + [part for part in re.split(r"[/\\]", path) if part]


_S = STRING

FUNCTIONS: Final = (
    *(Function(name, (takes(_S, gives=_S, lower=_hash(name)),
                      takes(BINARY, gives=_S, lower=_hash(name))), doc, example)
      for name, doc, example in (
          ("md5", "The MD5 hash, in hexadecimal digits.",
           "md5('a') → '0cc175b9c0f1b6a831c399e269772661'"),
          ("sha1", "The SHA-1 hash, in hexadecimal digits.",
           "sha1('a') → '86f7e437faa5a7fce15d1ddcb9eaeaea377667b8'"),
          ("sha256", "The SHA-256 hash, in hexadecimal digits.",
           "left(sha256('a'), 8) → 'ca978112'"))),
    Function("to_base64", (takes(BINARY, gives=_S, lower=_each(
                                 lambda data: base64.b64encode(data).decode(), STRING)),),
             "Bytes in Base64.", "to_base64(encode('abc')) → 'YWJj'", aliases=("base64",)),
    Function("from_base64", (takes(_S, gives=BINARY, lower=_checked(_from_base64, BINARY,
                                                                    "no Base64")),),
             "The bytes that Base64 stands for.", "decode(from_base64('YWJj')) → 'abc'"),
    Function("hex", (takes(_S, gives=_S, lower=_each(_hex, STRING)),
                     takes(BINARY, gives=_S, lower=_each(_hex, STRING)),
                     takes(INT64, gives=_S, lower=_each(_hex, STRING)),
                     takes(UINT64, gives=_S, lower=_each(_hex, STRING))),
             "In hexadecimal digits.", "hex(255) → 'FF'", aliases=("to_hex",)),
    Function("unhex", (takes(_S, gives=BINARY, lower=_checked(_unhex, BINARY, "no hex digits")),),
             "The bytes of hexadecimal digits.", "decode(unhex('6162')) → 'ab'",
             aliases=("from_hex",)),
    Function("bin", (takes(INT64, gives=_S, lower=_each(_bin, STRING)),
                     takes(UINT64, gives=_S, lower=_each(_bin, STRING)),
                     takes(_S, gives=_S, lower=_each(_bin, STRING))),
             "In binary digits.", "bin(5) → '101'", aliases=("to_binary",)),
    Function("to_base", (takes(INT64, INT32, gives=_S,
                               lower=_checked(_to_base, STRING, "no such base")),
                         takes(INT64, INT32, INT32, gives=_S,
                               lower=_checked(_to_base, STRING, "no such base"))),
             "A number to another base, with at least so many digits.", "to_base(255, 16) → 'FF'"),
    Function("encode", (takes(_S, gives=BINARY, lower=lambda call: call[0].cast(pl.Binary)),),
             "The bytes of a text in UTF-8.", "hex(encode('é')) → 'C3A9'"),
    Function("decode", (takes(BINARY, gives=_S, lower=_checked(_decode, STRING, "no UTF-8")),),
             "The text of bytes in UTF-8.", "decode(encode('é')) → 'é'"),
    Function("url_encode", (takes(_S, gives=_S, lower=_each(
                                  lambda text: quote(text, safe="-_.~"), STRING)),),
             "As part of a URL.", "url_encode('a b') → 'a%20b'"),
    Function("url_decode", (takes(_S, gives=_S,
                                  lower=_checked(_url_decode, STRING, "no UTF-8")),),
             "From a part of a URL.", "url_decode('a%20b') → 'a b'"),
    Function("parse_filename", (takes(_S, gives=_S, lower=_each(_file_name, STRING)),
                                takes(_S, Fixed(BOOLEAN), gives=_S,
                                      lower=_each(_file_name, STRING))),
             "The last part of a path; with `true` without its suffix.",
             "parse_filename('/a/b.csv', true) → 'b'"),
    Function("parse_dirpath", (takes(_S, gives=_S, lower=_each(_folder_path, STRING)),),
             "A path without its last part.", "parse_dirpath('/a/b/c.csv') → '/a/b'"),
    Function("parse_dirname", (takes(_S, gives=_S, lower=_each(_folder, STRING)),),
             "The first part of a path.", "parse_dirname('a/b/c.csv') → 'a'"),
    Function("parse_path", (takes(_S, gives=List(STRING), lower=_each(_parts, List(STRING))),),
             "The parts of a path.", "parse_path('a/b.csv') → ['a', 'b.csv']"),
)  # fmt: skip
