"""The files of the project that make up a function: its module and all that this one imports.

They are found by reading alone. What is imported by a name that is computed is not found.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from flowctl.ordinary import read_file

LARGEST: Final = 1_000_000
"""Bytes of a module that is still read."""


def module_file(module: str, root: Path) -> Path | None:
    """The file of a module, as Python would find it; only inside of the project."""
    base = root.joinpath(*module.split("."))
    for path in (base / "__init__.py", base.with_suffix(".py")):
        try:
            if path.is_file() and path.resolve().is_relative_to(root.resolve()):
                return path
        except (OSError, RuntimeError):
            continue
    return None


def modules_of(path: Path, module: str, root: Path) -> dict[str, bytes]:
    """The text of a module and of those that it leads to, by their paths from the project's folder.

    What cannot be read is left out.
    """
    seen: dict[str, bytes] = {}
    waiting = [(path, module)]
    for above in _above(module):
        package = module_file(above, root)
        waiting += [(package, above)] if package is not None else []
    while waiting:
        file, name = waiting.pop()
        shown = file.relative_to(root).as_posix()
        if shown in seen:
            continue
        try:
            seen[shown] = read_file(file, LARGEST)
            tree = ast.parse(seen[shown])
        except (OSError, SyntaxError, ValueError):
            continue
        parent = name if file.name == "__init__.py" else name.rpartition(".")[0]
        for imported in _imported(tree, parent):
            below = module_file(imported, root)
            if below is not None:
                waiting.append((below, imported))
    return dict(sorted(seen.items()))


def _imported(tree: ast.Module, package: str) -> Iterator[str]:
    """The names under which modules are imported anywhere in a module, packages above them too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _above(alias.name)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".") if package else []
            start = parents[: len(parents) - node.level + 1] if node.level else []
            base = ".".join([*start, *([node.module] if node.module else [])])
            if base:
                yield from _above(base)
            for alias in node.names:
                yield f"{base}.{alias.name}" if base else alias.name


def _above(name: str) -> Iterator[str]:
    parts = name.split(".")
    for count in range(1, len(parts) + 1):
        yield ".".join(parts[:count])
