"""Workflows of many steps, each sort with one fault that can be planted in the middle of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Flavour:
    """One sort of workflow.

    `lines` gives the lines of `steps` for so many steps, all distinct. After the text `before`,
    which stands once, comes `sound`; where `broken` stands in its place, `code` is told there.
    """

    name: str
    lines: Callable[[int], Iterator[str]]
    before: str
    sound: str
    broken: str
    code: str

    def document(self, steps: int) -> str:
        """A workflow in which nothing is wrong."""
        return "\n".join([*_HEAD, *self.lines(steps), ""])

    def with_a_fault(self, steps: int) -> tuple[str, int, int]:
        """The same with the one fault, and the 1-based line and column where it is planted."""
        text = self.document(steps)
        assert text.count(self.before + self.sound) == 1, f"`{self.before}` must stand once"
        start = text.index(self.before + self.sound) + len(self.before)
        line, column = text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start)
        return text[:start] + self.broken + text[start + len(self.sound) :], line, column


_HEAD = (
    "flowctl: 1",
    "name: many",
    "params: {carrier: {type: string, default: UA}}",
    'vars: {out: "build/{{ params.carrier }}"}',
    "steps:",
)
_REGIONS = 40


def _csv(steps: int) -> Iterator[str]:
    for number in range(steps):
        yield f"  s{number}:"
        yield (
            f'    source: {{csv: "data/in{number}.csv", '
            "columns: {a: int64, b: float64, c: string, d: date}}"
        )
        yield "    transforms:"
        yield f"      - filter: a > {number} and c = params.carrier"
        yield "      - derive:"
        yield f"          e: a * 2 + {number}"
        yield f"          f: b / (a + {number}.5)"
        yield f'    sink: {{parquet: "{{{{ vars.out }}}}/out{number}.parquet"}}'


def _rows(steps: int) -> Iterator[str]:
    for number in range(steps):
        yield f"  s{number}:"
        yield f"    source: {{rows: [{{a: {number}, c: UA}}, {{a: {number + 1}, c: DL}}]}}"
        yield "    transforms:"
        yield f"      - derive: {{e: upper(c) || '{number}'}}"
        yield f"      - filter: e <> params.carrier and a < {number + 7}"
        yield "      - select: [a, e]"
        yield f'    sink: {{ndjson: "{{{{ vars.out }}}}/out{number}.ndjson"}}'


def _run(steps: int) -> Iterator[str]:
    yield "  s0: {run: ./begin.sh}"
    for number in range(1, steps):
        yield f"  s{number}:"
        yield f"    needs: [s{number // 2}]"
        yield f"    if: steps.s{number // 2}.exit_code < {number} or failure()"
        yield f"    run: report --level {number} ${{{{ params.carrier }}}}"
        yield f'    env: {{OUT: "{{{{ vars.out }}}}/{number}"}}'


def _matrix(steps: int) -> Iterator[str]:
    years = [str(2000 + number) for number in range(steps // _REGIONS)]
    regions = [f"r{number}" for number in range(_REGIONS)]
    yield "  load:"
    yield f"    matrix: {{region: [{', '.join(regions)}], year: [{', '.join(years)}]}}"
    yield (
        '    source: {csv: "data/{{ matrix.region }}-{{ matrix.year }}.csv", '
        "columns: {a: int64, b: float64, c: string}}"
    )
    yield "    transforms:"
    yield "      - filter: a > matrix.year and c = params.carrier"
    yield "      - derive: {e: a * 2 + matrix.year, f: b / (a + 0.5)}"
    yield ('    sink: {parquet: "{{ vars.out }}/{{ matrix.region }}/{{ matrix.year }}.parquet"}')


# The faults are planted in the middle of 2,000 steps; that of the matrix is told once for all.
FLAVOURS = (
    Flavour("csv with columns", _csv, "e: ", "a * 2 + 1000", "c * 2 + 1000", "E509"),
    Flavour("rows", _rows, "filter: ", "e <> params.carrier and a < 1007", "ee > ''", "E505"),
    Flavour("run", _run, "--level 1000 ${{ params.", "carrier", "carier", "E506"),
    Flavour("matrix", _matrix, "a > matrix.year and ", "c =", "b =", "E509"),
)
