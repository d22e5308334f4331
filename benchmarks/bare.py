"""What the database alone needs for the rows of orders: set-based upserts, no hub around them.

The rows are read back from a hub that has made them, and upserted into tables that have the same
columns and nothing but their keys: no further indexes, no foreign keys, no row-level security.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

BATCH = 500


@dataclass(frozen=True, slots=True)
class Kept:
    """A table, the key that its upsert meets, and which of its rows belong to some orders."""

    table: str
    key: str
    rows: str = "{table}.order_id = ANY (%(ids)s)"


NARROW = (
    Kept("orders_order", "merchant_id, account, mode, external_id", "{table}.id = ANY (%(ids)s)"),
    Kept("orders_line", "order_id, external_id"),
    Kept(
        "customers_customer",
        "merchant_id, identity",
        "{table}.id IN (SELECT customer_id FROM orders_order WHERE id = ANY (%(ids)s))",
    ),
    Kept("payments_entry", "merchant_id, account, mode, kind, external_id"),
)
WHOLE = (
    *NARROW,
    Kept(
        "customers_postal_address",
        "merchant_id, content_hash",
        "{table}.id IN (SELECT unnest(ARRAY[address_id, billing_address_id]) FROM orders_order"
        " WHERE id = ANY (%(ids)s))",
    ),
    Kept("orders_tax_line", "id"),
    Kept("search_term", "merchant_id, term, kind, object_id", "{table}.object_id = ANY (%(ids)s)"),
    Kept("event", "id"),
    Kept("inbox_outcome", "id"),
)


def upsert_rate(url: str, *, after: int, tables: Sequence[Kept] = WHOLE) -> float:
    """Upsert the rows of the orders after an id, 500 orders to a transaction; orders per second."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS bare CASCADE")
        connection.execute("CREATE SCHEMA bare")
        statements = [_made(connection, kept) for kept in tables]
        found = connection.execute("SELECT id FROM orders_order WHERE id > %s ORDER BY id", [after])
        ids = [row[0] for row in found]
        batches = [ids[begin : begin + BATCH] for begin in range(0, len(ids), BATCH)]
        ready = [[_rows(connection, kept, batch) for kept in tables] for batch in batches]
        connection.execute("CHECKPOINT")
        began = time.perf_counter()
        for parameters in ready:
            with connection.transaction():
                for statement, parameter in zip(statements, parameters, strict=True):
                    connection.execute(statement, [parameter])
        return round(len(ids) / (time.perf_counter() - began))


def _made(connection: psycopg.Connection, kept: Kept) -> sql.Composed:
    """Make the bare table; returns its upsert."""
    table = sql.Identifier("bare", kept.table)
    key = sql.SQL(kept.key)
    connection.execute(
        sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING GENERATED, PRIMARY KEY ({}))").format(
            table, sql.Identifier(kept.table), key
        )
    )
    columns = connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass"
        " AND attnum > 0 AND attgenerated = '' AND NOT attisdropped",
        [f"bare.{kept.table}"],
    )
    names = [sql.Identifier(row[0]) for row in columns]
    sets = sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(name) for name in names)
    listed = sql.SQL(", ").join(names)
    return sql.SQL(
        "INSERT INTO {table} ({listed}) SELECT {listed} FROM json_populate_recordset("
        "NULL::{table}, %s::json) ON CONFLICT ({key}) DO UPDATE SET {sets}"
    ).format(table=table, listed=listed, key=key, sets=sets)


def _rows(connection: psycopg.Connection, kept: Kept, ids: list[int]) -> str:
    table = sql.Identifier(kept.table)
    statement = sql.SQL("SELECT json_agg({})::text FROM {} WHERE {}").format(
        table, table, sql.SQL(kept.rows).format(table=table)
    )
    found: Any = connection.execute(statement, {"ids": ids}).fetchone()
    return found[0] or "[]"
