"""What is secret never leaves, wherever a flow is cut."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from flowctl.interpreter.masking import MASK, Mask, MaskedFlow

SECRETS = st.lists(st.text("ab", min_size=1, max_size=4), min_size=1, max_size=3)
PIECES = st.lists(st.text("abc\n", max_size=6), max_size=6)


def masked(whole: str, secrets: list[str]) -> str:
    """The slow way: find every occurrence, merge those that overlap, replace."""
    found = sorted(
        (start, start + len(secret))
        for secret in secrets
        for start in range(len(whole))
        if whole.startswith(secret, start)
    )
    merged: list[list[int]] = []
    for start, end in found:
        if merged and start < merged[-1][1]:
            merged[-1][1] = max(end, merged[-1][1])
        else:
            merged.append([start, end])
    shown, position = "", 0
    for start, end in merged:
        shown += whole[position:start] + MASK
        position = end
    return shown + whole[position:]


@settings(max_examples=500, deadline=None)
@given(SECRETS, PIECES)
def test_cuts_do_not_matter(secrets: list[str], pieces: list[str]) -> None:
    flow = MaskedFlow(Mask(secrets))
    shown = b"".join(flow.feed(piece.encode()) for piece in pieces) + flow.end()
    assert shown.decode() == masked("".join(pieces), secrets)


@settings(max_examples=100, deadline=None)
@given(SECRETS, st.text("ab", min_size=100, max_size=300))
def test_no_more_is_held_back_than_a_secret_is_long(secrets: list[str], text: str) -> None:
    flow = MaskedFlow(Mask(secrets))
    longest = max(map(len, secrets))
    for end in range(len(text)):
        flow.feed(text[end].encode())
        assert len(flow._held) < longest


def test_lines_of_a_secret_are_hidden_by_themselves() -> None:
    mask = Mask(["-----BEGIN-----\nMIIabc\n}\n-----END-----"])
    assert mask.text("a MIIabc b } c") == "a *** b } c"
    assert mask.text("-----BEGIN-----\nMIIabc\n}\n-----END-----!") == "***!"


def test_text_that_is_no_utf8_survives() -> None:
    secret = b"\xff\xfe".decode("utf-8", "surrogateescape")
    assert Mask([secret]).text(f"é {secret} ü") == "é *** ü"


def test_without_secrets_nothing_is_touched() -> None:
    flow = MaskedFlow(Mask([""]))
    assert flow.feed(b"a***\n") == b"a***\n"
    assert flow.end() == b""
