"""How blocking transforms hold more records than fit into memory, and give them back in order.

`order` says in which order, and `packing` finds it quickly. `spill` keeps runs of records in files,
`parts` a run wherever it is, `merging` merges sorted parts by ranges, `sorting` and `folding` are
the two ways to gather: an external sort, and a fold of partial results along a tree whose shape
depends on the number of splits alone.
"""
