"""Functions for a test."""


def monthly(month: str, *, full: bool = False) -> dict[str, object]:
    return {"rows": len(month), "full": full}


def plain(first: str, /) -> None: ...


def rows(count: int) -> object:
    yield count


class Report: ...
