"""Where a run was done, and with what: enough to tell two runs apart that should be equal."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Final

from flowctl import __version__
from flowctl.dataclass import dataclass

PACKAGES: Final = ("polars", "numpy", "zstandard", "deflate", "isal", "xxhash", "jsonschema-rs")
_PATIENCE: Final = 2.0
"""Seconds for which git is waited for."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """A process that has worked on a run; `dirty` tells that files differ from the commit."""

    host: str
    pid: int
    platform: str
    python: str
    packages: dict[str, str] = field(default_factory=dict)
    commit: str | None = None
    dirty: bool | None = None


def provenance(project: Path, environment: Mapping[str, str]) -> Provenance:
    """That of this process and of a project's folder."""
    import platform
    import socket

    commit, dirty = _git(project, environment)
    return Provenance(
        socket.gethostname(),
        os.getpid(),
        f"{platform.system()} {platform.machine()}",
        platform.python_version(),
        {"flowctl": __version__} | {name: found for name in PACKAGES if (found := _version(name))},
        commit,
        dirty,
    )


def _version(package: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _git(project: Path, environment: Mapping[str, str]) -> tuple[str | None, bool | None]:
    """The commit that the folder is at, and whether files that git knows differ from it."""
    if not any((folder / ".git").exists() for folder in (project, *project.parents)):
        return None, None
    import subprocess

    command = ["git", "status", "--porcelain=v2", "--branch", "--untracked-files=no"]
    try:
        told = subprocess.run(
            command,
            cwd=project,
            # Looking must not change the repository, nor wait for one that somebody changes.
            env={**environment, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"},
            capture_output=True,
            timeout=_PATIENCE,
            check=True,
            stdin=subprocess.DEVNULL,
        ).stdout.decode(errors="replace")
    except (OSError, subprocess.SubprocessError):
        return None, None
    lines = told.splitlines()
    found = [line.split()[2] for line in lines if line.startswith("# branch.oid ")]
    commit = found[0] if found and found[0] != "(initial)" else None
    return commit, any(not line.startswith("#") for line in lines)
