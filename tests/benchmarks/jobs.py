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
    """One job for everyone: file formats as each of the three names them."""

    name: str
    source: str
    input: str
    sink: str
    output: str
    polars_scan: str
    polars_sink: str
    duckdb_scan: str
    duckdb_options: str

    def workflow(self) -> str:
        """The job as a workflow."""
        return WORKFLOW.format(
            source=self.source, input=self.input, sink=self.sink, output=f"flowctl.{self.output}"
        )

    def polars(self) -> str:
        """The job as a program for Polars' streaming engine."""
        scan = self.polars_scan.replace("TYPES", TYPES)
        sink = self.polars_sink.format(output=f"polars.{self.output}")
        return POLARS.format(scan=scan, sink=sink)

    def duckdb(self) -> str:
        """The job as a program for DuckDB."""
        return DUCKDB.format(
            scan=self.duckdb_scan, output=f"duckdb.{self.output}", options=self.duckdb_options
        )


_TO_PARQUET = (
    "parquet",
    "out.parquet",
)
_POLARS_PARQUET = 'sink_parquet("{output}", compression="zstd")'
_DUCKDB_PARQUET = "format parquet, compression zstd"

JOBS = (
    Job(
        "csv → parquet",
        "csv",
        "lines.csv",
        *_TO_PARQUET,
        'scan_csv("lines.csv", schema=TYPES)',
        _POLARS_PARQUET,
        "'lines.csv'",
        _DUCKDB_PARQUET,
    ),
    Job(
        "csv.gz → parquet",
        "csv",
        "lines.csv.gz",
        *_TO_PARQUET,
        'scan_csv("lines.csv.gz", schema=TYPES)',
        _POLARS_PARQUET,
        "'lines.csv.gz'",
        _DUCKDB_PARQUET,
    ),
    Job(
        "csv → csv",
        "csv",
        "lines.csv",
        "csv",
        "out.csv",
        'scan_csv("lines.csv", schema=TYPES)',
        'sink_csv("{output}")',
        "'lines.csv'",
        "format csv, header",
    ),
    Job(
        "ndjson → ndjson",
        "ndjson",
        "lines.ndjson",
        "ndjson",
        "out.ndjson",
        'scan_ndjson("lines.ndjson", schema=TYPES)',
        'sink_ndjson("{output}")',
        "'lines.ndjson'",
        "format json",
    ),
    Job(
        "parquet → parquet",
        "parquet",
        "lines.parquet",
        *_TO_PARQUET,
        'scan_parquet("lines.parquet")',
        _POLARS_PARQUET,
        "'lines.parquet'",
        _DUCKDB_PARQUET,
    ),
)
