"""What there is to run: a workflow that is compiled, or a plan that was written before."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from flowctl.api.compiled import Compiled
from flowctl.api.given import Given
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Diagnostic, Fault
from flowctl.errors import InvalidWorkflow, UsageError
from flowctl.ordinary import read_file
from flowctl.plan import Plan
from flowctl.plan_file import plan_from_json


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is to be run, as it is at a logical time.

    `document` names the file from the project's folder; data paths start at `base`. There is no
    plan where the document has faults; `diagnostics` are all that was found.
    """

    project: Path
    document: str
    base: Path
    plan: Plan | None
    diagnostics: tuple[Diagnostic, ...] = ()

    def known_plan(self) -> Plan:
        """The plan; raises InvalidWorkflow where there is none."""
        return plan_in(self.plan, self.diagnostics)


def plan_in(plan: Plan | None, diagnostics: tuple[Diagnostic, ...]) -> Plan:
    """The plan that a compilation made; raises InvalidWorkflow where it made none."""
    if plan is not None:
        return plan
    errors = [found for found in diagnostics if found.severity == "error"]
    more = f" (and {len(errors) - 1:,} more)" if len(errors) > 1 else ""
    why = f"{errors[0]}{more}" if errors else "there is no plan before this is known"
    raise InvalidWorkflow(why, diagnostics)


def is_plan(file: Path) -> bool:
    """Whether the file is a plan and no workflow, by its name."""
    return file.suffix == ".json"


def project_of(file: Path) -> Path:
    """The project's folder of a workflow or plan, whether the file is there or not."""
    from flowctl.compiler.load import project_root

    folder = file.absolute().parent
    return folder if is_plan(file) else project_root(folder)


def prepared(
    file: Path,
    given: Given,
    base: Path | None = None,
    compiled: Callable[[], Compiled] | None = None,
) -> Prepared:
    """What there is to run; raises UsageError where what is given does not go with the file.

    A workflow is compiled here, unless that is done by `compiled`. Raises InvalidWorkflow where a
    plan cannot be read.
    """
    if is_plan(file):
        if fixed := given.fixed_in_plans():
            raise UsageError(f"a plan is fixed: {', '.join(fixed)} cannot change it")
        folder = base or file.parent
        return Prepared(folder, _named(file, folder), folder, read_plan(file))
    if base is not None:
        raise UsageError("`--base` is for plans; a workflow's data paths start at its folder")
    found = compiled() if compiled is not None else compiled_now(file, given)
    document = _named(file, found.project)
    return Prepared(found.project, document, file.parent, found.plan, found.diagnostics)


def compiled_now(file: Path, given: Given) -> Compiled:
    """A workflow's compilation as a run needs it, with a value for each param."""
    from flowctl.api.compiling import compiled
    from flowctl.registry import builtin

    return compiled(file, given.inputs(complete=True), builtin())


def read_plan(file: Path) -> Plan:
    """The plan in a file; raises InvalidWorkflow."""
    try:
        found = plan_from_json(read_file(file).decode())
    except OSError as error:
        raise InvalidWorkflow(f"{file}: {(error.strerror or str(error)).lower()}") from error
    except UnicodeDecodeError as error:
        raise InvalidWorkflow(f"{file} is no plan: it is not UTF-8") from error
    if isinstance(found, Fault):
        mend = f"\n  help: {found.help}" if found.help else ""
        raise InvalidWorkflow(f"{file}: {found.message} [{found.code.id}]{mend}")
    return found


def _named(file: Path, project: Path) -> str:
    """A document's name, the same wherever the command stands and wherever the project lies."""
    return Path(os.path.relpath(file.absolute(), project.absolute())).as_posix()
