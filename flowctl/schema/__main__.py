"""`python -m flowctl.schema > schemas/workflow.schema.json` writes the published schema anew."""

from __future__ import annotations

import sys

from flowctl.registry import builtin
from flowctl.schema.published import text, workflow_schema

if __name__ == "__main__":
    sys.stdout.write(text(workflow_schema(builtin())))
