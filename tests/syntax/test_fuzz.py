"""Whatever the bytes are, reading them ends with a tree or with a fault that has a place."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from flowctl.diagnostics import Report
from flowctl.syntax import SourceFile, decode_source, parse
from flowctl.syntax.layout import TextLayout
from flowctl.syntax.node import ScalarNode
from flowctl.syntax.yaml import parse_yaml
from tests.syntax.reading import nodes
from tests.syntax.test_toml import DOCUMENT as TOML
from tests.syntax.test_yaml import DOCUMENT as YAML

JSON = '{\n  "a": [1, "x\\u00e9\\ud83d\\ude00", {"b": null}],\n  "c": {"d": -1.5e3}\n}\n'
DOCUMENTS = {"yaml": YAML, "toml": TOML, "json": JSON}
CHARACTERS = "[]{},:\"'\\ 1a\n\t-#&*!|>%@`?~é😀=.<\r\0\ufeff\u2028"
PIECES = ["{{ x }}", "- ", ": ", "\n  ", "'''", '"""', "[[", "]]", "&a ", "*a", "!!int ", "<<: "]
NOISE = st.sampled_from(CHARACTERS) | st.sampled_from([*PIECES, "---\n", "%YAML 1.2\n"])
EXTENSIONS = st.sampled_from(["yaml", "toml", "json"])


def check(name: str, data: bytes) -> None:
    source = decode_source(name, data)
    if not isinstance(source, SourceFile):
        return
    report = Report()
    node = parse(source, report)
    assert node is not None or report.failed
    for found in report:
        assert found.span is not None
        assert 1 <= found.span.line <= len(source.line_starts)
        assert 1 <= found.span.column <= len(source.line(found.span.line)) + 2
        assert "\n" not in found.message
    for part in nodes(node) if node is not None else ():
        span = part.span
        assert (span.line, span.column) <= (span.end_line, span.end_column)
        assert source.offset(span.end_line, span.end_column) <= len(source.text)
        if isinstance(part, ScalarNode) and isinstance(part.layout, TextLayout):
            assert part.layout.tape is not None
            part.at(0, len(str(part.value)))


@settings(deadline=None, max_examples=400)
@given(st.binary(max_size=60), EXTENSIONS)
def test_bytes(data: bytes, extension: str) -> None:
    check(f"/a.{extension}", data)


@settings(deadline=None, max_examples=400)
@given(st.lists(NOISE, max_size=15).map("".join), EXTENSIONS)
def test_noise(text: str, extension: str) -> None:
    check(f"/a.{extension}", text.encode())


@settings(deadline=None, max_examples=600)
@given(st.data(), EXTENSIONS)
def test_mutated_documents(data: st.DataObject, extension: str) -> None:
    text = DOCUMENTS[extension]
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.integers(0, 3)))
        text = text[:start] + data.draw(NOISE | st.just("")) + text[end:]
    check(f"/a.{extension}", text.encode())


@settings(deadline=None, max_examples=300)
@given(st.lists(NOISE, max_size=10).map("".join))
def test_both_parsers_agree_where_both_accept(text: str) -> None:
    source = SourceFile("/a.yaml", text)
    reports = (Report(), Report())
    trees = [
        parse_yaml(source, report, compiled=compiled)
        for report, compiled in zip(reports, (True, False), strict=True)
    ]
    if None not in trees and not any(map(len, reports)):
        assert trees[0] == trees[1]
    for tree, report in zip(trees, reports, strict=True):
        assert tree is not None or report.failed
