"""What would be lost silently in a stream: records that go nowhere, rejects, run-time texts."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from flowctl.codes.branches import BEHIND_BRANCHES
from flowctl.codes.environment import PLACING
from flowctl.codes.names import (
    NO_RUNTIME,
    NO_SINK,
    NOTHING_REJECTS,
    OLD_REPLACED,
    REJECTS_NOWHERE,
)
from flowctl.codes.schema import OUT_OF_RANGE
from flowctl.compiler.anatomy import Part
from flowctl.compiler.stages import LinkedStep
from flowctl.compiler.texts import texts_below
from flowctl.compiler.voice import Voice
from flowctl.syntax.node import MappingNode, ScalarNode


def warn_of_losses(step: LinkedStep, ends_elsewhere: frozenset[str], voice: Voice) -> None:
    """Neither the records of a step nor those that it rejects may end nowhere."""
    parts, node, name = step.parts, step.step.node, step.step.name
    rejecting = [
        policy
        for part in (*parts.sources, *parts.passing)
        if part is not None and isinstance(policy := part.node.get("on_error"), ScalarNode)
        if policy.value == "reject"
    ]
    if rejecting and node.get("rejects") is None:
        message = f"step `{name}` rejects records, but does not say where to"
        help = "add `rejects: {ndjson: build/rejects.ndjson}` to the step"
        voice.at(REJECTS_NOWHERE, rejecting[0], message, help)
    check = node.get("check")
    entry = node.entry("rejects") or node.entry("max_rejects")
    if entry is None and isinstance(check, MappingNode):
        entry = check.entry("rejected")
    if entry is not None and not rejecting and parts.complete:
        message = f"nothing in step `{name}` says `on_error: reject`"
        help = "say it at the source, or at a transform whose faulty records are to be set aside"
        voice.at(NOTHING_REJECTS, entry.key, message, help)
    _warn_of_lost_records(step, ends_elsewhere, voice)
    _warn_of_replacing(step, voice)


def _warn_of_lost_records(step: LinkedStep, ends_elsewhere: frozenset[str], voice: Voice) -> None:
    """Records end in a sink, or in a step that reads them; a branch is read by its file alone."""
    parts, node, name = step.parts, step.step.node, step.step.name
    for limb in parts.limbs:
        if not limb.sinks and not _parts(limb.transforms) and parts.complete:
            message = f"the records of branch `{limb.key.value}` go nowhere"
            help = "add a `sink`, or leave the branch out: what no branch takes counts as filtered"
            voice.at(NO_SINK, limb.key, message, help)
    if parts.limbs or node.get("sink") is not None:
        return
    if step.step.id not in ends_elsewhere:
        message = f"step `{name}` has no sink, and no other step reads it"
        voice.at(NO_SINK, step.step.key, message, "add a `sink`")


def refuse_behind_branches(step: LinkedStep, voice: Voice) -> None:
    """Where records have parted, they are no single stream any more."""
    _refuse_behind(step.parts.transforms, step.step.node, voice)


def _refuse_behind(transforms: Sequence[Part | None], owner: MappingNode, voice: Voice) -> None:
    parting = _parts(transforms)
    if parting is None:
        return
    part, behind = parting
    kind = f"`{part.kind}`"
    if behind is not None:
        entry = behind.node.entry(behind.kind)
        place = entry.key if entry is not None else behind.node
        message = f"`{behind.kind}` stands behind {kind}, where records go on in its branches"
        help = f"put it before the {kind}, or into the `transforms` of a branch"
        voice.at(BEHIND_BRANCHES, place, message, help)
    if (sink := owner.entry("sink")) is not None:
        message = f"a `sink` beside a {kind}: all records go on in its branches"
        voice.at(BEHIND_BRANCHES, sink.key, message, "give each branch its own `sink`")
    for limb in part.limbs:
        _refuse_behind(limb.transforms, limb.node, voice)


def _parts(transforms: Sequence[Part | None]) -> tuple[Part, Part | None] | None:
    """The first transform with branches, and the one behind it."""
    known = [part for part in transforms if part is not None]
    for index, part in enumerate(known):
        if part.limbs:
            return part, next(iter(known[index + 1 :]), None)
    return None


def _warn_of_replacing(step: LinkedStep, voice: Voice) -> None:
    """Where only what is new is read, what was written before must not go by an oversight."""
    source = step.parts.source
    incremental = source.node.get("incremental") if source is not None else None
    if not isinstance(incremental, ScalarNode) or incremental.value is not True:
        return
    for part in step.parts.all_sinks:
        entry = part.node.entry(part.kind)
        if entry is not None and part.kind != "stdout" and part.node.get("mode") is None:
            message = "each run replaces what earlier ones wrote, by what is new to it alone"
            help = "add `mode: append`, or `mode: replace` if that is meant"
            voice.at(OLD_REPLACED, entry.key, message, help)


def refuse_partitioned_rejects(step: LinkedStep, voice: Voice) -> None:
    """Rejects are written as they come, and never come together by partition."""
    rejects = step.step.node.get("rejects")
    entry = rejects.entry("partition_by") if isinstance(rejects, MappingNode) else None
    if entry is not None:
        voice.at(PLACING, entry.key, "rejects have no partitions", "leave `partition_by` out")


def refuse_runtime_texts(step: LinkedStep, voice: Voice) -> None:
    """A stream has no place for values that only the run brings."""
    parts = step.parts
    for part in (parts.source, *parts.transforms, *parts.sinks, parts.rejects):
        for text in texts_below("", part.node) if part is not None else ():
            message = "`${{ }}` is not computed here: streams are fixed before the run"
            help = "`{{ }}` takes what is known then, such as `{{ params.name }}`"
            span = text.node.at(text.opens, text.closes)
            voice.report.say(NO_RUNTIME, span, message, help=help, trace=text.node.trace)


def limit_of_rejects(step: LinkedStep, voice: Voice) -> str | None:
    """`max_rejects` in one spelling: `10`, `0.5%`."""
    node = step.step.node.get("max_rejects")
    if not isinstance(node, ScalarNode) or node.value is None:
        return None
    text = "".join(str(node.value).split())
    number = Decimal(text.removesuffix("%"))
    if not text.endswith("%") and number != int(number):
        voice.at(
            OUT_OF_RANGE, node, "a count of records is a whole number", "write a share as `1%`"
        )
    elif text.endswith("%") and number > 100:
        voice.at(OUT_OF_RANGE, node, "a share is at most 100%")
    return f"{number.normalize():f}{'%' if text.endswith('%') else ''}"
