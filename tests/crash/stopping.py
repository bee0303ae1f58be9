"""Begins `flow.yaml` of the working folder as `flowctl run` does, and ends as in a crash.

Splits are small and checkpoints frequent, so that little input is enough. At the given number of
records read the process prints a line and waits; to be killed there is up to others.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flowctl.api.choosing import Wanted, held
from flowctl.api.given import Given
from flowctl.api.preparing import prepared
from flowctl.interpreter import Setting, run
from flowctl.interpreter.events import Event, StepProgress


def main(rows: int) -> None:
    def stop(event: Event) -> None:
        if isinstance(event, StepProgress) and event.rows >= rows:
            print("there", flush=True)
            sys.stdin.read()

    given = Given()
    now = datetime.now(UTC)
    wanted = Wanted(lambda at: prepared(Path("flow.yaml"), given.at(at)), None, None, now)
    with held(wanted, None, fresh=False) as (chosen, runs):
        setting = Setting(
            base=chosen.base.absolute(),
            state=runs.state,
            run=chosen.record.run,
            environment=dict(os.environ),
            clock=lambda: datetime.now(UTC),
            timestamp=chosen.timestamp,
            checkpoints=timedelta(0),
            split_bytes=20_000,
        )
        run(chosen.plan, setting, stop)


if __name__ == "__main__":
    main(int(sys.argv[1]))
