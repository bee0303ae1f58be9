"""Streams that go through blocking transforms: what is written, and what becomes of each record."""
