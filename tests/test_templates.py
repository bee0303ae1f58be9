"""Each project template, as `flowctl init` writes it, is valid and runs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from flowctl.cli.init import templates
from flowctl.cli.main import main


@pytest.mark.parametrize("name", templates())
def test_template_is_valid_and_runs(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", str(tmp_path / "new"), "--template", name]) == 0
    monkeypatch.chdir(tmp_path / "new")
    workflows = [path.name for path in Path().iterdir() if path.suffix in (".yaml", ".toml")]
    assert workflows
    for workflow in workflows:
        assert main(["validate", "--strict", workflow]) == 0, capfd.readouterr()
        result = subprocess.run([sys.executable, "-m", "flowctl", "run", workflow])
        assert result.returncode == 0, capfd.readouterr()


def test_pipeline_does_what_its_readme_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    main(["init", str(tmp_path), "--template", "pipeline"])
    monkeypatch.chdir(tmp_path)
    capfd.readouterr()
    assert main(["run", "pipeline.yaml"]) == 0
    shown = capfd.readouterr().out.splitlines()
    assert shown[0] == "day,customer,total"
    assert len(shown) == 6
    lines = Path("build/rejects.ndjson").read_text(encoding="utf-8").splitlines()
    rejects = [json.loads(line) for line in lines]
    assert [(Path(one["file"]).name, one["line"]) for one in rejects] == [
        ("orders-1.csv", 5),
        ("orders-1.csv", 7),
        ("orders-2.csv", 3),
    ]


def test_init_never_overwrites(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "pipeline.yaml").write_text("mine", encoding="utf-8")
    assert main(["init", str(tmp_path)]) == 2
    assert "pipeline.yaml" in capfd.readouterr().err
    assert (tmp_path / "pipeline.yaml").read_text(encoding="utf-8") == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["pipeline.yaml"]
