"""Keeps secrets out of what is shown and stored: every occurrence becomes `***`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from flowctl.syntax.node import Json

MASK = "***"
_SHORTEST_LINE = 4


class Mask:
    """The texts that nobody may see; grows while a run goes on, and never forgets.

    Of a secret of several lines each line is hidden by itself as well, unless it is so short
    (a lone brace) that hiding it would only garble the log.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._needles: tuple[bytes, ...] = ()
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """Hide this text from now on."""
        lines = [line.strip() for line in secret.splitlines()]
        texts = [secret, *(line for line in lines if len(line) >= _SHORTEST_LINE)]
        found = {text.encode("utf-8", "surrogateescape") for text in texts if text}
        self._needles = tuple(sorted(found.union(self._needles)))

    @property
    def needles(self) -> tuple[bytes, ...]:
        return self._needles

    def text(self, shown: str) -> str:
        """The text as it may be shown.

        >>> Mask(["s3cret"]).text("the key is s3cret.")
        'the key is ***.'
        """
        if not self._needles:
            return shown
        flow = MaskedFlow(self)
        # What is no text comes from the system as lone surrogates, and goes back as bytes.
        raw = shown.encode("utf-8", "surrogateescape")
        return (flow.feed(raw) + flow.end()).decode("utf-8", "surrogateescape")

    def json(self, value: Json) -> Json:
        """The value, with its texts as they may be shown.

        >>> Mask(["s3cret"]).json({"s3cret": [1, "s3cret"]})
        {'***': [1, '***']}
        """
        if not self._needles:
            return value
        match value:
            case str():
                return self.text(value)
            case list():
                return [self.json(item) for item in value]
            case dict():
                return {self.text(name): self.json(item) for name, item in value.items()}
        return value


class MaskedFlow:
    """Masks a flow of bytes that comes in pieces, wherever the pieces are cut.

    What may be the beginning of a secret is held back until the rest has come, never more than the
    longest secret is long.
    """

    def __init__(self, mask: Mask) -> None:
        self._mask = mask
        self._held = b""
        self._covered = 0  # so many of the bytes held belong to a secret that is already a `***`

    def feed(self, piece: bytes) -> bytes:
        """As much of the flow as may be shown now."""
        needles = self._mask.needles
        if not needles and not self._held:
            return piece
        self._held += piece
        starts = (_possible_start(self._held, needle) for needle in needles)
        return self._release(min(starts, default=len(self._held)))

    def end(self) -> bytes:
        """What was still held back."""
        return self._release(len(self._held))

    def _release(self, cut: int) -> bytes:
        shown = bytearray()
        position = 0
        for start, end in _stretches(self._held, self._mask.needles, self._covered):
            if start >= cut:
                break
            shown += self._held[position:start]
            if start > 0 or not self._covered:
                shown += MASK.encode()
            position = end
        shown += self._held[position:cut]
        self._covered = max(0, max(position, self._covered) - cut)
        self._held = self._held[cut:]
        return bytes(shown)


def _stretches(raw: bytes, needles: tuple[bytes, ...], covered: int) -> Iterator[tuple[int, int]]:
    """Where secrets stand, those that overlap as one, in order."""
    found = sorted(place for needle in needles for place in _occurrences(raw, needle))
    start, end = 0, covered
    for next_start, next_end in found:
        if next_start >= end:
            if end > start:
                yield start, end
            start = next_start
        end = max(end, next_end)
    if end > start:
        yield start, end


def _occurrences(raw: bytes, needle: bytes) -> Iterator[tuple[int, int]]:
    start = raw.find(needle)
    while start >= 0:
        yield start, start + len(needle)
        start = raw.find(needle, start + 1)


def _possible_start(raw: bytes, needle: bytes) -> int:
    """Where the secret may have begun at the end of what has come so far; else the end."""
    start = raw.find(needle[:1], max(0, len(raw) - len(needle) + 1))
    while start >= 0:
        if needle.startswith(raw[start:]):
            return start
        start = raw.find(needle[:1], start + 1)
    return len(raw)
