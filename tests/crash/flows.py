"""Streams over every source, transform and sink, small enough to be killed at each operation."""

from __future__ import annotations

import bz2
import gzip
import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Literal, TypeAlias, cast

import polars as pl
import pyarrow.ipc as ipc

from flowctl.interpreter.handing import read_by
from flowctl.interpreter.runs import RunRecord, Runs
from flowctl.plan import Branch, Cache, Check, OnError, Operation, Plan, Step, Stream
from flowctl.plan_file import sealed
from flowctl.store.identity import Identity
from flowctl.syntax.node import Json

MOMENT = datetime(2024, 2, 29, 12, tzinfo=UTC)
ROWS = 300
HALVING = """
def halve(frame):
    return frame.filter(frame["n"] % 2 == 0).select(half=frame["n"] // 2)
"""
YIELDING = """
import polars as pl

def numbers(last):
    for n in range(0, last, 30):
        yield pl.DataFrame({"n": range(n, n + 30)}).with_columns(text=pl.format("text {}", "n"))
        yield [{"n": str(n)}, {"n": -n, "text": "one of few"}]
"""
FIRST = 100
"""Rows of the first of two files; a split takes about as many."""


def op(kind: str, argument: object, on_error: OnError = "fail", /, **options: object) -> Operation:
    return Operation(kind, cast("dict[str, Json]", {kind: argument, **options}), on_error)


def write_inputs(base: Path) -> None:
    """The files that the flows read; every 50th record of `bad.csv` is at fault."""
    lines = [f"{n},{n * 7919 % 23},text {n % 5}\n" for n in range(ROWS)]
    head = "n,key,text\n"
    (base / "in").mkdir()
    (base / "in" / "a.csv").write_text(head + "".join(lines[:FIRST]))
    (base / "in" / "b.csv").write_text(head + "".join(lines[FIRST:]))
    (base / "all.csv.gz").write_bytes(gzip.compress((head + "".join(lines)).encode(), mtime=0))
    bad = [line if n % 50 else "x" + line for n, line in enumerate(lines)]
    (base / "bad.csv").write_text(head + "".join(bad))
    frame = pl.read_csv((head + "".join(lines)).encode())
    frame.write_ndjson(base / "all.ndjson")
    _write_further(base / "more", frame)
    Runs(base / ".flowctl").begin(RunRecord("run", "flow", Identity("flow.yaml"), MOMENT))
    frame.write_parquet(base / "all.parquet", row_group_size=FIRST)
    (base / "halving.py").write_text(HALVING)
    (base / "yielding.py").write_text(YIELDING)
    (base / "lines.txt").write_text("".join(lines))
    old = base / "old"
    for number in (0, 7):
        (old / "data" / f"text=text%20{number}").mkdir(parents=True)
        part = old / "data" / f"text=text%20{number}" / f"part-0000{number}.ndjson"
        part.write_text(f'{{"n":-{number},"key":0}}\n')
    (old / "a.csv").write_text(head + "-1,0,no newline behind it")
    (old / "b.ndjson.gz").write_bytes(gzip.compress(b'{"n":0,"key":-1,"text":""}\n', mtime=0))


def _write_further(folder: Path, frame: pl.DataFrame) -> None:
    """The same records packed, as a JSON array, and as a folder of Arrow files."""
    for name in ("set/k=1", "set/k=__HIVE_DEFAULT_PARTITION__"):
        (folder / name).mkdir(parents=True)
    (folder / "all.ndjson.bz2").write_bytes(bz2.compress(frame.write_ndjson().encode()))
    (folder / "all.json").write_text(json.dumps(frame.to_dicts(), indent=1))
    frame.write_ipc(folder / "set/k=1/a.arrow", record_batch_size=37)
    table = frame.to_arrow()
    with ipc.new_stream(folder / name / "b.arrow", table.schema) as writer:
        writer.write_table(table, max_chunksize=37)


def beside(kind: str, *inputs: Operation, **options: object) -> Operation:
    """A transform with further sources."""
    return Operation(kind, cast("dict[str, Json]", options), inputs=inputs)


def branching(
    **branches: tuple[str | None, list[Operation], list[Operation]],
) -> Operation:
    """A split: each branch with its `when`, transforms and sinks."""
    whens: list[Json] = [[name, when] for name, (when, _, _) in branches.items()]
    parts = (
        Branch(name, tuple(transforms), tuple(sinks))
        for name, (_, transforms, sinks) in branches.items()
    )
    return Operation("split", {"split": whens}, branches=tuple(parts))


def _stream(source: Operation, *transforms: Operation, sinks: tuple[Operation, ...]) -> Plan:
    return _plan(Stream(source, transforms, sinks))


def _plan(*bodies: Stream | Operation) -> Plan:
    steps = [Step("s0", bodies[0])]
    for index, body in enumerate(bodies[1:], 1):
        before = f"s{index - 1}"
        reads = tuple(read_by(body)) if isinstance(body, Stream) else ()
        steps.append(Step(f"s{index}", body, (before,), reads))
    return sealed(Plan("flow", tuple(steps)))


def _used() -> Plan:
    """A workflow in another folder, used by a step that hands on what it has counted."""
    filtered = Stream(op("csv", "../in/*.csv"), (op("filter", "n % 3 <> 0"),))
    counted = Stream(
        op("step", "u/s0"),
        (op("aggregate", [["rows", "count(*)"]], by=[["key", "key"]]),),
        (op("csv", "../out/counts.csv"), op("ndjson", "../rows.ndjson")),
    )
    outputs = {"rows": {"type": "integer", "value": "steps.s1.written"}}
    steps = (
        Step("u/s0", filtered, within="u", folder="more"),
        Step("u/s1", counted, ("u/s0",), ("u/s0",), within="u", folder="more"),
        Step("u", op("uses", "more/w.yaml", outputs=outputs), ("u/s0", "u/s1"), ("u/s0", "u/s1")),
        Step("s1", op("run", "echo ${{ steps.u.outputs.rows }} > rows.csv"), ("u",)),
    )
    return sealed(Plan("flow", steps, outputs=(("rows", "steps.u.outputs.rows + 1"),)))


CSV = op("csv", "in/*.csv")
ONE = op("csv", "in/b.csv")
FILTER = op("filter", "n % 3 <> 0")
FEW = op("filter", "n % 3 <> 0 and text < 'text 2'")
COUNT = op("aggregate", [["rows", "count(*)"], ["total", "sum(n)"]], by=[["key", "key"]])
JOIN = beside("join", op("parquet", "all.parquet"), on=[["key", "n"]], suffix="_2", how="left")
PARTS = branching(
    few=("n % 3 = 0", [op("sort", ["key", "-n"]), op("limit", 40)], [op("parquet", "few.parquet")]),
    met=(
        "text = 'text 1'",
        [
            beside("union", op("csv", "in/b.csv")),
            beside("join", op("parquet", "all.parquet"), on=[["key", "n"]], suffix="_2"),
            op("limit", 300),
        ],
        [op("csv", "met.csv.zst"), op("ndjson", "out/", partition_by=["text"])],
    ),
    rest=(
        None,
        [op("filter", "1 // (n % 50) = 0", "reject"), op("limit", 60)],
        [op("csv", "old/a.csv", mode="append"), op("parquet", "rest.parquet")],
    ),
)
LITTLE = "in little memory"
"""Plans with this name have next to no memory."""
FLOWS: dict[str, Plan] = {
    "csv to csv": _stream(CSV, FILTER, sinks=(op("csv", "out/a.csv"),)),
    "csv to parquet": _stream(CSV, FILTER, sinks=(op("parquet", "out/a.parquet"),)),
    "gzip to gzip": _stream(op("csv", "all.csv.gz"), sinks=(op("csv", "out/a.csv.gz"),)),
    "ndjson to zstd": _stream(
        op("ndjson", "all.ndjson"), sinks=(op("ndjson", "out/a.ndjson.zst"),)
    ),
    "once": _stream(
        op("csv", "in/*.csv", incremental=True),
        sinks=(op("csv", "a.csv"), op("parquet", "b.parquet")),
    ),
    "followed to files": _stream(
        op("csv", "in/b.csv", follow=True, columns=[["n", "int64"], ["key", "int64"]]),
        op("limit", ROWS - FIRST),
        FILTER,
        sinks=(op("csv", "old/a.csv", mode="append"), op("ndjson", "a.ndjson", mode="append")),
    ),
    "followed to datasets": _stream(
        op("ndjson", "all.ndjson", follow=True),
        op("limit", ROWS),
        FEW,
        sinks=(
            op("parquet", "out/", mode="append", partition_by=["text"]),
            op("ndjson", "old/data/"),
        ),
    ),
    "bzip2 to xz": _stream(
        op("ndjson", "more/all.ndjson.bz2"), sinks=(op("ndjson", "out/a.ndjson.xz"),)
    ),
    "json to bzip2": _stream(
        op("json", "more/all.json"), FILTER, sinks=(op("csv", "out/a.csv.bz2"),)
    ),
    "arrow to zstd": _stream(op("arrow", "more/set"), sinks=(op("csv", "out/a.csv.zst"),)),
    "parquet to four": _stream(
        op("parquet", "all.parquet"),
        op("limit", 250),
        sinks=(
            op("csv", "a.csv"),
            op("json", "b.json.gz"),
            op("parquet", "c.parquet"),
            op("arrow", "d.arrow"),
        ),
    ),
    "added to files": _stream(
        CSV,
        FILTER,
        sinks=(
            op("csv", "old/a.csv", mode="append"),
            op("ndjson", "old/b.ndjson.gz", mode="append"),
        ),
    ),
    "dataset": _stream(
        ONE,
        op("filter", "n > 250 and text < 'text 2'"),
        sinks=(
            op("csv", "a.csv", mode="error"),
            op("parquet", "out/", partition_by=["text"], mode="error"),
        ),
    ),
    "dataset replaced": _stream(
        ONE, FEW, sinks=(op("ndjson", "old/data/"), op("csv", "out/", partition_by=["text"]))
    ),
    "added to a dataset": _stream(
        ONE, FEW, sinks=(op("ndjson", "old/data/", partition_by=["text"], mode="append"),)
    ),
    "partitions replaced": _stream(
        ONE,
        op("filter", "n > 350 and text < 'text 2'"),
        sinks=(op("ndjson", "old/data/", partition_by=["text"], mode="replace_partitions"),),
    ),
    "text to text": _stream(op("text", "lines.txt"), sinks=(op("text", "out/a.txt.xz"),)),
    "groups": _stream(CSV, FILTER, COUNT, sinks=(op("csv", "a.csv"),)),
    "sorted": _stream(CSV, op("sort", ["key", "-n"]), sinks=(op("parquet", "a.parquet"),)),
    "distinct": _stream(
        op("csv", "all.csv.gz"), op("dedupe", ["key"], keep="last"), sinks=(op("csv", "a.csv"),)
    ),
    "checked": _plan(
        Stream(
            CSV,
            (FILTER,),
            (op("csv", "a.csv"),),
            check=Check("> 100", None, ("key", "n"), ("text",), "n >= 0 and key < 23"),
        )
    ),
    "python": _stream(
        CSV,
        op("python", "halving:halve", columns=[["half", "int64"]], root=".", file="halving.py"),
        sinks=(op("csv", "a.csv"),),
    ),
    "yielded": _plan(
        Stream(
            op(
                "python",
                "yielding:numbers",
                "reject",
                **{"with": {"last": 600}},
                columns=[["n", "int64"], ["text", "string?"]],
                root=".",
                file="yielding.py",
            ),
            (FILTER,),
            (op("csv", "a.csv"),),
            op("ndjson", "rejects.ndjson"),
        )
    ),
    "pivoted": _stream(
        CSV,
        op("pivot", "text", **{"in": ["text 1", "text 4"]}, value="sum(n)", by=["key"]),
        sinks=(op("csv", "a.csv"),),
    ),
    "windows": _stream(
        CSV,
        op(
            "window",
            [["nth", "row_number()"], ["sum", "sum(n)"], ["last", "lead(text)"]],
            by=["key"],
            order=["text"],
        ),
        sinks=(op("csv", "a.csv"),),
    ),
    "join": _stream(CSV, FILTER, JOIN, sinks=(op("csv", "a.csv.zst"),)),
    f"join {LITTLE}": sealed(
        replace(_stream(CSV, FILTER, JOIN, sinks=(op("csv", "a.csv.zst"),)), name=LITTLE)
    ),
    "full join of a step": _plan(
        Stream(CSV, (FILTER,)),
        Stream(
            op("ndjson", "all.ndjson"),
            (beside("join", op("step", "s0"), on=[["key", "n"]], suffix="_2", how="full"),),
            (op("parquet", "a.parquet"),),
        ),
    ),
    "union": _stream(
        CSV,
        op("limit", 250),
        beside("union", op("ndjson", "all.ndjson"), op("csv", "in/b.csv")),
        op("limit", 800),
        sinks=(op("parquet", "a.parquet"),),
    ),
    "parts": _plan(
        Stream(
            CSV,
            (op("filter", "n <> 5"), PARTS),
            rejects=op("ndjson", "rejects.ndjson"),
            check=Check("> 100", not_null=("n",)),
        )
    ),
    f"parts {LITTLE}": sealed(
        replace(
            _stream(
                CSV,
                op("sort", ["-n"]),
                branching(
                    groups=("n % 2 = 0", [COUNT, op("sort", ["-rows"])], [op("csv", "a.csv")]),
                    apart=("n % 3 = 0", [JOIN], [op("csv", "b.csv")]),
                ),
                sinks=(),
            ),
            name=LITTLE,
        )
    ),
    "rejects": _plan(
        Stream(
            op("csv", "bad.csv", "reject", columns=[["n", "int64"]]),
            (FILTER,),
            (op("csv", "a.csv"),),
            op("ndjson", "rejects.ndjson"),
            "50%",
        )
    ),
    "steps": _plan(
        Stream(CSV, (FILTER,)),
        Stream(op("step", "s0"), (COUNT,), (op("csv", "counts.csv"),)),
        op("run", "sort -r counts.csv > sorted.csv"),
    ),
    "used": _used(),
}
FLOWS["steps that are cached"] = replace(
    FLOWS["steps"],
    steps=tuple(
        replace(step, cache=Cache(outputs=("sorted.csv",) if step.id == "s2" else ()))
        for step in FLOWS["steps"].steps
    ),
)
INPUT: dict[str, str] = {
    "csv to parquet": "in/a.csv",
    "gzip to gzip": "all.csv.gz",
    "ndjson to zstd": "all.ndjson",
    "parquet to four": "all.parquet",
    "text to text": "lines.txt",
    "sorted": "in/b.csv",
    "bzip2 to xz": "more/all.ndjson.bz2",
}
"""For flows that differ in what they read, a file of that."""
PACKED: dict[str, tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]] = {
    ".gz": (gzip.decompress, partial(gzip.compress, mtime=0)),
    ".bz2": (bz2.decompress, bz2.compress),
}
Change: TypeAlias = Literal["shrunk", "grown", "changed", "gone"]


def changed(path: Path, change: Change) -> None:
    """Does to a file what others may do to it while nobody looks."""
    columnar = path.suffix == ".parquet"
    data = path.read_bytes()
    unpack, pack = PACKED.get(path.suffix, (bytes, bytes))
    text = unpack(data)
    match change:
        case "gone":
            path.unlink()
        case "shrunk":
            os.truncate(path, len(data) * 2 // 3)
        case "grown":
            with path.open("ab") as file:
                line = text.splitlines(keepends=True)[-1]
                file.write(pack(line))
        case "changed" if columnar:
            pl.read_parquet(path).reverse().write_parquet(path, row_group_size=FIRST)
        case "changed":
            text = text.replace(b"text 3", b"text 7", 5)
            path.write_bytes(pack(text))


OUTPUTS = (
    *("out/**/*", "old/**/*", "*.csv", "*.csv.zst", "*.ndjson", "*.parquet", "*.arrow"),
    "*.json.gz",
)
INPUTS = frozenset({"bad.csv", "all.ndjson", "all.parquet"})


def outputs(base: Path) -> dict[str, bytes]:
    """What the flows have published in a folder."""
    found = {path for pattern in OUTPUTS for path in base.glob(pattern) if path.is_file()}
    return {
        path.relative_to(base).as_posix(): path.read_bytes()
        for path in sorted(found)
        if path.name not in INPUTS
        and not any(part.startswith(".") for part in path.relative_to(base).parts)
    }


def ours(files: dict[str, bytes]) -> dict[str, bytes]:
    """Without what a command has written, which outlasts a loss of power if it has synced it."""
    return {name: data for name, data in files.items() if name != "sorted.csv"}
