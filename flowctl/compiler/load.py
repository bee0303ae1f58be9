"""The first pass: from a path to a located tree that claims to be a workflow."""

from __future__ import annotations

import os
from pathlib import Path

from flowctl.codes.environment import NO_SUCH_FILE, UNREADABLE
from flowctl.codes.schema import NOT_A_MAPPING, VERSION
from flowctl.compiler.stages import Document, Project
from flowctl.diagnostics import Diagnostic, Report, nearest
from flowctl.schema.grammar import VERSION as KNOWN_VERSION
from flowctl.schema.wording import TYPE_WORDS, type_of
from flowctl.syntax import SourceFile, parse, read_source
from flowctl.syntax.node import MappingNode, Node, ScalarNode, UnknownNode

PROJECT_FILE = "flowctl.toml"
_PLAN_KEYS = {"digest", "checksum", "format", "steps"}


def load(path: Path, report: Report) -> Document | None:
    """Reads a workflow; None where there is none to be read, and then the report says why."""
    try:
        source = read_source(path)
    except OSError as error:
        report.add(unreadable(path, error))
        return None
    if isinstance(source, Diagnostic):
        report.add(source)
        return None
    return load_source(source, Path(os.path.abspath(path)), report)


def load_source(source: SourceFile, path: Path, report: Report) -> Document | None:
    """A workflow from text that is already read, as if it stood at `path`."""
    tree = parse(source, report)
    root = workflow_root(tree, report) if tree is not None else None
    if root is None:
        return None
    base = path.parent
    return Document(path, root, Project(project_root(base), base))


def workflow_root(tree: Node, report: Report) -> MappingNode | None:
    """The tree, if it claims to be a workflow; else the report says why not."""
    if isinstance(tree, UnknownNode):
        return None
    if not isinstance(tree, MappingNode):
        message = f"a workflow must be a mapping, not {TYPE_WORDS[type_of(tree)]}"
        help = "begin with `flowctl: 1`, `name: ...` and `steps: ...`"
        report.say(NOT_A_MAPPING, tree.span, message, help=help, trace=tree.trace)
        return None
    if "flowctl" not in tree.names() and _PLAN_KEYS.issubset(tree.names()):
        help = "`flowctl run` runs it; validate the workflow that it was made from"
        place, message = tree.entries[0].key.span, "this is a plan, not a workflow"
        report.say(VERSION, place, message, help=help, trace=tree.trace)
        return None
    return tree if known_version(tree, report) else None


def unreadable(path: Path, error: OSError) -> Diagnostic:
    """Why a file of the workflow cannot be read."""
    if isinstance(error, FileNotFoundError):
        folder = path.parent
        names = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
        near = nearest(path.name, names)
        help = f"did you mean `{near}`?" if near else None
        return Diagnostic(NO_SUCH_FILE, f"there is no file `{path.as_posix()}`", help=help)
    reason = error.strerror or str(error)
    return Diagnostic(UNREADABLE, f"`{path.as_posix()}` cannot be read: {reason.lower()}")


def known_version(root: MappingNode, report: Report) -> bool:
    """Whether the rest of the document can be understood."""
    entry = root.entry("flowctl")
    help = f"write `flowctl: {KNOWN_VERSION}`"
    if entry is None:
        place = root.entries[0].key.span if root.entries else root.span
        message = "the document does not say the version of its language"
        report.say(VERSION, place, message, help=f"{help} at its top", trace=root.trace)
        return True
    node: Node = entry.value
    if isinstance(node, ScalarNode) and node.value == KNOWN_VERSION and node.value is not True:
        return True
    whole = isinstance(node, ScalarNode) and type(node.value) is int
    if whole and isinstance(node, ScalarNode) and int(node.value or 0) > KNOWN_VERSION:
        message = f"this is written in version {node.value}; this flowctl knows {KNOWN_VERSION}"
        report.say(VERSION, node.span, message, help="use a newer flowctl", trace=node.trace)
        return False
    message = f"the version must be the number {KNOWN_VERSION}"
    report.say(VERSION, node.span, message, help=help, trace=node.trace)
    return True


def project_root(base: Path) -> Path:
    """The nearest folder from the workflow's own upwards with a `flowctl.toml`, else its own."""
    for folder in (base, *base.parents):
        if (folder / PROJECT_FILE).is_file():
            return folder
    return base
