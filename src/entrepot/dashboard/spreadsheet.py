"""Lists as files for a spreadsheet: the rows of the list on the screen, read page by page."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from entrepot.dashboard.visit import Visit

Row = TypeVar("Row")
# More would keep a person waiting; whoever needs older rows narrows the list to them.
MOST_ROWS = 20_000
PAGE = 1_000


def name_of(visit: Visit, what: str) -> str:
    """What the file of a list is called: "orders-seemoewe-live"."""
    return f"{what}-{visit.merchant.code}-{visit.mode}"


def all_pages(
    page_behind: Callable[[Row | None, int], Sequence[Row]], *, most: int = MOST_ROWS
) -> Iterator[Row]:
    """The rows of a list that is read by key, up to `most` of them.

    `page_behind` gives back at most so many rows behind one, from the beginning for None.
    """
    last: Row | None = None
    left = most
    while left > 0:
        wanted = min(PAGE, left)
        rows = page_behind(last, wanted)
        yield from rows
        if len(rows) < wanted:
            return
        last, left = rows[-1], left - wanted
