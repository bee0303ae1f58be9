"""Finds `module:function` below the project's folder by reading alone: nothing is imported."""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal, TypeAlias

from flowctl.codes.names import NO_FUNCTION, NO_MODULE
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Fault, nearest
from flowctl.ordinary import read_file
from flowctl.workers.imports import LARGEST, module_file, modules_of

PATTERN: Final = r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$"
"""How a function is named: `module:function`, `package.module:function`."""

Kind: TypeAlias = Literal["positional", "named", "either", "positionals", "rest"]
Definition: TypeAlias = "ast.FunctionDef | ast.AsyncFunctionDef"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One of a function: `rest` is `**kwargs`, `positionals` is `*args`."""

    name: str
    kind: Kind
    required: bool


@dataclass(frozen=True, slots=True)
class Code:
    """A function and where it stands; `file` is absolute.

    `parameters` are None where the name is not that of a plain `def`. `digest` changes with the
    bytes of the module, or of a module of the project that it imports.
    """

    module: str
    function: str
    file: Path
    line: int
    parameters: tuple[Parameter, ...] | None
    generator: bool
    digest: str

    def takes(self, count: int) -> bool:
        """Whether it can be called with so many values and nothing else."""
        if self.parameters is None:
            return True
        slots = [one for one in self.parameters if one.kind in ("positional", "either")]
        more = any(one.kind == "positionals" for one in self.parameters)
        least = sum(one.required for one in slots)
        lacking = any(one.kind == "named" and one.required for one in self.parameters)
        return not lacking and least <= count and (more or count <= len(slots))

    @property
    def signature(self) -> str:
        """As it is written: `convert(frame, *, rate)`; without defaults and types."""
        return f"{self.function}({', '.join(_written(self.parameters or ()))})"


def find_code(text: str, root: Path) -> Code | Fault:
    """The function that `module:function` names, or what is wrong; `root` is the project's folder.

    Its place in the text is where the fault points to.
    """
    module, _, function = text.partition(":")
    if re.fullmatch(PATTERN, text) is None:
        help = "it is written `module:function`, as in `cleaning.flights:tidy`"
        return Fault(NO_MODULE, f"`{text}` names no function", help=help)
    path = module_file(module, root)
    if path is None:
        return _no_module(module, root)
    try:
        tree = ast.parse(read_file(path, LARGEST))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        return Fault(NO_MODULE, f"`{_shown(path, root)}` cannot be read: {reason}",
                     start=0, end=len(module))  # fmt: skip
    except (SyntaxError, ValueError) as error:
        syntax = error if isinstance(error, SyntaxError) else None
        place = f":{syntax.lineno}" if syntax and syntax.lineno else ""
        reason = syntax.msg if syntax is not None else str(error)
        message = f"`{_shown(path, root)}{place}` is no Python: {reason}"
        return Fault(NO_MODULE, message, start=0, end=len(module))
    names = dict(_names(tree.body))
    found = names.get(function)
    start = len(module) + 1
    if found is None:
        close = nearest(function, names)
        meant = f"did you mean `{close}`?" if close else None
        message = f"`{_shown(path, root)}` has no function `{function}`"
        return Fault(NO_FUNCTION, message, start=start, end=len(text), help=meant)
    if isinstance(found, ast.ClassDef | ast.AsyncFunctionDef):
        what = "a class" if isinstance(found, ast.ClassDef) else "an `async` function"
        message = f"`{function}` is {what}; a plain function is called here"
        return Fault(NO_FUNCTION, message, start=start, end=len(text))
    definition = found if isinstance(found, ast.FunctionDef) else None
    return Code(
        module,
        function,
        path,
        found.lineno,
        _parameters(definition) if definition is not None else None,
        definition is not None and _yields(definition),
        _digest(path, module, root),
    )


def _no_module(module: str, root: Path) -> Fault:
    head, _, last = module.rpartition(".")
    folder = root.joinpath(*head.split(".")) if head else root
    known = [name for name, _ in _modules(folder)]
    close = nearest(last, known)
    dotted = f"{head}.{close}" if head else close
    help = f"did you mean `{dotted}`?" if close else f"modules start at `{root.name}/`"
    there = "/".join(module.split("."))
    message = f"there is no module `{module}`: the project has no `{there}.py`"
    return Fault(NO_MODULE, message, start=0, end=len(module), help=help)


def _modules(folder: Path) -> Iterator[tuple[str, Path]]:
    try:
        found = sorted(folder.iterdir())
    except OSError:
        return
    for path in found:
        if path.suffix == ".py" and path.stem.isidentifier():
            yield path.stem, path
        elif path.name.isidentifier() and path.is_dir() and not path.name.startswith("_"):
            yield path.name, path


def _shown(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def _names(body: list[ast.stmt]) -> Iterator[tuple[str, ast.stmt]]:
    """What the statements of a module bind, those below `if` and `try` too; later ones win."""
    for statement in body:
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield statement.name, statement
            case ast.Import() | ast.ImportFrom():
                for alias in statement.names:
                    yield (alias.asname or alias.name.partition(".")[0]), statement
            case ast.Assign():
                for target in statement.targets:
                    if isinstance(target, ast.Name):
                        yield target.id, statement
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name, statement
            case ast.If() | ast.Try() | ast.With():
                for part in ("body", "handlers", "orelse", "finalbody"):
                    for below in getattr(statement, part, []):
                        if isinstance(below, ast.ExceptHandler):
                            yield from _names(below.body)
                        else:
                            yield from _names([below])


def _parameters(function: ast.FunctionDef) -> tuple[Parameter, ...]:
    given = function.args
    places = [*given.posonlyargs, *given.args]
    without = len(places) - len(given.defaults)
    found = [
        Parameter(
            one.arg,
            "positional" if index < len(given.posonlyargs) else "either",
            required=index < without,
        )
        for index, one in enumerate(places)
    ]
    if given.vararg is not None:
        found.append(Parameter(given.vararg.arg, "positionals", required=False))
    found += [
        Parameter(one.arg, "named", required=default is None)
        for one, default in zip(given.kwonlyargs, given.kw_defaults, strict=True)
    ]
    if given.kwarg is not None:
        found.append(Parameter(given.kwarg.arg, "rest", required=False))
    return tuple(found)


def _written(parameters: tuple[Parameter, ...]) -> Iterator[str]:
    bare = any(one.kind == "positionals" for one in parameters)
    for one in parameters:
        if one.kind == "named" and not bare:
            yield "*"
            bare = True
        prefix = {"positionals": "*", "rest": "**"}.get(one.kind, "")
        yield prefix + one.name


def _yields(function: ast.AST) -> bool:
    """Whether the function itself, not one inside of it, is a generator."""
    inner = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
    return any(
        isinstance(child, ast.Yield | ast.YieldFrom)
        or (not isinstance(child, inner) and _yields(child))
        for child in ast.iter_child_nodes(function)
    )


def _digest(path: Path, module: str, root: Path) -> str:
    """A SHA-256 over the module, and over those of the project that it leads to."""
    whole = hashlib.sha256()
    for shown, data in modules_of(path, module, root).items():
        whole.update(f"{shown}\0{len(data)}\0".encode() + data)
    return f"sha256:{whole.hexdigest()}"
