"""A plan for a person: each step with what it reads, does and writes, and the columns it gives."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby

from flowctl.cli import wording
from flowctl.cli.actions import NEW, Action, Expected, Outcome
from flowctl.cli.paint import Paint, safe
from flowctl.cli.render import Screen
from flowctl.plan import Operation, Step, Stream
from flowctl.records import Schema

_LABEL = 12
_MOST_LINES = 6
_DIGEST = len("sha256:") + 12
_SAID: Mapping[Action, str] = {"run": "runs", "resume": "resumes", "cached": "cached"}


def as_text(ahead: Expected, schemas: Mapping[str, Schema], screen: Screen) -> str:
    """The whole plan, a block for each step."""
    width, plan = min(screen.width, 120), ahead.plan
    blocks = [_head(ahead, width, screen.paint)]
    for step in plan.steps:
        outcome = ahead.steps[step.id] if ahead.varied else None
        blocks.append(_block(step, schemas, outcome, width, screen.paint))
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _head(ahead: Expected, width: int, paint: Paint) -> list[str]:
    plan = ahead.plan
    lines = [f"{paint('strong', safe(plan.name))}  {paint('quiet', plan.digest[:_DIGEST])}"]
    params = [f"{name} = {wording.value(given)}" for name, given in plan.params.items()]
    lines += _labelled("params", params and [", ".join(params)], width, paint)
    secrets = [f"{one.id} (from {one.source} {one.location})" for one in plan.secrets]
    lines += _labelled("secrets", secrets, width, paint)
    if ahead.refused:
        told = [f"run {ahead.run} cannot go on, and `--fresh` would begin anew:", *ahead.refused]
        lines += _labelled("refused", told, width, paint)
    elif ahead.run is not None:
        lines += _labelled("resumes", [f"run {ahead.run}, which is unfinished"], width, paint)
    elif not ahead.varied:
        lines += _labelled("runs", [f"every step: {NEW}"], width, paint)
    return lines


def _block(
    step: Step,
    schemas: Mapping[str, Schema],
    outcome: Outcome | None,
    width: int,
    paint: Paint,
) -> list[str]:
    lines = [f"{paint('strong', step.id)}  {paint('quiet', step.digest[:_DIGEST])}"]
    if outcome is not None:
        lines += _labelled(_SAID[outcome.action], [outcome.why], width, paint)
    for branch, parts in groupby(wording.operations(step), lambda one: one[0].rpartition("/")[0]):
        for part, operation in parts if not branch else ():
            lines += _labelled(part, _told(part, operation), width, paint)
        if branch:
            lines += _branch(branch, parts, schemas.get(f"{step.id}/{branch}"), width, paint)
    lines += [
        line
        for name, text in wording.settings(step).items()
        for line in _labelled(name, [text], width, paint)
    ]
    schema = schemas.get(step.id)
    if isinstance(step.body, Stream) and schema is not None and not step.body.parts:
        lines += _labelled("columns", list(_columns(schema, width - _LABEL - 2)), width, paint)
    return lines


def _branch(
    name: str,
    parts: Iterable[tuple[str, Operation]],
    schema: Schema | None,
    width: int,
    paint: Paint,
) -> Iterator[str]:
    """What becomes of the records of a branch, and their columns in the end."""
    texts = []
    for part, operation in parts:
        role = part.rpartition("/")[2]
        first, *rest = _told(role, operation)
        texts += [f"{role}: {first}", *(f"  {text}" for text in rest)]
    if schema is not None:
        texts.append("columns: " + "\n  ".join(_columns(schema, width - _LABEL - 11)))
    yield from _labelled(name, texts, width, paint)


def _told(part: str, operation: Operation) -> list[str]:
    first, *rest = wording.lines(operation)
    return [first if part == operation.kind else f"{operation.kind}: {first}", *rest]


def _columns(schema: Schema, width: int) -> Iterator[str]:
    """The columns with their types, as many to a line as fit, each in one piece."""
    told = [safe(str(column)) for column in schema]
    if schema.open:
        told.append("… (not all are known before the run)" if told else "not known before the run")
    line = ""
    for number, text in enumerate(told, 1):
        text += "," if number < len(told) else ""
        if line and len(line) + 1 + len(text) > width:
            yield line
            line = ""
        line += f" {text}" if line else text
    yield line


def _labelled(label: str, texts: list[str], width: int, paint: Paint) -> Iterator[str]:
    """Texts beside a label, each from a new line on, wrapped and bounded."""
    head = f"  {label:<{_LABEL}}"
    indent = " " * len(head)
    for text in texts:
        plain = [line for part in text.splitlines() for line in _wrapped(part, width - len(head))]
        if len(plain) > _MOST_LINES and label != "columns":
            plain = [*plain[: _MOST_LINES - 1], "…"]
        for line in plain:
            yield f"{paint('frame', head)}{line}" if head.strip() else f"{indent}{line}"
            head = indent


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(
        safe(text), max(width, 24), break_on_hyphens=False, subsequent_indent="  "
    ) or [""]
