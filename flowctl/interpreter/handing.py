"""How a step's records come to the steps that read them: as a Parquet file.

A step that writes one anyway is read there. Any other gets a further sink, in the run's folder, for
as long as the run lasts.
"""

from __future__ import annotations

import glob
from collections.abc import Mapping
from dataclasses import replace

from flowctl.dataclass import dataclass
from flowctl.interpreter.setting import Setting
from flowctl.plan import Operation, Plan, Stream, inputs_of, with_inputs
from flowctl.syntax.node import Json

_KIND = "parquet"


@dataclass(frozen=True, slots=True)
class Handing:
    """For each step that others read, the path of its records, and whether it is there only so."""

    paths: Mapping[str, str]
    further: frozenset[str]

    def extra(self, step: str) -> str | None:
        """The path of a step's records that only those who read it know."""
        return self.paths[step] if step in self.further else None

    def giving(self, step: str, body: Stream) -> Stream:
        """The step's body, with a sink for those who read it."""
        if step not in self.further:
            return body
        return replace(body, sinks=(*body.sinks, Operation(_KIND, {_KIND: self.paths[step]})))

    def taking(self, body: Stream) -> Stream:
        """The body, with the files of the steps that it reads in place of their names."""
        return with_inputs(body, self._file)

    def _file(self, source: Operation) -> Operation:
        paths: list[Json] = [glob.escape(self.paths[step]) for step in _steps(source)]
        if not paths:
            return source
        arguments: dict[str, Json] = {_KIND: paths[0] if len(paths) == 1 else paths}
        return replace(source, kind=_KIND, arguments=arguments)


def handing(plan: Plan, setting: Setting) -> Handing:
    """Decides where each step that is read leaves its records."""
    read = {
        step
        for reader in plan.steps
        if isinstance(reader.body, Stream)
        for step in read_by(reader.body)
    }
    paths: dict[str, str] = {}
    further: set[str] = set()
    for step in plan.steps:
        if step.id in read and isinstance(step.body, Stream):
            written = [path for sink in step.body.sinks if (path := _whole(sink))]
            paths[step.id] = written[0] if written else setting.records(step.id).as_posix()
            if not written:
                further.add(step.id)
    return Handing(paths, frozenset(further))


def _whole(sink: Operation) -> str | None:
    """The path of a sink that holds the step's records and nothing else."""
    if sink.kind != _KIND or set(sink.arguments) != {_KIND}:
        return None
    path = sink.arguments[_KIND]
    return path if isinstance(path, str) and not path.endswith("/") else None


def read_by(body: Stream) -> list[str]:
    """The steps whose records a stream reads."""
    found = (step for one in inputs_of(body) for step in _steps(one.operation))
    return list(dict.fromkeys(found))


def _steps(source: Operation) -> list[str]:
    """The steps that a source names, if it is one that names steps."""
    if source.kind != "step":
        return []
    read = source.arguments["step"]
    return [str(step) for step in read] if isinstance(read, list) else [str(read)]
