"""Whatever a document holds, its front passes give diagnostics and never an exception."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from flowctl.syntax.node import MappingNode, Node, SequenceNode, UnknownNode
from tests.compiler.front import front
from tests.schema.test_published import Json, mutations

OPERATORS = ["+", "-", "*", "/", "//", "%", "**", "~", "==", "<", "in", "not in", "and", "or"]
FILTERS = [
    *("upper", "length", "list", "join(',')", "int", "float", "first", "last", "sort", "unique"),
    *(
        "default(1)",
        "map('upper')",
        "batch(2)",
        "tojson",
        "date",
        "sum",
        "replace('a', 'b')",
        "nope",
    ),
    *("select('odd')", "dictsort", "items", "round(2)", "center(99)", "truncate(3)", "d(2, true)"),
]
MEMBERS = [
    "upper()",
    "year",
    "__class__",
    "items()",
    "get('a')",
    "split('/')",
    "join(['a'])",
    "zfill(9)",
]
FUNCTIONS = ["file", "glob", "table", "date_range", "range", "nope"]
EXPRESSIONS = st.recursive(
    st.sampled_from(
        [
            *(
                "params.year",
                "params.carrier",
                "vars.out",
                "vars",
                "matrix.region",
                "params",
                "workflow",
            ),
            *(
                "1",
                "0",
                "'a'",
                "[]",
                "{}",
                "none",
                "true",
                "1.5",
                "-1",
                "10**9",
                "secrets.A",
                "steps",
            ),
        ]
    ),
    lambda below: st.one_of(
        st.builds("{} {} {}".format, below, st.sampled_from(OPERATORS), below),
        st.builds("({})".format, below),
        st.builds("{} | {}".format, below, st.sampled_from(FILTERS)),
        st.builds("{}.{}".format, below, st.sampled_from(MEMBERS)),
        st.builds("{}[{}]".format, below, below),
        st.builds("{}({})".format, st.sampled_from(FUNCTIONS), below),
        st.builds("{} if {} else {}".format, below, below, below),
    ),
    max_leaves=6,
)
TEXTS = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "a", "${{ x }}", "'"]),
    EXPRESSIONS.map("{{{{ {} }}}}".format) | st.text("{}$%'\" ax.", max_size=12),
    st.sampled_from(["", "b", "}}", "{{"]),
)


@settings(max_examples=150, deadline=None)
@given(mutations(), st.sampled_from([None, "prod", "nope"]))
def test_no_document_breaks_the_front(document: Json, profile: str | None) -> None:
    found = front(json.dumps(document), profile=profile)
    known = found.expanded is not None and not any(
        isinstance(node, UnknownNode) for step in found.expanded.steps for node in nodes(step.node)
    )
    assert known or found.found


@settings(max_examples=250, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=3))
def test_no_template_breaks_the_front(texts: list[str]) -> None:
    document = {
        "flowctl": 1,
        "params": {"year": {"type": "integer", "default": 2013}, "carrier": {"type": "string"}},
        "vars": {"out": texts[0], "b": "{{ vars.out }}", "c": [1, "a", {"x": None}]},
        "steps": {
            "a": {
                "matrix": {"region": ["us", texts[-1]]},
                "run": texts[-1],
                "env": {texts[0]: "1"},
                "labels": {"a": "{{ vars.c }}", "b": texts[-1]},
            }
        },
    }
    found = front(json.dumps(document))
    for one in found.found:
        assert one.message
        assert "\n" not in one.message
        assert one.span is None or one.span.line == 1


def nodes(node: Node) -> list[Node]:
    """A node and all that are below it."""
    if isinstance(node, MappingNode):
        return [node, *(one for entry in node for one in nodes(entry.value))]
    if isinstance(node, SequenceNode):
        return [node, *(one for item in node for one in nodes(item))]
    return [node]
