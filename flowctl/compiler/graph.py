"""An order for a graph, and its cycles."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence

from flowctl.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Order:
    """The nodes so that each comes after those that it needs, and the cycles that forbid it.

    Among nodes that are free to go, the first one of the given sequence goes first. Nodes on a
    cycle, or behind one, stand at the end in the given order.
    """

    nodes: tuple[str, ...]
    cycles: tuple[tuple[str, ...], ...]


def order(nodes: Sequence[str], needs: Mapping[str, Sequence[str]]) -> Order:
    """Sorts a graph, in time n log n; the needed names must all be nodes.

    >>> order(["c", "a", "b"], {"c": ["b"], "b": [], "a": []}).nodes
    ('a', 'b', 'c')
    >>> order(["a", "b"], {"a": ["b"], "b": ["a"]}).cycles
    (('a', 'b'),)
    """
    place = {node: index for index, node in enumerate(nodes)}
    waiting = {node: len(needs[node]) for node in nodes}
    needed_by: dict[str, list[str]] = {node: [] for node in nodes}
    for node in nodes:
        for needed in needs[node]:
            needed_by[needed].append(node)
    free = [place[node] for node in nodes if not waiting[node]]
    sorted_nodes: list[str] = []
    while free:
        node = nodes[heapq.heappop(free)]
        sorted_nodes.append(node)
        for next_node in needed_by[node]:
            waiting[next_node] -= 1
            if not waiting[next_node]:
                heapq.heappush(free, place[next_node])
    left = [node for node in nodes if waiting[node]]
    return Order((*sorted_nodes, *left), _cycles(left, needs))


def _cycles(
    nodes: Sequence[str], needs: Mapping[str, Sequence[str]]
) -> tuple[tuple[str, ...], ...]:
    """One cycle for each knot: walks along needs until a node of this walk or of an older one."""
    place = {node: index for index, node in enumerate(nodes)}
    walked = set[str]()
    found: list[tuple[str, ...]] = []
    for start in nodes:
        path: dict[str, int] = {}
        node = start
        while node not in walked and node not in path:
            path[node] = len(path)
            # Each stuck node needs another one, or it would have been free to go.
            node = next(needed for needed in needs[node] if needed in place)
        if node in path:
            cycle = list(path)[path[node] :]
            first = min(range(len(cycle)), key=lambda index: place[cycle[index]])
            found.append((*cycle[first:], *cycle[:first]))
        walked.update(path)
    return tuple(found)
