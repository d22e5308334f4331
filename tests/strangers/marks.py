"""What belongs to a merchant: the words that only its rows hold, and all of its rows as they stand.

Both are read from the database's catalogue, so that a new table or column is looked at as well.
"""

import re
import zoneinfo
from collections.abc import Iterable
from functools import cache
from html import unescape
from pathlib import Path

from entrepot.access import scope
from entrepot.database import sql
from entrepot.database.rows import EXEMPT_TABLES

SOURCE = Path(__file__).resolve().parents[2] / "src" / "entrepot"
SHORTEST, LONGEST = 5, 80
_numbered = re.compile(r"[a-z_]+:\d+")  # actors and causes: "user:3", "inbox:17"
# Counters, keys and buckets of the machinery, which any request may touch.
_TABLES = """
    SELECT c.relname, a.attname
    FROM pg_class AS c
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
        AND c.relnamespace = 'public'::regnamespace
        AND a.attname IN ('merchant_id', 'id')
    ORDER BY c.relname, a.attname DESC
"""
_TEXTS = """
    SELECT attname
    FROM pg_attribute
    WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped
        AND atttypid IN ('text'::regtype, 'varchar'::regtype)
"""


def tables() -> dict[str, str]:
    """Every table of merchants, with the column that names the merchant."""
    with scope.system():
        found: dict[str, str] = {}
        for table, column in sql.fetch(_TABLES):
            if table not in EXEMPT_TABLES and (column == "merchant_id" or "merchant" in table):
                found.setdefault(table, column)
    return found


def state_of(merchant_id: int) -> dict[str, str]:
    """Each table's rows of a merchant as one hash: whatever changes in them changes it."""
    with scope.system():
        return {
            table: str(
                sql.fetch_value(
                    f"SELECT count(*) || ':' || md5(string_agg(t::text, '|' ORDER BY t::text))"
                    f' FROM "{table}" AS t WHERE "{column}" = %s',
                    [merchant_id],
                )
            )
            for table, column in tables().items()
        }


def words_of(merchant_id: int) -> set[str]:
    """Texts in a merchant's rows that are not the program's own words."""
    found: set[str] = set()
    with scope.system():
        for table, column in tables().items():
            for (name,) in sql.fetch(_TEXTS, [table]):
                rows = sql.fetch(
                    f'SELECT DISTINCT "{name}" FROM "{table}"'
                    f' WHERE "{column}" = %s AND length("{name}") BETWEEN %s AND %s',
                    [merchant_id, SHORTEST, LONGEST],
                )
                found.update(row[0] for row in rows)
    return {word for word in found if not _is_common(word)}


def told(text: str, words: Iterable[str], *, asked: str) -> list[str]:
    """The words that an answer holds, but for those that the question held already."""
    page = unescape(text)
    return sorted(
        word for word in words if word in page and word not in asked and _stands_alone(word, page)
    )


def _stands_alone(word: str, page: str) -> bool:
    """Not as a part of another word: five digits are in some instant or other."""
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", page) is not None


@cache  # a millisecond for each, and the next test asks about the same words
def _is_common(word: str) -> bool:
    is_plain = word.startswith("/") or _numbered.fullmatch(word) is not None
    return is_plain or word in _zones() or word in _our_own()


@cache
def _zones() -> set[str]:
    return zoneinfo.available_timezones()


@cache
def _our_own() -> str:
    kinds = {".py", ".html", ".toml", ".txt", ".css", ".js"}
    return "\n".join(
        path.read_text()
        for path in sorted(SOURCE.rglob("*"))
        if path.suffix in kinds and "tests" not in path.parts
    )
