"""Top-level `outputs`: what a workflow hands on, to the step that uses it or from its run."""

from __future__ import annotations

from collections.abc import Iterator

from flowctl.codes.workflows import OUTPUT_TEXT
from flowctl.compiler.texts import whole_text
from flowctl.compiler.voice import Voice
from flowctl.dataclass import dataclass
from flowctl.declared import schema_of, type_of
from flowctl.expressions import canonical
from flowctl.expressions.scope import Names, Open, Scope
from flowctl.interpolation import holes
from flowctl.records import Unknown
from flowctl.syntax.node import Json, MappingNode, ScalarNode


@dataclass(frozen=True, slots=True)
class Output:
    """A canonical run-time expression under its name; `schema` is that of its value's JSON."""

    name: str
    value: str
    schema: dict[str, Json]


@dataclass(frozen=True, slots=True)
class Outputs:
    """The outputs of a workflow; those in which there are faults are left out."""

    known: tuple[Output, ...] = ()
    complete: bool = True

    def names(self) -> Names:
        """What `steps.NAME.outputs` has where a step uses the workflow."""
        known = {one.name: type_of(one.schema) for one in self.known}
        return known if self.complete else Open(known, Unknown())


def outputs_of(node: MappingNode | None, scope: Scope, voice: Voice) -> Outputs:
    """The outputs that a document declares; faults are told."""
    found = tuple(_outputs(node, scope, voice)) if node is not None else ()
    known = tuple(one for one in found if one is not None)
    return Outputs(known, complete=len(known) == len(found))


def _outputs(node: MappingNode, scope: Scope, voice: Voice) -> Iterator[Output | None]:
    for entry in node.entries:
        if not isinstance(entry.value, ScalarNode) or entry.value.value is None:
            yield None
            continue
        text = whole_text("outputs", entry.value)
        if found := holes(text.expression):
            place = text.node.at(found[0].start, found[0].end)
            message = f"the output `{entry.name}` is text around `${{{{ }}}}`; it must be one value"
            help = "join texts in one expression, `'a/' || steps.x.outputs.y`"
            voice.report.say(OUTPUT_TEXT, place, message, help=help, trace=text.node.trace)
            yield None
            continue
        tree = voice.tree(text, scope)
        if tree is None:
            yield None
        else:
            yield Output(entry.name, canonical(tree), schema_of(tree.type))
