"""The jobs, each written for flowctl and, as plainly as it goes, for its peers."""

from __future__ import annotations

from dataclasses import dataclass

TYPES = """{
    "orderkey": pl.Int64, "partkey": pl.Int64, "suppkey": pl.Int64, "linenumber": pl.Int64,
    "quantity": pl.Float64, "extendedprice": pl.Float64, "discount": pl.Float64, "tax": pl.Float64,
    "returnflag": pl.String, "linestatus": pl.String, "shipdate": pl.Date, "commitdate": pl.Date,
    "receiptdate": pl.Date, "shipinstruct": pl.String, "shipmode": pl.String, "comment": pl.String,
}"""

WORKFLOW = """\
flowctl: 1
name: bench
steps:
  lines:
    source: {{{source}: {input}}}
    transforms:
      - filter: quantity < 25 and shipdate > date '1994-01-01'
      - derive:
          net: extendedprice * (1 - discount)
          gross: extendedprice * (1 - discount) * (1 + tax)
          year: year(shipdate)
      - select: [orderkey, returnflag, shipmode, net, gross, year]
    sink: {{{sink}: {output}}}
"""

POLARS = """\
import polars as pl
lines = pl.{scan}
net = pl.col("extendedprice") * (1 - pl.col("discount"))
(
    lines.filter((pl.col("quantity") < 25) & (pl.col("shipdate") > pl.date(1994, 1, 1)))
    .select(
        "orderkey", "returnflag", "shipmode", net.alias("net"),
        (net * (1 + pl.col("tax"))).alias("gross"),
        pl.col("shipdate").dt.year().cast(pl.Int64).alias("year"),
    )
    .{sink}
)
"""

DUCKDB = """\
import duckdb
duckdb.sql('''
    copy (
        select orderkey, returnflag, shipmode, extendedprice * (1 - discount) as net,
               extendedprice * (1 - discount) * (1 + tax) as gross, year(shipdate) as year
        from {scan}
        where quantity < 25 and shipdate > date '1994-01-01'
    ) to '{output}' ({options})
''')
"""


@dataclass(frozen=True, slots=True)
class Job:
    """One job for everyone: a workflow, and programs that do the same.

    Each writes `<contender>.<output>` in the format `form`. Where `by` names columns, the peers
    leave their records in another order, and are compared in that of these columns.
    """

    name: str
    form: str
    output: str
    workflow: str
    polars: str
    duckdb: str
    by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Format:
    """A format to read or write, as each of the three names it."""

    kind: str
    ending: str
    scan: str
    sink: str
    options: str


_CSV = _Format("csv", "csv", "scan_csv", "sink_csv({})", "format csv, header")
_NDJSON = _Format("ndjson", "ndjson", "scan_ndjson", "sink_ndjson({})", "format json")
_PARQUET = _Format(
    "parquet",
    "parquet",
    "scan_parquet",
    'sink_parquet({}, compression="zstd")',
    "format parquet, compression zstd",
)


def _job(source: _Format, sink: _Format, packed: str = "") -> Job:
    input, output = f"lines.{source.ending}{packed}", f"out.{sink.ending}"
    schema = "" if source is _PARQUET else f", schema={TYPES}"
    return Job(
        f"{source.kind}{packed} → {sink.kind}",
        sink.kind,
        output,
        WORKFLOW.format(
            source=source.kind, input=input, sink=sink.kind, output=f"flowctl.{output}"
        ),
        POLARS.format(
            scan=f'{source.scan}("{input}"{schema})', sink=sink.sink.format(f'"polars.{output}"')
        ),
        DUCKDB.format(scan=f"'{input}'", output=f"duckdb.{output}", options=sink.options),
    )


STREAMING = (
    _job(_CSV, _PARQUET),
    _job(_CSV, _PARQUET, ".gz"),
    _job(_CSV, _CSV),
    _job(_NDJSON, _NDJSON),
    _job(_PARQUET, _PARQUET),
)
"""Jobs in which each record leaves as soon as it has come."""
