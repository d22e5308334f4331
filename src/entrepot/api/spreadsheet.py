"""Tables as CSV: written so that a spreadsheet runs nothing, read with the row of each fault."""

import csv
import io
from collections.abc import Iterable, Sequence

from django.http import HttpResponse

from entrepot.api.errors import invalid
from entrepot.intake.tables import RUNS, BadFile, rows_of, text_in

CSV = "text/csv"
BYTE_ORDER_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"
MOST_ROWS = 20_000


def safe(cell: object) -> str:
    """A cell as text; what would run gets an apostrophe in front, numbers stay numbers."""
    text = "" if cell is None else str(cell)
    if not text.lstrip(" ").startswith(RUNS):
        return text
    try:
        float(text)
    except ValueError:
        return f"'{text}"
    return text


def as_csv(name: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> HttpResponse:
    """A file to download; UTF-8 with its mark, so that names survive."""
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(head)
    writer.writerows([safe(cell) for cell in row] for row in rows)
    return HttpResponse(
        BYTE_ORDER_MARK + written.getvalue(),
        content_type=f"{CSV}; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def read_csv(
    body: bytes, *, needed: Sequence[str], known: Sequence[str]
) -> list[tuple[int, dict[str, str]]]:
    """The rows of a file by the names of its columns, each with its number; see `intake.tables`.

    Raises:
        Problem: 422, it cannot be read, or columns are missing or unknown.
    """
    try:
        rows = rows_of(text_in(body), most=MOST_ROWS)
    except BadFile as error:
        raise invalid(str(error)) from error
    head = rows[0][1]
    if missing := sorted(set(needed) - set(head)):
        raise invalid(f"the file lacks the columns {', '.join(missing)}")
    if unknown := sorted(set(head) - set(known)):
        raise invalid(f"unknown columns {', '.join(unknown)}; known are {', '.join(known)}")
    return rows
