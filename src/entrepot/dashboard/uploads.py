"""Rows that people bring: a CSV file or pasted text, read whole or refused with the reason."""

import csv
import io

from entrepot.dashboard.spreadsheet import RUNS
from entrepot.dashboard.visit import PageRequest

# Each row is filled up to the width of its head, so a wide head makes a small file large.
MOST_COLUMNS = 200

Cells = dict[str, str]


class BadFile(ValueError):
    """What was brought cannot be read; the message says what to do, as a sentence."""


def text_of(request: PageRequest, *, most_megabytes: int) -> str:
    """The text of the field `file`, else of the field `text`.

    Raises:
        BadFile: there is none, or it is too large or no text.
    """
    upload = request.FILES.get("file")
    if upload is None:
        text = str(request.POST.get("text", "")).strip()
    elif upload.size is None or upload.size > most_megabytes * 1024 * 1024:
        raise BadFile(f"The file is larger than {most_megabytes} MB: split it.")
    else:
        try:
            text = upload.read().decode("utf-8-sig").strip()
        except UnicodeDecodeError:
            raise BadFile("The file is not UTF-8: save it as CSV UTF-8.") from None
    if not text:
        raise BadFile("Choose a file, or paste its rows.")
    if "\0" in text:
        raise BadFile("The file has NUL characters: it is not a CSV file.")
    return text


def rows_of(text: str, *, most: int) -> list[tuple[int, Cells]]:
    """The rows below the head with their line numbers, cells by the head's names in snake case.

    Commas or semicolons divide. The apostrophe that our own exports put before what a spreadsheet
    would run is taken off again.

    Raises:
        BadFile: it is no table, is too wide, has no rows, or more than `most`.
    """
    head = text.partition("\n")[0]
    reader = csv.DictReader(
        io.StringIO(text, newline=""), delimiter=";" if ";" in head else ",", strict=True
    )
    rows: list[tuple[int, Cells]] = []
    try:
        if len(reader.fieldnames or ()) > MOST_COLUMNS:
            raise BadFile(f"The file has more than {MOST_COLUMNS} columns.")
        for place, raw in enumerate(reader, start=2):
            if len(rows) == most:
                raise BadFile(f"The file has more than {most:,} rows: split it.")
            if len(raw.get(None, ())) > MOST_COLUMNS:
                raise BadFile(f"Row {place} has more cells than {MOST_COLUMNS} columns hold.")
            cells = {
                str(name).strip().lower().replace(" ", "_"): _plain(str(value or "").strip())
                for name, value in raw.items()
                if name is not None
            }
            rows.append((place, cells))
    except csv.Error as error:
        raise BadFile(f"Row {len(rows) + 2} cannot be read: {error}.") from None
    if not rows:
        raise BadFile("The file has no rows below its head.")
    return rows


def _plain(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(RUNS) else cell
