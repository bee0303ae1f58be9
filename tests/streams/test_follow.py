"""A file that others write, read as it grows, by one process after the other."""

from __future__ import annotations

import gzip
import itertools
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowctl.component import Arguments
from flowctl.dataflow import BadInput, Growing, Reader
from flowctl.files.paths import DataFile
from flowctl.records import Schema
from flowctl.syntax.node import Json
from tests.streams.running import REGISTRY

Columns = dict[str, str]


@dataclass
class Log:
    """A file that is written, and what has been read of it."""

    path: Path
    kind: str = "text"
    options: Arguments = field(default_factory=dict)
    columns: Columns = field(default_factory=lambda: {"line": "string"})
    target: int = 1 << 20
    position: Json = None
    taken: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    _reader: Reader | None = None

    def write(self, text: str) -> Log:
        with self.path.open("a", encoding="utf-8", newline="") as file:
            file.write(text)
        return self

    def read(self, most: int | None = None) -> list[str]:
        """The records that have come, of so many splits at most, by a reader that is begun once."""
        reader = self._reader = self._reader or self._opened()
        assert isinstance(reader, Growing)
        before = len(self.taken)
        for split in itertools.islice(self._coming(reader), most):
            if split is None:
                break
            scan = split.scan([])
            count = scan.rows if scan is not None else split.examine([]).rows
            self.taken += [origin.text for origin in split.origins(range(count))]
            self.position = split.after
        self.told += [f"{fault.code.id} {fault.message}" for fault in reader.noticed()]
        return self.taken[before:]

    def stop(self) -> None:
        """The next read is by another process, from where this one has come."""
        if self._reader is not None:
            self._reader.close()
        self._reader = None

    def _coming(self, reader: Growing):  # type: ignore[no-untyped-def]
        self._splits = getattr(self, "_splits", None) or reader.coming(self.target, self.position)
        return self._splits

    def _opened(self) -> Reader:
        self._splits = None
        arguments = {self.kind: self.path.name, "follow": True, **self.options}
        file = DataFile(self.path, self.path.name)
        return REGISTRY.sources[self.kind].open(arguments, Schema.of(self.columns), (file,))


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path / "x.log")


def test_whole_lines_alone(log: Log) -> None:
    assert log.write("a\nb\nhalf").read() == ["a", "b"]
    assert log.read() == []
    assert log.write(" of it\nc").read() == ["half of it"]
    log.stop()
    assert log.write("\n").read() == ["c"]
    assert not log.told


def test_a_file_that_comes_later(log: Log) -> None:
    assert log.read() == []
    assert log.write("a\n").read() == ["a"]


def test_a_quoted_field_that_is_open(tmp_path: Path) -> None:
    log = Log(tmp_path / "x.csv", "csv", columns={"n": "int64", "t": "string"})
    assert log.write("n,").read() == []
    assert log.write('t\n1,"a\n').read() == []
    assert log.write('b""\n').read() == []
    assert log.write('c"\n2,"d').read() == ['1,"a\nb""\nc"']
    log.stop()
    assert log.write('"\n').read() == ['2,"d"']


def test_skipped_lines_have_quotes_that_mean_nothing(tmp_path: Path) -> None:
    log = Log(tmp_path / "x.csv", "csv", {"skip": 1}, {"n": "int64"})
    assert log.write('"not closed\nn\n1\n').read() == ["1"]


def test_json_lines(tmp_path: Path) -> None:
    log = Log(tmp_path / "x.ndjson", "ndjson", {"columns": [["a", "int64"]]}, {"a": "int64"})
    assert log.write('{"a": 1}\n{"a":').read() == ['{"a": 1}']
    assert log.write("2}\n").read() == ['{"a":2}']


@pytest.mark.parametrize("stopped", [False, True])
def test_rotated_by_renaming(log: Log, stopped: bool) -> None:
    assert log.write("a\nb\n").read() == ["a", "b"]
    if stopped:
        log.stop()
    log.write("c\nno end")
    log.path.rename(log.path.with_name("x.log.1"))
    assert log.read() == ["c"]  # as long as there is no other, it may go on
    assert log.write("d\n").read() == ["no end", "d"]
    assert log.told == ["E770 `x.log` was rotated: the old file was read to its end, as `x.log.1`"]


@pytest.mark.parametrize("names", [("x.log.2.gz", "x.log.1"), ("x.log-20240101", "x.log-20240102")])
def test_rotated_twice_while_nobody_looked(log: Log, names: tuple[str, str]) -> None:
    assert log.write("a\n").read() == ["a"]
    log.stop()
    log.write("b\n")
    for text, name in zip(("c\n", "d\n"), names, strict=True):
        old = log.path.with_name(name)
        if old.suffix == ".gz":
            old.write_bytes(gzip.compress(log.path.read_bytes()))
            log.path.unlink()
        else:
            log.path.rename(old)
        log.write(text)
    log.path.with_name("x.log.bak").write_text("never\n")
    assert log.read() == ["b", "c", "d"]


@pytest.mark.parametrize("stopped", [False, True])
def test_truncated_after_a_copy(log: Log, stopped: bool) -> None:
    assert log.write("a\nb\n").read() == ["a", "b"]
    if stopped:
        log.stop()
    log.write("c\n")
    shutil.copy(log.path, log.path.with_name("x.log.1"))
    os.truncate(log.path, 0)
    log.write("d\n")
    assert log.read() == ["c", "d"]
    assert [told[:4] for told in log.told] == ["E770"]


@pytest.mark.parametrize("stopped", [False, True])
@pytest.mark.parametrize("more", ["d\n", "longer than all that stood there before\n"])
def test_truncated_without_a_copy(log: Log, stopped: bool, more: str) -> None:
    assert log.write("a\nb\n").read() == ["a", "b"]
    if stopped:
        log.stop()
    os.truncate(log.path, 0)
    assert log.write(more).read() == [more.strip()]
    (told,) = log.told
    assert told.startswith("E771 `x.log` ")
    assert told.endswith(
        "4 bytes had been read of it, and whether any record stood behind them cannot be known"
    )


def test_gone_for_good(log: Log) -> None:
    assert log.write("a\n").read() == ["a"]
    log.stop()
    log.path.unlink()
    assert log.read() == []
    assert "E771 `x.log` is gone" in log.told[0]
    assert log.write("b\n").read() == ["b"]


def test_put_in_place_of_itself(log: Log) -> None:
    """As an editor or a restored backup leaves it: another file with the same content."""
    assert log.write("a\nb\n").read() == ["a", "b"]
    log.stop()
    shutil.copy(log.path, log.path.with_name("other"))
    log.path.with_name("other").rename(log.path)
    assert log.write("c\n").read() == ["c"]
    assert not log.told


def test_a_line_without_end(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flowctl.files.growing.LONGEST_RECORD", 1000)
    log.target = 100
    log.write("a\n" + "b" * 5000)
    with pytest.raises(BadInput, match="line 2: a record is longer than 64 MiB"):
        log.read()


ACTIONS = st.lists(
    st.one_of(
        st.text("ab\n", min_size=1, max_size=12),
        st.sampled_from(["rename", "copy", "stop", "read", "one"]),
    ),
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(ACTIONS)
def test_nothing_is_lost_and_nothing_comes_twice(actions: list[str]) -> None:
    """Whatever becomes of the file and of who reads it, and however much was read when it did."""
    with TemporaryDirectory() as folder:
        log = Log(Path(folder) / "x.log", target=4)
        written, number = ["first\n"], itertools.count()
        log.write(written[0]).read()
        for action in actions:
            match action:
                case "stop":
                    log.stop()
                case "read":
                    log.read()
                case "one":
                    log.read(1)
                case "rename" | "copy" if written[-1]:
                    rotate(log.path, action)
                    written.append("")
                case "rename" | "copy":
                    pass
                case text:
                    # Files that begin alike cannot be told apart.
                    text = text if written[-1] else f"{next(number)}\n{text}"
                    written[-1] += text
                    log.write(text)
        log.read()
        whole = [line for text in written[:-1] for line in text.splitlines()]
        whole += written[-1].split("\n")[:-1]
        if not written[-1]:
            # Its writer may go on with the old file as long as the new one is empty.
            whole = whole[: len(log.taken)]
        assert log.taken == whole
        assert not [told for told in log.told if told.startswith("E771")]
        log.stop()


def rotate(path: Path, way: str) -> None:
    olds = sorted(path.parent.glob("x.log.*"), key=lambda old: -int(old.suffix[1:]))
    for old in olds:
        old.rename(path.with_name(f"x.log.{int(old.suffix[1:]) + 1}"))
    first = path.with_name("x.log.1")
    if way == "rename":
        path.rename(first)
        path.touch()
    else:
        shutil.copy(path, first)
        os.truncate(path, 0)
