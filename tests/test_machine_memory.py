"""The memory that a run may take: control groups of both versions, and the smallest of all."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowctl.memory import LEAST, _limits, bytes_of


def limits(folder: Path, groups: str) -> list[int]:
    (folder / "cgroup").write_text(groups)
    return sorted(_limits(folder / "cgroup", folder / "sys"))


def test_a_group_and_those_above_it_limit(tmp_path: Path) -> None:
    inner, outer = tmp_path / "sys" / "a" / "b", tmp_path / "sys" / "a"
    inner.mkdir(parents=True)
    (inner / "memory.max").write_text("max\n")
    (outer / "memory.max").write_text("1000\n")
    assert limits(tmp_path, "0::/a/b\n") == [1000]


def test_the_first_version_has_a_folder_for_each_controller(tmp_path: Path) -> None:
    folder = tmp_path / "sys" / "memory" / "x"
    folder.mkdir(parents=True)
    (folder / "memory.limit_in_bytes").write_text("2000\n")
    (folder.parent / "memory.limit_in_bytes").write_text("9223372036854771712\n")
    found = limits(tmp_path, "9:cpu:/x\n4:memory:/x\n0::/\n")
    assert found == [2000, 9223372036854771712]


def test_in_a_container_the_limit_stands_at_the_mount(tmp_path: Path) -> None:
    (tmp_path / "sys").mkdir()
    (tmp_path / "sys" / "memory.max").write_text("3000\n")
    assert limits(tmp_path, "0::/system.slice/docker-1.scope\n") == [3000]


def test_no_groups_no_limits(tmp_path: Path) -> None:
    assert list(_limits(tmp_path / "none", tmp_path)) == []


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("4GiB", 4 << 30),
        ("500MB", 500_000_000),
        ("500 mb", 500_000_000),
        ("0.5TiB", 1 << 39),
        ("12.5%", 1 << 37),
        ("0.0001%", LEAST),
        ("4", None),
        ("4G", None),
        ("-1GB", None),
        ("0%", None),
        ("101%", None),
        ("63MiB", None),
        ("much", None),
        ("", None),
    ],
)
def test_sizes(text: str, size: int | None) -> None:
    assert bytes_of(text, 1 << 40) == size
