"""What forbids that a step is cached."""

from __future__ import annotations

from collections.abc import Iterator

from flowctl.codes.caching import NOT_CACHED, OVERLAPPING, UNNAMED
from flowctl.codes.names import NO_RUNTIME
from flowctl.compiler.anatomy import Part
from flowctl.compiler.paths import normal
from flowctl.compiler.stages import LinkedStep
from flowctl.compiler.texts import texts_below
from flowctl.compiler.voice import Voice
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Fault
from flowctl.expressions.parse import parse
from flowctl.expressions.tree import Name, walk
from flowctl.registry import Registry
from flowctl.syntax.node import MappingNode, Node, ScalarNode, SequenceNode

_OF_RUN = ("inputs", "outputs")
_OF_EACH_RUN = ("id", "dir", "attempt")
_MEND = "take `cache` away, or say `cache: false` where `defaults` bring it"


def refuse_uncacheable(step: LinkedStep, registry: Registry, base: str, voice: Voice) -> None:
    """Finds fault with the `cache` of a step, and with what in the step does not go with it."""
    node = step.step.node.get("cache")
    named = isinstance(node, MappingNode)
    if node is None or not (named or (isinstance(node, ScalarNode) and node.value is True)):
        return
    refusal = _Refusal(step, registry, base, voice)
    refusal.of_names(node)
    refusal.of_streams()
    refusal.of_commands()


@dataclass(frozen=True, slots=True)
class _Refusal:
    step: LinkedStep
    registry: Registry
    base: str
    voice: Voice

    def of_names(self, node: Node) -> None:
        """A command names what it reads and writes; neither is computed, nor both at once."""
        inputs, outputs = list(_paths(node, "inputs")), list(_paths(node, "outputs"))
        action = self.step.parts.action
        if action is not None and action.kind == "run":
            keys = node.names() if isinstance(node, MappingNode) else []
            missing = " and ".join(f"`{key}`" for key in _OF_RUN if key not in keys)
            if missing:
                message = f"a command's files are not known from outside: name its {missing}"
                help = "as in `cache: {inputs: [data/], outputs: [build/report.html]}`"
                self.voice.at(UNNAMED, node, message, help)
        if outputs and self.step.step.node.get("foreach") is not None:
            message = "the cells of a `foreach` would all have these outputs, and none its own"
            help = "hand values on by `$FLOWCTL_OUTPUT`, or take a `matrix`, whose cells have paths"
            self.voice.at(NOT_CACHED, outputs[0], message, help)
        for one in (*inputs, *outputs):
            for text in texts_below("cache", one):
                message = "`${{ }}` is not computed here: what is compared is fixed before the run"
                help = "`{{ }}` takes what is known then, such as `{{ params.name }}`"
                span = text.node.at(text.opens, text.closes)
                self.voice.report.say(NO_RUNTIME, span, message, help=help, trace=text.node.trace)
        for output in outputs:
            for read in inputs:
                if _inside(self._normal(output), self._normal(read)):
                    message = (
                        f"`{output.value}` is among the inputs of its own step, `{read.value}`"
                    )
                    help = "name as inputs only what others make"
                    self.voice.at(OVERLAPPING, output, message, help)

    def _normal(self, node: ScalarNode) -> str:
        return normal(str(node.value), self.base)

    def of_streams(self) -> None:
        """Each run must write anew what it writes, of all that there is to read."""
        source = self.step.parts.source
        follow = source.node.get("follow") if source is not None else None
        if isinstance(follow, ScalarNode) and follow.value is True:
            # Then its sinks cannot but add.
            self._refuse(follow, "it follows its source without an end")
            return
        for part in self.step.parts.outputs:
            mode = part.node.get("mode")
            if isinstance(mode, ScalarNode) and mode.value == "append":
                self._refuse(mode, "each run adds to what stands here, so that none can be spared")
            elif part.arguments is not None and not self._written(part):
                self._refuse(part.node, "what goes to standard output cannot be taken from before")
        incremental = source.node.get("incremental") if source is not None else None
        if isinstance(incremental, ScalarNode) and incremental.value is True:
            self._refuse(incremental, "each run reads what none before has read, and nothing else")

    def _written(self, part: Part) -> tuple[str, ...]:
        return self.registry.sinks[part.kind].paths(part.arguments or {})

    def of_commands(self) -> None:
        """What is another value in each run makes each run another one."""
        action = self.step.parts.action
        for text in texts_below("", action.node) if action is not None else ():
            tree = parse(text.expression)
            for name in () if isinstance(tree, Fault) else walk(tree):
                if isinstance(name, Name) and _of_each_run(name):
                    span = text.node.at(text.start + name.start, text.start + name.end)
                    message = "this is another value in each run, so that the step would always run"
                    self.voice.report.say(
                        NOT_CACHED, span, message, help=_MEND, trace=text.node.trace
                    )

    def _refuse(self, node: Node, why: str) -> None:
        self.voice.at(
            NOT_CACHED, node, f"step `{self.step.step.name}` cannot be cached: {why}", _MEND
        )


def _of_each_run(name: Name) -> bool:
    parts = [part.text for part in name.parts]
    return parts[0] == "run" and len(parts) > 1 and parts[1] in _OF_EACH_RUN


def _paths(node: Node, key: str) -> Iterator[ScalarNode]:
    written = node.get(key) if isinstance(node, MappingNode) else None
    for item in written.items if isinstance(written, SequenceNode) else (written,):
        if isinstance(item, ScalarNode):
            yield item


def _inside(path: str, other: str) -> bool:
    """Whether a path is another one, or lies in the folder that this is."""
    return path == other or path.startswith(f"{other}/")
