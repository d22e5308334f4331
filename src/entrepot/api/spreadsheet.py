"""Tables as CSV: written so that a spreadsheet runs nothing, read with the line of each fault."""

import csv
import io
from collections.abc import Iterable, Sequence

from django.http import HttpResponse

from entrepot.api.errors import invalid

CSV = "text/csv"
# How a cell begins that a spreadsheet would take for a formula.
RUNS = ("=", "+", "-", "@", "\t", "\r")
BYTE_ORDER_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"
MOST_ROWS = 20_000
LONGEST_CELL = 8_000


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
    """The rows of a file by the names of its columns, each with the number of its line.

    An apostrophe that `safe` put in front is taken away again.

    Raises:
        Problem: 422, it is not UTF-8, or columns are missing or unknown.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise invalid("the file is not UTF-8") from error
    reader = csv.reader(io.StringIO(text.replace("\x00", ""), newline=""), strict=True)
    try:
        lines = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise invalid(f"line {reader.line_num}: {error}") from error
    if not lines:
        raise invalid("the file is empty: its first line names the columns")
    head = [name.strip().lower() for name in lines[0][1]]
    if missing := sorted(set(needed) - set(head)):
        raise invalid(f"the file lacks the columns {', '.join(missing)}")
    if unknown := sorted(set(head) - set(known) - {""}):
        raise invalid(f"unknown columns {', '.join(unknown)}; known are {', '.join(known)}")
    if len(set(head)) < len(head):
        raise invalid("a column is named twice")
    if len(lines) - 1 > MOST_ROWS:
        raise invalid(f"the file has {len(lines) - 1} rows; {MOST_ROWS} are the most")
    return [(number, _row(head, row)) for number, row in lines[1:]]


def _row(head: Sequence[str], row: Sequence[str]) -> dict[str, str]:
    cells = [*row, *[""] * (len(head) - len(row))]
    return {
        name: _plain(cell)[:LONGEST_CELL] for name, cell in zip(head, cells, strict=False) if name
    }


def _plain(cell: str) -> str:
    text = cell.strip()
    is_guarded = text.startswith("'") and text[1:].lstrip(" ").startswith(RUNS)
    return text[1:] if is_guarded else text
