"""The third pass: everything that is known at compile time is put in place.

In this order: the profile is laid over the document; params get their values; variables may use
params and each other; then each step, with the defaults under it, is expanded once for each cell
of its matrix. A fault makes the one value unknown that it stands in, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal, cast

from flowctl.codes.templates import UNKNOWN_PROFILE
from flowctl.compiler.expand.bundle import Bundler
from flowctl.compiler.expand.evaluate import Evaluator
from flowctl.compiler.expand.functions import date, functions
from flowctl.compiler.expand.names import Names
from flowctl.compiler.expand.params import ParamReader
from flowctl.compiler.expand.references import References
from flowctl.compiler.expand.scalars import Renderer, traced
from flowctl.compiler.expand.steps import StepMaker
from flowctl.compiler.expand.tree import Expander
from flowctl.compiler.expand.usage import warn_of_unused
from flowctl.compiler.expand.uses import TooManySteps, Use, Uses
from flowctl.compiler.expand.variables import Variables
from flowctl.compiler.load import known_version
from flowctl.compiler.project import ProjectFiles
from flowctl.compiler.stages import Document, Expanded, ExpandedStep, Inputs
from flowctl.compiler.validate import Judge, validate
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Frame, Report, nearest
from flowctl.expressions.scope import Constant, NotYet
from flowctl.plan import Secret
from flowctl.syntax.node import Entry, Json, MappingNode, Node, ScalarNode, to_json

_LACKING = {
    "params": "`params` cannot be used here: params get their values after this",
    "vars": "`vars` cannot be used here: variables get their values after this",
    "matrix": "there is no matrix here: `matrix` is known in the steps that have one",
}
_ABOUT = ("name", "description", "labels")
# Under these keys almost anything may stand; it is judged where it is used.
_OPEN = ("vars", "defaults", "profiles")


def expand(document: Document, inputs: Inputs, judge: Judge, report: Report) -> Expanded:
    """Expands a document; what cannot be computed is unknown, and the report says why."""
    files = ProjectFiles(document.project, report)
    return _Expansion.of(document, inputs, judge, files, Uses(report)).run()


@dataclass(slots=True)
class _Expansion:
    document: Document
    inputs: Inputs
    judge: Judge
    report: Report
    files: ProjectFiles
    expander: Expander
    uses: Uses
    way: tuple[Use, ...]

    @classmethod
    def of(
        cls,
        document: Document,
        inputs: Inputs,
        judge: Judge,
        files: ProjectFiles,
        uses: Uses,
        way: tuple[Use, ...] = (),
    ) -> _Expansion:
        report = judge.report
        evaluator = Evaluator(lambda holder: functions(files, holder), {"date": date})
        renderer = Renderer(evaluator, report)
        references = References(files, renderer, report)
        bundler = Bundler(files, renderer, report)
        expander = Expander(references, renderer, report, bundler)
        return cls(document, inputs, judge, report, files, expander, uses, way)

    def run(self) -> Expanded:
        timestamp = self.inputs.timestamp.isoformat().replace("+00:00", "Z")
        workflow: dict[str, object] = {"timestamp": timestamp}
        early = Names({"workflow": workflow}, {}, _LACKING)
        root = self._profiled(self.document.root, early)
        use = self.way[-1] if self.way else None
        if use is not None:
            self.uses.refuse_hooks(root)
        reader = ParamReader(self.inputs, self.expander, early, self.judge, self.report, use)
        params = reader.read(self._mapping(root, "params", early))
        names = Names(
            {"params": params.values, "workflow": workflow},
            {"params": params.places},
            {"matrix": _LACKING["matrix"]},
        )
        declared = self._mapping(root, "vars", names)
        variables = Variables.of(declared, self.expander, self.report, names)
        names = variables.seen_from(names)
        constants = {"params": params.values, "vars": variables.constants(), "workflow": workflow}

        about = {name: self._expanded(root, name, names) for name in _ABOUT}
        secrets = self._expanded(root, "secrets", names)
        resources = self._expanded(root, "resources", names)
        hooks = self._expanded(root, "hooks", names)
        outputs = self._expressions(root, "outputs", names)
        within = use.step if use is not None else ""
        maker = StepMaker(self.expander, self.judge, self.report, root, names, within)
        steps = tuple(maker.steps())
        if use is not None:
            self.uses.count(len(steps), use)
        changed = {
            **about,
            "secrets": secrets,
            "resources": resources,
            "hooks": hooks,
            "outputs": outputs,
            "params": params.schemas,
            "steps": maker.judged,
        }
        self._judge(root, changed, names)
        warn_of_unused(root, self.files.trees.values(), self.report)
        used = self._used(steps)
        return Expanded(
            document=self.document,
            name=_text(about["name"]) or self.document.path.stem,
            params=_known(params.values),
            constants=constants,  # type: ignore[arg-type]  # a mapping of plain values
            secrets=tuple(_secrets(secrets)),
            resources=resources if isinstance(resources, MappingNode) else None,
            hooks=hooks if isinstance(hooks, MappingNode) else None,
            steps=steps,
            about=_described(about),
            dependencies=(self.document.path, *self._others()),
            outputs=outputs if isinstance(outputs, MappingNode) else None,
            within=within,
            used=used,
        )

    def _used(self, steps: Iterable[ExpandedStep]) -> Mapping[str, Expanded]:
        """The workflows that steps use, by the ids of the steps; none where they are too many."""
        try:
            return dict(self._expanded_uses(steps))
        except TooManySteps:
            if self.way:
                raise
            return {}

    def _expanded_uses(self, steps: Iterable[ExpandedStep]) -> Iterator[tuple[str, Expanded]]:
        """Each workflow that is used, as it is with what the step hands to it."""
        inputs = replace(self.inputs, params={}, params_file=None, values={})
        for step in steps:
            found = self.uses.of(step, self.document, self.files, self.way)
            if found is not None:
                use, document = found
                validate(document, self.judge)
                files, way = self.files.seen_from(document.project), (*self.way, use)
                part = _Expansion.of(document, inputs, self.judge, files, self.uses, way)
                yield step.id, part.run()

    def _profiled(self, root: MappingNode, names: Names) -> MappingNode:
        """The document with the chosen profile laid over it; it is what `#/...` points into."""
        self.files.trees[root.span.file] = root
        chosen = self.inputs.profile
        if chosen is None:
            return root
        profiles = self._mapping(root, "profiles", names)
        entry = profiles.entry(chosen) if profiles is not None else None
        if entry is None and self.way:
            return root
        if entry is None:
            known = profiles.names() if profiles is not None else []
            near = nearest(chosen, known)
            listed = ", ".join(f"`{name}`" for name in known)
            help = f"did you mean `{near}`?" if near else (f"there are {listed}" if known else None)
            place = root.entry("profiles")
            span = place.key.span if place is not None else None
            self.report.say(UNKNOWN_PROFILE, span, f"there is no profile `{chosen}`", help=help)
            return root
        patch = traced(entry.value, (Frame("profile", chosen, entry.key.span),))
        laid = self.expander.overlay(root, patch, names)
        if isinstance(laid, MappingNode):
            if laid.get("flowctl") is not root.get("flowctl"):
                known_version(laid, self.report)
            root = replace(laid, span=root.span)
            self.files.trees[root.span.file] = root
        return root

    def _mapping(self, root: MappingNode, name: str, names: Names) -> MappingNode | None:
        node = root.get(name)
        head = self.expander.head(node, names) if node is not None else None
        return head if isinstance(head, MappingNode) else None

    def _expanded(self, root: MappingNode, name: str, names: Names) -> Node | None:
        node = root.get(name)
        return self.expander.expand(node, names) if node is not None else None

    def _expressions(self, root: MappingNode, name: str, names: Names) -> Node | None:
        node, guide = root.get(name), self.judge.guide(name)
        return self.expander.expand(node, names, guide) if node is not None else None

    def _judge(self, root: MappingNode, changed: dict[str, Node | None], names: Names) -> None:
        """Judges strictly what has changed, and what was put off before."""
        entries: list[Entry] = []
        for entry in root.entries:
            value = changed.get(entry.name)
            if entry.name in _OPEN:
                value = self.expander.head(entry.value, names)
            entries.append(entry if value is None else Entry(entry.key, value))
        self.judge.strict(MappingNode(tuple(entries), root.span, root.trace))

    def _others(self) -> Iterator[Path]:
        yield from self.files.read
        if self.inputs.params_file is not None:
            yield self.inputs.params_file


def _secrets(node: Node | None) -> Iterator[Secret]:
    for entry in node.entries if isinstance(node, MappingNode) else ():
        sources: tuple[Literal["env", "file"], ...] = ("env", "file")
        for source in sources:
            place = entry.value.get(source) if isinstance(entry.value, MappingNode) else None
            if isinstance(place, ScalarNode) and isinstance(place.value, str):
                yield Secret(entry.name, source, place.value)


def _known(values: Mapping[str, Constant]) -> dict[str, Json]:
    known = {name: value for name, value in values.items() if not isinstance(value, NotYet)}
    return cast("dict[str, Json]", known)


def _described(about: Mapping[str, Node | None]) -> dict[str, Json]:
    """What people read about the workflow, besides its name."""
    return {name: to_json(node) for name, node in about.items() if node and name != "name"}


def _text(node: Node | None) -> str | None:
    value: Json = to_json(node) if node is not None else None
    return value if isinstance(value, str) and value else None
