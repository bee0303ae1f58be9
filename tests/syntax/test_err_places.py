"""Where the faults of `tests/err` are found, by reading alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowctl.codes import syntax
from flowctl.diagnostics import Code, Diagnostic, Report
from flowctl.syntax import SourceFile, parse, read_source
from tests.syntax.reading import Found, places

ERR = Path(__file__).parents[1] / "err"

CASES = [
    ("latin1.yaml", "E101", 2, 10),
    ("utf16.yaml", "E101", 1, 1),
    ("alias_bomb.yaml", "E102", 8, 38),
    ("nests_too_deep.yaml", "E102", 3, 72),
    ("escape_character.yaml", "E103", 3, 14),
    ("line_separator.yaml", "E103", 3, 17),
    ("toml_carriage_return.toml", "E103", 1, 12),
    ("toml_control_character.toml", "E103", 6, 17),
    ("empty.yaml", "E105", 1, 1),
    ("empty_document.yaml", "E105", 1, 1),
    ("toml_empty.toml", "E105", 1, 1),
    ("several_documents.yaml", "E106", 6, 1),
    ("duplicate_key.yaml", "E107", 8, 3),
    ("duplicate_key_in_braces.yaml", "E107", 4, 36),
    ("duplicate_merge.yaml", "E107", 8, 5),
    ("toml_closed_table.toml", "E107", 7, 8),
    ("toml_duplicate_key.toml", "E107", 7, 1),
    ("toml_duplicate_table.toml", "E107", 10, 8),
    ("boolean_key.yaml", "E108", 3, 10),
    ("list_key.yaml", "E108", 4, 5),
    ("null_key.yaml", "E108", 4, 3),
    ("number_key.yaml", "E108", 7, 7),
    ("template_in_a_list.yaml", "E109", 8, 11),
    ("template_with_more_behind_it.yaml", "E109", 8, 10),
    ("template_without_quotes.yaml", "E109", 8, 10),
    ("call_in_braces.yaml", "E110", 7, 18),
    ("call_in_brackets.yaml", "E110", 5, 17),
    ("recursive_alias.yaml", "E111", 3, 33),
    ("star_without_quotes.yaml", "E111", 5, 10),
    ("unknown_alias.yaml", "E111", 7, 10),
    ("exclamation_mark.yaml", "E112", 5, 10),
    ("tag_that_does_not_fit.yaml", "E112", 6, 21),
    ("unknown_tag.yaml", "E112", 5, 10),
    ("merge_of_a_text.yaml", "E113", 7, 9),
    ("number_too_large.yaml", "E114", 4, 34),
    ("toml_integer_too_large.toml", "E114", 6, 11),
    ("unknown_directive.yaml", "E115", 1, 1),
    ("yaml_1_1.yaml", "E115", 1, 1),
    ("tab_after_dash.yaml", "E116", 7, 10),
    ("tab_continues.yaml", "E116", 6, 1),
    ("tab_indents.yaml", "E116", 5, 1),
    ("quote_closed_by_another.yaml", "E117", 5, 10),
    ("toml_unclosed_lines.toml", "E117", 5, 7),
    ("toml_unclosed_quote.toml", "E117", 5, 7),
    ("unclosed_double_quote.yaml", "E117", 5, 10),
    ("unclosed_single_quote.yaml", "E117", 3, 14),
    ("bracket_too_many.yaml", "E118", 5, 22),
    ("missing_comma.yaml", "E118", 5, 16),
    ("toml_missing_comma.toml", "E118", 6, 9),
    ("toml_table_over_lines.toml", "E118", 5, 8),
    ("toml_unclosed_array.toml", "E118", 5, 7),
    ("toml_unclosed_header.toml", "E118", 4, 1),
    ("unclosed_at_the_end.yaml", "E118", 5, 10),
    ("unclosed_brace.yaml", "E118", 4, 9),
    ("unclosed_bracket.yaml", "E118", 5, 10),
    ("wrong_bracket.yaml", "E118", 5, 21),
    ("colon_in_a_command.yaml", "E119", 5, 20),
    ("colon_in_braces.yaml", "E119", 4, 25),
    ("colon_on_the_next_line.yaml", "E119", 5, 7),
    ("indented_too_deep.yaml", "E120", 7, 7),
    ("indented_too_little.yaml", "E120", 6, 4),
    ("item_indented_too_little.yaml", "E120", 7, 6),
    ("backslash_in_double_quotes.yaml", "E121", 5, 17),
    ("escape_too_short.yaml", "E121", 5, 16),
    ("toml_backslash.toml", "E121", 5, 14),
    ("at_sign.yaml", "E122", 3, 17),
    ("backquote.yaml", "E122", 5, 10),
    ("comma_too_many.yaml", "E122", 5, 16),
    ("greater_than.yaml", "E122", 4, 9),
    ("list_behind_its_key.yaml", "E122", 5, 10),
    ("percent_key.yaml", "E122", 3, 13),
    ("apostrophe.yaml", "E123", 3, 25),
    ("comment_without_space.yaml", "E123", 5, 16),
    ("text_after_bracket.yaml", "E123", 5, 23),
    ("text_after_quote.yaml", "E123", 7, 28),
    ("toml_two_on_a_line.toml", "E123", 5, 14),
    ("item_among_keys.yaml", "E124", 6, 5),
    ("key_among_items.yaml", "E124", 8, 5),
    ("missing_colon.yaml", "E124", 4, 3),
    ("missing_space.yaml", "E124", 5, 5),
    ("toml_colon.toml", "E124", 2, 5),
    ("toml_no_value.toml", "E124", 5, 1),
    ("toml_bare_word.toml", "E125", 5, 7),
    ("toml_date_that_is_none.toml", "E125", 7, 7),
    ("toml_missing_value.toml", "E125", 5, 7),
    ("toml_true.toml", "E125", 8, 9),
    ("two_anchors.yaml", "E126", 3, 13),
    ("unknown_format/steps.ini", "E104", 1, 1),
]


def found_in(path: Path) -> list[Found]:
    report = Report()
    source = read_source(path)
    if isinstance(source, SourceFile):
        parse(source, report)
    else:
        assert isinstance(source, Diagnostic)
        report.add(source)
    for found in report:
        assert found.help != ""
        assert "\n" not in found.message
    return places(report)


@pytest.mark.parametrize(("name", "code", "line", "column"), CASES)
def test_one_fault_at_its_place(name: str, code: str, line: int, column: int) -> None:
    assert found_in(ERR / name) == [(code, line, column)]


@pytest.mark.parametrize("name", [case[0] for case in CASES if "/" not in case[0]])
def test_the_mended_twin_has_none(name: str) -> None:
    stem, dot, extension = name.rpartition(".")
    assert found_in(ERR / f"{stem}.ok{dot}{extension}") == []


def test_every_code_has_a_case() -> None:
    codes = {code.id for code in vars(syntax).values() if isinstance(code, Code)}
    assert {code for _, code, _, _ in CASES} == codes
