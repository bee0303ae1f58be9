"""Where the front of the compiler finds the faults of `tests/err`, and that each code is found."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

import pytest

from flowctl.codes import schema, templates
from flowctl.compiler import Inputs, compile_workflow
from flowctl.diagnostics import Code, Diagnostic, Report
from flowctl.registry import builtin

ERR = Path(__file__).parents[1] / "err"
REGISTRY = builtin()

# The file that holds the fault (in a folder: of the workflow there), its code, line and column; a
# fault of the command line has no place.
PLACES = [
    ("reference_to_a_broken_file/greet.yaml", "E117", 1, 6),
    ("transforms_of_a_command.yaml", "E201", 6, 5),
    ("unknown_key_at_the_top.yaml", "E201", 2, 1),
    ("unknown_key_not_built.yaml", "E201", 3, 1),
    ("unknown_key_of_a_need.yaml", "E201", 6, 14),
    ("unknown_key_of_a_step.yaml", "E201", 6, 5),
    ("unknown_keyword_of_a_param.yaml", "E201", 4, 25),
    ("unknown_option.yaml", "E201", 5, 38),
    ("unknown_option_in_toml.toml", "E201", 5, 39),
    ("unknown_option_of_another_kind.yaml", "E201", 8, 9),
    ("extract_without_a_pattern.yaml", "E202", 7, 9),
    ("no_steps.yaml", "E202", 1, 1),
    ("option_with_a_dash_of_its_own.yaml", "E202", 7, 9),
    ("same_without_a_step.yaml", "E202", 9, 14),
    ("boolean_where_text_is_needed.yaml", "E203", 6, 10),
    ("fault_in_a_profile.yaml", "E203", 6, 33),
    ("fault_in_one_cell_of_a_matrix.yaml", "E203", 8, 16),
    ("fault_in_the_defaults.yaml", "E203", 3, 20),
    ("label_that_is_a_list.yaml", "E203", 3, 16),
    ("number_where_text_is_needed.yaml", "E203", 5, 52),
    ("one_value_where_a_list_is_needed.yaml", "E203", 7, 15),
    ("sink_without_its_kind.yaml", "E203", 6, 11),
    ("steps_as_a_list.yaml", "E203", 4, 3),
    ("text_where_a_mapping_is_needed.yaml", "E203", 7, 17),
    ("text_where_a_number_is_needed.yaml", "E203", 7, 16),
    ("transforms_as_a_mapping.yaml", "E203", 7, 7),
    ("wrong_type_from_a_template.yaml", "E203", 9, 16),
    ("wrong_type_in_toml.toml", "E203", 6, 9),
    ("on_error_misspelt.yaml", "E204", 8, 19),
    ("param_of_an_unknown_type.yaml", "E204", 4, 16),
    ("dimension_with_a_dot.yaml", "E205", 5, 14),
    ("param_that_begins_with_a_digit.yaml", "E205", 4, 3),
    ("secret_with_a_dash.yaml", "E205", 3, 11),
    ("step_with_a_dash.yaml", "E205", 4, 3),
    ("fault_in_another_file/steps/clean.yaml", "E206", 4, 7),
    ("no_kind_in_toml.toml", "E206", 8, 1),
    ("secret_from_nowhere.yaml", "E206", 3, 19),
    ("unknown_sink.yaml", "E206", 6, 12),
    ("unknown_source.yaml", "E206", 5, 14),
    ("unknown_step_kind.yaml", "E206", 5, 5),
    ("unknown_transform.yaml", "E206", 7, 9),
    ("stream_and_command_in_one.yaml", "E207", 7, 5),
    ("two_transforms_in_one.yaml", "E207", 8, 9),
    ("empty_list.yaml", "E208", 7, 9),
    ("empty_matrix.yaml", "E208", 5, 5),
    ("empty_name.yaml", "E208", 2, 7),
    ("empty_transform.yaml", "E208", 7, 9),
    ("step_left_out.yaml", "E208", 4, 3),
    ("steps_left_out.yaml", "E208", 3, 1),
    ("steps_without_a_step.yaml", "E208", 3, 1),
    ("transform_left_out.yaml", "E208", 7, 9),
    ("need_that_is_no_name.yaml", "E209", 5, 36),
    ("rejects_in_words.yaml", "E209", 8, 18),
    ("negative_limit.yaml", "E210", 7, 16),
    ("negative_skip.yaml", "E210", 5, 44),
    ("column_twice_in_a_list.yaml", "E211", 7, 31),
    ("option_with_a_dash_of_its_own.yaml", "E212", 8, 9),
    ("newer_version.yaml", "E213", 1, 10),
    ("no_version.yaml", "E213", 1, 1),
    ("version_in_quotes.yaml", "E213", 1, 10),
    ("document_that_is_a_list.yaml", "E214", 1, 1),
    ("fault_within_a_variable.yaml", "E215", 5, 11),
    ("list_without_quotes.yaml", "E215", 8, 19),
    ("struct_without_quotes.yaml", "E215", 8, 18),
    ("comment_behind_an_operator.yaml", "E216", 8, 29),
    ("comment_in_an_expression.yaml", "E216", 7, 31),
    ("check_of_no_comparison.yaml", "E217", 8, 23),
    ("check_of_no_comparison.yaml", "E217", 8, 51),
    ("matrix_where_there_is_none.yaml", "E301", 5, 18),
    ("member_of_a_number.yaml", "E301", 6, 37),
    ("param_that_begins_with_a_digit.yaml", "E301", 6, 32),
    ("run_time_name_in_a_template.yaml", "E301", 5, 25),
    ("undefined_name.yaml", "E301", 6, 25),
    ("undefined_name_in_a_key.yaml", "E301", 7, 20),
    ("undefined_param.yaml", "E301", 6, 32),
    ("undefined_param_in_toml.toml", "E301", 10, 16),
    ("undefined_variable_in_a_block.yaml", "E301", 8, 20),
    ("undefined_variable_in_another_file/greet.yaml", "E301", 1, 19),
    ("unknown_filter.yaml", "E301", 6, 39),
    ("empty_template.yaml", "E302", 4, 25),
    ("template_of_another_tool.yaml", "E302", 5, 32),
    ("template_that_is_not_closed.yaml", "E302", 6, 22),
    ("template_with_two_names.yaml", "E302", 6, 37),
    ("date_range_of_no_dates.yaml", "E303", 5, 34),
    ("division_by_zero_in_a_template.yaml", "E303", 4, 22),
    ("number_added_to_text.yaml", "E303", 6, 22),
    ("table_with_a_short_line/workflow.yaml", "E303", 5, 33),
    ("range_without_end.yaml", "E304", 4, 31),
    ("template_that_grows.yaml", "E304", 4, 22),
    ("list_inside_text.yaml", "E305", 6, 22),
    ("null_inside_text.yaml", "E305", 5, 22),
    ("key_that_is_a_number.yaml", "E306", 9, 18),
    ("keys_that_come_out_equal.yaml", "E306", 7, 32),
    ("secret_in_a_template.yaml", "E307", 7, 22),
    ("file_with_an_unknown_param.yaml", "E308", 2, 1),
    ("value_for_an_unknown_param.yaml", "E308", 0, 0),
    ("default_below_the_minimum.yaml", "E309", 4, 49),
    ("default_without_what_it_must_contain.yaml", "E309", 4, 54),
    ("value_below_the_minimum.yaml", "E309", 5, 3),
    ("value_that_does_not_match.yaml", "E309", 5, 3),
    ("value_that_is_no_number.yaml", "E309", 5, 3),
    ("param_without_a_value.yaml", "E310", 4, 3),
    ("unused_param.yaml", "E311", 4, 3),
    ("unused_variable.yaml", "E312", 3, 20),
    ("variables_in_a_circle.yaml", "E313", 4, 3),
    ("circle_through_files/a.yaml", "E314", 1, 15),
    ("reference_into_itself.yaml", "E314", 6, 17),
    ("references_in_a_circle.yaml", "E314", 3, 13),
    ("reference_behind_the_end_of_a_list.yaml", "E315", 5, 26),
    ("reference_to_no_file/workflow.yaml", "E315", 4, 18),
    ("reference_to_nothing.yaml", "E315", 5, 20),
    ("reference_to_nothing_in_toml.toml", "E315", 7, 13),
    ("reference_without_a_slash.yaml", "E315", 5, 19),
    ("text_of_no_file/workflow.yaml", "E315", 4, 25),
    ("file_outside_of_the_project.yaml", "E316", 4, 30),
    ("reference_out_of_the_project/workflow.yaml", "E316", 4, 18),
    ("reference_to_the_network.yaml", "E316", 4, 18),
    ("keys_over_a_list.yaml", "E317", 8, 35),
    ("reference_that_is_no_text.yaml", "E317", 5, 17),
    ("matrix_without_bounds.yaml", "E318", 5, 13),
    ("references_that_multiply/workflow.yaml", "E318", 4, 116),
    ("value_twice_in_a_matrix.yaml", "E319", 5, 31),
    ("exclude_that_excludes_nothing.yaml", "E320", 7, 18),
    ("unknown_profile.yaml", "E321", 5, 1),
    ("param_that_would_be_evaluated.yaml", "E322", 4, 10),
    ("schema_reference_to_no_anchor/workflow.yaml", "E323", 7, 44),
    ("schema_reference_to_no_file.yaml", "E323", 7, 51),
    ("schema_reference_to_no_definition/record.json", "E411", 2, 33),
]


def workflow_of(place: str) -> Path:
    """The workflow to which the file of a place belongs."""
    first = place.partition("/")[0]
    return ERR / first / "workflow.yaml" if (ERR / first).is_dir() else ERR / place


CASES = {
    workflow: [*places]
    for workflow, places in groupby(
        sorted(PLACES, key=lambda place: workflow_of(place[0])),
        key=lambda place: workflow_of(place[0]),
    )
}


def compiled(path: Path) -> list[Diagnostic]:
    """What all passes say of a workflow, with the options of its first line."""
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    words = shlex.split(first.removeprefix("# validate")) if "# validate " in first else []
    given: dict[str, str] = {}
    inputs = Inputs(datetime(2024, 1, 2, tzinfo=UTC))
    for option, value in zip(words[::2], words[1::2], strict=True):
        if option == "-p":
            name, _, given[name] = value.partition("=")
    chosen = dict(zip(words[::2], words[1::2], strict=True))
    file = ERR / chosen["--params-file"] if "--params-file" in chosen else None
    inputs = Inputs(inputs.timestamp, given, file, chosen.get("--profile"))
    report = Report()
    compile_workflow(path, inputs, REGISTRY, report)
    return list(report)


def place_of(found: Diagnostic, workflow: Path) -> tuple[str, str, int, int]:
    """A diagnostic as PLACES names it."""
    shown = workflow.relative_to(ERR)
    if found.span is None:
        return shown.as_posix(), found.code.id, 0, 0
    file = Path(found.span.file)
    if len(shown.parts) > 1:
        shown = file.relative_to(ERR)
    return shown.as_posix(), found.code.id, found.span.line, found.span.column


@pytest.mark.parametrize("workflow", CASES, ids=lambda path: path.relative_to(ERR).as_posix())
def test_faults_are_found_where_they_were_written(workflow: Path) -> None:
    found = [place_of(one, workflow) for one in compiled(workflow)]
    assert sorted(found) == sorted(CASES[workflow])


@pytest.mark.parametrize("workflow", CASES, ids=lambda path: path.relative_to(ERR).as_posix())
def test_the_mended_twin_is_accepted(workflow: Path) -> None:
    folder = workflow.parent
    if folder == ERR:
        twin = workflow.with_suffix(f".ok{workflow.suffix}")
    else:
        twin = folder.with_name(f"{folder.name}.ok") / workflow.name
    assert [one for one in compiled(twin) if one.severity == "error"] == []


def test_each_code_has_a_case() -> None:
    codes = {
        code.id
        for family in (schema, templates)
        for code in vars(family).values()
        if isinstance(code, Code)
    }
    assert codes - {place[1] for place in PLACES} == set()
