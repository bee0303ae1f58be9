"""What the names in templates stand for: values, and the places where they were written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from flowctl.codes.templates import SECRET_IN_TEMPLATE, UNDEFINED
from flowctl.compiler.expand.faults import TemplateFault
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Frame, nearest
from flowctl.syntax.node import Node

AT_RUN_TIME = ("steps", "run", "item", "index", "env", "event", "context", "always", "failure")


@dataclass(frozen=True, slots=True)
class Names:
    """The names that a template may use at one place of the document.

    `values` holds `params`, `vars`, `workflow`, `matrix` as far as they exist there; `places` the
    located values below `vars` and `matrix`. `lacking` says why one of the four does not exist.
    `frames` tell the matrix cell, for the trace of what it made.
    """

    values: Mapping[str, object]
    places: Mapping[str, Mapping[str, Node]] = field(default_factory=dict)
    lacking: Mapping[str, str] = field(default_factory=dict)
    frames: tuple[Frame, ...] = ()

    def value(self, name: str, start: int) -> object:
        """The value of a top name that stands at an offset; raises TemplateFault."""
        if name in self.values:
            return self.values[name]
        end = start + len(name)
        if name == "secrets":
            raise TemplateFault(
                SECRET_IN_TEMPLATE,
                "a secret is not known at compile time",
                start,
                end,
                "write `${{ secrets... }}`, which is evaluated when the step runs",
            )
        if name in self.lacking:
            raise TemplateFault(UNDEFINED, self.lacking[name], start, end)
        if name in AT_RUN_TIME:
            raise TemplateFault(
                UNDEFINED,
                f"`{name}` is not known at compile time",
                start,
                end,
                "write `${{ ... }}`, which is evaluated when the step runs",
            )
        raise undefined(name, list(self.values), start, "", "names")


def undefined(name: str, legal: list[str], start: int, owner: str, what: str) -> TemplateFault:
    """The fault that a name does not exist; `owner` ends with a dot, or is empty."""
    near = nearest(name, legal)
    if near:
        help = f"did you mean `{owner}{near}`?"
    elif legal:
        help = f"{what}: {', '.join(f'`{one}`' for one in legal[:12])}"
    else:
        help = None
    message = f"undefined name `{owner}{name}`"
    return TemplateFault(UNDEFINED, message, start, start + len(name), help)
