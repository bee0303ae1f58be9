"""How the faults of a value's shape are told: one sentence, one place, one mend."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TypeAlias

from flowctl.codes import schema as codes
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Code, Diagnostic, Related, Span, nearest
from flowctl.syntax.node import Entry, Json, MappingNode, Node, ScalarNode, SequenceNode


@dataclass(frozen=True, slots=True)
class Item:
    """One item of the list that stands under a key."""

    owner: Entry | None


Where: TypeAlias = "Entry | Item | None"

TYPE_WORDS = {
    "null": "null",
    "boolean": "a boolean",
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "array": "a list",
    "object": "a mapping",
}


def type_of(node: Node) -> str:
    """The JSON type of a node, `integer` where a number is whole."""
    if isinstance(node, ScalarNode):
        return scalar_type(node.value)
    return "object" if isinstance(node, MappingNode) else "array"


def scalar_type(value: None | bool | int | float | str) -> str:
    if isinstance(value, str):
        return "string"
    if isinstance(value, bool):
        return "boolean"
    if value is None:
        return "null"
    return "integer" if isinstance(value, int) or value.is_integer() else "number"


def name_of(where: Where) -> str:
    """What a message calls the value that stands there."""
    if isinstance(where, Item):
        return f"an item of {name_of(where.owner)}"
    return f"`{where.name}`" if where is not None else "the document"


def place_of(node: Node, where: Where) -> Span:
    """Where to say that a value lacks something: at its key, else at its own first character."""
    if isinstance(where, Entry):
        return where.key.span
    if isinstance(node, MappingNode) and node.entries:
        return node.entries[0].key.span
    return node.span


def fault(
    code: Code,
    node: Node,
    message: str,
    help: str | None = None,
    related: tuple[Related, ...] = (),
    span: Span | None = None,
) -> Diagnostic:
    return Diagnostic(code, message, span or node.span, help, related, node.trace)


def wrong_type(node: Node, where: Where, allowed: Sequence[str], role: str) -> Diagnostic:
    """`role` is the schema's `format`, by which a mend can be told for some."""
    found = type_of(node)
    wanted = _types(allowed)
    if found == "null" and _left_out(node):
        message = f"{name_of(where)} needs a value: {wanted}"
        return fault(codes.EMPTY, node, message, span=place_of(node, where))
    if role == "expression" and isinstance(node, MappingNode | SequenceNode):
        return fault(
            codes.EXPRESSION_TAKEN_APART,
            node,
            f"{name_of(where)} is an expression, but without quotes this is {TYPE_WORDS[found]}",
            help="put quotes around the whole expression",
        )
    shown = "a number" if found == "integer" else TYPE_WORDS[found]
    if found == "number" and "integer" in allowed and isinstance(node, ScalarNode):
        shown = str(node.value)
    message = f"{name_of(where)} must be {wanted}, not {shown}"
    return fault(codes.WRONG_TYPE, node, message, help=_mend(node, found, allowed, role))


def not_allowed(node: Node, where: Where, values: Sequence[Json]) -> Diagnostic:
    found = node.value if isinstance(node, ScalarNode) else None
    names = [value for value in values if isinstance(value, str)]
    near = nearest(found, names) if isinstance(found, str) else None
    shown = f", not {spelt(found)}" if isinstance(node, ScalarNode) else ""
    message = f"{name_of(where)} must be {either([spelt(value) for value in values])}{shown}"
    return fault(codes.NOT_ALLOWED, node, message, help=meant(near))


def unknown_key(
    entry: Entry, owner: str, legal: Collection[str], owners: Sequence[str]
) -> Diagnostic:
    """`owner` ends the sentence (`beside `csv``); `owners` are kinds that do have such a key."""
    near = nearest(entry.name, list(legal))
    help: str | None
    if near is None and owners:
        help = f"`{entry.name}` belongs to {either([f'`{kind}`' for kind in owners])}"
    elif near is not None:
        help = f"did you mean `{near}`?"
    else:
        help = listed(legal)
    message = f"unknown key `{entry.name}`{owner}"
    return fault(codes.UNKNOWN_KEY, entry.value, message, help, span=entry.key.span)


def missing_key(node: Node, where: Where, name: str, description: str | None) -> Diagnostic:
    message = f"{name_of(where)} needs `{name}`"
    return fault(codes.MISSING_KEY, node, message, description, span=place_of(node, where))


def empty(node: Node, where: Where, thing: str) -> Diagnostic:
    message = f"{name_of(where)} is empty; it needs at least one {thing}"
    span = place_of(node, where) if isinstance(where, Entry) else node.span
    return fault(codes.EMPTY, node, message, span=span)


def wrong_size(node: MappingNode, where: Where, least: float, most: float) -> Diagnostic:
    size = len(node.entries)
    bound, limit = ("at least", least) if size < least else ("at most", most)
    noun = "entry" if limit == 1 else "entries"
    message = f"{name_of(where)} must have {bound} {limit:g} {noun}, not {size}"
    return fault(codes.OUT_OF_RANGE, node, message)


def no_kind(
    node: MappingNode, where: Where, noun: str, kinds: Collection[str], options: Collection[str]
) -> Diagnostic:
    """Nothing in the mapping says what it is: the most telling of its keys is pointed at."""
    article = "an" if noun[0] in "aeiou" else "a"
    if not node.entries:
        message = f"{article} {noun} is missing: the mapping is empty"
        return fault(codes.EMPTY, node, message, listed(kinds, f"{article} {noun} is"))
    strange = [entry for entry in node.entries if entry.name not in options]
    near = {entry.name: nearest(entry.name, list(kinds)) for entry in strange}
    entry = next((one for one in strange if near[one.name]), strange[0] if strange else None)
    if entry is None:
        entry = node.entries[0]
        message = f"`{entry.name}` is an option, but no key beside it says which {noun} this is"
        help = listed(kinds, f"{article} {noun} is")
        return fault(codes.STRAY_OPTION, node, message, help, span=entry.key.span)
    message = f"unknown {noun} `{entry.name}`"
    help = meant(near[entry.name]) or listed(kinds, f"{article} {noun} is")
    return fault(codes.NO_KIND, node, message, help, span=entry.key.span)


def two_kinds(noun: str, first: Entry, second: Entry) -> Diagnostic:
    return fault(
        codes.TWO_KINDS,
        second.value,
        f"a {noun} has one kind, but here stand both `{first.name}` and `{second.name}`",
        help="make two of it, or remove one",
        related=(Related(first.key.span, f"the {noun} is already `{first.name}`"),),
        span=second.key.span,
    )


def bad_name(entry: Entry, what: str, suggestion: str | None) -> Diagnostic:
    return fault(
        codes.BAD_NAME,
        entry.value,
        f"`{entry.name}` is no name for {what}: names match `[A-Za-z_][A-Za-z0-9_]*`",
        help=f"write `{suggestion}`" if suggestion else None,
        span=entry.key.span,
    )


def spelt(value: Json) -> str:
    """A value as an author writes it."""
    if isinstance(value, str):
        return f"`{value}`"
    if value is None or isinstance(value, bool):
        return {None: "`null`", True: "`true`", False: "`false`"}[value]
    return f"`{value}`" if isinstance(value, int | float) else "another value"


def either(words: Iterable[str]) -> str:
    """`a`, `b` or `c`."""
    listed = list(words)
    return listed[0] if len(listed) == 1 else f"{', '.join(listed[:-1])} or {listed[-1]}"


FEW_KINDS = 8
"""More are no help to read, and would stand in what is said wherever one more is added."""


def listed(names: Collection[str], lead: str = "allowed are") -> str | None:
    """The legal names, where they are few enough to be read."""
    if not names:
        return None
    shown = [f"`{name}`" for name in names]
    if lead == "allowed are":
        return f"allowed: {', '.join(shown)}" if len(shown) <= 16 else None
    if len(shown) > FEW_KINDS:
        return "`flowctl kinds` lists them all"
    return f"{lead} one of {', '.join(shown)}"


def meant(name: str | None) -> str | None:
    return f"did you mean `{name}`?" if name else None


def _types(allowed: Sequence[str]) -> str:
    words = [name for name in allowed if name != "null"] or list(allowed)
    if "number" in words:
        words = [name for name in words if name != "integer"]
    return either([TYPE_WORDS[name] for name in words])


def _left_out(node: Node) -> bool:
    span = node.span
    return (span.line, span.column) == (span.end_line, span.end_column)


def _mend(node: Node, found: str, allowed: Sequence[str], role: str) -> str | None:
    if role == "duration" and found in ("integer", "number") and isinstance(node, ScalarNode):
        return f"write its unit: `{node.value}s` are seconds, `{node.value}m` minutes"
    if role == "list" and found == "array":
        return "a list that is known before the run is a `matrix`: `matrix: {item: […]}`"
    if "string" in allowed and found in ("integer", "number", "boolean", "null"):
        return "put quotes around it to make it text"
    if "array" in allowed and found != "array":
        return "write a list: `[...]`, or `- ` before each item"
    if found == "string" and isinstance(node, ScalarNode) and not node.plain:
        text = str(node.value)
        if allowed[0] in ("integer", "number") and text.replace(".", "", 1).isdigit():
            return f"remove the quotes: {text}"
        if allowed[0] == "boolean" and text in ("true", "false"):
            return f"remove the quotes: {text}"
    return None
