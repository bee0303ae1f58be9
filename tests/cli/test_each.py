"""`run --each`: a run for each value, side by side in identity."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flowctl.cli.main import main

WORKFLOW = """
flowctl: 1
params:
  day: {type: string, pattern: "^[0-9-]+$"}
  region: {type: string, default: us}
steps:
  load:
    run: |
      echo ${{ params.day }} ${{ params.region }} >> done
      test ! -e stop-${{ params.day }}
"""


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("w.yaml").write_text(WORKFLOW)


def done() -> list[str]:
    return Path("done").read_text().splitlines()


def test_each_value_is_a_run_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    days = "day=2024-02-28..2024-03-01"
    assert main(["run", "w.yaml", "--each", days, "--format", "json"]) == 0
    assert done() == ["2024-02-28 us", "2024-02-29 us", "2024-03-01 us"]
    shown = json.loads(capsys.readouterr().out)
    assert [one["each"] for one in shown] == [
        {"day": "2024-02-28"},
        {"day": "2024-02-29"},
        {"day": "2024-03-01"},
    ]
    assert len({one["run"] for one in shown}) == 3


def test_the_first_failure_is_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    Path("stop-2").touch()
    assert main(["run", "w.yaml", "--each", "day=1..3"]) == 1
    assert done() == ["1 us", "2 us"]
    assert "with day=2:" in capsys.readouterr().err
    assert main(["run", "w.yaml", "--each", "day=1..3", "--keep-going"]) == 1
    assert done()[2:] == ["1 us", "2 us", "3 us"]


def test_several_params_are_combined() -> None:
    options = ["--each", "day=1,2", "--each", "region=eu,us"]
    assert main(["run", "w.yaml", *options]) == 0
    assert done() == ["1 eu", "1 us", "2 eu", "2 us"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--each", "day=2024-01-31..2024-01-01"], "has no values"),
        (["--each", "day=2024-01-31..x"], "write `2024-01-01..2024-01-31`, `1..12` or `us,eu`"),
        (["--each", "day=2024-02-30..2024-03-01"], "write `2024-01-01..2024-01-31`"),
        (["--each", "day=1..100000000"], "more than 10,000 values"),
        (["--each", "day=1..200", "--each", "region=1..200"], "these are 40,000 runs"),
        (["--each", "day=1..2", "-p", "day=3"], "`day` is given twice"),
        (["--each", "day"], "not of the form name=value"),
    ],
)
def test_what_cannot_be_meant(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "w.yaml", *options]) == 2
    assert message in capsys.readouterr().err
    assert not Path("done").exists()


def test_a_param_that_does_not_exist(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "w.yaml", "--each", "dya=1..2", "-p", "day=1"]) == 3
    assert "day" in capsys.readouterr().err
