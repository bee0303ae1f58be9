"""Rejects that were mended run once more, and are added to what was published.

`rejected` reads them, `outstanding` remembers which are still to come, `plans` makes a plan of
them, and `source` reads their records where the step's own source would read its files.
"""
