"""A run on a terminal: the tree of its steps below, what is said above; one thread writes both."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Final

from flowctl.cli import saying
from flowctl.cli.render import Screen
from flowctl.cli.standing import Standing
from flowctl.cli.tree import Tree
from flowctl.interpreter.events import Event, StepEnded
from flowctl.plan import Plan

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live as RichLive

_BETWEEN: Final = 0.125
"""Seconds between two pictures."""
_MANY: Final = 200
"""Steps; of more of them only those are told that did not succeed."""
_WAITING: Final = 5_000
"""Lines that may wait to be written; then who says more waits."""
_ABOVE: Final = 6
_TALLEST: Final = 20


class Live:
    """Shows events as they come; a context, at whose end the tree is gone and all is written.

    However fast the events come, a picture is made every so often, and is bounded. `size` tells the
    terminal's columns and lines, `clock` the time.
    """

    def __init__(
        self,
        tree: Tree,
        screen: Screen,
        clock: Callable[[], datetime],
        size: Callable[[], tuple[int, int]],
    ) -> None:
        self._tree = tree
        self._screen = screen
        self._clock = clock
        self._size = size
        self._standing = Standing()
        self._said: list[str] = []
        self._changed = threading.Condition()
        self._over = threading.Event()
        self._broken: OSError | None = None
        self._rich = _rich(screen)
        self._thread = threading.Thread(target=self._write, name="display", daemon=True)
        self._picture: Sequence[str] = ()

    def show(self, event: Event) -> None:
        """Take one event; raises OSError where the terminal is gone."""
        with self._changed:
            if self._broken is not None:
                raise self._broken
            self._standing.take(event)
            self._said += self._worth_a_line(event)
            self._changed.wait_for(lambda: len(self._said) < _WAITING or self._broken is not None)

    def __enter__(self) -> Live:
        self._rich.start()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()
        if self._broken is None:
            self._picture_now(last=True)
            self._rich.stop()

    def _write(self) -> None:
        try:
            while not self._over.wait(_BETWEEN):
                self._picture_now()
        except OSError as error:
            with self._changed:
                self._broken = error
                self._changed.notify_all()

    def _picture_now(self, *, last: bool = False) -> None:
        """Writes what was said since, and the tree as it stands; never while events must wait."""
        columns, lines = self._size()
        height = max(3, min(lines - _ABOVE, _TALLEST))
        with self._changed:
            said, self._said = self._said, []
            now = self._clock()
            picture = [] if last else self._tree.lines(self._standing, now, columns, height)
            self._changed.notify_all()
        if said or picture != self._picture:
            self._picture = picture
            self._rich.update(_drawn(picture))
            if said:
                self._rich.console.print(_raw(said), end="", soft_wrap=True)
            else:
                self._rich.refresh()

    def _worth_a_line(self, event: Event) -> Iterator[str]:
        if not isinstance(event, StepEnded):
            yield from saying.line(event, self._screen.paint)
        elif self._few or event.status in ("failed", "recovered"):
            began = self._standing.ended[event.step].began
            yield saying.ending(event, began, self._screen.paint)

    @property
    def _few(self) -> bool:
        return len(self._standing.status) <= _MANY


def live(screen: Screen, plan: Plan) -> Live:
    """The display of a plan's run on a terminal."""
    needs = {step.id: step.needs for step in plan.steps}
    tree = Tree(needs, screen.paint, ascii=not _has_marks(screen))

    def size() -> tuple[int, int]:
        columns, lines = os.get_terminal_size(screen.stream.fileno())
        return columns or screen.width, lines or 24  # a terminal may not know its size

    return Live(tree, screen, lambda: datetime.now(UTC), size)


def _has_marks(screen: Screen) -> bool:
    """Whether the terminal's encoding has more than ASCII."""
    try:
        "▶✓━".encode(screen.stream.encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return False
    return True


def _rich(screen: Screen) -> RichLive:
    from rich.console import Console
    from rich.live import Live

    console = Console(
        file=screen.stream, no_color=not screen.paint.on, highlight=False, force_terminal=True
    )
    return Live(
        console=console,
        auto_refresh=False,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
        vertical_overflow="crop",
    )


def _drawn(picture: Sequence[str]) -> RenderableType:
    from rich.text import Text

    return Text.from_ansi("\n".join(picture), no_wrap=True, overflow="crop", end="")


def _raw(said: Sequence[str]) -> RenderableType:
    """Lines as they are: they hold no controls but colours of ours."""
    from rich.segment import Segment, Segments

    return Segments([Segment("\n".join(said) + "\n")])
