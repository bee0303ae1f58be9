"""Jobs that must see all records before any leaves, each written for flowctl and its peers."""

from __future__ import annotations

from tests.benchmarks.jobs import TYPES, Job

_WORKFLOW = """\
flowctl: 1
name: bench
steps:
  lines:
    source: {{csv: lines.csv}}
    transforms:
{transforms}
    sink: {{parquet: flowctl.out.parquet}}
"""

_POLARS = """\
import polars as pl
lines = pl.scan_csv("lines.csv", schema={types})
suppliers = pl.scan_csv("suppliers.csv")
(
    {query}
).sink_parquet("polars.out.parquet", compression="zstd")
"""

_DUCKDB = """\
import duckdb
duckdb.sql('''
    copy ({query}) to 'duckdb.out.parquet' (format parquet, compression zstd)
''')
"""

_SUMS = """
      - aggregate:
          lines: count(*)
          total: sum(extendedprice)
          quantity: sum(quantity)
          last: max(shipdate)
        by: [{key}]
"""
_POLARS_SUMS = """
    lines.group_by("{key}")
    .agg(
        pl.len().cast(pl.Int64).alias("lines"), pl.sum("extendedprice").alias("total"),
        pl.sum("quantity"), pl.max("shipdate").alias("last"),
    )
    .sort("{key}")
"""
_DUCKDB_SUMS = """
    select {key}, count(*) as lines, sum(extendedprice) as total, sum(quantity) as quantity,
           max(shipdate) as last
    from 'lines.csv' group by {key} order by {key}
"""


def _job(name: str, transforms: str, polars: str, duckdb: str, *, by: str = "") -> Job:
    return Job(
        name,
        "parquet",
        "out.parquet",
        _WORKFLOW.format(transforms=transforms.strip("\n")),
        _POLARS.format(types=TYPES, query=polars.strip()),
        _DUCKDB.format(query=duckdb.strip()),
        by=tuple(by.split()),
    )


GATHERING = (
    _job(
        "group-by, 2M groups",
        _SUMS.format(key="partkey"),
        _POLARS_SUMS.format(key="partkey"),
        _DUCKDB_SUMS.format(key="partkey"),
    ),
    _job(
        "group-by, orders",
        _SUMS.format(key="orderkey"),
        _POLARS_SUMS.format(key="orderkey"),
        _DUCKDB_SUMS.format(key="orderkey"),
    ),
    _job(
        "group-by, 6 groups",
        """
      - aggregate:
          lines: count(*)
          quantity: sum(quantity)
          total: sum(extendedprice)
          discount: avg(discount)
        by: [returnflag, linestatus]
""",
        """
    lines.group_by("returnflag", "linestatus")
    .agg(
        pl.len().cast(pl.Int64).alias("lines"), pl.sum("quantity"),
        pl.sum("extendedprice").alias("total"), pl.mean("discount"),
    )
    .sort("returnflag", "linestatus")
""",
        """
    select returnflag, linestatus, count(*) as lines, sum(quantity) as quantity,
           sum(extendedprice) as total, avg(discount) as discount
    from 'lines.csv' group by all order by returnflag, linestatus
""",
    ),
    _job(
        "dedupe",
        """
      - select: [orderkey, linenumber, partkey, shipdate, shipmode, extendedprice]
      - dedupe: [partkey]
""",
        """
    lines.select("orderkey", "linenumber", "partkey", "shipdate", "shipmode", "extendedprice")
    .unique("partkey", keep="first", maintain_order=True)
""",
        """
    select arg_min(orderkey, place) as orderkey, arg_min(linenumber, place) as linenumber,
           partkey, arg_min(shipdate, place) as shipdate, arg_min(shipmode, place) as shipmode,
           arg_min(extendedprice, place) as extendedprice
    from (select *, 4 * orderkey + linenumber as place from 'lines.csv')
    group by partkey
""",
        by="orderkey linenumber",
    ),
    _job(
        "sort",
        "      - sort: [-extendedprice, orderkey]",
        """
    lines.sort("extendedprice", "orderkey", descending=[True, False], maintain_order=True)
""",
        "select * from 'lines.csv' order by extendedprice desc, orderkey, linenumber",
    ),
    _job(
        "join, 100k rows",
        """
      - join: {csv: suppliers.csv}
        on: [suppkey]
      - select: [orderkey, linenumber, partkey, shipmode, extendedprice, supplier, balance]
""",
        """
    lines.join(suppliers, on="suppkey", maintain_order="left")
    .select(
        "orderkey", "linenumber", "partkey", "shipmode", "extendedprice", "supplier", "balance"
    )
""",
        """
    select orderkey, linenumber, partkey, shipmode, extendedprice, supplier, balance
    from 'lines.csv' join 'suppliers.csv' using (suppkey)
""",
        by="orderkey linenumber",
    ),
)
"""Records leave in the order of the workflow's promise; `by` puts those of the peers into it."""
