"""Where the faults of names, types and expressions are found in real documents.

The documents are pairs of `tests/err`; here stands which code is found at which line and column.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from flowctl.compiler import Inputs, compile_workflow
from flowctl.diagnostics import Report
from flowctl.registry import builtin

ERR = Path(__file__).parents[1] / "err"
INPUTS = Inputs(datetime(2024, 1, 1, tzinfo=UTC))
REGISTRY = builtin()
SUFFIXES = (".yaml", ".toml", "/workflow.yaml")

# Of each document the file that holds the faults, and their codes, lines and columns.
PLACES: dict[str, tuple[str, list[tuple[str, int, int]]]] = {
    "always_in_a_filter": ("always_in_a_filter.yaml", [("E513", 7, 34)]),
    "cast_that_does_not_exist": ("cast_that_does_not_exist.yaml", [("E410", 7, 22)]),
    "cast_to_a_broken_decimal": ("cast_to_a_broken_decimal.yaml", [("E409", 9, 28)]),
    "cast_to_a_list_of_nothing": ("cast_to_a_list_of_nothing.yaml", [("E409", 7, 28)]),
    "cast_to_an_unknown_sql_type": ("cast_to_an_unknown_sql_type.yaml", [("E514", 7, 36)]),
    "cast_to_an_unknown_type": ("cast_to_an_unknown_type.yaml", [("E409", 7, 24)]),
    "cast_unknown_column": ("cast_unknown_column.yaml", [("E505", 7, 16)]),
    "cells_of_other_columns": ("cells_of_other_columns.yaml", [("E423", 10, 20)]),
    "cells_of_other_types": ("cells_of_other_types.yaml", [("E423", 10, 20)]),
    "column_dropped_before": ("column_dropped_before.yaml", [("E505", 8, 17)]),
    "column_not_selected": ("column_not_selected.yaml", [("E505", 8, 22)]),
    "column_renamed_before": ("column_renamed_before.yaml", [("E505", 8, 17)]),
    "columns_from_a_step": ("columns_from_a_step.yaml", [("E505", 11, 17)]),
    "columns_from_the_cells_of_a_step": (
        "columns_from_the_cells_of_a_step.yaml",
        [("E505", 13, 17)],
    ),
    "columns_from_the_writer_of_a_file": (
        "columns_from_the_writer_of_a_file.yaml",
        [("E505", 12, 17)],
    ),
    "cycle": ("cycle.yaml", [("E403", 5, 13)]),
    "cycle_through_a_path": ("cycle_through_a_path.yaml", [("E403", 5, 19)]),
    "cycle_through_an_expression": ("cycle_through_an_expression.yaml", [("E403", 5, 15)]),
    "date_that_does_not_exist": ("date_that_does_not_exist.yaml", [("E511", 7, 23)]),
    "derive_sees_only_the_input": ("derive_sees_only_the_input.yaml", [("E505", 9, 29)]),
    "drop_unknown_column": ("drop_unknown_column.yaml", [("E505", 7, 16)]),
    "extract_from_a_number": ("extract_from_a_number.yaml", [("E509", 7, 18)]),
    "extract_unknown_column": ("extract_unknown_column.yaml", [("E505", 7, 18)]),
    "fault_behind_a_template": ("fault_behind_a_template.yaml", [("E505", 8, 50)]),
    "fault_from_defaults": ("fault_from_defaults.yaml", [("E506", 4, 19)]),
    "fault_in_a_fragment": ("fault_in_a_fragment.yaml", [("E505", 4, 11)]),
    "fault_in_a_referenced_list": ("fault_in_a_referenced_list/common.yaml", [("E509", 3, 20)]),
    "fault_in_a_referenced_schema": (
        "fault_in_a_referenced_schema/schemas/flight.json",
        [("E411", 3, 27)],
    ),
    "fault_in_a_referenced_transform": (
        "fault_in_a_referenced_transform/parts/speed.yaml",
        [("E505", 2, 10)],
    ),
    "fault_in_one_cell": ("fault_in_one_cell.yaml", [("E505", 8, 26)]),
    "fault_inside_a_template": ("fault_inside_a_template.yaml", [("E505", 8, 18)]),
    "file_that_is_not_there": ("file_that_is_not_there.yaml", [("E417", 5, 19)]),
    "fill_of_another_type": ("fill_of_another_type.yaml", [("E511", 7, 28)]),
    "fill_text_with_a_number": ("fill_text_with_a_number.yaml", [("E510", 7, 22)]),
    "fill_unknown_column": ("fill_unknown_column.yaml", [("E505", 7, 16)]),
    "filter_aggregate": ("filter_aggregate.yaml", [("E503", 7, 29)]),
    "filter_double_quotes": ("filter_double_quotes.yaml", [("E505", 7, 27)]),
    "filter_not_boolean": ("filter_not_boolean.yaml", [("E510", 7, 17)]),
    "filter_not_boolean_in_literal": ("filter_not_boolean_in_literal.yaml", [("E510", 8, 11)]),
    "filter_subquery": ("filter_subquery.yaml", [("E502", 7, 29)]),
    "filter_syntax": ("filter_syntax.yaml", [("E501", 7, 29)]),
    "filter_two_statements": ("filter_two_statements.yaml", [("E502", 7, 31)]),
    "filter_unclosed_text": ("filter_unclosed_text.yaml", [("E501", 7, 27)]),
    "filter_unknown_column": ("filter_unknown_column.yaml", [("E505", 7, 36)]),
    "filter_unknown_column_folded": ("filter_unknown_column_folded.yaml", [("E505", 10, 15)]),
    "filter_unknown_column_literal": ("filter_unknown_column_literal.yaml", [("E505", 10, 18)]),
    "filter_unknown_column_over_lines": (
        "filter_unknown_column_over_lines.yaml",
        [("E505", 9, 11)],
    ),
    "filter_unknown_column_quoted": ("filter_unknown_column_quoted.yaml", [("E505", 7, 47)]),
    "filter_unknown_column_single_quoted": (
        "filter_unknown_column_single_quoted.yaml",
        [("E505", 7, 39)],
    ),
    "filter_window_function": ("filter_window_function.yaml", [("E503", 8, 14)]),
    "flatten_onto_a_column": ("flatten_onto_a_column.yaml", [("E407", 8, 18)]),
    "flatten_what_is_no_struct": ("flatten_what_is_no_struct.yaml", [("E430", 7, 18)]),
    "function_without_its_arguments": ("function_without_its_arguments.yaml", [("E508", 8, 14)]),
    "if_not_boolean": ("if_not_boolean.yaml", [("E510", 6, 9)]),
    "interpolation_in_single_quotes": ("interpolation_in_single_quotes.yaml", [("E416", 7, 18)]),
    "interpolation_unclosed": ("interpolation_unclosed.yaml", [("E517", 5, 15)]),
    "json_schema_dangling_reference": ("json_schema_dangling_reference.yaml", [("E411", 9, 28)]),
    "json_schema_pattern": ("json_schema_pattern.yaml", [("E411", 9, 32)]),
    "json_schema_type": ("json_schema_type.yaml", [("E411", 9, 28)]),
    "limit_of_rejects_above_all": ("limit_of_rejects_above_all.yaml", [("E210", 11, 18)]),
    "limit_of_rejects_in_halves": ("limit_of_rejects_in_halves.yaml", [("E210", 11, 18)]),
    "limit_of_rejects_without_rejects": ("limit_of_rejects_without_rejects.yaml", [("E414", 9, 5)]),
    "names_itself_in_a_command": ("names_itself_in_a_command.yaml", [("E402", 5, 25)]),
    "names_itself_in_if": ("names_itself_in_if.yaml", [("E402", 6, 15)]),
    "needs_itself": ("needs_itself.yaml", [("E402", 6, 19)]),
    "no_column_left": ("no_column_left.yaml", [("E408", 8, 15)]),
    "not_repeatable": ("not_repeatable.yaml", [("E512", 7, 17)]),
    "nothing_rejects": ("nothing_rejects.yaml", [("E414", 10, 5)]),
    "pattern_look_around": ("pattern_look_around.yaml", [("E515", 9, 27)]),
    "pattern_unclosed": ("pattern_unclosed.yaml", [("E515", 8, 20)]),
    "pattern_without_groups": ("pattern_without_groups.yaml", [("E412", 8, 18)]),
    "reads_its_own_output": ("reads_its_own_output.yaml", [("E405", 5, 19)]),
    "records_go_nowhere": ("records_go_nowhere.yaml", [("E415", 4, 3)]),
    "records_of_a_command": ("records_of_a_command.yaml", [("E422", 6, 20)]),
    "rejects_nowhere": ("rejects_nowhere.yaml", [("E413", 8, 19)]),
    "rejects_of_the_source_nowhere": ("rejects_of_the_source_nowhere.yaml", [("E413", 5, 48)]),
    "rename_onto_a_column": ("rename_onto_a_column.yaml", [("E407", 8, 11)]),
    "rename_twice": ("rename_twice.yaml", [("E407", 9, 20)]),
    "rename_unknown_column": ("rename_unknown_column.yaml", [("E505", 7, 25)]),
    "run_time_value_in_a_filter": ("run_time_value_in_a_filter.yaml", [("E421", 9, 22)]),
    "run_time_value_in_a_path": ("run_time_value_in_a_path.yaml", [("E421", 6, 24)]),
    "same_misspelt": ("same_misspelt.yaml", [("E406", 9, 33)]),
    "same_without_a_matrix": ("same_without_a_matrix.yaml", [("E406", 9, 33)]),
    "same_without_a_partner": ("same_without_a_partner.yaml", [("E406", 9, 32)]),
    "select_unknown_column": ("select_unknown_column.yaml", [("E505", 9, 13)]),
    "several_faults_at_once": (
        "several_faults_at_once.yaml",
        [("E505", 7, 17), ("E509", 8, 22), ("E505", 9, 30)],
    ),
    "source_file_in_if": ("source_file_in_if.yaml", [("E513", 5, 9)]),
    "text_compared_with_a_number": ("text_compared_with_a_number.yaml", [("E509", 7, 17)]),
    "text_times_a_number": ("text_times_a_number.yaml", [("E509", 8, 18)]),
    "toml_unknown_column": ("toml_unknown_column.toml", [("E505", 9, 9)]),
    "two_cycles": ("two_cycles.yaml", [("E403", 4, 28), ("E403", 6, 28)]),
    "type_in_one_cell": ("type_in_one_cell.yaml", [("E509", 8, 17)]),
    "types_flow_through_cast": ("types_flow_through_cast.yaml", [("E509", 8, 17)]),
    "types_flow_through_derive": ("types_flow_through_derive.yaml", [("E509", 9, 17)]),
    "types_from_the_writer_of_a_file": ("types_from_the_writer_of_a_file.yaml", [("E509", 12, 17)]),
    "unknown_cell_in_if": ("unknown_cell_in_if.yaml", [("E506", 8, 20)]),
    "unknown_fact_of_a_step": ("unknown_fact_of_a_step.yaml", [("E506", 6, 36)]),
    "unknown_field": ("unknown_field.yaml", [("E516", 7, 32)]),
    "unknown_function": ("unknown_function.yaml", [("E507", 7, 21)]),
    "unknown_name_in_if": ("unknown_name_in_if.yaml", [("E506", 5, 9)]),
    "unknown_param_in_filter": ("unknown_param_in_filter.yaml", [("E506", 9, 34)]),
    "unknown_secret": ("unknown_secret.yaml", [("E506", 7, 37)]),
    "unknown_step_in_if": ("unknown_step_in_if.yaml", [("E506", 7, 15)]),
    "unknown_step_in_needs": ("unknown_step_in_needs.yaml", [("E401", 6, 13)]),
    "unknown_step_in_same": ("unknown_step_in_same.yaml", [("E401", 9, 20)]),
    "unknown_step_in_source": ("unknown_step_in_source.yaml", [("E401", 9, 20)]),
    "validate_not_boolean": ("validate_not_boolean.yaml", [("E510", 7, 19)]),
    "validate_requires_an_unknown_column": (
        "validate_requires_an_unknown_column.yaml",
        [("E505", 8, 30)],
    ),
    "written_as_rejects_too": ("written_as_rejects_too.yaml", [("E404", 7, 23)]),
    "written_by_all_cells": ("written_by_all_cells.yaml", [("E404", 7, 17)]),
    "written_by_two_steps": ("written_by_two_steps.yaml", [("E404", 9, 17)]),
    "written_inside_a_dataset": ("written_inside_a_dataset.yaml", [("E404", 9, 21)]),
}


def found(name: str) -> list[tuple[str, str, int, int]]:
    report = Report()
    path = next(
        ERR / f"{name}{suffix}" for suffix in SUFFIXES if (ERR / f"{name}{suffix}").exists()
    )
    compile_workflow(path, INPUTS, REGISTRY, report)
    return [
        (
            Path(fault.span.file).relative_to(ERR).as_posix(),
            fault.code.id,
            fault.span.line,
            fault.span.column,
        )
        for fault in report
        if fault.span is not None
    ]


@pytest.mark.parametrize("name", PLACES)
def test_each_fault_at_its_place(name: str) -> None:
    file, faults = PLACES[name]
    assert found(name) == [(file, *fault) for fault in faults]


@pytest.mark.parametrize("name", PLACES)
def test_nothing_is_wrong_with_the_mended_twin(name: str) -> None:
    assert found(f"{name}.ok") == []
