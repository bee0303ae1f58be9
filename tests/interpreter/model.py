"""A small model of the graph's rules, and random graphs to hold against it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from hypothesis import strategies as st

from flowctl.action import Finished, Workplace
from flowctl.codes.runs import COMMAND_FAILED
from flowctl.component import Action, Arguments, Spec, Typed
from flowctl.diagnostics import Fault
from flowctl.plan import Operation, Plan, Retry, Step
from flowctl.registry import Registry
from tests.interpreter.running import command, plan

CONDITIONS = {
    "": None,
    "always": "always()",
    "failure": "failure()",
    "success": "success()",
    "no": "run.id = ''",
    "broken": "1 // 0 = 1",
    "always and success": "always() and success()",
    "not failure": "not failure()",
}


@dataclass(frozen=True)
class Node:
    """A step whose first `failures` attempts fail, of `attempts`: by an exit code or by time.

    With `cells` it is done for each of them: those fail that are true, if the step `fails`.
    """

    needs: tuple[int, ...]
    fails: bool
    condition: str
    failures: int = 99
    attempts: int = 1
    cause: str = "1"
    on: tuple[str, ...] = ()
    fallback: bool | None = None
    forgiving: bool = False
    cells: tuple[bool, ...] | None = None

    @property
    def units(self) -> list[int]:
        """What is done of the step: one thing, or a cell for each element."""
        return [0] if self.cells is None else list(range(len(self.cells)))

    def outcome(self, unit: int) -> tuple[str, int]:
        """The status of the step or of a cell, if it begins, and how often it is tried."""
        fails = self.fails and (self.cells is None or self.cells[unit])
        again = not self.on or self.cause in self.on
        most = self.attempts if again else 1
        if not fails or self.failures < most:
            return "succeeded", self.failures + 1 if fails else 1
        return "recovered" if self.fallback else "failed", most


@st.composite
def graphs(draw: st.DrawFn, *, fanned: bool = False) -> list[Node]:
    """Steps that need steps before them; `fanned` graphs have such with cells."""
    nodes: list[Node] = []
    for index in range(draw(st.integers(1, 7))):
        before = st.integers(0, index - 1) if index else st.nothing()
        needs = draw(st.lists(before, unique=True, max_size=3)) if index else []
        condition = draw(st.sampled_from(["", "", "", *CONDITIONS]))
        fails = draw(st.sampled_from([False, False, True]))
        cells = draw(st.none() | st.lists(st.booleans(), max_size=3)) if fanned else None
        nodes.append(
            Node(
                tuple(sorted(needs)),
                fails,
                condition,
                cells=None if cells is None else tuple(cells),
            )
        )
    return nodes


@st.composite
def rich_graphs(draw: st.DrawFn) -> list[Node]:
    """Graphs whose steps are tried again, have fallbacks, and forgive."""
    return [
        replace(
            node,
            fails=draw(st.booleans()),
            failures=draw(st.integers(1, 3)),
            attempts=draw(st.integers(1, 3)),
            cause=draw(st.sampled_from(["1", "timeout"])),
            on=draw(st.sampled_from([(), ("timeout",), ("1", "75")])),
            fallback=draw(st.sampled_from([None, None, True, False])),
            forgiving=draw(st.sampled_from([False, False, True])),
        )
        for node in draw(graphs(fanned=True))
    ]


def plan_of(nodes: list[Node]) -> Plan:
    return plan(
        *(
            replace(
                command(
                    f"s{index}",
                    [_program(node)],
                    *(f"s{need}" for need in node.needs),
                    condition=CONDITIONS[node.condition],
                ),
                foreach=_foreach(node),
            )
            for index, node in enumerate(nodes)
        )
    )


def _program(node: Node) -> str:
    if node.cells is not None and node.fails:
        return "${{ case when item then 'false' else 'true' end }}"
    return "false" if node.fails else "true"


def _foreach(node: Node) -> str | None:
    """The canonical list of a step's cells."""
    if node.cells is None:
        return None
    return f"[{', '.join('true' if cell else 'false' for cell in node.cells)}]"


def rich_plan_of(nodes: list[Node]) -> Plan:
    """The same graph, of steps of the kind `act` (see `acting`)."""
    steps: list[Step] = []
    for index, node in enumerate(nodes):
        failures = node.failures if node.fails else 0
        body = Operation("act", {"act": f"s{index}", "failures": failures, "cause": node.cause})
        if node.cells is not None:
            body = replace(body, arguments={**body.arguments, "cells": True})
        instead = Operation("act", {"act": "", "failures": 0 if node.fallback else 99})
        steps.append(
            Step(
                f"s{index}",
                body,
                tuple(f"s{need}" for need in node.needs),
                condition=CONDITIONS[node.condition],
                foreach=_foreach(node),
                retry=Retry(node.attempts, delay=1, on=node.on),
                fallback=None if node.fallback is None else instead,
                continue_on_error=node.forgiving,
            )
        )
    return plan(*steps)


def acting() -> Registry:
    """A registry with the kind `act`, whose attempts fail as often as they are told to."""
    done: Counter[str] = Counter()

    def perform(arguments: Arguments, workplace: Workplace) -> Finished:
        name, failures = str(arguments["act"]), arguments["failures"]
        if arguments.get("cells"):
            name += f"[{workplace.text('index')}]"
            failures = failures if workplace.value("item") else 0
        done[name] += 1
        if isinstance(failures, int) and done[name] <= failures:
            fault = Fault(COMMAND_FAILED, "it failed")
            return Finished(1, (fault,), causes=(str(arguments.get("cause")),))
        return Finished(0)

    spec = Spec("act", "Acts.", {"type": "string"}, "act: x")
    return Registry.of([Action(spec, lambda arguments, _: Typed(dict(arguments)), perform)])


def expected(nodes: list[Node], *, keep_going: bool) -> dict[str, str]:
    """Statuses where steps run one after the other, the first that is ready in the plan's order.

    Time passes only where none is ready: then all that wait for their next attempt are.
    """
    model = _Model(nodes, keep_going)
    while len(model.status) < len(nodes):
        model.settle()
        if model.ready:
            unit = min(model.ready)
            del model.ready[unit]
            model.attempt(unit)
        else:
            model.wake()
    cells = {
        f"s{index}[{cell}]": status
        for (index, cell), status in model.ends.items()
        if nodes[index].cells is not None
    }
    return {f"s{index}": status for index, status in model.status.items()} | cells


@dataclass
class _Model:
    """`status` has how steps have ended, `ends` how what is done of them has (`Node.units`)."""

    nodes: list[Node]
    keep_going: bool
    status: dict[int, str] = field(default_factory=dict)
    ends: dict[tuple[int, int], str] = field(default_factory=dict)
    begun: set[int] = field(default_factory=set)
    ready: dict[tuple[int, int], bool] = field(default_factory=dict)
    waiting: set[tuple[int, int]] = field(default_factory=set)
    tried: Counter[tuple[int, int]] = field(default_factory=Counter)

    def attempt(self, unit: tuple[int, int]) -> None:
        """Ends the unit with its last attempt, and lets it wait behind any other."""
        index, cell = unit
        status, attempts = self.nodes[index].outcome(cell)
        self.tried[unit] += 1
        if self.tried[unit] < attempts:
            self.waiting.add(unit)
        else:
            self.end(unit, status)

    def end(self, unit: tuple[int, int], status: str) -> None:
        """Ends the step with the last of what is done of it, as the worst of them has."""
        index, _ = unit
        self.ends[unit] = status
        ends = [self.ends.get((index, cell)) for cell in self.nodes[index].units]
        if None not in ends:
            worst = ("failed", "cancelled", "recovered", "succeeded")
            self.status[index] = next(one for one in worst if one in ends)

    def wake(self) -> None:
        """What has begun goes on, whatever has become of others."""
        self.ready |= dict.fromkeys(self.waiting, True)
        self.waiting.clear()

    def settle(self) -> None:
        """Decides, again and again, on every step whose needs have ended."""
        while self.drop() or any(self.decide(index) for index in range(len(self.nodes))):
            pass

    def drop(self) -> bool:
        """Cancels what is ready and may not begin any more."""
        dropped = [unit for unit, asks in self.ready.items() if not asks and self.stopped()]
        for unit in dropped:
            del self.ready[unit]
            self.end(unit, "cancelled")
        return bool(dropped)

    def due(self, index: int) -> bool:
        known = index in self.status or index in self.begun
        return not known and all(need in self.status for need in self.nodes[index].needs)

    def stopped(self) -> bool:
        units = {self.seen(index, status) for (index, _), status in self.ends.items()}
        return "failed" in units | set(map(self.seen_as, self.status)) and not self.keep_going

    def seen(self, index: int, status: str) -> str:
        """What those who need a step take its end for."""
        forgiven = status == "failed" and self.nodes[index].forgiving
        return "succeeded" if forgiven or status == "recovered" else status

    def seen_as(self, index: int) -> str:
        return self.seen(index, self.status[index])

    def failed_above(self, index: int) -> bool:
        needs = self.nodes[index].needs
        return any(self.seen_as(need) == "failed" or self.failed_above(need) for need in needs)

    def decide(self, index: int) -> bool:
        if not self.due(index):
            return False
        node = self.nodes[index]
        needs = {self.seen_as(need) for need in node.needs}
        asks = node.condition in ("always", "failure", "always and success", "not failure")
        holds = {
            "failure": self.failed_above(index),
            "not failure": not self.failed_above(index),
            "no": False,
            "always and success": needs <= {"succeeded"},
        }
        if not asks and needs & {"failed", "skipped"}:
            self.status[index] = "skipped"
        elif not asks and ("cancelled" in needs or self.stopped()):
            self.status[index] = "cancelled"
        elif node.condition == "broken":
            self.status[index] = "failed"
        elif not holds.get(node.condition, True):
            self.status[index] = "skipped"
        elif not node.units:
            self.status[index] = "succeeded"
        else:
            self.begun.add(index)
            self.ready |= {(index, cell): asks for cell in node.units}
        return True
