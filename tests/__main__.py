"""`python -m tests`: everything that must hold before a change lands, cheapest first."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
CHECKS = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("lint-imports",),
    ("mypy",),
    ("pytest", "-q", "-n", "2", "--dist", "worksteal"),
)


def main() -> int:
    """Run all checks, each even if one before it failed; 1 where any did."""
    failed = []
    for program, *arguments in CHECKS:
        shown = " ".join([program, *arguments])
        print(f"\n== {shown}", flush=True)
        began = time.monotonic()
        if subprocess.run([BIN / program, *arguments], cwd=ROOT).returncode:
            failed.append(shown)
        print(f"-- {time.monotonic() - began:.1f} s", flush=True)
    print("\nfailed: " + ", ".join(failed) if failed else "\nall passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
