"""The wheel works by itself: installed into a fresh environment, used in an empty folder."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
import venv
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(*command: str | Path, cwd: Path) -> str:
    """What a command prints to stdout; without this checkout on its path."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    result = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
    return result.stdout


def imported(file: Path) -> Iterator[str]:
    """The top-level names that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def plain(distribution: str) -> str:
    """A distribution's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def test_what_is_imported_is_a_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = [*project["dependencies"], *project["optional-dependencies"]["otel"]]
    declared = {plain(re.split(r"[\[<>=~! ]", text)[0]) for text in needed}
    names = {name for file in (ROOT / "flowctl").rglob("*.py") for name in imported(file)}
    providers = packages_distributions()
    missing = {
        name
        for name in names - sys.stdlib_module_names - {"flowctl"}
        if declared.isdisjoint(map(plain, providers.get(name, ())))
    }
    assert missing == set()


@pytest.mark.slow
def test_wheel_in_a_fresh_environment(tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    pip = (sys.executable, "-m", "pip")
    run(*pip, "wheel", "-q", "--no-deps", "-w", wheels, ROOT, cwd=tmp_path)
    (wheel,) = wheels.glob("flowctl-*.whl")
    # The pip that is here installs into the other environment, and compiles nothing that is not
    # imported: half of the time.
    venv.create(tmp_path / "venv", with_pip=False)
    scripts = tmp_path / "venv" / "bin"
    into = (*pip, "--python", scripts / "python")
    run(*into, "install", "-q", "--no-compile", wheel, cwd=tmp_path)
    project = tmp_path / "project"
    project.mkdir()
    flowctl = scripts / "flowctl"
    assert run(flowctl, "--version", cwd=project).startswith("flowctl ")
    assert '"properties"' in run(flowctl, "schema", cwd=project)
    assert '"properties"' in run(flowctl, "schema", "plan", cwd=project)
    run(flowctl, "init", "--template", "pipeline", cwd=project)
    assert "ok" in run(flowctl, "validate", "pipeline.yaml", cwd=project)
    run(flowctl, "run", "pipeline.yaml", cwd=project)
    assert (project / "build" / "orders.parquet").stat().st_size > 0
    typed = run(
        scripts / "python",
        "-c",
        "import flowctl; from importlib.resources import files;"
        "print(files('flowctl').joinpath('py.typed').is_file(), flowctl.__file__)",
        cwd=project,
    )
    assert typed.startswith("True")
    assert str(tmp_path / "venv") in typed
