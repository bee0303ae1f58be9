"""Window functions: each record with what it sees of its partition, in the order of the input.

Records are sorted by partition and order. Then they pass once from the first to the last, with as
many at hand as a function looks back or ahead; what depends on the last record of a partition, or
of equal records, is filled in on a way back. So no partition has to fit into memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from flowctl.dataclass import dataclass
from flowctl.expressions.windows.table import Look
from flowctl.gathering.distinct import POSITION, SPLIT
from flowctl.gathering.order import Order
from flowctl.gathering.sorting import Sorting
from flowctl.gathering.spill import Spill
from flowctl.syntax.node import Json

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    Places: TypeAlias = "NDArray[np.int64]"

_PARTITION: Final = "\ue000partition"
_PEERS: Final = "\ue000peers"
_DENSE: Final = "\ue000dense"
_END: Final = "\ue000end"
_RUNNING: Final = "\ue000running"
_SUMMED: Final = ("sum", "least", "greatest", "first", "last")


@dataclass(frozen=True, slots=True)
class Frame:
    """The records that a function sees: from so many before to so many behind its own.

    Without a `start` it begins with the partition, without an `end` it ends with it; `peers` is
    the last record that is equal in the order.
    """

    start: int | None
    end: int | Literal["peers"] | None


@dataclass(frozen=True, slots=True)
class Seen:
    """A function at work: the column `name` that it fills from the column `value`.

    A `shift` takes the value from `back` records before; where there is none, from `default`.
    """

    name: str
    look: Look
    value: str = ""
    back: int = 0
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Windowing:
    """Partitions by columns, an order in each, a frame, and what is computed over it."""

    keys: tuple[str, ...]
    order: Order
    frame: Frame
    seen: tuple[Seen, ...]
    finished: Callable[[pl.DataFrame], pl.DataFrame]
    """Makes the columns that leave of those that were filled."""

    def open(self, folder: Path, memory: int) -> Windows:
        """Begins to gather records."""
        descending = (*(False for _ in self.keys), *self.order.descending)
        order = Order((*self.keys, *self.order.columns), descending)
        if not order.columns:
            order = Order.ascending((POSITION,))
        return Windows(self, Sorting(order, Spill(folder / "keys"), memory), folder, memory)

    @property
    def late(self) -> tuple[Seen, ...]:
        """What is known only at the end of a partition, or of equal records."""
        if isinstance(self.frame.end, int):
            return ()
        return tuple(one for one in self.seen if one.look in _SUMMED and one.look != "first")

    @property
    def back(self) -> int:
        """How many records before its own one sees, at most; without a bound a sum is kept."""
        shifts = (one.back for one in self.seen if one.look == "shift")
        end = self.frame.end if isinstance(self.frame.end, int) else 0
        return max(0, -(self.frame.start or 0), -end, *shifts)

    @property
    def ahead(self) -> int:
        """How many records behind its own one sees, at most; at least whether there is one."""
        shifts = (-one.back for one in self.seen if one.look == "shift")
        return max(1, self.frame.end if isinstance(self.frame.end, int) else 0, *shifts)


@dataclass(slots=True)
class Windows:
    """The records that were seen so far."""

    windowing: Windowing
    sorting: Sorting
    folder: Path
    memory: int
    splits: int = 0

    def take(self, frame: pl.DataFrame) -> None:
        import polars as pl

        index = pl.int_range(pl.len(), dtype=pl.Int64) + self.splits * SPLIT
        self.sorting.take(frame.with_columns(index.alias(POSITION)))
        self.splits += 1

    def leave(self) -> Iterator[pl.DataFrame]:
        placed = Sorting(Order.ascending((POSITION,)), Spill(self.folder / "order"), self.memory)
        frames = _Forward(self.windowing).frames(self.sorting.leave())
        for frame in self._filled(frames) if self.windowing.late else frames:
            placed.take(frame)
        for frame in placed.leave():
            yield self.windowing.finished(frame)
        placed.close()

    def _filled(self, frames: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """From the last frame to the first, with what is known only at an end."""
        spill = Spill(self.folder / "back")
        run = spill.write(frames)
        backward = _Backward(self.windowing)
        for index in reversed(range(len(run.segments))):
            yield backward.frame(spill.read(run, index))
        spill.clear()

    def checkpoint(self) -> Json:
        return {"splits": self.splits, "sorting": self.sorting.checkpoint()}

    def restore(self, state: Json) -> None:
        match state:
            case {"splits": int(splits), "sorting": sorting}:
                self.splits = splits
                self.sorting.restore(sorting)
            case _:
                raise ValueError(f"not the state of a window: {state!r}")

    def close(self) -> None:
        self.sorting.close()
        for name in ("order", "back"):
            Spill(self.folder / name).clear()
        if self.folder.is_dir():
            self.folder.rmdir()


@dataclass(slots=True)
class _Forward:
    """The way from the first record to the last one.

    `_last` is the record before the next one, `_rows` how many there were.
    """

    windowing: Windowing
    _rows: int = 0
    _last: pl.DataFrame | None = None

    def frames(self, sorted_frames: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """The same records with all that can be told on this way."""
        import polars as pl

        back, ahead = self.windowing.back, self.windowing.ahead
        held: pl.DataFrame | None = None
        start = done = 0  # the first record that is held, and the first that has not left
        for frame in sorted_frames:
            if frame.is_empty():
                continue
            arrived = self._arrived(frame)
            held = arrived if held is None else pl.concat([held, arrived])
            ready = start + held.height - ahead
            if ready > done:
                yield self._looked(held, start, done, ready)
                done = ready
                keep = max(start, done - back)
                held, start = held.slice(keep - start), keep
        if held is not None and start + held.height > done:
            yield self._looked(held, start, done, start + held.height)

    def _arrived(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The records with their partition's start, that of their equals, and what runs on."""
        import numpy as np
        import polars as pl

        from flowctl.gathering.looking import running_extremes, running_sums, starts

        windowing, last = self.windowing, self._last
        opens = self._differs(frame, windowing.keys)
        changes = opens | self._differs(frame, windowing.order.columns)
        partition = self._since(starts(opens), _PARTITION)
        peers = self._since(starts(changes), _PEERS)
        number = np.cumsum(changes) + (last[_DENSE][0] if last is not None else 0)
        # Counted from the partition's first record, whose own number is 1.
        first = starts(opens)
        dense = np.where(first >= 0, number - number[np.maximum(first, 0)] + 1, number)
        found = frame.with_columns(
            pl.Series(_PARTITION, partition), pl.Series(_PEERS, peers), pl.Series(_DENSE, dense)
        )
        running: list[pl.Series] = []
        local = np.cumsum(opens)
        for one in windowing.seen:
            if windowing.frame.start is not None or one.look not in _SUMMED:
                continue
            name = one.name + _RUNNING
            values = frame[one.value].alias(name)
            before = 0 if last is None or one.look == "last" else 1
            if last is not None and before:
                values = pl.concat([last[name], values])
            parts = np.concatenate([[0] * before, local]).astype(np.int64)
            if one.look == "sum":
                values = running_sums(values, parts)
            elif one.look == "first":
                values = values.gather(pl.Series(starts(np.diff(parts, prepend=-1) > 0)))
            elif one.look != "last":
                values = running_extremes(values, parts, greatest=one.look == "greatest")
            running.append(values.slice(before).alias(name))
        found = found.with_columns(running)
        self._last = found.tail(1)
        self._rows += frame.height
        return found

    def _differs(self, frame: pl.DataFrame, columns: tuple[str, ...]) -> NDArray[np.bool_]:
        """Whether a record differs from the one before; the very first one does."""
        import numpy as np
        import polars as pl

        changed = np.zeros(frame.height, dtype=np.bool_)
        for name in columns:
            before = frame[name].shift(1) if self._last is None else pl.concat(
                [self._last[name], frame[name].head(frame.height - 1)]
            )  # fmt: skip
            changed |= frame[name].ne_missing(before).to_numpy()
        changed[0] |= self._last is None
        return changed

    def _since(self, local: Places, name: str) -> Places:
        """Places in all of the records, of those in this frame; the last record's go on."""
        import numpy as np

        carried = self._last[name][0] if self._last is not None else 0
        found: Places = np.where(local >= 0, local + self._rows, carried)
        return found

    def _looked(self, held: pl.DataFrame, start: int, first: int, end: int) -> pl.DataFrame:
        """The records from `first` to `end` with their results; those held begin with `start`."""
        import numpy as np
        import polars as pl

        partition = held[_PARTITION].to_numpy()
        places = np.arange(first - start, end - start)
        mine = partition[places]
        begin = np.maximum(mine - start, 0)
        final = np.searchsorted(partition, mine, side="right") - 1
        results: list[pl.Series] = []
        for one in self.windowing.seen:
            number = places + start + 1
            match one.look:
                case "number":
                    result = pl.Series(number - mine)
                case "rank":
                    result = pl.Series(held[_PEERS].to_numpy()[places] - mine + 1)
                case "dense_rank":
                    result = held[_DENSE].gather(pl.Series(places))
                case "shift":
                    result = _shifted(one, held, places, begin, final)
                case _:
                    result = self._framed(one, held, places, (mine - start, final))
            results.append(result.alias(one.name))
        found = held.slice(first - start, end - first)
        if self.windowing.late:
            group = held[_PARTITION if self.windowing.frame.end is None else _PEERS].to_numpy()
            last = places + 1 >= len(group)
            closes = last | (group[np.minimum(places + 1, len(group) - 1)] != group[places])
            results.append(pl.Series(_END, closes))
        used = {name for one in self.windowing.seen for name in (one.value, one.default) if name}
        used |= {name for name in found.columns if name.endswith(_RUNNING)}
        return found.drop(*used, _PARTITION, _PEERS, _DENSE).with_columns(results)

    def _framed(
        self, one: Seen, held: pl.DataFrame, places: Places, bounds: tuple[Places, Places]
    ) -> pl.Series:
        """What a record sees of its frame; `bounds` are the ends of its partition."""
        import numpy as np
        import polars as pl

        from flowctl.gathering.looking import extremes, gathered, sums

        begin, final = bounds
        frame = self.windowing.frame
        if not isinstance(frame.end, int):
            return held[one.name + _RUNNING].gather(pl.Series(places))
        last = np.minimum(places + frame.end, final)
        if frame.start is None:
            running, seen = held[one.name + _RUNNING], last >= begin
            result = gathered(running, last, seen)
            return result.fill_null(0) if one.look == "sum" else result
        first = np.maximum(places + frame.start, begin)
        values = held[one.value]
        if one.look in ("first", "last"):
            return gathered(values, first if one.look == "first" else last, first <= last)
        empty = first > last
        first, last = np.where(empty, 0, first), np.where(empty, -1, last)
        if one.look == "sum":
            return sums(values, first, last)
        return extremes(values, first, last, greatest=one.look == "greatest")


def _shifted(
    one: Seen, held: pl.DataFrame, places: Places, begin: Places, final: Places
) -> pl.Series:
    import polars as pl

    from flowctl.gathering.looking import gathered

    there = places - one.back
    seen = (there >= begin) & (there <= final)
    found = gathered(held[one.value], there, seen)
    if one.default is None:
        return found
    return found.zip_with(pl.Series(seen), held[one.default].gather(pl.Series(places)))


@dataclass(slots=True)
class _Backward:
    """The way back: each record gets what stands at the next end."""

    windowing: Windowing
    _next: dict[str, Any] = field(default_factory=dict)

    def frame(self, frame: pl.DataFrame) -> pl.DataFrame:
        import polars as pl

        from flowctl.gathering.looking import ends

        index = pl.Series(ends(frame[_END].to_numpy()))
        filled: list[pl.Series] = []
        for one in self.windowing.late:
            values = frame[one.name]
            if one.name in self._next:
                values = pl.concat([values, self._next[one.name]])
            result = values.gather(index)
            self._next[one.name] = result.head(1)
            filled.append(result)
        return frame.drop(_END).with_columns(filled)
