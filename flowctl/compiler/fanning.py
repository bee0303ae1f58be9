"""`foreach`: the list over which a step is fanned out at run time, and what its cells may name."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from dataclasses import field, replace
from typing import Final, cast

from flowctl.codes.names import FOREACH_LIST, FOREACH_PLACE
from flowctl.compiler.runtime import own_names
from flowctl.compiler.stages import LinkedStep
from flowctl.compiler.texts import RuntimeText, fan_out
from flowctl.compiler.voice import Voice
from flowctl.dataclass import dataclass
from flowctl.expressions import Tree, canonical, runtime_used
from flowctl.expressions.scope import Names, Scope
from flowctl.expressions.tree import Runtime
from flowctl.records import List, String, Unknown
from flowctl.runtime_names import item_names
from flowctl.syntax.node import Node, ScalarNode, UnknownNode

ABSENT: Final[Mapping[str, str]] = dict.fromkeys(
    ("item", "index"), "a step with a `foreach` has it, once for each element of its list"
)
"""Why a cell's names are not known elsewhere."""
_ABSENT: Final[Mapping[str, str]] = dict.fromkeys(
    ("item", "index"),
    "it belongs to a cell, and there are none yet; `list_filter` leaves elements of the list out",
)


@dataclass(frozen=True, slots=True)
class Fan:
    """A step's `foreach`: its canonical expression, None where it is wrong or not known yet.

    `names` are what a cell may name beside all others.
    """

    expression: str | None = None
    names: Mapping[str, Names] = field(default_factory=lambda: item_names(Unknown()))

    def cell(self, scope: Scope) -> Scope:
        """The names where a cell does something."""
        return replace(scope, runtime={**scope.runtime, **self.names}, absent={})

    def hook(self, scope: Scope, step: LinkedStep) -> Scope:
        """The names in a hook, where the step's own name means the cell."""
        steps = scope.runtime["steps"]
        own: ChainMap[str, Names] = ChainMap(
            {step.step.name: own_names(step)}, cast("dict[str, Names]", steps)
        )
        return self.cell(replace(scope, runtime={**scope.runtime, "steps": own}))


def once(step: LinkedStep, scope: Scope) -> Scope:
    """The names in what a step asks before it fans out."""
    fanned = step.step.node.get("foreach") is not None
    return replace(scope, absent=_ABSENT) if fanned else scope


def fan_of(step: LinkedStep, scope: Scope, voice: Voice) -> Fan | None:
    """The `foreach` of a step, if it has one; faults are told."""
    entry = step.step.node.entry("foreach")
    if entry is None:
        return None
    if isinstance(entry.value, UnknownNode):
        return Fan()
    if step.step.node.get("source") is not None:
        message = "a stream cannot be fanned out: its paths are known before the run"
        help = "read all files in one stream (a glob or a list), or let a `matrix` make the steps"
        voice.at(FOREACH_PLACE, entry.key, message, help)
        return Fan()
    if step.step.cell:
        message = "a step has a `matrix` or a `foreach`, not both"
        help = "make one list of both: its elements may be structs, `item.region`"
        voice.at(FOREACH_PLACE, entry.key, message, help)
        return Fan()
    text = fan_out(step.step.node)
    if text is None:
        message = "`foreach` is one run-time expression, `${{ … }}`"
        voice.at(FOREACH_LIST, entry.value, message, _braced(entry.value))
        return Fan()
    tree = voice.tree(text, once(step, scope))
    if tree is None or _told(tree, text, entry.value, voice):
        return Fan()
    names = item_names(tree.type.item) if isinstance(tree.type, List) else Fan().names
    return Fan(canonical(tree), names)


def _braced(node: Node) -> str:
    text = node.value if isinstance(node, ScalarNode) else None
    if isinstance(text, str) and text.strip() and "${{" not in text:
        return f"write `${{{{ {text.strip()} }}}}`"
    return "a list that is known before the run is a `matrix`, which makes a step for each"


def _told(tree: Tree, text: RuntimeText, node: Node, voice: Voice) -> bool:
    """Tells what is wrong with the value of a `foreach`; whether anything is."""
    place = text.node.at(text.start, text.start + len(text.expression.rstrip()))
    if any(path[0] == "secrets" for path in runtime_used(tree)):
        message = "a secret would stand in the list, which is kept with the run"
        help = "name the secret where the step uses it"
    elif isinstance(tree.type, List | Unknown):
        return False
    else:
        message, help = f"`foreach` goes through a list, and this is {tree.type}", _mend(tree)
    voice.report.say(FOREACH_LIST, place, message, help=help, trace=node.trace)
    return True


def _mend(tree: Tree) -> str:
    if isinstance(tree, Runtime) and tree.path[-2:-1] == ("outputs",):
        name = tree.path[-1]
        return f"declare the output as a list: `outputs: {{{name}: {{type: array}}}}`"
    if isinstance(tree.type, String):
        return "make a list of the text: `string_split(…, ',')`"
    return "a list is written `[1, 2, 3]`"
