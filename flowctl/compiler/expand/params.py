"""`params`: declared by JSON Schemas, given by `-p`, a file, the environment or their default."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import field, replace
from pathlib import Path

from flowctl.codes.templates import (
    BAD_PARAM,
    MISSING_PARAM,
    RUNTIME_IN_PARAM,
    UNKNOWN_PARAM,
)
from flowctl.compiler.expand.names import Names
from flowctl.compiler.expand.scalars import located
from flowctl.compiler.expand.tree import Expander
from flowctl.compiler.expand.typing import Untypable, typed
from flowctl.compiler.expand.uses import Use
from flowctl.compiler.load import unreadable
from flowctl.compiler.stages import Inputs
from flowctl.compiler.validate import Judge
from flowctl.component import JsonSchema
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Diagnostic, Related, Report, nearest
from flowctl.expressions.scope import NOT_YET_KNOWN, Constant, NotYet
from flowctl.schema.judge import compile_schema
from flowctl.schema.walk import Walk
from flowctl.schema.wording import TYPE_WORDS, type_of
from flowctl.syntax import parse, read_source
from flowctl.syntax.node import Entry, Json, MappingNode, Node, ScalarNode, UnknownNode, to_json

AT_RUN_TIME = "${{"
OWN_KEYS = ("default", "env")


@dataclass(frozen=True, slots=True)
class Params:
    """The values of the params; NOT_YET_KNOWN where there is none. `places` are the defaults'."""

    values: dict[str, Constant] = field(default_factory=dict)
    places: dict[str, Node] = field(default_factory=dict)
    schemas: MappingNode | None = None


@dataclass(frozen=True, slots=True)
class _Given:
    """A value; a message begins with its `source` where no place in a file shows it."""

    node: Node
    source: str = ""
    outside: bool = False


@dataclass(frozen=True, slots=True)
class _Declaration:
    entry: Entry
    schema: JsonSchema | None
    default: Node | None
    variable: str | None
    node: Node

    @property
    def name(self) -> str:
        return self.entry.name


@dataclass(slots=True)
class ParamReader:
    """Finds, types and judges the value of each param; `use` hands them to a sub-workflow."""

    inputs: Inputs
    expander: Expander
    names: Names
    judge: Judge
    report: Report
    use: Use | None = None

    def read(self, written: MappingNode | None) -> Params:
        """The values of all declared params, by what the world hands in."""
        entries = written.entries if written is not None else ()
        declared = [self._declaration(entry) for entry in entries]
        file = self._file()
        self._unknown([one.name for one in declared], file)
        values: dict[str, Constant] = {}
        places: dict[str, Node] = {}
        for one in declared:
            value, place = self._value(one, file)
            values[one.name] = value
            if place is not None:
                places[one.name] = place
        schemas = None
        if written is not None:
            rebuilt = tuple(Entry(one.entry.key, one.node) for one in declared)
            schemas = replace(written, entries=rebuilt)
        return Params(values, places, schemas)

    def _declaration(self, entry: Entry) -> _Declaration:
        node = (
            self.expander.head(entry.value, self.names) if _borrowed(entry.value) else entry.value
        )
        node = self.expander.bundler.rendered(node, self.names)
        judged = self.judge.strict(node, "param", Entry(entry.key, node))
        if judged is not node or not isinstance(node, MappingNode):
            return _Declaration(entry, None, None, None, node)
        default = node.get("default")
        if default is not None:
            default = self.expander.expand(default, self.names)
        rest = MappingNode(
            tuple(below for below in node.entries if below.name not in OWN_KEYS),
            node.span,
            node.trace,
        )
        schema = self.expander.bundler.bundle(rest, self.names)
        variable = node.get("env")
        name = variable.value if isinstance(variable, ScalarNode) else None
        plain = None if isinstance(schema, UnknownNode) else to_json(schema)
        return _Declaration(
            entry,
            plain if isinstance(plain, dict) else None,
            default,
            name if isinstance(name, str) else None,
            node,
        )

    def _file(self) -> MappingNode | None:
        """What the file of params holds, if there is one."""
        path = self.inputs.params_file
        tree = _tree(path, self.report) if path is not None else None
        if tree is None or isinstance(tree, MappingNode):
            return tree
        message = f"a file of params must be a mapping, not {TYPE_WORDS[type_of(tree)]}"
        self.report.say(BAD_PARAM, tree.span, message)
        return None

    def _unknown(self, declared: list[str], file: MappingNode | None) -> None:
        for entry in self.use.given if self.use is not None else ():
            if entry.name not in declared:
                message = f"`{self.use}` has no param `{entry.name}`"
                help, trace = _meant(entry.name, declared), entry.key.trace
                self.report.say(UNKNOWN_PARAM, entry.key.span, message, help=help, trace=trace)
        for entry in file.entries if file is not None else ():
            if entry.name not in declared:
                message = f"there is no param `{entry.name}`"
                help = _meant(entry.name, declared)
                self.report.say(UNKNOWN_PARAM, entry.key.span, message, help=help)
        for name in self.inputs.params:
            if name not in declared:
                message = f"`-p {name}=...`: there is no param `{name}`"
                self.report.say(UNKNOWN_PARAM, None, message, help=_meant(name, declared))
        for name in self.inputs.values:
            if name not in declared:
                message = f"there is no param `{name}`"
                self.report.say(UNKNOWN_PARAM, None, message, help=_meant(name, declared))

    def _value(self, one: _Declaration, file: MappingNode | None) -> tuple[Constant, Node | None]:
        """The value of a param and, where the document gives it, its place."""
        given = next(self._given(one, file), None)
        if given is None:
            if one.schema is not None:
                self._missing(one)
            return NOT_YET_KNOWN, None
        if isinstance(given.node, UnknownNode) or one.schema is None:
            return NOT_YET_KNOWN, None
        if (given.outside and self._evaluates(one, given)) or not self._fits(one, given):
            return NOT_YET_KNOWN, None
        return to_json(given.node, NOT_YET_KNOWN), None if given.outside else given.node

    def _given(self, one: _Declaration, file: MappingNode | None) -> Iterator[_Given]:
        """The values for a param, the strongest first."""
        handed = self.use.given.get(one.name) if self.use is not None else None
        if handed is not None:
            yield _Given(handed)
        text = self.inputs.params.get(one.name)
        if text is not None:
            yield self._typed(one, text, f"`-p {one.name}={_short(text)}`: ")
        if one.name in self.inputs.values:
            value = located(self.inputs.values[one.name], ScalarNode(None, one.entry.key.span), ())
            yield _Given(value, f"the value given for `{one.name}`: ", outside=True)
        node = file.get(one.name) if file is not None else None
        if node is not None:
            yield _Given(node, outside=True)
        if one.variable is not None and one.variable in self.inputs.environment:
            text = self.inputs.environment[one.variable]
            yield self._typed(one, text, f"the variable `{one.variable}`: ")
        if one.default is not None:
            yield _Given(one.default)

    def _typed(self, one: _Declaration, text: str, source: str) -> _Given:
        place = one.entry.key.span
        try:
            value = typed(text, one.schema or {})
        except Untypable as error:
            message = f"{source}`{one.name}` must be {error}"
            trace = one.entry.key.trace
            self.report.say(BAD_PARAM, place, message, help=error.help, trace=trace)
            return _Given(UnknownNode(place), source, outside=True)
        return _Given(located(value, ScalarNode(None, place), ()), source, outside=True)

    def _evaluates(self, one: _Declaration, given: _Given) -> bool:
        if AT_RUN_TIME not in _texts(to_json(given.node)):
            return False
        message = f"{given.source}the value of `{one.name}` holds `{AT_RUN_TIME}`"
        help = "a value from outside is never evaluated; write the expression into the workflow"
        self.report.say(RUNTIME_IN_PARAM, given.node.span, message, help=help)
        return True

    def _fits(self, one: _Declaration, given: _Given) -> bool:
        trial = Walk(Report())
        try:
            check = compile_schema(one.schema or {})
            check(given.node, Entry(one.entry.key, given.node), trial)
        except re.error as error:
            return self._unfit(one, f"holds a pattern that cannot be read: {error}")
        except RecursionError:
            return self._unfit(one, "refers to itself without end, or nests too deep")
        for fault in trial.report:
            # How to write it in a document is no help for who writes it on a command line.
            help = None if given.source else fault.help
            message = given.source + fault.message
            self.report.add(replace(fault, code=BAD_PARAM, message=message, help=help))
        return not len(trial.report)

    def _unfit(self, one: _Declaration, why: str) -> bool:
        self.report.say(BAD_PARAM, one.entry.key.span, f"the schema of `{one.name}` {why}")
        return False

    def _missing(self, one: _Declaration) -> None:
        if self.use is not None:
            self._not_handed(one, self.use)
            return
        code = MISSING_PARAM
        if self.inputs.complete:
            code = replace(code, severity="error")
        message = f"the param `{one.name}` has no value"
        help = f"give it with `-p {one.name}=...`"
        if one.variable is not None:
            help += f" or with the environment variable `{one.variable}`"
        self.report.add(Diagnostic(code, message, one.entry.key.span, help))

    def _not_handed(self, one: _Declaration, use: Use) -> None:
        if not use.known:
            return
        code = replace(MISSING_PARAM, severity="error")
        message = f"`{use}` needs a value for its param `{one.name}`"
        help = f"add `with: {{{one.name}: ...}}`"
        related = (Related(one.entry.key.span, "it is declared here"),)
        place, trace = use.named.span, use.named.trace
        self.report.add(Diagnostic(code, message, place, help, related, trace))


def _borrowed(node: Node) -> bool:
    """Whether a whole declaration is a reference; within a JSON Schema `$ref` means its own."""
    return isinstance(node, MappingNode) and node.names() == ["$ref"]


def _tree(path: Path, report: Report) -> Node | None:
    try:
        source = read_source(path)
    except OSError as error:
        report.add(unreadable(path, error))
        return None
    if isinstance(source, Diagnostic):
        report.add(source)
        return None
    return parse(source, report)


def _texts(value: Json | NotYet) -> str:
    """All texts of a value, one a line."""
    if isinstance(value, dict):
        return "\n".join([*value, *map(_texts, value.values())])
    if isinstance(value, list):
        return "\n".join(map(_texts, value))
    return value if isinstance(value, str) else ""


def _meant(name: str, declared: list[str]) -> str | None:
    near = nearest(name, declared)
    if near:
        return f"did you mean `{near}`?"
    return f"there are {', '.join(f'`{one}`' for one in declared)}" if declared else None


def _short(text: str) -> str:
    line = text.splitlines()[0] if text else ""
    return line if len(line) <= 40 and line == text else f"{line[:37]}..."
