"""SQL on the connection of the open scope: statements over whole batches, typed.

Values come as psycopg gives them to Django: numeric as Decimal, timestamptz aware, but jsonb as its
text.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from django.db import connections

from entrepot.database.router import current_role

Parameters = Sequence[Any] | Mapping[str, Any] | None


class Recordset(NamedTuple):
    """A batch as one parameter: `sql` goes into a FROM clause, `parameter` into its placeholder."""

    sql: str
    parameter: str


def recordset(
    rows: Iterable[Mapping[str, object]],
    columns: Mapping[str, str],
    *,
    name: str = "batch",
    placeholder: str = "%s",
) -> Recordset:
    """Make rows usable as a table of typed columns, in the order given.

    `columns` maps a column to its PostgreSQL type; a key that a row lacks is NULL. Decimal,
    datetime and UUID values arrive exactly. A further column `n` (bigint, from 0) numbers the rows.
    It travels as json: reading jsonb costs half as much again, for a form that nobody keeps.

    >>> recordset([{"sku": "MUG-1", "units": 3}], {"sku": "text", "units": "int"}).sql
    'json_to_recordset(%s::json) AS batch(n bigint, sku text, units int)'
    """
    numbered = [{"n": number, **row} for number, row in enumerate(rows)]
    typed = ", ".join(f"{column} {kind}" for column, kind in {"n": "bigint", **columns}.items())
    return Recordset(
        sql=f"json_to_recordset({placeholder}::json) AS {name}({typed})",
        parameter=msgspec.json.encode(numbered).decode(),
    )


def run(statement: str, parameters: Parameters = None) -> int:
    """Run a statement and return how many rows it touched."""
    with connections[current_role()].cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.rowcount)


def fetch(statement: str, parameters: Parameters = None) -> list[tuple[Any, ...]]:
    """Run a statement and return its rows as tuples."""
    with connections[current_role()].cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


def fetch_dicts(statement: str, parameters: Parameters = None) -> list[dict[str, Any]]:
    """Run a statement and return its rows as dictionaries by column name."""
    with connections[current_role()].cursor() as cursor:
        cursor.execute(statement, parameters)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def fetch_one(statement: str, parameters: Parameters = None) -> tuple[Any, ...] | None:
    """Run a statement and return its first row, or None when there is none."""
    with connections[current_role()].cursor() as cursor:
        cursor.execute(statement, parameters)
        row: tuple[Any, ...] | None = cursor.fetchone()
        return row


def fetch_value(statement: str, parameters: Parameters = None) -> Any:
    """Run a statement and return the first column of its first row, or None without a row."""
    row = fetch_one(statement, parameters)
    return row[0] if row else None
