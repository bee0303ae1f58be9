"""`split: {late: {when: expr, sink: {…}}, rest: {sink: {…}}}`: records go on in branches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from flowctl.arguments import ON_ERROR, checked_tree, expression, expression_schema, hazards, pairs
from flowctl.codes.branches import NEVER_REACHED
from flowctl.component import Arguments, JsonSchema, Situation, Spec, Transform, Typed
from flowctl.dataflow import BRANCH
from flowctl.diagnostics import Fault
from flowctl.expressions.scope import Scope
from flowctl.operators import Hazard, Operator, Parting, Rowwise
from flowctl.records import Boolean, Schema
from flowctl.syntax.node import Json

if TYPE_CHECKING:
    import polars as pl

_SINK: Final[JsonSchema] = {"$ref": "#/$defs/sink"}

SPEC = Spec(
    kind="split",
    summary="Sends each record into the first branch whose `when` is true for it.",
    argument={
        "description": "The branches by name, in the order in which they are tried; each has its "
        "own transforms and its own sink.",
        "type": "object",
        "names": "branch",
        "minProperties": 1,
        "additionalProperties": {
            "type": "object",
            "properties": {
                "when": expression_schema(
                    "A boolean expression; where it is null, the record is not this branch's. "
                    "Without it, all that is left comes here."
                ),
                "transforms": {
                    "type": "array",
                    "items": {"$ref": "#/$defs/transform"},
                    "description": "What happens to the branch's records, in this order.",
                },
                "sink": {
                    "anyOf": [_SINK, {"type": "array", "items": _SINK, "minItems": 1}],
                    "description": "Where the branch's records go: one sink, or a list.",
                },
            },
            "additionalProperties": False,
        },
    },
    options=ON_ERROR,
    detail="""\
It is the last transform of its list: behind it, records go on in the branches, each with
transforms of every kind, another `split` too. A record goes into the first branch whose `when` is
true; one that no branch takes counts as filtered. A later `when` is not computed for a record
that has gone. The step has no `sink` of its own; all branches are published together, or none.

`rejects`, `max_rejects` and `check` are the step's, and so over all branches: `check` sees all
that is written, by the columns that all branches have. Another step reads a branch by the file
that it writes.
""",
    example="""split:
  late:
    when: dep_delay > 15
    transforms:
      - sort: [-dep_delay]
    sink: {ndjson: build/late.ndjson}
  rest:
    sink: {parquet: build/rest.parquet}
""",
)


def rule(arguments: Arguments, schema: Schema, situation: Situation) -> Typed:
    found: list[Json] = []
    faults: list[Fault] = []
    for name, when in _branches(arguments):
        if when is None:
            found.append([name, None])
            continue
        at = ("split", name, "when")
        condition = expression(when, schema, situation.scope, at, Boolean())
        found.append([name, condition.text])
        faults += condition.faults
    faults += _never_reached(arguments)
    return Typed({"split": found}, schema, tuple(faults))


def _branches(arguments: Arguments) -> Iterator[tuple[str, Json]]:
    """The branches with their `when`, as an author writes them or a plan holds them."""
    for name, branch in pairs(arguments["split"]):
        yield name, branch.get("when") if isinstance(branch, dict) else branch


def _never_reached(arguments: Arguments) -> Iterator[Fault]:
    """Branches behind one that takes all that is left."""
    rest: str | None = None
    for name, when in _branches(arguments):
        if rest is not None:
            message = f"no record comes to `{name}`: `{rest}`, before it, takes all that is left"
            help = f"put `{rest}` last, or give it a `when`"
            yield Fault(NEVER_REACHED, message, ("split", name), help=help, key=True)
        if when is None and rest is None:
            rest = name


def prepare(arguments: Arguments, schema: Schema, scope: Scope) -> Operator:
    import polars as pl

    from flowctl.expressions.lower import lower

    numbers: list[pl.Expr] = []
    found: list[Hazard] = []
    reached = pl.lit(value=True)
    for name, when in _branches(arguments):
        number = pl.lit(len(numbers), pl.Int32)
        if when is None:
            numbers.append(number)
            break
        lowered = lower(checked_tree(when, schema, scope, Boolean()))
        checks = tuple(check.under(reached) for check in lowered.checks)
        found += hazards(replace(lowered, checks=checks), "split", ("split", name, "when"))
        numbers.append(pl.when(lowered.value).then(number))
        reached = reached & ~lowered.value.fill_null(value=False)

    def apply(frame: pl.LazyFrame) -> pl.LazyFrame:
        return frame.with_columns(pl.coalesce(numbers).alias(BRANCH))

    return Parting(Rowwise(apply, tuple(found)))


COMPONENT = Transform(SPEC, rule, prepare, branches=True)
