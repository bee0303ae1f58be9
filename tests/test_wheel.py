"""The wheel works by itself: installed into a fresh environment, used in an empty folder."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(*command: str | Path, cwd: Path) -> str:
    """What a command prints to stdout; without this checkout on its path."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    result = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
    return result.stdout


@pytest.mark.slow
def test_wheel_in_a_fresh_environment(tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", wheels, ROOT, cwd=tmp_path)
    (wheel,) = wheels.glob("flowctl-*.whl")
    venv.create(tmp_path / "venv", with_pip=True)
    scripts = tmp_path / "venv" / "bin"
    run(scripts / "python", "-m", "pip", "install", "-q", wheel, cwd=tmp_path)
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
