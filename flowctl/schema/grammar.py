"""The grammar of a workflow: the document's own keys, and a fragment for each component.

It is a JSON Schema with two keywords of ours (see `judge`). The published schema, which editors
use, is made from it, and so is the guide that tells expansion where JSON Schemas stand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import cast

from flowctl.checking import SCHEMA as CHECK
from flowctl.component import Component, JsonSchema, Spec
from flowctl.registry import Registry
from flowctl.schema.control import control_grammar, hooks_grammar, resources_grammar
from flowctl.schema.family import Family

VERSION = 1
NAME_PATTERN = "^[A-Za-z_][A-Za-z0-9_]*$"
STEP_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]*(/[A-Za-z_][A-Za-z0-9_]*)*(\[.*\])?$"

_TEXT: JsonSchema = {"type": "string"}
_LABELS: JsonSchema = {
    "type": "object",
    "additionalProperties": {"type": ["string", "number", "boolean"]},
    "description": "Free labels, for people and tools.",
}
_DESCRIPTION: JsonSchema = {"type": "string", "description": "What this is for, in a few words."}


def workflow_grammar(registry: Registry) -> JsonSchema:
    """The grammar of whole documents."""
    return {
        "type": "object",
        "literal": True,
        "properties": {
            "flowctl": True,
            "name": {
                "type": "string",
                "minLength": 1,
                "description": "The workflow's name; without it, the file's.",
            },
            "description": _DESCRIPTION,
            "labels": _LABELS,
            "params": {"$ref": "#/$defs/params"},
            "vars": {
                "type": "object",
                "names": "variable",
                "description": "Names for templates and expressions; they may use each other.",
                "additionalProperties": True,
            },
            "secrets": {"$ref": "#/$defs/secrets"},
            "resources": {"$ref": "#/$defs/resources"},
            "hooks": hooks_grammar("the run"),
            "defaults": {
                "type": "object",
                "description": "Merged under every step (RFC 7396): what a step says itself wins.",
                "additionalProperties": True,
            },
            "profiles": {
                "type": "object",
                "names": "profile",
                "description": "Overlays of the document (RFC 7396), chosen with `--profile`.",
                "additionalProperties": {"type": "object", "additionalProperties": True},
            },
            "steps": {"$ref": "#/$defs/steps"},
            "outputs": {"$ref": "#/$defs/outputs"},
        },
        "patternProperties": {"^x-": True},
        "additionalProperties": False,
        "required": ["steps"],
        "$defs": _definitions(registry),
    }


def _definitions(registry: Registry) -> JsonSchema:
    return {
        "params": {
            "type": "object",
            "names": "param",
            "additionalProperties": {"$ref": "#/$defs/param"},
            "description": "The workflow's inputs: each a JSON Schema, plus `default` and `env`.",
        },
        "param": _param(),
        "jsonSchema": _json_schema(),
        "jsonSchemaOrBoolean": {"anyOf": [{"type": "boolean"}, {"$ref": "#/$defs/jsonSchema"}]},
        "secrets": {
            "type": "object",
            "names": "secret",
            "additionalProperties": {"$ref": "#/$defs/secret"},
            "description": "Read at run time only, by `${{ secrets.NAME }}`.",
        },
        "secret": {
            "kinds": {
                "noun": "secret",
                "of": {
                    "env": _fragment("env", _text("The environment variable that holds it.")),
                    "file": _fragment("file", _text("The file that holds it.")),
                },
            }
        },
        "steps": {
            "type": "object",
            "names": "step",
            "minProperties": 1,
            "additionalProperties": {"$ref": "#/$defs/step"},
            "description": "What the workflow does; steps wait only for what they need.",
        },
        "step": _step(registry),
        "action": _family("action", registry.actions, simple=True),
        "outputs": {
            "type": "object",
            "names": "output",
            "additionalProperties": {
                "type": ["string", "number", "boolean"],
                "format": "condition",
                "description": "A run-time expression, mostly over `steps`.",
            },
            "description": "What the workflow hands on when all steps have ended.",
        },
        "resources": resources_grammar(),
        "source": _family("source", registry.sources),
        "transform": _family("transform", registry.transforms),
        "sink": _family("sink", registry.sinks),
        "matrix": _matrix(),
        "need": _need(),
    }


def _step(registry: Registry) -> JsonSchema:
    common: dict[str, JsonSchema] = {
        "needs": {
            "anyOf": [
                {"type": "string", "pattern": STEP_PATTERN, "patternName": "the name of a step"},
                {"type": "array", "items": {"$ref": "#/$defs/need"}},
            ],
            "description": "Steps that must have ended before this one starts.",
        },
        "if": {
            "type": ["string", "boolean"],
            "format": "condition",
            "description": "A run-time expression; where it is not true, the step is skipped.",
        },
        "matrix": {
            "$ref": "#/$defs/matrix",
            "description": "Makes a step of each combination of values, as in GitHub Actions.",
        },
        **control_grammar(),
        "description": _DESCRIPTION,
        "labels": _LABELS,
    }
    stream: dict[str, JsonSchema] = {
        "transforms": {
            "type": "array",
            "items": {"$ref": "#/$defs/transform"},
            "description": "What happens to the records, in this order.",
        },
        "sink": {
            "anyOf": [
                {"$ref": "#/$defs/sink"},
                {"type": "array", "items": {"$ref": "#/$defs/sink"}, "minItems": 1},
            ],
            "description": "Where the records go: one sink, or a list.",
        },
        "rejects": {
            "$ref": "#/$defs/sink",
            "description": "Where rejected records go, each with what is wrong with it.",
        },
        "max_rejects": {
            "anyOf": [
                {"type": "integer", "minimum": 0},
                {
                    "type": "string",
                    "pattern": r"^\s*[0-9]+(\.[0-9]+)?\s*%?\s*$",
                    "patternName": "a count such as `10` or a share such as `1%`",
                },
            ],
            "description": "More rejects than this count, or share of the records, end the run.",
        },
        "check": CHECK,
    }
    source: JsonSchema = {
        "$ref": "#/$defs/source",
        "description": "Where the records come from.",
    }
    records = {"source": _fragment("source", source, stream | common)}
    return _family("step", registry.actions, common, records)


def component_fragment(spec: Spec, common: Mapping[str, JsonSchema]) -> JsonSchema:
    """The schema of a component's mapping; `common` options may be overruled by its own."""
    argument: JsonSchema = {"description": spec.summary, **spec.argument}
    fragment = _fragment(spec.kind, argument, {**common, **spec.options}, spec.required)
    fragment["examples"] = [spec.example]
    return fragment


def _family(
    noun: str,
    components: Mapping[str, Component],
    common: Mapping[str, JsonSchema] = MappingProxyType({}),
    others: Mapping[str, JsonSchema] = MappingProxyType({}),
    simple: bool = False,
) -> JsonSchema:
    """One of these components, or of the other fragments; `simple` leaves out what is composite."""
    fragments = Family(components, lambda spec: component_fragment(spec, common), others, simple)
    return {"kinds": {"noun": noun, "of": cast("JsonSchema", fragments)}}


def _fragment(
    kind: str,
    argument: JsonSchema,
    options: Mapping[str, JsonSchema] | None = None,
    required: Iterable[str] = (),
) -> JsonSchema:
    return {
        "type": "object",
        "properties": {kind: argument, **(options or {})},
        "additionalProperties": False,
        "required": [kind, *required],
    }


def _text(description: str) -> JsonSchema:
    return {"type": "string", "minLength": 1, "description": description}


def _need() -> JsonSchema:
    return {
        "anyOf": [
            {"type": "string", "pattern": STEP_PATTERN, "patternName": "the name of a step"},
            {
                "type": "object",
                "properties": {
                    "step": {
                        "type": "string",
                        "pattern": STEP_PATTERN,
                        "patternName": "the name of a step",
                        "description": "The name of a step with a matrix.",
                    },
                    "same": {
                        "type": "array",
                        "items": _TEXT,
                        "minItems": 1,
                        "uniqueItems": True,
                        "description": "Matrix values in which the two cells must agree.",
                    },
                },
                "additionalProperties": False,
                "required": ["step"],
            },
        ]
    }


def _matrix() -> JsonSchema:
    cells: JsonSchema = {
        "type": "array",
        "items": {"type": "object", "minProperties": 1, "additionalProperties": True},
    }
    return {
        "type": "object",
        "names": "matrix dimension",
        "minProperties": 1,
        "properties": {
            "include": {**cells, "description": "Combinations to extend or to add."},
            "exclude": {**cells, "description": "Combinations to leave out."},
        },
        "additionalProperties": {"type": "array", "description": "The values of one dimension."},
        "description": "Makes a step of each combination of values.",
    }


def _param() -> JsonSchema:
    schema = _json_schema()
    own: dict[str, JsonSchema] = {
        "default": {"description": "The value where none is given."},
        "env": _text("An environment variable that gives the value where `-p` does not."),
    }
    return {**schema, "properties": {**cast("JsonSchema", schema["properties"]), **own}}


def _json_schema() -> JsonSchema:
    """JSON Schema's own vocabulary; unlike in JSON Schema, an unknown keyword is a mistake."""
    below: JsonSchema = {"$ref": "#/$defs/jsonSchemaOrBoolean"}
    several: JsonSchema = {"type": "array", "items": below, "minItems": 1}
    named: JsonSchema = {"type": "object", "additionalProperties": below}
    size: JsonSchema = {"type": "integer", "minimum": 0}
    number: JsonSchema = {"type": "number"}
    types: list[str] = ["string", "integer", "number", "boolean", "array", "object", "null"]
    one_type: JsonSchema = {"enum": list(types)}
    flag: JsonSchema = {"type": "boolean"}
    anything: JsonSchema = {}
    text = (
        *("$schema", "$id", "$anchor", "$dynamicAnchor", "$ref", "$dynamicRef", "$comment"),
        *("title", "description", "format", "contentEncoding", "contentMediaType"),
    )
    sizes = (
        *("minLength", "maxLength", "minItems", "maxItems", "minContains", "maxContains"),
        *("minProperties", "maxProperties"),
    )
    schemas = (
        *("items", "contains", "additionalProperties", "propertyNames", "not", "if", "then"),
        *("else", "unevaluatedItems", "unevaluatedProperties", "contentSchema"),
    )
    properties: JsonSchema = {
        **dict.fromkeys(text, _TEXT),
        **dict.fromkeys(("deprecated", "readOnly", "writeOnly", "uniqueItems"), flag),
        **dict.fromkeys(sizes, size),
        **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), number),
        **dict.fromkeys(schemas, below),
        **dict.fromkeys(("allOf", "anyOf", "oneOf", "prefixItems"), several),
        **dict.fromkeys(("properties", "patternProperties", "dependentSchemas"), named),
        **dict.fromkeys(("$defs", "definitions"), named),
        **dict.fromkeys(("const", "default"), anything),
    }
    properties["pattern"] = {"type": "string", "format": "regex"}
    properties["multipleOf"] = {"type": "number", "exclusiveMinimum": 0}
    properties["type"] = {
        "anyOf": [
            one_type,
            {"type": "array", "items": one_type, "minItems": 1, "uniqueItems": True},
        ]
    }
    properties["enum"] = {"type": "array", "minItems": 1}
    properties["examples"] = {"type": "array"}
    properties["required"] = {"type": "array", "items": _TEXT, "uniqueItems": True}
    properties["dependentRequired"] = {
        "type": "object",
        "additionalProperties": {"type": "array", "items": _TEXT},
    }
    return {
        "type": "object",
        "literal": True,
        "properties": properties,
        "additionalProperties": False,
    }
