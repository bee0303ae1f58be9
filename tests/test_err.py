"""Each fault that an author can make, as a pair of files below `err/`.

`err/X.yaml` (or `.toml`, or a folder `err/X/` with a `workflow.yaml`) holds the fault and
`err/X.out` what `flowctl validate` says of it; `err/X.ok.yaml` (or `err/X.ok/`) is the same
workflow, mended. A first line `# validate --profile prod` adds options for both.
`pytest tests/test_err.py --update` writes the `.out` files: read them before you commit them.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from flowctl.cli.main import main
from flowctl.codes import CODES

ROOT = Path(__file__).parents[1]
ERR = Path(__file__).parent / "err"
SUFFIXES = (".yaml", ".toml")
_SHOWN = re.compile(r"^(?:\S.*:\d+:\d+: )?(error|warning|note)\[([A-Z]\d{3})\]: ", re.MULTILINE)

# What only a run can find, each with the test that makes it happen.
RUN_TIME_ONLY: dict[str, str] = {
    "E418": "tests/compiler/test_plan.py::test_what_is_no_plan",
    "E419": "tests/compiler/test_plan.py::test_what_is_wrong_with_a_plan",
    "E420": "tests/compiler/test_plan.py::test_an_edited_step_is_named",
    "E601": "tests/cli/test_faults.py::test_no_input",
    "E602": "tests/cli/test_faults.py::test_a_folder_is_no_workflow",
    "E605": "tests/cli/test_faults.py::test_a_quote_that_never_closes",
    "E609": "tests/cli/test_faults.py::test_an_output_that_cannot_be_written",
    "E610": "tests/cli/test_faults.py::test_an_output_that_must_not_exist",
    "E611": "tests/streams/test_datasets.py::test_what_is_no_dataset_is_not_replaced",
    "E612": "tests/streams/test_sink_modes.py::test_other_columns_are_refused",
    "E620": "tests/cli/test_faults.py::test_no_such_workflow",
    "E701": "tests/cli/test_faults.py::test_a_record_at_fault",
    "E702": "tests/cli/test_faults.py::test_too_many_rejects",
    "E703": "tests/streams/test_engine_refuses.py::test_the_step_fails",
    "E704": "tests/cli/test_faults.py::test_a_check_that_does_not_hold",
    "E705": "tests/interpreter/test_incremental.py::test_a_file_that_has_grown_is_refused",
    "E710": "tests/interpreter/test_commands.py::test_a_failure_says_how_the_command_ended",
    "E711": "tests/interpreter/test_commands.py::test_what_cannot_start_says_why",
    "E712": "tests/interpreter/test_commands.py::test_an_expression_without_value_fails_the_step",
    "E713": "tests/interpreter/test_secrets.py::test_a_missing_secret_fails_only_who_names_it",
    "E715": "tests/interpreter/test_commands.py::test_what_no_command_can_take_is_refused",
    "E718": "tests/interpreter/test_commands.py::test_what_the_system_refuses_fails_the_step",
    "E719": "tests/interpreter/test_streams.py::test_who_runs_regardless_finds_no_records",
    "E720": "tests/interpreter/test_retry.py::test_a_timeout_ends_the_whole_group",
    "E721": "tests/interpreter/test_outputs.py::test_a_wrong_output_fails_the_step",
    "E723": "tests/interpreter/test_foreach.py::test_what_is_no_list_fails_the_step_at_its_place",
    "E722": "tests/interpreter/test_resources.py::test_a_breaker_outlives_the_run",
    "E740": "tests/kinds/test_python.py::test_an_exception_fails_the_step_at_its_own_line",
    "E741": "tests/kinds/test_python.py::test_what_comes_back_must_be_as_declared",
    "E735": "tests/cli/test_selection.py::test_what_cannot_be_done_is_said",
    "E750": "tests/caching/test_steps.py::test_an_output_that_was_not_made_is_a_failure",
    "E730": "tests/crash/test_refused.py::test_a_changed_step_is_refused",
    "E731": "tests/crash/test_refused.py::test_changed_input_is_refused",
    "E732": "tests/crash/test_refused.py::test_an_output_that_is_too_short_is_refused",
    "E733": "tests/crash/test_refused.py::test_another_version_is_refused",
    "E734": "tests/crash/test_refused.py::test_a_damaged_checkpoint_is_refused",
    "E770": "tests/streams/test_follow.py::test_rotated_by_renaming",
    "E771": "tests/streams/test_follow.py::test_truncated_without_a_copy",
    "E760": "tests/replay/test_replay.py::test_what_is_no_reject",
    "E761": "tests/replay/test_replay.py::test_what_cannot_be_replayed",
    "E762": "tests/replay/test_replay.py::test_rejects_of_another_rule",
}


def cases() -> list[str]:
    """The names of all pairs."""
    names = {path.name if path.is_dir() else path.stem for path in ERR.iterdir()}
    return sorted(
        name
        for name in names
        if not name.endswith(".ok") and not name.startswith("_") and workflow(name)
    )


def workflow(name: str) -> Path | None:
    """The file of a case."""
    places = [ERR / f"{name}{suffix}" for suffix in SUFFIXES]
    places += [ERR / name / f"workflow{suffix}" for suffix in SUFFIXES]
    return next((place for place in places if place.is_file()), None)


def validated(file: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """The exit code and the output of the command for a file, run in the folder of the pairs."""
    first = file.read_bytes().split(b"\n", 1)[0].decode(errors="replace").strip()
    options = shlex.split(first.removeprefix("# validate ")) if "# validate " in first else []
    exit_code = main(["validate", file.relative_to(ERR).as_posix(), *options])
    captured = capsys.readouterr()
    assert captured.err == ""
    return exit_code, captured.out


def shown(output: str) -> set[tuple[str, str]]:
    """The severities and codes of the diagnostics in an output."""
    return {(found[1], found[2]) for found in _SHOWN.finditer(output)}


@pytest.fixture(autouse=True)
def _in_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ERR)
    monkeypatch.delenv("NO_COLOR", raising=False)


@pytest.mark.parametrize("name", cases())
def test_pair(
    name: str, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong, mended = workflow(name), workflow(f"{name}.ok")
    assert wrong is not None
    assert mended is not None, f"err/{name} has no mended twin err/{name}.ok"
    exit_code, output = validated(wrong, capsys)
    expected = ERR / f"{name}.out"
    if request.config.getoption("--update"):
        expected.write_text(output, encoding="utf-8")
    assert output == expected.read_text(encoding="utf-8")
    found = shown(output)
    assert found, f"err/{name} shows no fault"
    failed = any(severity == "error" for severity, _ in found)
    assert exit_code == (3 if failed else 0)
    exit_code, output = validated(mended, capsys)
    assert exit_code == 0, output
    assert not shown(output) & found, output


def test_each_code_has_a_pair() -> None:
    covered = set()
    for name in cases():
        output = (ERR / f"{name}.out").read_text(encoding="utf-8")
        covered |= {code for _, code in shown(output)}
    assert covered - CODES.keys() == set()
    assert covered & RUN_TIME_ONLY.keys() == set()
    assert CODES.keys() - covered - RUN_TIME_ONLY.keys() == set()


@pytest.mark.parametrize(("code", "test"), RUN_TIME_ONLY.items())
def test_what_only_a_run_finds_is_tested_elsewhere(code: str, test: str) -> None:
    file, name = test.split("::")
    assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8"), code


def test_no_file_is_left_over() -> None:
    known = {name for name in cases() for name in (name, f"{name}.ok")}
    for path in ERR.iterdir():
        name = path.name if path.is_dir() else path.stem
        assert name in known or path.name.startswith("_"), f"err/{path.name} belongs to no pair"
