from __future__ import annotations

from pathlib import Path

import pytest

from flowctl.diagnostics import Fault
from flowctl.workers import Code, find_code

MODULE = """
import functools
from .other import told

def one(frame): return frame
def two(frame, rate, *, more=1): return frame
def some(*frames, **rest): yield from inner()
def holder(frame):
    def inner(): yield 1
    return inner
class Thing: pass
async def later(frame): pass
made = functools.partial(two, rate=2)
if True:
    def guarded(frame, /, more=None): pass
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "cleaning").mkdir()
    (tmp_path / "cleaning" / "flights.py").write_text(MODULE)
    (tmp_path / "cleaning" / "other.py").write_text("import deeper\n")
    (tmp_path / "deeper.py").write_text("x = 1\n")
    (tmp_path / "alone.py").write_text("x = 1\n")
    (tmp_path / "broken.py").write_text("def f(:\n")
    return tmp_path


def found(text: str, root: Path) -> Code:
    code = find_code(text, root)
    assert isinstance(code, Code), code
    return code


def test_a_function_and_what_it_takes(root: Path) -> None:
    one = found("cleaning.flights:one", root)
    assert (one.file, one.line) == (root / "cleaning" / "flights.py", 5)
    assert one.takes(1) and not one.takes(0) and not one.takes(2) and not one.generator
    two = found("cleaning.flights:two", root)
    assert two.takes(2) and not two.takes(1)
    assert two.signature == "two(frame, rate, *, more)"
    some = found("cleaning.flights:some", root)
    assert some.generator and some.takes(7) and some.signature == "some(*frames, **rest)"
    assert not found("cleaning.flights:holder", root).generator
    assert found("cleaning.flights:made", root).parameters is None
    assert found("cleaning.flights:guarded", root).takes(1)


@pytest.mark.parametrize(
    ("text", "code", "start", "end", "said"),
    [
        ("cleaning.fligths:one", "E450", 0, 16, "did you mean `cleaning.flights`?"),
        ("cleaning.flights:on", "E451", 17, 19, "did you mean `one`?"),
        ("cleaning.flights:Thing", "E451", 17, 22, None),
        ("cleaning.flights:later", "E451", 17, 22, None),
        ("broken:f", "E450", 0, 6, None),
        ("json:loads", "E450", 0, 4, None),
        ("../x:f", "E450", None, None, "it is written"),
        ("os.path", "E450", None, None, "it is written"),
    ],
)
def test_what_is_wrong(
    root: Path, text: str, code: str, start: int | None, end: int | None, said: str | None
) -> None:
    fault = find_code(text, root)
    assert isinstance(fault, Fault)
    assert (fault.code.id, fault.start, fault.end) == (code, start, end)
    if said is not None:
        assert fault.help is not None and said in fault.help


def test_a_link_that_leads_out_of_the_project_is_no_module(root: Path) -> None:
    inner = root / "inner"
    inner.mkdir()
    (inner / "out.py").symlink_to(root / "alone.py")
    assert isinstance(find_code("out:x", inner), Fault)


def test_the_digest_follows_the_modules_that_are_imported(root: Path) -> None:
    def digest() -> str:
        return found("cleaning.flights:one", root).digest

    first = digest()
    (root / "alone.py").write_text("x = 2\n")
    assert digest() == first
    (root / "deeper.py").write_text("x = 2\n")
    second = digest()
    assert second != first
    (root / "cleaning" / "__init__.py").write_text("")
    assert digest() != second
    (root / "cleaning" / "flights.py").write_text(MODULE + "# and more\n")
    assert digest() not in (first, second)
