"""What `import flowctl` offers, and what it costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import flowctl
from flowctl.interpreter.eventjson import EVENTS


def loaded(code: str) -> set[str]:
    """The modules that are loaded once some code has run."""
    code += "\nimport sys; print(*sys.modules)"
    return set(subprocess.check_output([sys.executable, "-c", code], text=True).split())


def test_the_import_loads_nothing_else() -> None:
    more = loaded("import flowctl") - loaded("import __future__, typing")
    assert more == {"flowctl"}


def test_to_validate_loads_no_engine(tmp_path: Path) -> None:
    path = tmp_path / "flow.yaml"
    path.write_text("flowctl: 1\nsteps: {a: {run: make}}\n", encoding="utf-8")
    modules = loaded(f"import flowctl; assert flowctl.validate({str(path)!r}) == ()")
    assert not modules.intersection({"polars", "click", "rich", "flowctl.cli"})
    assert not [name for name in modules if name.startswith("flowctl.interpreter")]


def test_all_names_are_there() -> None:
    names = set(dir(flowctl)) - {"__version__"}
    assert {
        "validate",
        "compile",
        "run",
        "Run",
        "Event",
        *(kind.__name__ for kind in EVENTS),
    } <= names
    for name in sorted(names - {"Event"}):
        assert getattr(flowctl, name).__doc__, name
    with pytest.raises(AttributeError, match="'validat'"):
        getattr(flowctl, "validat")  # noqa: B009
