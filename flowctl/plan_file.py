"""A plan as a file: canonical bytes, digests, and a strict reading of what others may have touched.

Digests cover what a run means. The checksum covers every byte, so that nothing edited by hand or
damaged on the way is ever run in part.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import cast

from flowctl.codec import Malformed, decode, encode, schema
from flowctl.codes.names import PLAN_CHANGED, PLAN_FORMAT, PLAN_UNREADABLE
from flowctl.diagnostics import Fault
from flowctl.plan import FORMAT, Plan, Step, Stream, canonical, digest_of
from flowctl.syntax.node import Json

_HEAD = ("digest", "checksum", "format", "name", "about")
_ORDER = (*_HEAD, "params", "secrets", "resources", "hooks", "outputs", "steps", "positions")


def sealed(plan: Plan) -> Plan:
    """The plan with its digests; steps stand behind those that they need."""
    digests: dict[str, str] = {}
    steps: list[Step] = []
    for step in plan.steps:
        digests[step.id] = digest_of([_meaning(step), [digests[read] for read in step.reads]])
        steps.append(replace(step, digest=digests[step.id]))
    meaning: dict[str, Json] = {
        "format": FORMAT,
        "name": plan.name,
        "params": plan.params,
        "secrets": encode(plan.secrets),
        "steps": [[step.id, step.digest, list(step.needs), list(step.reads)] for step in steps],
    }
    if plan.outputs:
        meaning["outputs"] = encode(plan.outputs)
    return replace(plan, steps=tuple(steps), digest=digest_of(meaning))


def plan_to_json(plan: Plan) -> str:
    """The file of a sealed plan: one step a line, ends with a newline, the digest comes first."""
    fields = cast(dict[str, Json], encode(plan))
    fields["format"] = FORMAT
    fields["checksum"] = digest_of(fields)
    lines = (f'"{name}":{_block(fields[name])}' for name in _ORDER if name in fields)
    return "{\n" + ",\n".join(lines) + "\n}\n"


def plan_from_json(text: str) -> Plan | Fault:
    """The plan in a file, or what is wrong with the file; nothing that was edited is accepted."""
    try:
        value: Json = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        return Fault(PLAN_UNREADABLE, f"the plan is not JSON: {error}")
    if not isinstance(value, dict) or "format" not in value:
        help = "`flowctl plan workflow.yaml -o plan.json` writes one"
        return Fault(PLAN_UNREADABLE, "the file is JSON, but no plan", help=help)
    if value["format"] != FORMAT:
        message = f"the plan has format {json.dumps(value['format'])}; this flowctl reads {FORMAT}"
        return Fault(PLAN_FORMAT, message, help="write the plan again with this flowctl")
    fields = {name: item for name, item in value.items() if name not in ("format", "checksum")}
    try:
        plan = decode(Plan, fields)
    except Malformed as fault:
        where = "/".join(map(str, fault.pointer)) or "the top"
        return Fault(PLAN_UNREADABLE, f"at {where}: {fault.message}")
    return _intact(plan, value)


def plan_schema() -> dict[str, Json]:
    """The JSON Schema of a plan file."""
    parts = cast(dict[str, Json], schema(Plan))
    definitions = cast(dict[str, dict[str, Json]], parts["$defs"])
    top = definitions.pop("plan")
    properties = cast(dict[str, Json], top["properties"])
    properties["format"] = {"const": FORMAT}
    properties["checksum"] = {"type": "string"}
    required: list[Json] = ["digest", "checksum", "format", "name", "steps"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "flowctl plan",
        **top,
        "required": required,
        "$defs": cast(Json, definitions),
    }


def _meaning(step: Step) -> Json:
    body = replace(step.body, observed=()) if isinstance(step.body, Stream) else step.body
    meaning: dict[str, Json] = {"body": encode(body), "condition": step.condition}
    if step.foreach is not None:
        meaning["foreach"] = step.foreach
    if step.fallback is not None:
        meaning["fallback"] = encode(step.fallback)
    if step.continue_on_error:
        meaning["continue_on_error"] = True
    if step.folder:
        meaning["folder"] = step.folder
    return meaning


def _intact(plan: Plan, value: dict[str, Json]) -> Plan | Fault:
    known: set[str] = set()
    for step in plan.steps:
        if not known.issuperset(step.needs) or not set(step.needs).issuperset(step.reads):
            return Fault(PLAN_CHANGED, f"step `{step.id}` stands before a step that it needs")
        if step.id in known:
            return Fault(PLAN_CHANGED, f"step `{step.id}` stands twice")
        known.add(step.id)
    right = sealed(plan)
    help = "do not edit a plan: change the workflow, and write the plan again"
    for step, resealed in zip(plan.steps, right.steps, strict=True):
        if step.digest != resealed.digest:
            message = f"step `{step.id}` is not what its digest says: the plan was edited"
            return Fault(PLAN_CHANGED, message, help=help)
    unsummed = {name: item for name, item in value.items() if name != "checksum"}
    if plan.digest != right.digest or value.get("checksum") != digest_of(unsummed):
        message = "the plan is not what its digest says: it was edited or damaged"
        return Fault(PLAN_CHANGED, message, help=help)
    return plan


def _block(value: Json) -> str:
    """Canonical JSON; the items of a list on lines of their own, for the sake of `diff`."""
    if isinstance(value, list) and value:
        return "[\n" + ",\n".join(map(canonical, value)) + "\n]"
    return canonical(value)


def _no_constant(name: str) -> Json:
    raise ValueError(f"{name} is no number")
