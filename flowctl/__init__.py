"""Declarative pipelines on files: checked before they run."""

__version__ = "0.1.0"
