"""Finds which steps need which, and puts them into an order.

A step needs another one because it says so (`needs`), reads its records (`source: {step: ...}`),
names it in an expression, or reads a path that the other one writes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from flowctl.codes.branches import NO_ONE_STREAM
from flowctl.codes.names import CYCLE, NO_RECORDS, OWN_OUTPUT, WRITTEN_TWICE
from flowctl.codes.templates import MATRIX_EMPTY_CELL
from flowctl.compiler.anatomy import Anatomy, Part, anatomy
from flowctl.compiler.graph import order
from flowctl.compiler.mentions import mentions
from flowctl.compiler.needs import Names, Need, Resolver
from flowctl.compiler.nesting import nested
from flowctl.compiler.paths import PathIndex, Use, normal
from flowctl.compiler.stages import Expanded, ExpandedStep, Linked, LinkedStep
from flowctl.compiler.texts import runtime_texts, texts_below
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Related, Report
from flowctl.registry import Registry
from flowctl.syntax.node import Node, Pointer, ScalarNode, SequenceNode

Feeds: TypeAlias = "dict[Pointer, dict[str, tuple[Use, ...]]]"
"""For each source of a step, by its pointer: the paths that it reads, and who writes them."""


@dataclass(frozen=True, slots=True)
class _Linker:
    """Links the steps of one workflow, whose paths start at `base`."""

    base: str
    registry: Registry
    report: Report
    resolver: Resolver
    parting: frozenset[str]

    @classmethod
    def of(
        cls, expanded: Expanded, registry: Registry, report: Report, parting: frozenset[str]
    ) -> _Linker:
        resolver = Resolver(Names.of(expanded), report)
        base = str(expanded.document.project.base)
        return cls(base, registry, report, resolver, parting)

    def needs(self, step: ExpandedStep, parts: Anatomy, feeds: Feeds) -> list[Need]:
        """All reasons for which a step needs others, in the order in which they are looked for."""
        return [
            *self.resolver.stated(step, step.node.get("needs")),
            *(need for source in parts.sources for need in self._by_source(step, source)),
            *self._by_expressions(step, parts),
            *self._by_paths(step, parts, feeds),
        ]

    def feeds(self, step: ExpandedStep, parts: Anatomy, index: PathIndex) -> Feeds:
        """What a step reads, each path with those who write it; its own output is a fault."""
        found: Feeds = {}
        for source in parts.sources:
            written: dict[str, tuple[Use, ...]] = {}
            for use in self._read(step, source):
                writers = index.feeding(use.path)
                for writer in writers:
                    if writer.step == step.id:
                        self._own_output(step, use, writer)
                written[use.text] = tuple(writers)
            found[source.pointer] = written
        return found

    def written(self, step: ExpandedStep, parts: Anatomy) -> Iterator[Use]:
        """The paths that a step's sinks write."""
        for part in parts.outputs:
            if part.arguments is not None:
                paths = self.registry.sinks[part.kind].paths(part.arguments)
                yield from self._uses(step, part, paths)

    def _by_source(self, step: ExpandedStep, source: Part) -> Iterator[Need]:
        if source.kind != "step":
            return
        named = source.node.get("step")
        for name in named.items if isinstance(named, SequenceNode) else (named,):
            if not isinstance(name, ScalarNode):
                continue
            cells = self.resolver.names.cells.get(str(name.value), ())
            if any(cell.node.get("source") is None for cell in cells):
                message = f"step `{name.value}` has no records: it has no `source` itself"
                help = "read the file that it writes, and name the step in `needs`"
                self.report.say(NO_RECORDS, name.span, message, help=help, trace=name.trace)
                continue
            if any(cell.id in self.parting for cell in cells):
                message = f"the records of step `{name.value}` go on in branches"
                help = "read the file that the branch writes: then the step is needed by itself"
                self.report.say(NO_ONE_STREAM, name.span, message, help=help, trace=name.trace)
                continue
            why = f"reads the records of `{name.value}`"
            yield from self.resolver.named(step, str(name.value), name, name.span, why, True)

    def _by_expressions(self, step: ExpandedStep, parts: Anatomy) -> Iterator[Need]:
        for text in runtime_texts(step.node, [part.node for part in parts.actions]):
            for name, cell, start, end in mentions(text.expression):
                full = name if cell is None else f"{name}[{cell}]"
                if full in self.resolver.names.declared:
                    span = text.node.at(text.start + start, text.start + end)
                    why = f"names it in `{text.key}`"
                    # What a command is told about a step is part of what the command does.
                    reads = text.key != "if"
                    yield from self.resolver.named(step, full, text.node, span, why, reads)
        yield from self._by_hooks(step, parts)

    def _by_hooks(self, step: ExpandedStep, parts: Anatomy) -> Iterator[Need]:
        """A hook may name its own step; what else it names it needs."""
        for moment, part in parts.hooks:
            for text in texts_below(moment, part.node):
                for name, cell, start, end in mentions(text.expression):
                    full = name if cell is None else f"{name}[{cell}]"
                    if name != step.name and full in self.resolver.names.declared:
                        span = text.node.at(text.start + start, text.start + end)
                        why = f"its hook `{moment}` names it"
                        yield from self.resolver.named(step, full, text.node, span, why, False)

    def _by_paths(self, step: ExpandedStep, parts: Anatomy, feeds: Feeds) -> Iterator[Need]:
        for source in parts.sources:
            for text, writers in feeds[source.pointer].items():
                for writer in writers:
                    if writer.step != step.id:
                        why = f"reads `{text}`, which `{writer.step}` writes"
                        yield Need(writer.step, why, _place_of(source, text).span, True)

    def _read(self, step: ExpandedStep, source: Part) -> Iterator[Use]:
        if source.arguments is not None:
            paths = self.registry.sources[source.kind].paths(source.arguments)
            yield from self._uses(step, source, paths)

    def _uses(self, step: ExpandedStep, part: Part, paths: tuple[str, ...]) -> Iterator[Use]:
        for text in paths:
            yield Use(step.id, part, normal(text, self.base), text, _place_of(part, text))

    def _own_output(self, step: ExpandedStep, use: Use, writer: Use) -> None:
        message = f"step `{step.local}` reads `{use.text}`, which it writes itself"
        related = Related(writer.node.span, f"`{writer.text}` is written here")
        help = "write to another path, or keep the source away from it"
        self.report.say(
            OWN_OUTPUT, use.node.span, message, help=help, related=(related,), trace=use.node.trace
        )


def link(expanded: Expanded, registry: Registry, report: Report) -> Linked:
    """The graph of the steps; what is wrong with it goes into the report."""
    steps: dict[str, tuple[ExpandedStep, Expanded]] = {}
    for step, workflow in expanded.everything():
        if step.id in steps:
            _report_twin(step, report)
        steps.setdefault(step.id, (step, workflow))
    parts = {id: anatomy(step.node, registry) for id, (step, _) in steps.items()}
    parting = frozenset(id for id, one in parts.items() if one.limbs)
    linkers = {
        workflow.within: _Linker.of(workflow, registry, report, parting)
        for workflow in expanded.workflows()
    }
    uses = [
        use
        for step, workflow in steps.values()
        for use in linkers[workflow.within].written(step, parts[step.id])
    ]
    index = PathIndex.of(uses)
    _report_conflicts(index, uses, {id: step.within for id, (step, _) in steps.items()}, report)
    feeds: dict[str, Feeds] = {}
    needs: dict[str, list[Need]] = {}
    for step, workflow in steps.values():
        linker, own = linkers[workflow.within], parts[step.id]
        feeds[step.id] = linker.feeds(step, own, index)
        needs[step.id] = linker.needs(step, own, feeds[step.id])
    if expanded.used:
        needs = nested([step for step, _ in steps.values()], needs)
    found = order([*steps], {step: list(_distinct(reasons)) for step, reasons in needs.items()})
    for cycle in found.cycles:
        _report_cycle(cycle, needs, report)
    place = {step: index for index, step in enumerate(found.nodes)}
    return Linked(
        expanded,
        tuple(
            LinkedStep(
                *steps[step],
                needs=_in_order(needs[step], place),
                reads=_in_order([need for need in needs[step] if need.reads], place),
                parts=parts[step],
                writers=feeds[step],
            )
            for step in found.nodes
        ),
    )


def _report_twin(step: ExpandedStep, report: Report) -> None:
    """A value of a matrix may look as if the step of another cell were within it."""
    message = f"two steps come out as `{step.id}`"
    help = "leave `]/` out of the values of the matrix"
    report.say(MATRIX_EMPTY_CELL, step.key.span, message, help=help, trace=step.key.trace)


def _in_order(needs: list[Need], place: dict[str, int]) -> tuple[str, ...]:
    return tuple(sorted(_distinct(needs), key=place.__getitem__))


def _distinct(needs: list[Need]) -> dict[str, Need]:
    """The needed steps, each with the first reason that was found."""
    found: dict[str, Need] = {}
    for need in needs:
        found.setdefault(need.step, need)
    return found


def _report_conflicts(
    index: PathIndex, uses: list[Use], workflows: Mapping[str, str], report: Report
) -> None:
    """One fault for each place and path, however many cells of a matrix write there."""
    seen: set[tuple[object, str]] = set()
    for first, second in index.conflicts(uses):
        if (second.node.span, second.path) in seen:
            continue
        seen.add((second.node.span, second.path))
        who = f"step `{first.step}`" if first.step != second.step else "this step"
        if first.path == second.path:
            message = f"`{second.text}` is written twice: {who} writes it too"
        else:
            message = f"`{second.text}` lies inside `{first.text}`, which {who} writes as a whole"
        same = first.node.span == second.node.span
        help = "give each sink a path of its own"
        if same and workflows[first.step] != workflows[second.step]:
            help = "the workflow is used more than once: put a param of it into the path"
        elif same:
            help = "put what tells the cells apart into it: `{{ matrix.… }}`"
        report.say(
            WRITTEN_TWICE,
            second.node.span,
            message,
            help=help,
            related=() if same else (Related(first.node.span, f"{who} writes it here"),),
            trace=second.node.trace,
        )


def _report_cycle(cycle: tuple[str, ...], needs: dict[str, list[Need]], report: Report) -> None:
    links = [
        _distinct(needs[step])[following]
        for step, following in zip(cycle, (*cycle[1:], cycle[0]), strict=True)
    ]
    shown = " -> ".join(f"`{step}`" for step in (*cycle, cycle[0]))
    related = tuple(
        Related(link.span, f"`{step}` needs `{link.step}`: {link.why}")
        for step, link in zip(cycle, links, strict=True)
    )
    message = f"these steps wait for each other: {shown}"
    help = "take the link away that is not meant"
    report.say(CYCLE, links[0].span, message, help=help, related=related)


def _place_of(part: Part, text: str) -> Node:
    """The scalar that holds a path of a component's main argument."""
    node = part.node.get(part.kind)
    if isinstance(node, SequenceNode):
        node = next(
            (item for item in node if isinstance(item, ScalarNode) and item.value == text), node
        )
    return node if node is not None else part.node
