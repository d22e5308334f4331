"""The rows of a test: removed after it, and kept where the next tests want the same ones."""

import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import psycopg
from psycopg.sql import SQL, Identifier

Made = TypeVar("Made")

REMOVE = """
DO $$
DECLARE
    emptied text;
BEGIN
    SET LOCAL lock_timeout = '5s';
    SET LOCAL session_replication_role = replica;  -- no order among foreign keys, no triggers
    FOR emptied IN
        SELECT oid::regclass::text
        FROM pg_class
        WHERE relkind IN ('r', 'p')
            AND NOT relispartition
            AND relnamespace = 'public'::regnamespace
            AND NOT relname = ANY (current_setting('entrepot.kept')::text[])
    LOOP
        EXECUTE 'DELETE FROM ' || emptied;
    END LOOP;
END $$
"""
TABLES = """
SELECT relname
FROM pg_class
WHERE relkind = 'r'
    AND relnamespace = 'public'::regnamespace
    AND NOT relname = ANY (current_setting('entrepot.kept')::text[])
"""
LEFT_OPEN = """
SELECT string_agg(query, ' | ')
FROM pg_stat_activity
WHERE datname = current_database() AND state LIKE 'idle in transaction%'
"""
NO_MERCHANT = "SELECT NOT EXISTS (SELECT FROM access_merchant)"
# Rows tell of moments a while ago: what was kept for longer would be told of otherwise.
FRESH_S = 20.0


@dataclass(frozen=True)
class _Kept:
    made_at: float
    value: Any
    tables: dict[str, bytes]


class Rows:
    """All rows of this process's database, over a connection of the server's superuser.

    The connection outlives a test: one that has seen every table before removes the rows of all of
    them in a sixth of the time. `kept_tables` are those whose rows outlive each test.
    """

    def __init__(self, url: str, kept_tables: str) -> None:
        self._url, self._kept_tables = url, kept_tables
        self._connection: psycopg.Connection | None = None
        self._kept: dict[str, _Kept] = {}

    def remove(self) -> str | None:
        """Remove them; what the test left running in an open transaction, if anything."""
        try:
            return self._remove()
        except psycopg.OperationalError:  # the test has ended the server's connections
            self.close()
            return self._remove()

    def once(self, name: str, make: Callable[[], Made]) -> Made:
        """What `make` returns, with the rows that it writes.

        For tests that follow upon each other it is made once, and its rows are put back.
        """
        kept = self._kept.get(name)
        if kept is None or time.monotonic() - kept.made_at > FRESH_S:
            is_alone = self._connected().execute(NO_MERCHANT).fetchone() == (True,)
            made_at, value = time.monotonic(), make()
            if is_alone:
                self._kept[name] = _Kept(made_at, deepcopy(value), self._read())
            return value
        self._write(kept.tables)
        return cast("Made", deepcopy(kept.value))

    def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _remove(self) -> str | None:
        connection = self._connected()
        left_open = connection.execute(LEFT_OPEN).fetchone()
        connection.execute(REMOVE)
        return left_open[0] if left_open else None

    def _read(self) -> dict[str, bytes]:
        connection, found = self._connected(), {}
        for (name,) in connection.execute(TABLES).fetchall():
            copied = SQL("COPY {} TO STDOUT (FORMAT binary)").format(Identifier(name))
            is_empty = SQL("SELECT NOT EXISTS (SELECT FROM {})").format(Identifier(name))
            if connection.execute(is_empty).fetchone() != (True,):
                with connection.cursor().copy(copied) as copy:
                    found[name] = b"".join(bytes(part) for part in copy)
        return found

    def _write(self, tables: dict[str, bytes]) -> None:
        connection = self._connected()
        with connection.transaction():
            # No order among foreign keys, and no triggers: it was all done when they were made.
            connection.execute("SET LOCAL session_replication_role = replica")
            for name, rows in tables.items():
                copied = SQL("COPY {} FROM STDIN (FORMAT binary)").format(Identifier(name))
                with connection.cursor().copy(copied) as copy:
                    copy.write(rows)

    def _connected(self) -> psycopg.Connection:
        if self._connection is None:
            self._connection = psycopg.connect(self._url, autocommit=True)
            self._connection.execute(
                "SELECT set_config('entrepot.kept', %s, false)", [self._kept_tables]
            )
        return self._connection
