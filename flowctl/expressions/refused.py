"""Functions of DuckDB that have no place in an expression over one record, and what to do."""

from __future__ import annotations

from typing import Final

AGGREGATES: Final[dict[str, str]] = {
    **dict.fromkeys(
        [
            "any_value",
            "approx_count_distinct",
            "arg_max",
            "arg_min",
            "array_agg",
            "avg",
            "bit_and",
            "bit_or",
            "bit_xor",
            "bool_and",
            "bool_or",
            "corr",
            "count",
            "count_if",
            "count_star",
            "covar_pop",
            "first",
            "fsum",
            "group_concat",
            "kurtosis",
            "last",
            "list",
            "mad",
            "max",
            "max_by",
            "mean",
            "median",
            "min",
            "min_by",
            "mode",
            "product",
            "quantile",
            "quantile_cont",
            "quantile_disc",
            "sem",
            "skewness",
            "std",
            "stddev",
            "stddev_pop",
            "stddev_samp",
            "string_agg",
            "sum",
            "sumkahan",
            "var_pop",
            "var_samp",
            "variance",
        ],
        "use the transform `aggregate`",
    ),
    **dict.fromkeys(
        [
            "row_number",
            "rank",
            "dense_rank",
            "percent_rank",
            "cume_dist",
            "ntile",
            "lag",
            "lead",
            "first_value",
            "last_value",
            "nth_value",
        ],
        "use the transform `window`",
    ),
    **dict.fromkeys(("unnest", "generate_subscripts"), "use the transform `explode`"),
}
HORIZONTAL: Final[dict[str, str]] = {
    "max": "greatest",
    "min": "least",
    "sum": "list_sum",
    "avg": "list_avg",
    "count": "len",
}
"""What the author may have meant where the aggregate has several arguments or a list."""

NOT_REPEATABLE: Final[dict[str, str]] = {
    **dict.fromkeys(
        ("current_date", "today", "get_current_time", "current_time", "localtime"),
        "`now()` is the logical time of the run: write `cast(now() as date)`",
    ),
    **dict.fromkeys(
        ("current_timestamp", "get_current_timestamp", "localtimestamp", "transaction_timestamp"),
        "`now()` is the logical time of the run",
    ),
    **dict.fromkeys(
        ("random", "setseed"), "take a stable sample by a key: `md5(key) < '1a'` is about a tenth"
    ),
    **dict.fromkeys(
        ("uuid", "gen_random_uuid", "uuidv4", "uuidv7"),
        "make a stable key from the record's own columns with `md5`",
    ),
    **dict.fromkeys(("nextval", "currval", "txid_current"), "number records with `window`"),
}
