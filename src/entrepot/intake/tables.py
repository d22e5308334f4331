"""Rows as a CSV file: written so that a spreadsheet runs nothing, read whole or refused."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from django.http import HttpResponse

BYTE_ORDER_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"
# How a cell begins that a spreadsheet would take for a formula.
RUNS = ("=", "+", "-", "@", "\t", "\r", "\n")
# Each row is filled up to the width of its head, so a wide head makes a small file large.
MOST_COLUMNS = 200
DIVIDERS = "\t;,"  # the first of them that stands in the head divides
UTF_16 = (b"\xff\xfe", b"\xfe\xff")  # a spreadsheet's "Unicode text" begins so

Cells = dict[str, str]


class BadFile(ValueError):
    """What was brought cannot be read; the message says what to do, as a sentence."""


def table_text(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table as a file has it; it begins with the mark of UTF-8, so that names survive."""
    written = io.StringIO()
    written.write(BYTE_ORDER_MARK)
    writer = csv.writer(written)
    writer.writerow(head)
    writer.writerows([safe(cell) for cell in row] for row in rows)
    return written.getvalue()


def as_csv(name: str, head: Sequence[str], *, rows: Iterable[Sequence[object]]) -> HttpResponse:
    """A table as a file to save. It comes whole or not at all: half a list looks whole."""
    return HttpResponse(
        table_text(head, rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def safe(cell: object) -> str:
    """A cell as text: what a spreadsheet would take for a formula gets an apostrophe in front.

    Numbers keep their minus sign; an instant is told in UTC.
    """
    if isinstance(cell, datetime):
        return f"{cell.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    text = "" if cell is None else str(cell)
    if not text.lstrip(" ").startswith(RUNS):
        return text
    try:
        float(text)
    except ValueError:
        return f"'{text}"
    return text


def text_in(body: bytes) -> str:
    """The text of a file: UTF-8, or UTF-16 that says so; another encoding would be a guess.

    Raises:
        BadFile: it is no such text, or none that can be kept.
    """
    try:
        text = body.decode("utf-16" if body.startswith(UTF_16) else "utf-8-sig").strip()
    except UnicodeDecodeError:
        raise BadFile("The file is not UTF-8: save it as CSV UTF-8.") from None
    if "\0" in text:
        raise BadFile("The file has NUL characters: it is not a CSV file.")
    return text


def rows_of(text: str, *, most: int) -> list[tuple[int, Cells]]:
    """The rows below the head with their numbers, cells by the head's names in snake case.

    Commas, semicolons or tabs divide. The apostrophe that our own exports put before what a
    spreadsheet would run is taken off again.

    Raises:
        BadFile: it is no table, is too wide, has no rows, or more than `most`.
    """
    lines = _lines(text)
    _, first = next(lines, (1, []))
    head = [name.strip().lower().replace(" ", "_") for name in first]
    if len(head) > MOST_COLUMNS:
        raise BadFile(f"The file has more than {MOST_COLUMNS} columns.")
    if doubled := sorted({name for name in head if name and head.count(name) > 1}):
        raise BadFile(f"The file names the column {doubled[0]} twice: remove one of them.")
    rows: list[tuple[int, Cells]] = []
    for number, cells in lines:
        if len(rows) == most:
            raise BadFile(f"The file has more than {most:,} rows: split it.")
        if len(cells) > len(head) + MOST_COLUMNS:
            raise BadFile(f"Row {number} has more cells than {MOST_COLUMNS} columns hold.")
        rows.append((number, _named(head, cells)))
    if not rows:
        raise BadFile("The file has no rows below its head.")
    return rows


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not empty, or too wide, counted from 1 with those that are."""
    head = text.partition("\n")[0]
    divider = next((sign for sign in DIVIDERS if sign in head), ",")
    number = 0
    try:
        for cells in csv.reader(io.StringIO(text, newline=""), delimiter=divider, strict=True):
            number += 1
            if len(cells) > MOST_COLUMNS or any(cell.strip() for cell in cells):
                yield number, cells
    except csv.Error as error:
        raise BadFile(f"Row {number + 1} cannot be read: {error}.") from None


def _named(head: Sequence[str], cells: Sequence[str]) -> Cells:
    filled = [*cells, *[""] * (len(head) - len(cells))]
    return {name: _plain(cell) for name, cell in zip(head, filled, strict=False) if name}


def _plain(cell: str) -> str:
    text = cell.strip()
    is_guarded = text.startswith("'") and text[1:].lstrip(" ").startswith(RUNS)
    return text[1:] if is_guarded else text
