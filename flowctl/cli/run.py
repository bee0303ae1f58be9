"""`flowctl run FILE|PLAN`: runs a workflow, or a plan that was written before."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flowctl.api.given import Given
from flowctl.cli import options, render
from flowctl.cli.beside import Helper
from flowctl.cli.lazily import put_off
from flowctl.cli.render import Console
from flowctl.dataclass import dataclass
from flowctl.errors import UsageError
from flowctl.files.allocation import reuse_large_blocks, settled
from flowctl.memory import quarter_of_memory
from flowctl.ordinary import read_file

if TYPE_CHECKING:
    from flowctl.api.choosing import Chosen
    from flowctl.api.compiled import Compiled
    from flowctl.api.preparing import Prepared
    from flowctl.interpreter.result import Run
    from flowctl.interpreter.runs import Runs
    from flowctl.registry import Registry
    from flowctl.store.provenance import Provenance
    from flowctl.syntax.node import Json


@click.command(short_help="Run a workflow or a plan.")
@click.argument("file", type=click.Path(path_type=Path))
@options.inputs
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    metavar="N",
    help="Steps and splits at once; else as many as there are processors.",
)
@click.option(
    "--max-memory",
    type=options.Memory(),
    help="Memory to take, as 4GiB, 500MB or 25% of the machine's; else a quarter of that.",
)
@click.option("--keep-going", is_flag=True, help="Run what does not need a step that failed.")
@click.option(
    "--base",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where a plan's data paths start; else the plan file's folder.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="At the end a table, or the result as JSON on stdout.",
)
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Progress for a person, or an event a line as JSON, on stderr.",
)
@click.option(
    "--each",
    type=options.Pair(),
    multiple=True,
    metavar="NAME=VALUES",
    help="A run for each value of a param: `2024-01-01..2024-01-31`, `1..12` or `us,eu`.",
)
@click.option(
    "--only",
    multiple=True,
    metavar="STEP",
    help="Run this step alone; what it needs is taken as it stands. May be repeated.",
)
@click.option(
    "--from",
    "since",
    multiple=True,
    metavar="STEP",
    help="Run this step and all that need it; what stands before is taken. May be repeated.",
)
@click.option(
    "--fresh",
    is_flag=True,
    help="Give an unfinished run up, and begin anew; nothing is taken from the cache.",
)
@click.option(
    "--max-cache",
    type=options.Room(),
    help="What the cache keeps on disk at most; 5GiB unless said.",
)
@click.option(
    "--replay",
    "rejects",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="REJECTS",
    help="Run only these mended rejects, once, and add them to what was published.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@options.state_dir
@options.colour
@click.pass_obj
def run(
    helper: Helper | None,
    file: Path,
    given: Given,
    workers: int | None,
    max_memory: int | None,
    keep_going: bool,
    base: Path | None,
    format_: str,
    log_format: str,
    each: tuple[tuple[str, str], ...],
    only: tuple[str, ...],
    since: tuple[str, ...],
    fresh: bool,
    max_cache: int | None,
    rejects: Path | None,
    dry_run: bool,
    state_dir: Path | None,
    colour: str,
) -> None:
    """Run FILE, a workflow or a plan.json that `flowctl plan -o` wrote.

    A run that was interrupted goes on where it stopped: run the same again. Data goes to stdout,
    everything else to stderr. Exits with 1 where a step failed, with 4 where an unfinished run
    cannot go on. With `--each` the first run that fails is the last one, unless `--keep-going`.

    With `--only` and `--from` some steps are run, in a run of their own beside that of the whole
    workflow: it is gone on with by the same options, and an unfinished one of the whole stays as it
    is. What these steps need is taken from the last run with the same params, or from the files; if
    that is not there, nothing is run, and the command exits with 4.
    """
    from flowctl.cli.each import rounds

    console = render.console(colour)
    how = _How(
        file,
        base,
        workers,
        max_memory,
        keep_going,
        format_,
        log_format,
        only,
        since,
        fresh,
        max_cache,
        rejects,
        dry_run,
        state_dir,
        helper or Helper(),
    )
    if rejects is not None:
        unfit = {"--each": each, "--dry-run": dry_run, "--only": only, "--from": since}
        for option in (name for name, given_ in unfit.items() if given_):
            raise UsageError(f"`{option}` does not go with `--replay`")
    if not each:
        result = _once(how, given, console)
        if result is not None and format_ == "json":
            _print(result.to_json(), console)
        _judge([result])
        return
    results: list[Run | None] = []
    shown: list[Json] = []
    for one in rounds(each, given):
        if log_format == "text":
            console.err.line(f"with {one}:")
        result = _once(how, one.given(given), console)
        results.append(result)
        if result is not None:
            shown.append({"each": dict(one.params), **result.to_json()})
            if result.status == "cancelled" or not (keep_going or result.status == "succeeded"):
                break
    if format_ == "json" and not dry_run:
        _print(shown, console)
    _judge(results)


@dataclass(frozen=True, slots=True)
class _How:
    """The options of the command that are not of the workflow."""

    file: Path
    base: Path | None
    workers: int | None
    max_memory: int | None
    keep_going: bool
    format: str
    log_format: str
    only: tuple[str, ...]
    since: tuple[str, ...]
    fresh: bool
    max_cache: int | None
    rejects: Path | None
    dry_run: bool
    state_dir: Path | None
    helper: Helper


def _once(how: _How, given: Given, console: Console) -> Run | None:
    """One run, and what is told of it; None where it was only looked at."""
    now = datetime.now(UTC)
    streams = _may_stream(how.file)
    plans, origin = _ahead(how, given.at(now), streams)
    reuse_large_blocks()  # while no thread of the engine has an arena of its own
    put_off("importlib.metadata")  # Polars imports it, and two dozen modules with it, for Iceberg
    from flowctl.api.choosing import Wanted, find, held
    from flowctl.api.preparing import prepared
    from flowctl.api.working import How
    from flowctl.cli.performing import perform as work
    from flowctl.cli.performing import report
    from flowctl.cli.telling import telling
    from flowctl.interpreter.selection import Selection

    if streams:
        with settled(how.max_memory or quarter_of_memory()):
            import_module("flowctl.interpreter.stream")
    elif not how.dry_run:
        origin()

    def prepare(moment: datetime) -> Prepared:
        then = given.at(moment)
        return prepared(how.file, then, how.base, lambda: plans(then))

    selection = Selection.of(how.only, how.since)
    wanted = Wanted(prepare, given.profile, given.timestamp, now, selection=selection)
    if how.dry_run:
        from flowctl.cli.dryrun import show

        with telling(console.err):
            chosen, runs = find(wanted, how.state_dir)
        console.err.diagnostics(chosen.diagnostics)
        show(chosen, runs, how.fresh, console)
        return None

    def perform(chosen: Chosen, runs: Runs, registry: Registry | None = None) -> Run:
        how.helper.leave()
        doing = How(
            how.workers,
            how.max_memory,
            how.keep_going,
            fresh=how.fresh,
            cache=how.max_cache,
            registry=registry,
            origin=origin,
        )
        result = work(chosen, runs, console, doing, how.log_format)
        if how.log_format == "text":
            report(result, chosen, console)
        return result

    with telling(console.err):
        if how.rejects is not None:
            from flowctl.cli.replay import replay

            return replay(how.rejects, wanted, how.state_dir, console, perform, fresh=how.fresh)
        with held(wanted, how.state_dir, fresh=how.fresh) as (chosen, runs):
            console.err.diagnostics(chosen.diagnostics)
            return perform(chosen, runs)


def _judge(results: Sequence[Run | None]) -> None:
    from flowctl.cli.performing import judge

    judge(results)


def _print(value: Json, console: Console) -> None:
    console.out.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def _may_stream(file: Path) -> bool:
    """Whether the text speaks of a source, so that the engine is best loaded while it is compiled.

    Where one comes from elsewhere, the engine is loaded when a step needs it.
    """
    with suppress(OSError):
        return re.search(rb"\bsource\b", read_file(file)) is not None
    return False


def _ahead(
    how: _How, first: Given, streams: bool
) -> tuple[Callable[[Given], Compiled], Callable[[], Provenance]]:
    """Compiles the file while other things are loaded here, and finds out where the run is done.

    The latter by whoever has less to do: where it `streams`, the engine is loaded here. With other
    options than those that are known now, the file is compiled when that is asked.
    """
    from flowctl.api.preparing import compiled_now, is_plan
    from flowctl.store.provenance import provenance

    folder = how.base or how.file.parent
    origin = partial(provenance, folder.absolute(), dict(os.environ))
    if is_plan(how.file):
        how.helper.dismiss()
        return partial(compiled_now, how.file), cache(origin)
    ahead = cache(how.helper.ask(partial(compiled_now, how.file, first)))
    found = cache(how.helper.ask(origin) if streams else origin)
    how.helper.begin()
    return lambda given: ahead() if given == first else compiled_now(how.file, given), found
