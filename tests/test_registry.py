"""Components are found where they lie, and plug-ins by entry points."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from flowctl.component import Spec, Transform
from flowctl.registry import PACKAGES, BrokenComponent, Registry, builtin


def test_each_file_below_kinds_is_one_component() -> None:
    registry = builtin()
    tables = (registry.sources, registry.transforms, registry.sinks, registry.actions)
    for package, table in zip(PACKAGES, tables, strict=True):
        found = import_module(package)
        names = {module.name for module in pkgutil.iter_modules(found.__path__)}
        assert set(table) == names


def test_two_components_of_one_kind_are_refused() -> None:
    limit = builtin().transforms["limit"]
    with pytest.raises(BrokenComponent, match="two transforms have the kind `limit`"):
        Registry.of([limit, limit])


def test_tables_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        builtin().transforms["x"] = builtin().transforms["limit"]  # type: ignore[index]


PLUGIN = """\
from dataclasses import replace
from flowctl.kinds.transforms.limit import COMPONENT as LIMIT
COMPONENT = replace(LIMIT, spec=replace(LIMIT.spec, kind="head"))
"""


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A distribution with the entry point `head = head_plugin`."""
    info = tmp_path / "head_plugin-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: head-plugin\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[flowctl.kinds]\nhead = head_plugin\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "head_plugin", raising=False)
    return tmp_path / "head_plugin.py"


def test_an_entry_point_adds_a_component(plugin: Path) -> None:
    plugin.write_text(PLUGIN)
    found = builtin().transforms["head"]
    assert isinstance(found, Transform)
    assert isinstance(found.spec, Spec)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("1 / 0\n", r"the plug-in `head` \(head_plugin\) cannot be loaded: division by zero"),
        ("import nowhere_at_all\n", "cannot be loaded: No module named 'nowhere_at_all'"),
        ("x = 1\n", r"the plug-in `head` \(head_plugin\) is no component"),
        ("COMPONENT = 5\n", r"the plug-in `head` \(head_plugin\) is no component"),
    ],
)
def test_a_broken_plugin_is_named(plugin: Path, code: str, message: str) -> None:
    plugin.write_text(code)
    with pytest.raises(BrokenComponent, match=message):
        list(builtin().transforms)


def test_a_kind_is_loaded_without_the_others() -> None:
    code = (
        "import sys\n"
        "from flowctl.registry import builtin\n"
        "builtin().sources['csv'], builtin().sinks['parquet'], 'sort' in builtin().transforms\n"
        "print(*(name for name in sys.modules if name.startswith('flowctl.kinds.')), sep='\\n')\n"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name for name in told.stdout.split() if name not in PACKAGES}
    assert loaded == {"flowctl.kinds.sources.csv", "flowctl.kinds.sinks.parquet"}
