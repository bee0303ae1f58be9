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
    """A step whose first `failures` attempts fail, of `attempts`: by an exit code or by time."""

    needs: tuple[int, ...]
    fails: bool
    condition: str
    failures: int = 99
    attempts: int = 1
    cause: str = "1"
    on: tuple[str, ...] = ()
    fallback: bool | None = None
    forgiving: bool = False

    @property
    def outcome(self) -> tuple[str, int]:
        """The status of the step, if it begins, and how often it is tried."""
        again = not self.on or self.cause in self.on
        most = self.attempts if again else 1
        if not self.fails or self.failures < most:
            return "succeeded", self.failures + 1 if self.fails else 1
        return "recovered" if self.fallback else "failed", most


@st.composite
def graphs(draw: st.DrawFn) -> list[Node]:
    """Steps that need steps before them."""
    nodes: list[Node] = []
    for index in range(draw(st.integers(1, 7))):
        before = st.integers(0, index - 1) if index else st.nothing()
        needs = draw(st.lists(before, unique=True, max_size=3)) if index else []
        condition = draw(st.sampled_from(["", "", "", *CONDITIONS]))
        nodes.append(
            Node(tuple(sorted(needs)), draw(st.sampled_from([False, False, True])), condition)
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
        for node in draw(graphs())
    ]


def plan_of(nodes: list[Node]) -> Plan:
    return plan(
        *(
            command(
                f"s{index}",
                ["false" if node.fails else "true"],
                *(f"s{need}" for need in node.needs),
                condition=CONDITIONS[node.condition],
            )
            for index, node in enumerate(nodes)
        )
    )


def rich_plan_of(nodes: list[Node]) -> Plan:
    """The same graph, of steps of the kind `act` (see `acting`)."""
    steps: list[Step] = []
    for index, node in enumerate(nodes):
        failures = node.failures if node.fails else 0
        body = Operation("act", {"act": f"s{index}", "failures": failures, "cause": node.cause})
        instead = Operation("act", {"act": "", "failures": 0 if node.fallback else 99})
        steps.append(
            Step(
                f"s{index}",
                body,
                tuple(f"s{need}" for need in node.needs),
                condition=CONDITIONS[node.condition],
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
            index = min(model.ready)
            del model.ready[index]
            model.attempt(index)
        else:
            model.wake()
    return {f"s{index}": status for index, status in sorted(model.status.items())}


@dataclass
class _Model:
    nodes: list[Node]
    keep_going: bool
    status: dict[int, str] = field(default_factory=dict)
    ready: dict[int, bool] = field(default_factory=dict)
    waiting: set[int] = field(default_factory=set)
    tried: Counter[int] = field(default_factory=Counter)

    def attempt(self, index: int) -> None:
        """Ends the step with its last attempt, and lets it wait behind any other."""
        status, attempts = self.nodes[index].outcome
        self.tried[index] += 1
        if self.tried[index] < attempts:
            self.waiting.add(index)
        else:
            self.status[index] = status

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
        dropped = [index for index, asks in self.ready.items() if not asks and self.stopped()]
        for index in dropped:
            del self.ready[index]
            self.status[index] = "cancelled"
        return bool(dropped)

    def due(self, index: int) -> bool:
        known = index in self.status or index in self.ready or index in self.waiting
        return not known and all(need in self.status for need in self.nodes[index].needs)

    def stopped(self) -> bool:
        return "failed" in map(self.seen, self.status) and not self.keep_going

    def seen(self, index: int) -> str:
        """What those who need a step take its end for."""
        status = self.status[index]
        forgiven = status == "failed" and self.nodes[index].forgiving
        return "succeeded" if forgiven or status == "recovered" else status

    def failed_above(self, index: int) -> bool:
        needs = self.nodes[index].needs
        return any(self.seen(need) == "failed" or self.failed_above(need) for need in needs)

    def decide(self, index: int) -> bool:
        if not self.due(index):
            return False
        condition = self.nodes[index].condition
        needs = {self.seen(need) for need in self.nodes[index].needs}
        asks = condition in ("always", "failure", "always and success", "not failure")
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
        elif condition == "broken":
            self.status[index] = "failed"
        elif holds.get(condition, True):
            self.ready[index] = asks
        else:
            self.status[index] = "skipped"
        return True
