"""The folders that travel with the package: JSON Schemas and project templates."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path


def folder(name: str) -> Traversable:
    """A folder of the installed package, or of the checkout that the package is run from."""
    installed = files("flowctl").joinpath("_data", name)
    if installed.is_dir():
        return installed
    return Path(__file__).parents[2] / name
