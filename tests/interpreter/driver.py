"""A program that runs a plan in the working folder, as the command line does: `driver.py WHEN`.

It sends itself SIGINT twice when a stream has come to its first progress (`progress`), or waits to
be told from outside (`outside`). Output of commands goes to stdout, through the pipe `go` one
command lets the stream begin. The exit code is 130 for a run that was cancelled.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from flowctl.interpreter import Setting, run
from flowctl.interpreter.events import Event, RunStopping, StepOutput, StepProgress
from flowctl.plan import Operation, Plan, Step, Stream

STREAM = Stream(
    Operation("csv", {"csv": "in.csv"}),
    sinks=(Operation("csv", {"csv": "out/a.csv"}), Operation("parquet", {"parquet": "b.parquet"})),
)
HANGS = "echo $$ > pid; echo up; echo > go; sleep 1000 & wait"
PLAN = Plan(
    "driven",
    (
        Step("hangs", Operation("run", {"run": HANGS})),
        Step("gate", Operation("run", {"run": "read _ < go"})),
        Step("stream", STREAM, ("gate",)),
        Step("reader", Stream(Operation("step", {"step": "stream"})), ("stream",), ("stream",)),
    ),
)


def main(when: str) -> int:
    setting = Setting(
        base=Path.cwd(),
        state=Path.cwd() / ".flowctl",
        run="driven",
        environment=dict(os.environ),
        clock=lambda: datetime.now(UTC),
        workers=3,
        grace=1.0,
    )

    def on_event(event: Event) -> None:
        if isinstance(event, StepOutput | RunStopping):
            sys.stdout.write((event.line if isinstance(event, StepOutput) else "stopping") + "\n")
            sys.stdout.flush()
        if when == "progress" and isinstance(event, StepProgress) and not Path("told").exists():
            Path("told").touch()
            for told in ("stopping", "asked"):
                os.kill(os.getpid(), signal.SIGINT)
                while not getattr(setting.cancellation, told):
                    time.sleep(0.001)  # the handler runs in another thread

    result = run(PLAN, setting, on_event)
    return {"succeeded": 0, "failed": 1, "cancelled": 130}[result.status]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
