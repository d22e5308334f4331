"""Filling a database in minutes: indexes made afterwards, nothing flushed until the end."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql

# Keys between rooms are right by construction; checking each row would take hours.
_SESSION = {
    "session_replication_role": "replica",
    "work_mem": "256MB",
    "maintenance_work_mem": "1GB",
}
# A fill that is interrupted is thrown away, so there is nothing to save from a crash.
_SERVER = {
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "1h",
}
_INDEXES = """
    SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid)
    FROM pg_index AS i
    JOIN pg_class AS c ON c.oid = i.indexrelid
    JOIN pg_class AS t ON t.oid = i.indrelid
    WHERE c.relnamespace = 'public'::regnamespace AND NOT c.relispartition
        AND t.relkind IN ('r', 'p')
        AND NOT EXISTS (SELECT FROM pg_constraint AS k WHERE k.conindid = i.indexrelid)
"""
# Unique constraints that no foreign key leans on.
_CONSTRAINTS = """
    SELECT k.conrelid::regclass::text, k.conname, pg_get_constraintdef(k.oid)
    FROM pg_constraint AS k
    WHERE k.connamespace = 'public'::regnamespace AND k.contype = 'u'
        AND NOT EXISTS (
            SELECT FROM pg_constraint AS f WHERE f.contype = 'f' AND f.conindid = k.conindid
        )
"""


@contextmanager
def in_haste(connection: psycopg.Connection) -> Iterator[None]:
    """Insert in the block as a superuser; afterwards the database is as strict as before."""
    indexes = connection.execute(_INDEXES).fetchall()
    constraints = connection.execute(_CONSTRAINTS).fetchall()
    for name, value in _SESSION.items():
        connection.execute("SELECT set_config(%s, %s, false)", [name, value])
    for name, value in _SERVER.items():
        connection.execute(sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), value))
    connection.execute("SELECT pg_reload_conf()")
    for table, name, _ in constraints:
        connection.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}")
    yield
    for _, definition in indexes:
        # Of a partitioned table it is told as if its partitions had none.
        connection.execute(definition.replace(" ON ONLY ", " ON "))
    for table, name, definition in constraints:
        connection.execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')
    connection.execute("ALTER SYSTEM RESET ALL")
    connection.execute("SELECT pg_reload_conf()")
    for name in _SESSION:
        connection.execute(sql.SQL("RESET {}").format(sql.Identifier(name)))
