"""`flowctl init [DIR]`: a new project that runs."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from importlib.resources.abc import Traversable
from pathlib import Path

import click

from flowctl.cli import data, render
from flowctl.errors import UsageError


def templates() -> dict[str, Traversable]:
    """The project templates by name, sorted."""
    found = (entry for entry in data.folder("templates").iterdir() if entry.is_dir())
    return {entry.name: entry for entry in sorted(found, key=lambda entry: entry.name)}


def summary(template: Traversable) -> str:
    """What a template is: the first line of text below the title of its README."""
    lines = template.joinpath("README.md").read_text(encoding="utf-8").splitlines()
    return next((line for line in lines[1:] if line.strip()), "")


class _Init(click.Command):
    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Templates"):
            formatter.write_dl([(name, summary(one)) for name, one in templates().items()])


@click.command(cls=_Init, short_help="Start a project from a template.")
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path))
@click.option("--template", default="pipeline", show_default=True, help="What to start from.")
def init(folder: Path, template: str) -> None:
    """Start a project in DIR (this folder, where none is given) from a template.

    Files that exist are never overwritten.
    """
    known = templates()
    if template not in known:
        names = ", ".join(f"`{name}`" for name in known)
        raise UsageError(f"there is no template `{template}`; there are {names}")
    files = dict(_files(known[template], Path()))
    _refuse_to_overwrite(folder, files)
    for path, file in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as new:
            new.write(file.read_bytes())
    render.console().err.write(_next_steps(folder, files))


def _files(entry: Traversable, path: Path) -> Iterator[tuple[Path, Traversable]]:
    for below in sorted(entry.iterdir(), key=lambda one: one.name):
        if below.is_dir():
            yield from _files(below, path / below.name)
        elif not below.name.startswith("."):
            yield path / below.name, below


def _refuse_to_overwrite(folder: Path, files: dict[Path, Traversable]) -> None:
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file, and a project needs a folder")
    taken = [str(path) for path in files if (folder / path).exists()]
    if taken:
        raise UsageError(
            f"{folder} already holds {', '.join(taken)}, and `init` never overwrites; "
            "name another folder"
        )


def _next_steps(folder: Path, files: dict[Path, Traversable]) -> str:
    workflow = next(path for path in files if path.suffix in (".yaml", ".toml"))
    lines = [f"created {folder / path}" for path in files] + ["", "next:"]
    if folder.resolve() != Path.cwd():
        lines.append(f"  cd {shlex.quote(str(folder))}")
    lines += [f"  flowctl {verb} {workflow}" for verb in ("validate", "run")]
    return "\n".join(lines) + "\n"
