"""What does not go with a stream that follows its source, and so never ends."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from flowctl.arguments import listed
from flowctl.codes.names import NEVER_ENDS
from flowctl.compiler.anatomy import Part
from flowctl.compiler.stages import LinkedStep
from flowctl.compiler.voice import Voice
from flowctl.component import Sink
from flowctl.registry import Registry
from flowctl.sinking import destination
from flowctl.syntax.node import Pointer, ScalarNode


def follows(step: LinkedStep) -> bool:
    """Whether the step reads on as its source grows."""
    source = step.parts.source
    entry = source.node.get("follow") if source is not None else None
    return isinstance(entry, ScalarNode) and entry.value is True


def ends(step: LinkedStep) -> bool:
    """Whether a step that follows its source ends by itself, by a `limit`."""
    return _ends(step.parts.transforms)


def _ends(transforms: Sequence[Part | None]) -> bool:
    """Whether nothing more leaves from some record on, by whichever branch."""
    known = [part for part in transforms if part is not None]
    limbs = known[-1].limbs if known else ()
    if limbs and all(_ends(limb.transforms) for limb in limbs):
        return True
    return any(part.kind == "limit" for part in known)


def refuse_what_waits(
    step: LinkedStep, whole: Collection[Pointer], registry: Registry, voice: Voice
) -> None:
    """Tells what of a step that follows its source would wait for its end, or needs it whole.

    `whole` are the places of its transforms that see all records before any leaves.
    """
    if not follows(step):
        return
    for part in step.parts.passing:
        if part is not None:
            inputs = registry.transforms[part.kind].inputs
            _transform(part, inputs, part.pointer in whole, voice)
    node = step.step.node
    if (check := node.entry("check")) is not None:
        message = "a `check` is held against all of the output, and the source is followed"
        help = "`validate` holds each record to a rule"
        voice.at(NEVER_ENDS, check.key, message, help)
    share = node.get("max_rejects")
    if isinstance(share, ScalarNode) and str(share.value).strip().endswith("%"):
        message = "a share is known at the end, and the source is followed"
        voice.at(NEVER_ENDS, share, message, "say how many there may be: a count")
    for part in step.parts.outputs:
        _sink(part, registry.sinks[part.kind], len(step.parts.outputs), voice)


def _transform(part: Part, inputs: str, whole: bool, voice: Voice) -> None:
    entry = part.node.entry(part.kind)
    key = entry.key if entry is not None else part.node
    if inputs == "many":
        message = f"what `{part.kind}` adds comes behind the records of a source that is followed"
        voice.at(NEVER_ENDS, key, message, "read those in a step of their own, into the same sink")
    elif whole:
        message = f"`{part.kind}` waits for all records, and the source is followed"
        help = "do that in another workflow, over what this one has written"
        voice.at(NEVER_ENDS, key, message, help)


def _sink(part: Part, component: Sink, outputs: int, voice: Voice) -> None:
    """A sink must take what comes at each checkpoint."""
    entry = part.node.entry(part.kind)
    if entry is None or part.arguments is None:
        return
    paths = component.paths(part.arguments)
    if not paths:
        if outputs > 1:
            message = "standard output knows no checkpoints, which the other outputs need"
            help = "give standard output a step of its own"
            voice.at(NEVER_ENDS, entry.key, message, help)
        return
    where = destination(part.kind, paths[0], part.arguments)
    if where.folder:
        if where.mode == "replace_partitions":
            message = "a source that is followed adds to its partitions again and again"
            voice.at(NEVER_ENDS, part.node.get("mode") or entry.key, message, "say `mode: append`")
    elif where.mode != "append":
        mode = part.node.get("mode")
        message = "a source that is followed is never read whole, so its sinks must be added to"
        help = "say `mode: append`"
        if part.kind not in _LINES:
            help = f"write a dataset: `{part.kind}: {paths[0].partition('.')[0]}/`"
        voice.at(NEVER_ENDS, mode or entry.key, message, help)
    elif part.kind not in _LINES:
        help = f"write a dataset: `{part.kind}: {paths[0].partition('.')[0]}/`"
        message = "a file of this format is whole only at its end, and the source is followed"
        voice.at(NEVER_ENDS, entry.key, message, help)


_LINES = ("csv", "ndjson", "text")


def refuse_waiting(steps: Sequence[LinkedStep], voice: Voice) -> None:
    """Tells which steps would wait for ever for one that follows its source."""
    within = {step.step.id: step.step.within for step in steps}
    following = {step.step.id for step in steps if follows(step)}
    endless = {step.step.id for step in steps if follows(step) and not ends(step)}
    for step in steps:
        node, source = step.step.node, step.parts.source
        if step.step.id in endless:  # and so is what uses its workflow, which stands behind it
            endless.add(step.step.within)
        read = [id for id in step.reads if id in following and source is not None]
        beside = [id for id in step.needs if within[id] == step.step.within]
        waited = [id for id in beside if id in endless]
        if read:
            message = f"{listed(read)} follows its source, so it hands no records on"
            help = "read the files that it writes, in another workflow"
            place = source.node.get(source.kind) if source is not None else None
            voice.at(NEVER_ENDS, place or step.step.key, message, help)
        elif waited:
            message = f"this would never begin: {listed(waited)} follows its source, without end"
            help = "leave the need out, or end that step with a `limit`"
            voice.at(NEVER_ENDS, node.get("needs") or step.step.key, message, help)
