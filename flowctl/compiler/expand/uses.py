"""`uses: other.yaml`: which workflow a step uses, and what it hands to the params of that one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from flowctl.codes.templates import TOO_LARGE
from flowctl.codes.workflows import HOOKS_OF_A_PART, USES_CYCLE, USES_RUNTIME
from flowctl.compiler.expand.scalars import traced
from flowctl.compiler.load import project_root, workflow_root
from flowctl.compiler.project import FileRefused, ProjectFiles
from flowctl.compiler.stages import Document, ExpandedStep, Project
from flowctl.compiler.texts import texts_below
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Frame, Related, Report
from flowctl.syntax.node import Entry, MappingNode, Node, ScalarNode, UnknownNode

KIND, WITH = "uses", "with"
MAX_STEPS = 20_000


@dataclass(frozen=True, slots=True)
class Use:
    """A step's use of the workflow at `path`, which the document at `user` calls `named`.

    `given` holds the values for params; all of them, if it is `known`.
    """

    step: str
    named: ScalarNode
    path: Path
    user: Path
    given: MappingNode
    known: bool = True

    def __str__(self) -> str:
        return str(self.named.value)


class TooManySteps(Exception):
    """Few files that use each other twice are many steps: the report says so."""


@dataclass(slots=True)
class Uses:
    """Finds the workflows that are used in a run, by `way` of the uses that led here."""

    report: Report
    _steps: int = 0

    def count(self, steps: int, use: Use) -> None:
        """Notes the steps of a workflow that is used; raises TooManySteps."""
        self._steps += steps
        if self._steps > MAX_STEPS:
            message = f"with this workflow more than {MAX_STEPS:,} steps are within others"
            self.report.say(TOO_LARGE, use.named.span, message, trace=use.named.trace)
            raise TooManySteps

    def of(
        self, step: ExpandedStep, user: Document, files: ProjectFiles, way: Sequence[Use]
    ) -> tuple[Use, Document] | None:
        """What a step uses; None where it uses nothing, or what cannot be used."""
        named = step.node.get(KIND)
        if not isinstance(named, ScalarNode) or not isinstance(named.value, str):
            return None
        use = self._use(step, named, user, files)
        if use is None or self._circular(use, way):
            return None
        try:
            tree = files.seen_from(user.project).tree(use.path, named.value)
        except FileRefused as refused:
            self._refused(refused, named)
            return None
        frame = Frame(KIND, named.value, named.span)
        root = workflow_root(traced(tree, (frame, *named.trace)), self.report)
        if root is None:
            return None
        folder = use.path.parent
        return use, Document(use.path, root, Project(project_root(folder), folder))

    def _use(
        self, step: ExpandedStep, named: ScalarNode, user: Document, files: ProjectFiles
    ) -> Use | None:
        if self._at_run_time(named):
            return None
        written = str(named.value)
        try:
            path = files.locate(written, named.span.file)
        except FileRefused as refused:
            self._refused(refused, named)
            return None
        handed = step.node.get(WITH)
        if handed is None:
            handed = MappingNode((), named.span, named.trace)
        if not isinstance(handed, MappingNode):
            empty = MappingNode((), named.span, named.trace)
            return Use(step.id, named, path, user.path, empty, known=False)
        entries = tuple(
            Entry(entry.key, UnknownNode(entry.value.span, entry.value.trace))
            if self._at_run_time(entry.value)
            else entry
            for entry in handed.entries
        )
        return Use(step.id, named, path, user.path, replace(handed, entries=entries))

    def _at_run_time(self, node: Node) -> bool:
        texts = list(texts_below("", node))
        for text in texts:
            message = "`${{ }}` is not known yet when a sub-workflow is compiled"
            help = "`{{ }}` takes what is known then, such as `{{ params.name }}`"
            span = text.node.at(text.opens, text.closes)
            self.report.say(USES_RUNTIME, span, message, help=help, trace=text.node.trace)
        return bool(texts)

    def _circular(self, use: Use, way: Sequence[Use]) -> bool:
        users = [one.user for one in (*way, use)]
        if use.path not in users:
            return False
        circle = [*way, use][users.index(use.path) :]
        first = min(range(len(circle)), key=lambda index: circle[index].named.span)
        circle = circle[first:] + circle[:first]
        shown = " → ".join(f"`{one}`" for one in [*circle, circle[0]])
        related = tuple(
            Related(one.named.span, f"which holds `{KIND}: {one}`") for one in circle[1:]
        )
        message = f"these workflows use each other in a circle: {shown}"
        if len(circle) == 1:
            message = f"`{use}` uses itself"
        self.report.say(USES_CYCLE, circle[0].named.span, message, related=related)
        return True

    def _refused(self, refused: FileRefused, named: ScalarNode) -> None:
        if refused.message:
            code, message, help = refused.code, refused.message, refused.help
            self.report.say(code, named.span, message, help=help, trace=named.trace)

    def refuse_hooks(self, root: MappingNode) -> None:
        """A workflow that is used is no run, whose end its hooks could wait for."""
        entry = root.entry("hooks")
        if entry is not None:
            message = "a workflow that another one uses is no run, and has no hooks of its own"
            help = "give them to the step that uses it"
            place, trace = entry.key.span, entry.key.trace
            self.report.say(HOOKS_OF_A_PART, place, message, help=help, trace=trace)
