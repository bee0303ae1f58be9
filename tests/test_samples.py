"""The samples run, and their figures are those that DuckDB finds in the same data."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from flowctl.cli.main import main

SAMPLES = Path(__file__).parents[1] / "samples"
FLIGHTS = SAMPLES / "flights"
WORKFLOWS = sorted(
    path.relative_to(SAMPLES).as_posix()
    for path in SAMPLES.glob("*/*")
    if path.suffix in (".yaml", ".toml")
)
YEAR = 336_776
ARITHMETIC = """
    with taken_off as (
        select *, distance / (air_time / 60.0) as speed_mph, dep_delay > 15 as late
        from read_csv($files, nullstr = 'NA', types = {'tailnum': 'varchar'})
        where dep_delay is not null and carrier = $carrier
    )
    select
        count(*) filter (where sound) as written,
        count(*) filter (where not sound) as rejected,
        count(*) filter (where sound and late) as late,
        sum(speed_mph) filter (where sound) as speed,
        sum(arr_delay) filter (where sound) as delay
    from (
        select *, air_time is not null and tailnum is not null
            and dep_delay between -60 and 720 as sound
        from taken_off
    )
"""


@pytest.fixture
def flights(tmp_path: Path) -> Path:
    """A copy of the flights sample, to be written into."""
    return Path(shutil.copytree(FLIGHTS, tmp_path / "flights"))


def outcome(*arguments: str | Path) -> dict[str, Any]:
    """The result of `flowctl run` as JSON."""
    command = [sys.executable, "-m", "flowctl", "run", "--format", "json", *arguments]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def counted(query: str, params: dict[str, str]) -> tuple[Any, ...]:
    """The one row that DuckDB answers with."""
    with duckdb.connect() as database:
        found = database.sql(query, params=params)
        assert found is not None
        (row,) = found.fetchall()
    return tuple(row)


def check_figures(folder: Path, data: Path, carrier: str, read: int) -> None:
    """Run the flights sample on some data, and compare all that can be counted."""
    result = outcome(
        folder / "flights.yaml", "-p", f"carrier={carrier}", "-p", f"data_dir={data.as_posix()}"
    )
    files = (data / "flights-*.csv.gz").as_posix()
    written, rejected, late, speed, delay = counted(
        ARITHMETIC, {"files": files, "carrier": carrier}
    )
    clean = result["steps"]["clean"]
    assert clean["read"] == read
    assert (clean["written"], clean["rejected"]) == (written, rejected)
    ends = ("written", "filtered", "rejected", "skipped", "absorbed")
    assert clean["read"] + clean["made"] == sum(clean[end] for end in ends)
    assert result["steps"]["late"]["written"] == late
    out = folder / "build" / carrier
    parquet = (out / "clean.parquet").as_posix()
    rows, speeds, delays, lates = counted(
        "select count(*), sum(speed_mph), sum(arr_delay), count(*) filter (where late) from "
        "read_parquet($file)",
        {"file": parquet},
    )
    assert (rows, delays, lates) == (written, delay, late)
    assert speeds == pytest.approx(speed, rel=1e-12)
    assert len((out / "late.csv").read_text(encoding="utf-8").splitlines()) == late + 1
    check_rejects(out / "rejects.ndjson", rejected, folder, read)


def check_rejects(file: Path, expected: int, folder: Path, read: int) -> None:
    """Each reject names the file and the line in which the record really stands."""
    rejects = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert len(rejects) == expected
    for reject in rejects[:: max(len(rejects) // 20, 1)]:
        with gzip.open(folder / reject["file"], "rt", encoding="utf-8") as lines:
            line = next(text for number, text in enumerate(lines, 1) if number == reject["line"])
        assert line.rstrip("\n") == reject["record"]


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_sample_is_valid(workflow: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "--strict", str(SAMPLES / workflow)]) == 0, capsys.readouterr().out


@pytest.mark.parametrize("carrier", ["UA", "9E"])
def test_flights_of_two_months(flights: Path, carrier: str) -> None:
    check_figures(flights, flights / "data", carrier, 27_004 + 24_951)


def test_flights_of_several_carriers(flights: Path) -> None:
    """Each is what the workflow that is used makes of it, in a folder of its own."""
    result = outcome(flights / "carriers.yaml")
    files = (flights / "data" / "flights-*.csv.gz").as_posix()
    known = [counted(ARITHMETIC, {"files": files, "carrier": one}) for one in ("UA", "9E")]
    assert result["outputs"] == {
        "written": [written for written, *_ in known],
        "late": [late for _, _, late, *_ in known],
    }
    for carrier in ("UA", "9E"):
        assert result["steps"][f"flights[{carrier}]"]["status"] == "succeeded"
        assert (flights / "build" / carrier / "late.csv").is_file()


def test_toml_twin_has_the_same_plan(capsys: pytest.CaptureFixture[str]) -> None:
    digests = []
    for twin in ("flights.yaml", "flights.toml"):
        assert main(["plan", "--format", "json", str(FLIGHTS / twin)]) == 0
        digests.append(json.loads(capsys.readouterr().out))
    assert digests[0] == digests[1]


def test_committed_data_is_what_the_script_makes(tmp_path: Path) -> None:
    subprocess.run([sys.executable, FLIGHTS / "make_data.py", "--year", tmp_path], check=True)
    for month in ("flights-2013-01.csv.gz", "flights-2013-02.csv.gz"):
        made = gzip.decompress((tmp_path / month).read_bytes())
        assert gzip.decompress((FLIGHTS / "data" / month).read_bytes()) == made


@pytest.mark.slow
def test_flights_of_the_whole_year(flights: Path, tmp_path: Path) -> None:
    year = tmp_path / "year"
    subprocess.run([sys.executable, FLIGHTS / "make_data.py", "--year", year], check=True)
    check_figures(flights, year, "UA", YEAR)
