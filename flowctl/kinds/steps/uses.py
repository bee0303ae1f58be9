"""`uses: other.yaml`: another workflow, whose steps become a part of this one."""

from __future__ import annotations

from flowctl.action import Finished, ValueFault, Workplace
from flowctl.component import Action, Arguments, Situation, Spec, Typed
from flowctl.syntax.node import Json

SPEC = Spec(
    kind="uses",
    summary="Runs another workflow as a part of this one.",
    argument={
        "type": "string",
        "minLength": 1,
        "description": "The workflow's file, from the folder of the file that says so.",
    },
    options={
        "with": {
            "type": "object",
            "additionalProperties": True,
            "description": "Values for its params, known before the run.",
        },
    },
    example="uses: load.yaml\nwith: {year: 2013}",
    detail="Its steps are in the plan as `STEP/…`; the step has succeeded when they have. Its "
    "top-level `outputs` are the step's. It has its own params, vars, secrets, defaults and "
    "profiles, and its paths start at its own folder; `resources` of the same name are the same.",
)


def rule(arguments: Arguments, situation: Situation) -> Typed:
    """The compiler has put the workflow itself into the plan, and its outputs into these."""
    return Typed(dict(arguments))


def perform(arguments: Arguments, workplace: Workplace) -> Finished:
    """Gives the outputs their values, once all steps of the workflow have ended."""
    outputs = arguments.get("outputs")
    values: dict[str, Json] = {}
    for name, output in outputs.items() if isinstance(outputs, dict) else ():
        assert isinstance(output, dict)
        try:
            values[name] = workplace.value(str(output["value"]))
        except ValueFault as broken:
            return Finished(faults=(broken.fault.below("outputs", name),))
    return Finished(outputs=values)


COMPONENT = Action(SPEC, rule, perform, composite=True)
