"""The grammar of what all steps have in common about how they are run: time limits, attempts."""

from __future__ import annotations

from flowctl.component import JsonSchema
from flowctl.durations import PATTERN, PATTERN_NAME

_ERROR = r"^(timeout|([A-Za-z_]\w*\.)*[A-Z]\w*)$"


def duration(description: str) -> JsonSchema:
    """The schema of a span of time."""
    return {
        "type": "string",
        "pattern": PATTERN,
        "patternName": PATTERN_NAME,
        "format": "duration",
        "description": description,
    }


def control_grammar() -> dict[str, JsonSchema]:
    """The keys by which a step says how it is run."""
    return {
        "timeout": duration(
            "How long one attempt may take; then it is ended with all that it has started."
        ),
        "retry": _retry(),
        "priority": {
            "type": "integer",
            "minimum": -1000,
            "maximum": 1000,
            "description": "Of the steps that are ready, those with more of it begin first; 0 by "
            "default.",
        },
        "pool": {
            "anyOf": [
                {"type": "string", "minLength": 1},
                {
                    "type": "object",
                    "minProperties": 1,
                    "additionalProperties": {
                        "type": "integer",
                        "minimum": 1,
                        "description": "The slots that the step takes.",
                    },
                },
            ],
            "description": "The resources that the step uses: a name, or names with the slots "
            "that it takes of each.",
        },
        "foreach": {
            "type": "string",
            "format": "list",
            "description": "`${{ expression }}`, whose value is a list: the step is done once for "
            "each element, which `item` and `index` name.",
        },
        "max_parallel": {
            "type": "integer",
            "minimum": 1,
            "description": "Of the step's combinations or items at most so many run at once.",
        },
        "fallback": {
            "$ref": "#/$defs/action",
            "description": "Runs where the step has failed; where it succeeds, the step is "
            "`recovered`.",
        },
        "cache": _cache(),
        "continue_on_error": {
            "type": "boolean",
            "description": "Lets the rest go on where the step fails, as if it had succeeded.",
        },
        "hooks": hooks_grammar("the step"),
    }


def _cache() -> JsonSchema:
    def paths(description: str) -> JsonSchema:
        path: JsonSchema = {"type": "string", "minLength": 1}
        return {
            "anyOf": [path, {"type": "array", "items": path, "uniqueItems": True}],
            "description": description,
        }

    return {
        "anyOf": [
            {"type": "boolean"},
            {
                "type": "object",
                "properties": {
                    "inputs": paths(
                        "Files, folders or globs on which the step depends, beside those that its "
                        "sources name; a `run` must name all."
                    ),
                    "outputs": paths(
                        "Files, folders or globs that the step makes, beside its sinks; a `run` "
                        "must name all."
                    ),
                    "ttl": duration("How old a success may be that the step is taken from."),
                },
                "additionalProperties": False,
                "minProperties": 1,
            },
        ],
        "description": "Takes the step from its last success where its definition, its inputs, "
        "the code that it calls and its outputs are as they were then.",
    }


def hooks_grammar(whose: str) -> JsonSchema:
    """The grammar of what is done at certain moments."""
    moments = {
        "start": f"Done before {whose} begins.",
        "success": f"Done when {whose} has succeeded.",
        "failure": f"Done when {whose} has failed.",
        "retry": f"Done before {whose} is tried again.",
        "finish": f"Done when {whose} has come to its end, however that is.",
    }
    return {
        "type": "object",
        "properties": {
            name: {"$ref": "#/$defs/action", "description": about}
            for name, about in moments.items()
        },
        "additionalProperties": False,
        "description": "Done at certain moments. A hook changes no outcome: where it fails, that "
        "is a warning.",
    }


def resources_grammar() -> JsonSchema:
    """The grammar of the document's `resources`."""
    count: JsonSchema = {"type": "integer", "minimum": 1}
    breaker: JsonSchema = {
        "type": "object",
        "properties": {
            "failures": {**count, "description": "So many failures in a row are too many."},
            "reset": duration("How long nothing uses the resource then."),
        },
        "additionalProperties": False,
        "required": ["failures", "reset"],
        "description": "Leaves the resource alone for a while where it fails again and again.",
    }
    resource: JsonSchema = {
        "type": "object",
        "minProperties": 1,
        "properties": {
            "slots": {**count, "description": "What its users may take of it at once."},
            "breaker": breaker,
        },
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "names": "resource",
        "additionalProperties": resource,
        "description": "What steps share, and name under `pool`.",
    }


def _retry() -> JsonSchema:
    cause: JsonSchema = {
        "anyOf": [
            {"type": "integer", "minimum": 1, "maximum": 255},
            {
                "type": "string",
                "pattern": _ERROR,
                "patternName": "`timeout`, an exit code, or the class of an exception",
            },
        ]
    }
    return {
        "type": "object",
        "properties": {
            "attempts": {
                "type": "integer",
                "minimum": 1,
                "maximum": 1000,
                "description": "How often the step is tried at most, the first time included.",
            },
            "backoff": {
                "enum": ["constant", "linear", "exponential"],
                "description": "How the delay grows: not at all (the default), by itself each "
                "time, or twofold.",
            },
            "delay": duration("How long to wait before the second attempt; 1s by default."),
            "max_delay": duration("The longest that is waited before any attempt."),
            "jitter": {
                "type": "boolean",
                "description": "Takes up to half of each delay away at random, so that many "
                "steps that failed together do not come again together.",
            },
            "on": {
                "type": "array",
                "items": cause,
                "minItems": 1,
                "uniqueItems": True,
                "description": "What is tried again: `timeout`, exit codes, classes of "
                "exceptions; any failure by default.",
            },
        },
        "additionalProperties": False,
        "required": ["attempts"],
        "description": "Tries the step again where it fails.",
    }
