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
        "description": description,
    }


def control_grammar() -> dict[str, JsonSchema]:
    """The keys by which a step says how it is run."""
    return {
        "timeout": duration(
            "How long one attempt may take; then it is ended with all that it has started."
        ),
        "retry": _retry(),
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
