"""Schemas with keywords beyond those that our own checks know: judged by the library."""

from __future__ import annotations

from typing import cast

from flowctl.codes import schema as codes
from flowctl.component import JsonSchema
from flowctl.schema import wording
from flowctl.schema.walk import Check, Walk, deferred
from flowctl.schema.wording import Where
from flowctl.syntax.node import MappingNode, Node, Pointer, SequenceNode, UnknownNode, find, to_json


def foreign_check(schema: JsonSchema) -> Check:
    """Judges by the library `jsonschema`; the deepest of its faults is told."""

    def check(node: Node, where: Where, walk: Walk) -> bool:
        from jsonschema import Draft202012Validator
        from jsonschema.exceptions import best_match

        if _unknown(node, walk.lenient):
            return False
        try:
            error = best_match(Draft202012Validator(schema).iter_errors(to_json(node)))
        except Exception as fault:  # a schema that cannot be applied fails in many ways
            reason = " ".join(str(fault).split())
            message = f"{wording.name_of(where)} cannot be judged by its schema: {reason}"
            return walk.wrong(node, wording.fault(codes.NOT_ALLOWED, node, message))
        if error is None:
            return True
        place = find(node, cast("Pointer", tuple(error.absolute_path))) or node
        message = f"{wording.name_of(where)} does not fit its schema: {error.message}"
        return walk.wrong(node, wording.fault(codes.NOT_ALLOWED, place, " ".join(message.split())))

    return check


def _unknown(node: Node, lenient: bool) -> bool:
    """Whether any part of a value is still to come."""
    if lenient and deferred(node):
        return True
    if isinstance(node, MappingNode):
        return any(_unknown(entry.value, lenient) for entry in node.entries)
    if isinstance(node, SequenceNode):
        return any(_unknown(item, lenient) for item in node.items)
    return isinstance(node, UnknownNode)
