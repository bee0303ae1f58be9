"""Functions of the project, in processes of their own: nothing that they do can harm the run.

`code` finds a `module:function` without importing it, `pool` holds the workers, `worker` is one
of them as the run sees it, and `child` the program that it is.
"""

from __future__ import annotations

from flowctl.workers.calls import Call, Died, Raised, Stopped, WorkerFailed
from flowctl.workers.code import Code, find_code
from flowctl.workers.pool import Workers

__all__ = ["Call", "Code", "Died", "Raised", "Stopped", "WorkerFailed", "Workers", "find_code"]
