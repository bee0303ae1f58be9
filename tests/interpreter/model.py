"""A small model of the graph's rules, and random graphs to hold against it."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import strategies as st

from flowctl.plan import Plan
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
    needs: tuple[int, ...]
    fails: bool
    condition: str


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


def expected(nodes: list[Node], *, keep_going: bool) -> dict[str, str]:
    """Statuses where steps run one after the other, the first that is ready in the plan's order."""
    model = _Model(nodes, keep_going)
    while len(model.status) < len(nodes):
        model.settle()
        if model.ready:
            index = min(model.ready)
            del model.ready[index]
            model.status[index] = "failed" if nodes[index].fails else "succeeded"
    return {f"s{index}": status for index, status in sorted(model.status.items())}


@dataclass
class _Model:
    nodes: list[Node]
    keep_going: bool
    status: dict[int, str] = field(default_factory=dict)
    ready: dict[int, bool] = field(default_factory=dict)

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
        known = index in self.status or index in self.ready
        return not known and all(need in self.status for need in self.nodes[index].needs)

    def stopped(self) -> bool:
        return "failed" in self.status.values() and not self.keep_going

    def failed_above(self, index: int) -> bool:
        needs = self.nodes[index].needs
        return any(self.status[need] == "failed" or self.failed_above(need) for need in needs)

    def decide(self, index: int) -> bool:
        if not self.due(index):
            return False
        condition = self.nodes[index].condition
        needs = {self.status[need] for need in self.nodes[index].needs}
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
