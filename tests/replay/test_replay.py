"""Rejects of each source, mended and replayed: the output is that of mended input."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from flowctl.cli.main import main

FLOW = """\
flowctl: 1
name: replayed
steps:
  clean:
    source: {source}
    transforms: {transforms}
    sink: {sinks}
    rejects: {{ndjson: out/rejects.ndjson}}
"""
DERIVE = '[{derive: {tenth: 10 // n, at: "source_file()"}, on_error: reject}]'
Rows = list[tuple[int, str]]
"""What the inputs hold: a number, whose tenth is a fault where it is 0, and a text."""
BROKEN: Rows = [(1, "a"), (0, "two\nlines"), (2, "é,"), (0, 'a "b"'), (5, "e")]
MENDED: Rows = [(1, "a"), (7, "two\nlines"), (2, "é,"), (3, 'a "b"'), (5, "e")]
PLAIN_BROKEN: Rows = [(1, "a"), (0, "b c"), (2, "d"), (0, "e"), (5, "f")]
PLAIN_MENDED: Rows = [(1, "a"), (7, "b c"), (2, "d"), (3, "e"), (5, "f")]


def csv_text(rows: Rows, head: str = "n,text\n", swap: bool = False) -> str:
    def quoted(text: str) -> str:
        return '"' + text.replace('"', '""') + '"' if set(text) & set('\n,"') else text

    return head + "".join(
        f"{quoted(text)},{n}\n" if swap else f"{n},{quoted(text)}\n" for n, text in rows
    )


@dataclass(frozen=True)
class Form:
    """A source, how its input is written, and what a number at fault is in a reject's text."""

    source: str
    write: Callable[[Path, Rows], object]
    rows: tuple[Rows, Rows]
    zero: str = "0,"
    mended: str = "{n},"
    transforms: str = DERIVE


def two_orders(folder: Path, rows: Rows) -> None:
    (folder / "a.csv").write_text(csv_text(rows[:3]), "utf-8")
    (folder / "b.csv").write_text(csv_text(rows[3:], "text,n\n", swap=True), "utf-8")


def frame_of(rows: Rows) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"n": pl.Int64, "text": pl.String}, orient="row")


FORMS: dict[str, Form] = {
    "two files, two orders": Form("{csv: '*.csv'}", two_orders, (BROKEN, MENDED), "0", "{n}"),
    "gzip": Form(
        "{csv: a.csv.gz}",
        lambda at, rows: (at / "a.csv.gz").write_bytes(gzip.compress(csv_text(rows).encode())),
        (BROKEN, MENDED),
    ),
    "latin-1, no header": Form(
        "{csv: a.txt, header: false, encoding: latin-1, columns: {n: int64, text: string}}",
        lambda at, rows: (at / "a.txt").write_bytes(csv_text(rows, "").encode("latin-1")),
        (BROKEN, MENDED),
    ),
    "lines before the header": Form(
        "{csv: a.txt, skip: 2, delimiter: ','}",
        lambda at, rows: (at / "a.txt").write_text(csv_text(rows, "x\ny\nn,text\n"), "utf-8"),
        (BROKEN, MENDED),
    ),
    "ndjson": Form(
        "{ndjson: a.ndjson}",
        lambda at, rows: frame_of(rows).write_ndjson(at / "a.ndjson"),
        (BROKEN, MENDED),
        '"n":0',
        '"n":{n}',
    ),
    "text": Form(
        "{text: a.txt}",
        lambda at, rows: (at / "a.txt").write_text(csv_text(rows, ""), "utf-8"),
        (PLAIN_BROKEN, PLAIN_MENDED),
        transforms=(
            "[{extract: line, pattern: '(?P<m>[0-9]+),(?P<text>.*)'}, {cast: {m: int64}}, "
            '{derive: {tenth: 10 // m, at: "source_file()"}, on_error: reject}]'
        ),
    ),
    "parquet": Form(
        "{parquet: a.parquet}",
        lambda at, rows: frame_of(rows).write_parquet(at / "a.parquet", row_group_size=2),
        (BROKEN, MENDED),
        '"n":0',
        '"n":{n}',
    ),
}


@dataclass(frozen=True)
class Project:
    """A folder with a workflow, and what its commands say."""

    folder: Path
    capture: pytest.CaptureFixture[str]

    def flowctl(self, *arguments: str) -> tuple[int, str]:
        code = main(["run", "flow.yaml", *arguments])
        return code, self.capture.readouterr().err

    def rejects(self) -> list[dict[str, object]]:
        text = (self.folder / "out/rejects.ndjson").read_text("utf-8")
        return [json.loads(line) for line in text.splitlines()]

    def write(self, name: str, rejects: list[dict[str, object]]) -> str:
        text = "".join(json.dumps(one) + "\n" for one in rejects)
        (self.folder / name).write_text(text, "utf-8")
        return name

    def csv(self) -> pl.DataFrame:
        return pl.read_csv(self.folder / "out/a.csv")

    def flow(self, source: str, transforms: str = DERIVE, sinks: str = "{csv: out/a.csv}") -> None:
        text = FLOW.format(source=source, transforms=transforms, sinks=sinks)
        (self.folder / "flow.yaml").write_text(text, "utf-8")


@pytest.fixture
def project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Project:
    monkeypatch.chdir(tmp_path)
    return Project(tmp_path, capsys)


def mended(form: Form, reject: dict[str, object], number: int) -> dict[str, object]:
    assert isinstance(reject["record"], str)
    text = reject["record"].replace(form.zero, form.mended.format(n=number), 1)
    assert text != reject["record"]
    return {**reject, "record": text}


@pytest.mark.parametrize("name", FORMS)
def test_mended_records_come_to_what_mended_input_does(project: Project, name: str) -> None:
    form, folder = FORMS[name], project.folder
    sinks = "[{csv: out/a.csv}, {ndjson: out/b.ndjson.gz}, {parquet: out/c.parquet}]"
    project.flow(form.source, form.transforms, sinks)
    form.write(folder, form.rows[1])
    assert project.flowctl()[0] == 0
    expected = project.csv()
    form.write(folder, form.rows[0])
    assert project.flowctl()[0] == 0
    assert project.csv().height == 3
    rejects = project.rejects()
    places(folder, rejects)
    wanted = [mended(form, reject, number) for reject, number in zip(rejects, (7, 3), strict=True)]
    code, told = project.flowctl("--replay", project.write("mended.ndjson", wanted))
    assert code == 0, told
    assert project.csv().sort(pl.all()).equals(expected.sort(pl.all()))
    assert pl.read_ndjson(gzip.decompress((folder / "out/b.ndjson.gz").read_bytes())).equals(
        pl.read_parquet(folder / "out/c.parquet")
    )
    assert pl.read_parquet(folder / "out/c.parquet").equals(project.csv())
    assert project.rejects() == []
    code, told = project.flowctl("--replay", "mended.ndjson")
    assert code == 0
    assert "nothing is left to replay" in told
    assert project.csv().height == 5


def places(folder: Path, rejects: list[dict[str, object]]) -> None:
    """Each reject's text stands in its file where it says, by bytes and by lines."""
    for reject in rejects:
        path = folder / str(reject["file"])
        if reject["offset"] is None:
            found = pl.read_parquet(path)[int(str(reject["line"])) - 1]
            assert found.write_ndjson().strip() == reject["record"]
            continue
        data = path.read_bytes()
        data = gzip.decompress(data) if path.suffix == ".gz" else data
        if path.suffix == ".txt" and b"\xe9" in data:
            data = data.decode("latin-1").encode()
        offset = int(str(reject["offset"]))
        assert data[offset:].decode().startswith(str(reject["record"]) + "\n")
        assert data[:offset].count(b"\n") + 1 == reject["line"]


def test_still_bad_ones_are_rejected_again_where_they_stood(project: Project) -> None:
    project.flow("{csv: a.csv}")
    (project.folder / "a.csv").write_text("n,text\n0,a\n1,b\n0,c\n0,d\n")
    assert project.flowctl()[0] == 0
    first, second, third = project.rejects()
    project.write("some.ndjson", [{**first, "record": "x,a"}, {**second, "record": "4,c"}])
    code, told = project.flowctl("--replay", "some.ndjson")
    assert code == 1
    assert "a.csv:2: column `n`: `x` is no int64" in told
    assert len(project.rejects()) == 3
    project.write("some.ndjson", [first, {**second, "record": "4,c"}])
    assert project.flowctl("--replay", "some.ndjson")[0] == 0
    assert [one["line"] for one in project.rejects()] == [5, 2]
    assert project.csv()["n"].to_list() == [1, 4]
    project.write("out/rejects.ndjson", [{**third, "record": "5,d"}, {**first, "record": "2,a"}])
    assert project.flowctl("--replay", "out/rejects.ndjson")[0] == 0
    assert project.csv()["n"].to_list() == [1, 4, 5, 2]
    assert project.rejects() == []
    project.write("out/rejects.ndjson", [{**third, "record": "5,d"}])
    assert "nothing is left" in project.flowctl("--replay", "out/rejects.ndjson")[1]
    assert project.csv().height == 4


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (lambda one: "{", 3, "E760]: the line is not JSON"),
        (lambda one: {**one, "step": "claen"}, 3, "has no step `claen`"),
        (lambda one: {"step": "clean"}, 3, "E760]"),
        (lambda one: {**one, "line": 77}, 3, "a.csv:77 is not among the rejects of the run"),
        (lambda one: {**one, "record": "1,a\n2,b"}, 3, "the text is not one record"),
        (lambda one: {**one, "record": '1,"a'}, 3, "the text is not one record"),
        (lambda one: {**one, "record": ""}, 3, "the text is not one record"),
    ],
)
def test_what_is_no_reject(
    project: Project, change: Callable[[dict[str, object]], object], code: int, words: str
) -> None:
    project.flow("{csv: a.csv}")
    (project.folder / "a.csv").write_text("n,text\n0,a\n1,b\n")
    assert project.flowctl()[0] == 0
    (reject,) = project.rejects()
    bad = change(reject)
    text = bad if isinstance(bad, str) else json.dumps(bad)
    (project.folder / "bad.ndjson").write_text(f"\n{text}\n")
    found, told = project.flowctl("--replay", "bad.ndjson")
    assert (found, "bad.ndjson:2:1" in told) == (code, True), told
    assert words in told
    assert project.csv().height == 1


def test_the_same_record_twice(project: Project) -> None:
    project.flow("{csv: a.csv}")
    (project.folder / "a.csv").write_text("n,text\n0,a\n1,b\n")
    assert project.flowctl()[0] == 0
    twice = project.rejects() * 2
    code, told = project.flowctl("--replay", project.write("twice.ndjson", twice))
    assert code == 3
    assert "a.csv:2 stands in line 1 already" in told


@pytest.mark.parametrize(
    ("transforms", "sinks", "words"),
    [
        (f"{DERIVE[:-1]}, {{sort: [n]}}]", "{csv: out/a.csv}", "6:.*`sort` stands between"),
        (f"{DERIVE[:-1]}, {{limit: 5}}]", "{csv: out/a.csv}", "6:.*`limit` stands between"),
        (f"[{{limit: 5}}, {DERIVE[1:]}", "{csv: out/a.csv}", "6:.*`limit` stands before"),
        (DERIVE, "{stdout: csv}", "7:.*what went to `stdout`"),
    ],
)
def test_what_cannot_be_replayed(project: Project, transforms: str, sinks: str, words: str) -> None:
    project.flow("{csv: a.csv}", transforms, sinks)
    (project.folder / "a.csv").write_text("n,text\n0,a\n1,b\n")
    assert project.flowctl()[0] == 0
    code, told = project.flowctl("--replay", "out/rejects.ndjson")
    assert code == 3
    line, words = words.split(".*")
    assert f"flow.yaml:{line}" in told
    assert words in told
    assert "E761" in told


def test_rejects_of_another_rule(project: Project) -> None:
    project.flow("{csv: a.csv}")
    (project.folder / "a.csv").write_text("n,text\n0,a\n1,b\n")
    (project.folder / "out").mkdir()
    reject = {"file": "a.csv", "line": 2, "offset": 7, "step": "clean", "record": "1,a"}
    whole = {**reject, "transform": "transforms/0/derive", "rule": "derive", "message": "m"}
    project.write("old.ndjson", [whole])
    code, told = project.flowctl("--replay", "old.ndjson")
    assert code == 4
    assert "step `clean` has not published `out/rejects.ndjson` yet" in told
    assert project.flowctl()[0] == 0
    project.flow("{csv: a.csv}", DERIVE.replace("10", "20"))
    code, told = project.flowctl("--replay", "old.ndjson")
    assert code == 4
    assert "step `clean` has changed since it wrote these rejects" in told
    assert project.csv().height == 1


SPLIT = """\
flowctl: 1
name: replayed
steps:
  clean:
    source: {csv: a.csv}
    transforms:
      - split:
          big: {when: 10 // n < 3, sink: {csv: out/big.csv}}
          text:
            when: text <> 'x'
            transforms: [{derive: {tenth: 10 // (n - 1)}, on_error: reject}]
            sink: {parquet: out/text/, partition_by: [text]}
          rest: {transforms: [REST], sink: {ndjson: out/rest.ndjson}}
        on_error: reject
    rejects: {ndjson: out/rejects.ndjson}
"""


def _split(project: Project, rows: str, rest: str = "filter: n > 0") -> None:
    text = SPLIT.replace("REST", f"{{{rest}}}")
    (project.folder / "flow.yaml").write_text(text, "utf-8")
    (project.folder / "a.csv").write_text("n,text\n" + rows, "utf-8")
    assert project.flowctl()[0] == 0


def test_mended_records_find_their_branch(project: Project) -> None:
    """Whatever branch they were rejected in, or before they had come to one."""
    _split(project, "0,a\n9,b\n1,c\n2,d\n1,x\n0,e\n")
    rejects = project.rejects()
    assert [(one["line"], one["transform"]) for one in rejects] == [
        (2, "transforms/0/split"),
        (4, "transforms/0/split/text/transforms/0/derive"),
        (7, "transforms/0/split"),
    ]
    records = ("3,x", "8,c", "2,a")
    changed = [{**one, "record": text} for one, text in zip(rejects, records, strict=True)]
    assert project.flowctl("--replay", project.write("mended.ndjson", changed))[0] == 0
    folder = project.folder / "out"
    assert (folder / "big.csv").read_text() == "n,text\n9,b\n8,c\n"
    assert pl.read_ndjson(folder / "rest.ndjson")["n"].to_list() == [1, 3]
    parts = pl.read_parquet(folder / "text/*/*.parquet", hive_partitioning=True)
    assert sorted(parts.select("n", "text").rows()) == [(2, "a"), (2, "d")]
    assert project.rejects() == []


def test_a_branch_that_needs_all_records(project: Project) -> None:
    _split(project, "0,a\n1,x\n", "sort: [n]")
    code, told = project.flowctl("--replay", "out/rejects.ndjson")
    assert code == 3
    assert "flow.yaml:13" in told
    assert "`sort` stands in the branch `rest`, where mended records may go" in told
