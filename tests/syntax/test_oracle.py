"""Trees that others have written are read back as they were."""

from __future__ import annotations

import io
import json
import math
import tomllib

import pytest
import tomlkit
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from flowctl.diagnostics import Report
from flowctl.syntax import SourceFile
from flowctl.syntax.node import Json, to_json
from flowctl.syntax.yaml import parse_yaml
from tests.syntax.reading import tree

# Surrogates are no text; the line ends that only Unicode knows are refused in YAML.
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn", "Zl", "Zp"]), max_size=12)
WORDS = st.sampled_from(["null", "yes", "on", "1", "1e3", "0x1", "~", "<<", "# x", "a: b", "- a"])
LINES = st.lists(st.sampled_from(["a b", "  c", "", "d: e", "# f"]), max_size=4).map("\n".join)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
STRINGS = TEXTS | WORDS | LINES
LEAVES = st.booleans() | st.integers(-(2**63), 2**63 - 1) | FLOATS | STRINGS


def trees(leaves: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    below = st.recursive(
        leaves,
        lambda each: st.lists(each, max_size=3) | st.dictionaries(STRINGS, each, max_size=3),
        max_leaves=12,
    )
    return st.dictionaries(STRINGS, below, min_size=1, max_size=4)


def sorted_keys(value: Json) -> Json:
    """As ruamel writes it."""
    return json.loads(json.dumps(value, sort_keys=True))  # type: ignore[no-any-return]


def same(left: Json, right: Json) -> bool:
    return json.dumps(left) == json.dumps(right)


@settings(deadline=None, max_examples=300)
@given(
    trees(st.none() | LEAVES),
    st.sampled_from([False, True, None]),
    st.sampled_from([None, '"', "'", "|", ">"]),
    st.sampled_from([20, 80, 4000]),
)
def test_yaml_that_ruamel_has_written(
    value: Json, flow: bool | None, style: str | None, width: int
) -> None:
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = flow
    writer.default_style = style  # type: ignore[assignment]
    writer.width = width
    stream = io.StringIO()
    writer.dump(value, stream)
    report = Report()
    node = parse_yaml(SourceFile("/a.yaml", stream.getvalue()), report)
    if len(report):
        # It breaks long lines within a key, which it does not read either.
        with pytest.raises(YAMLError):
            YAML(typ="safe", pure=True).load(stream.getvalue())
        return
    assert node is not None
    assert same(to_json(node), sorted_keys(value)), stream.getvalue()


@settings(deadline=None, max_examples=150)
@given(trees(LEAVES))
def test_toml_that_tomlkit_has_written(value: dict[str, Json]) -> None:
    text = tomlkit.dumps(value)
    assert same(to_json(tree(text, "/a.toml")), tomllib.loads(text))


@settings(deadline=None, max_examples=150)
@given(trees(st.none() | LEAVES), st.booleans(), st.sampled_from([None, 2, "\t"]))
def test_json_that_python_has_written(
    value: Json, ascii_only: bool, indent: int | str | None
) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    assert same(to_json(tree(text, "/a.json")), value)


@settings(deadline=None, max_examples=100)
@given(trees(st.none() | LEAVES))
def test_yaml_reads_json(value: Json) -> None:
    text = json.dumps(value, indent=1, ensure_ascii=False)
    assert same(to_json(tree(text)), value)


@pytest.mark.parametrize("text", [".nan", "-.inf"])
def test_floats_that_json_does_not_have(text: str) -> None:
    found = to_json(tree(f"a: {text}"))
    assert isinstance(found, dict)
    value = found["a"]
    assert isinstance(value, float)
    assert not math.isfinite(value)
