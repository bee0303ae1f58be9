"""Workers as they are: processes that are started, fed, and killed."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl
import pytest

from flowctl.workers import Call, Died, Raised, Stopped, Workers

MODULE = """
import os, sys, time
import polars as pl
from helper import helped

def add(a, b=1):
    return {"sum": a + b}

def twice(frame):
    return pl.concat([frame, frame])

def lazily(frame):
    return frame.lazy()

def bad(frame):
    ratio = 1 / 0
    return frame

def outer():
    try:
        helped({})
    except KeyError as error:
        raise RuntimeError("no rate") from error

def gone(code):
    os._exit(code)

def lost(frame):
    os._exit(4)

def shot():
    os.kill(os.getpid(), 9)

def leave():
    sys.exit(3)

def talk():
    print("said")
    os.write(2, b"and told\\n")
    return os.getpid()

def several(count):
    for number in range(count):
        yield {"n": number}
    yield pl.DataFrame({"n": [count]})

def forever(path):
    open(path, "w").write(str(os.getpid()))
    while True:
        time.sleep(1)

def a_set():
    return {1, 2}
"""


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Workers]:
    (tmp_path / "given.py").write_text(MODULE)
    (tmp_path / "helper.py").write_text("def helped(rates):\n    return rates['EUR']\n")
    with Workers(tmp_path, tmp_path, dict(os.environ)) as found:
        yield found


def call(workers: Workers, function: str, frame: pl.DataFrame | None = None, **given: int) -> Call:
    return Call("given", function, workers.root / "given.py", given, frame)


def test_values_and_frames_come_back(workers: Workers) -> None:
    assert workers.value(call(workers, "add", a=2)) == {"sum": 3}
    types = {"d": pl.Decimal(10, 2), "l": pl.List(pl.String()), "t": pl.Datetime("us")}
    frame = pl.DataFrame({"i": [2**100, None]}, schema={"i": pl.Int128})
    frame = frame.with_columns(pl.lit(None, kind).alias(name) for name, kind in types.items())
    for given in (frame, frame.clear(), pl.DataFrame({"n": range(3_000_000)})):
        assert workers.frame(call(workers, "twice", given)).equals(pl.concat([given, given]))


def test_items_come_one_by_one(workers: Workers) -> None:
    *values, last = workers.items(call(workers, "several", count=2500))
    assert isinstance(last, pl.DataFrame) and last.rows() == [(2500,)]
    assert [len(part) for part in values] == [1024, 1024, 452]
    assert values[0][:2] == [{"n": 0}, {"n": 1}]


def test_an_exception_is_told_at_the_authors_own_line(workers: Workers) -> None:
    with pytest.raises(Raised) as found:
        workers.frame(call(workers, "bad", pl.DataFrame({"a": [1]})))
    line = MODULE.split("\n").index("    ratio = 1 / 0") + 1
    assert (found.value.file, found.value.line, found.value.code) == (
        "given.py", line, "ratio = 1 / 0",
    )  # fmt: skip
    assert "child.py" not in found.value.traceback
    with pytest.raises(Raised, match=r"`given:outer` raised RuntimeError: no rate at given.py:"):
        workers.value(call(workers, "outer"))
    with pytest.raises(Raised, match="SystemExit: 3"):
        workers.value(call(workers, "leave"))
    assert workers.value(call(workers, "add", a=1)) == {"sum": 2}


def test_what_is_returned_must_be_fit(workers: Workers) -> None:
    frame = pl.DataFrame({"a": [1]})
    with pytest.raises(Raised, match=r"call `collect\(\)`") as lazy:
        workers.frame(call(workers, "lazily", frame))
    with pytest.raises(Raised, match="is no JSON") as odd:
        workers.value(call(workers, "a_set"))
    assert lazy.value.unfit and odd.value.unfit


def test_a_death_is_told_and_the_next_call_has_another_worker(workers: Workers) -> None:
    with pytest.raises(Died, match="exit code 0"):
        workers.value(call(workers, "gone", code=0))
    with pytest.raises(Died, match="SIGKILL"):
        workers.value(call(workers, "shot"))
    large = pl.DataFrame({"n": range(1_000_000)})
    with pytest.raises(Died):
        workers.frame(call(workers, "lost", large))
    assert workers.value(call(workers, "add", a=1)) == {"sum": 2}


def test_what_is_printed_is_heard_before_the_answer(workers: Workers) -> None:
    heard: list[tuple[str, bytes]] = []
    first = workers.value(call(workers, "talk"), lambda *piece: heard.append(piece))
    told = {name: b"".join(piece for one, piece in heard if one == name) for name, _ in heard}
    assert told == {"stderr": b"and told\n", "stdout": b"said\n"}
    assert workers.value(call(workers, "talk")) == first


def test_a_module_of_python_is_not_taken_for_the_projects(workers: Workers) -> None:
    (workers.root / "json.py").write_text("def loads(): return 1\n")
    with pytest.raises(Raised, match="the name of another module"):
        workers.value(Call("json", "loads", workers.root / "json.py"))


def test_many_threads_have_a_worker_each(workers: Workers) -> None:
    with ThreadPoolExecutor(4) as threads:
        calls = [call(workers, "add", a=number) for number in range(40)]
        found = list(threads.map(workers.value, calls))
    assert found == [{"sum": number + 1} for number in range(40)]


class Asked:
    """A stop that is asked for at once."""

    def __init__(self) -> None:
        self.asked = False
        self.read, self.write = os.pipe()

    def fileno(self) -> int:
        return self.read

    def ask(self) -> None:
        self.asked = True
        os.write(self.write, b"x")


def test_a_stop_ends_the_call_and_the_process(workers: Workers) -> None:
    stop, path = Asked(), workers.root / "pid"

    def ask() -> None:
        while not (path.exists() and path.read_text()):
            time.sleep(0.01)
        stop.ask()

    asking = threading.Thread(target=ask)
    asking.start()
    forever = Call("given", "forever", workers.root / "given.py", {"path": str(path)})
    with pytest.raises(Stopped):
        workers.value(forever, stop=stop)
    asking.join()
    with pytest.raises(ProcessLookupError):
        os.kill(int(path.read_text()), 0)
    os.close(stop.read)
    os.close(stop.write)


PARENT = """
import os, sys
from pathlib import Path
from flowctl.workers import Call, Workers
root = Path(sys.argv[1])
workers = Workers(root, root, dict(os.environ))
workers.value(Call("given", "forever", root / "given.py", {"path": str(root / "pid")}))
"""


def test_no_worker_outlives_its_run(workers: Workers) -> None:
    path = workers.root / "pid"
    with subprocess.Popen([sys.executable, "-c", PARENT, str(workers.root)]) as parent:
        while not (path.exists() and path.read_text()):
            time.sleep(0.01)
        parent.kill()
    pid, deadline = int(path.read_text()), time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        if Path(f"/proc/{pid}/stat").exists() and ") Z " in Path(f"/proc/{pid}/stat").read_text():
            return  # nobody waits for it here, but it has ended
        time.sleep(0.01)
    pytest.fail("the worker goes on")
