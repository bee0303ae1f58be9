"""What all tests share."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that writes what is expected of file pairs."""
    parser.addoption("--update", action="store_true", help="write the .out files of tests/err")
