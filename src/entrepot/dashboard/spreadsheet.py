"""Lists as CSV that a spreadsheet opens without running anything in it."""

import csv
import io
from collections.abc import Iterable, Sequence

from django.http import HttpResponse

from entrepot.intake.tables import RUNS

BYTE_ORDER_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"


def safe(cell: object) -> str:
    """A cell as text: what a spreadsheet would take for a formula gets an apostrophe in front.

    Numbers keep their minus sign.
    """
    text = "" if cell is None else str(cell)
    if not text.lstrip(" ").startswith(RUNS):
        return text
    try:
        float(text)
    except ValueError:
        return f"'{text}"
    return text


def as_csv(name: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> HttpResponse:
    """An answer that the browser saves; UTF-8 with its mark, so that names survive."""
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(head)
    writer.writerows([safe(cell) for cell in row] for row in rows)
    return HttpResponse(
        BYTE_ORDER_MARK + written.getvalue(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )
