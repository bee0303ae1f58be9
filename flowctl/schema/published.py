"""The JSON Schema that editors use: the grammar in plain JSON Schema, with templates admitted.

Where the grammar picks a fragment by its kind key, the published schema says `anyOf`; where a value
may stand, a text with a template or a `{$ref}` may stand too, since it is judged after expansion.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import cast

from flowctl.component import JsonSchema
from flowctl.registry import Registry
from flowctl.schema.grammar import NAME_PATTERN, VERSION, workflow_grammar
from flowctl.syntax.node import Json

DRAFT = "https://json-schema.org/draft/2020-12/schema"
TEMPLATE_PATTERN = r"(?<!\$)\{\{"
_OURS = ("names", "literal", "patternName", "format")
# In JSON Schemas `$ref` keeps its own meaning, so there a mapping is judged as it stands.
_LITERAL = tuple(f"#/$defs/{name}" for name in ("jsonSchema", "jsonSchemaOrBoolean", "param"))


def workflow_schema(registry: Registry) -> JsonSchema:
    """The published schema of workflows, made from the grammar and so from the components."""
    grammar = workflow_grammar(registry)
    definitions = cast("dict[str, JsonSchema]", grammar["$defs"])
    body = _schema({name: value for name, value in grammar.items() if name != "$defs"})
    body["required"] = ["flowctl", *cast("list[Json]", body["required"])]
    properties = cast("dict[str, JsonSchema]", body["properties"])
    return {
        "$schema": DRAFT,
        "title": "flowctl workflow",
        "description": "A declarative pipeline on files: checked before it runs.",
        **body,
        "properties": {**properties, "flowctl": _version()},
        "$defs": {
            **{name: _schema(schema) for name, schema in definitions.items()},
            "template": _template(),
            "deferred": _deferred(),
        },
    }


def text(schema: JsonSchema) -> str:
    """A schema as it lies in a file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _version() -> JsonSchema:
    about = "The version of the language that this file is written in."
    return {"const": VERSION, "description": about}


def _template() -> JsonSchema:
    return {
        "description": "A template; or `null`, which removes what was laid under it.",
        "anyOf": [{"type": "string", "pattern": TEMPLATE_PATTERN}, {"type": "null"}],
    }


def _deferred() -> JsonSchema:
    return {
        "description": "A template, or a reference to a value elsewhere.",
        "anyOf": [
            {"$ref": "#/$defs/template"},
            {
                "type": "object",
                "properties": {
                    "$ref": {"description": "`file#/json/pointer`; keys beside it are laid over."}
                },
                "required": ["$ref"],
            },
            {
                "type": "object",
                "minProperties": 1,
                "not": {"propertyNames": {"not": {"pattern": TEMPLATE_PATTERN}}},
            },
        ],
    }


def _value(schema: Json) -> Json:
    """A place where a value may stand: the value, or what will become it."""
    if not isinstance(schema, dict) or not schema:
        return schema
    described: JsonSchema = {}
    if "description" in schema:
        described["description"] = schema["description"]
    later = "template" if schema.get("$ref") in _LITERAL else "deferred"
    return {**described, "anyOf": [_schema(schema), {"$ref": f"#/$defs/{later}"}]}


def _schema(schema: Json) -> JsonSchema:
    if not isinstance(schema, dict):
        return {} if schema is True else {"not": {}}
    if "kinds" in schema:
        return _kinds(cast("JsonSchema", schema["kinds"]))
    if schema.get("format") == "json-schema":
        return {name: value for name, value in schema.items() if name not in _OURS}
    published: JsonSchema = {}
    for name, value in schema.items():
        if name in _OURS or name == "examples":
            continue
        if name in ("properties", "patternProperties"):
            below = cast("dict[str, Json]", value)
            published[name] = {key: _value(one) for key, one in below.items()}
        elif name == "items" or (name == "additionalProperties" and isinstance(value, dict)):
            published[name] = _value(value)
        elif name in ("anyOf", "oneOf"):
            published["anyOf"] = [_schema(branch) for branch in cast("list[Json]", value)]
        else:
            published[name] = value
    if "names" in schema:
        special: list[Json] = list(_keys(schema))
        named: JsonSchema = {"pattern": NAME_PATTERN}
        published["propertyNames"] = {"anyOf": [named, {"enum": special}]} if special else named
    return published


def _kinds(kinds: Mapping[str, Json]) -> JsonSchema:
    fragments = cast("dict[str, JsonSchema]", kinds["of"])
    branches: list[Json] = []
    for kind, fragment in fragments.items():
        published = _schema(fragment)
        examples = fragment.get("examples")
        about = cast("dict[str, JsonSchema]", fragment["properties"])[kind].get("description")
        shown: JsonSchema = {"title": kind}
        if about is not None:
            shown["description"] = about
            shown["markdownDescription"] = _markdown(str(about), examples)
        branches.append({**shown, **published})
    return {"anyOf": branches}


def _markdown(about: str, examples: Json) -> str:
    if not isinstance(examples, list) or not examples:
        return about
    return f"{about}\n\n```yaml\n{str(examples[0]).strip()}\n```"


def _keys(schema: JsonSchema) -> Mapping[str, Json]:
    return cast("dict[str, Json]", schema.get("properties", {}))
