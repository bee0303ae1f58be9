"""Polars, imported when the first expression is lowered: checking never needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl
else:

    class _Polars:
        """Stands for the module until something of it is used."""

        def __getattr__(self, name: str) -> object:
            import polars

            found = getattr(polars, name)
            setattr(self, name, found)
            return found

    pl = _Polars()

__all__ = ["pl"]
