"""Declarative pipelines on files: checked before they run."""
