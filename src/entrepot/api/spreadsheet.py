"""Tables that programs send as CSV, read with the row of each fault."""

from collections.abc import Sequence

from entrepot.api.errors import invalid
from entrepot.intake.tables import BadFile, rows_of, text_in

CSV = "text/csv"
MOST_ROWS = 20_000
EXPORTED = 10_000


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
