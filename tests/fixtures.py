"""Fixtures for every test: a real PostgreSQL with the migrated schema, and a merchant.

A test that names `database` (or a fixture built on it) gets a clone of the migrated database for
its process; afterwards all its rows are removed. Other tests cannot reach a database at all.
"""

import os
from collections.abc import Callable, Iterator
from datetime import timedelta

import psycopg
import pytest
from django.conf import settings
from django.db import connections
from django.db.backends.postgresql.base import DatabaseWrapper
from pytest_django.plugin import DjangoDbBlocker

from entrepot.access import services as access
from entrepot.access.models import Merchant
from entrepot.database.migrate import migrate_database
from entrepot.database.roles import owner_role
from entrepot.database.urls import DatabaseUrl
from entrepot.tasks.idle import bring_forward, run_until_idle
from tests import surroundings

TEMPLATE = "entrepot_template"

REMOVE_ROWS = """
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
WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace
"""
LEFT_OPEN = """
SELECT string_agg(query, ' | ')
FROM pg_stat_activity
WHERE datname = current_database() AND state LIKE 'idle in transaction%'
"""


@pytest.fixture(scope="session")
def superuser_url(django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """The URL of this process's own migrated database, for the server's superuser.

    Settings and the environment of child processes point to it from here on.
    """
    name = f"entrepot_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    with surroundings.alone():
        server = surroundings.server()
        _point_to(server.url(TEMPLATE))
        if not surroundings.is_migrated():
            with django_db_blocker.unblock():
                migrate_database(superuser_url=server.url())
            _close_connections()
            surroundings.note_migrated()
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name}")
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} OWNER {owner_role()}")
    _point_to(server.url(name))
    yield server.url(name)
    _close_connections()
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def _kept_tables(superuser_url: str) -> str:
    """Tables that migrations filled: their rows outlive each test."""
    with psycopg.connect(superuser_url) as connection:
        names = [row[0] for row in connection.execute(TABLES)]
        kept = [
            name
            for name in names
            if connection.execute(f'SELECT FROM "{name}" LIMIT 1').fetchone() is not None
        ]
    return "{" + ",".join(kept) + "}"


class Cleaner:
    """Removes the rows of a test over a connection of its own.

    It is kept from test to test: one that has seen every table before takes a sixth of the time.
    """

    def __init__(self, url: str, kept_tables: str) -> None:
        self._url, self._kept_tables = url, kept_tables
        self._connection: psycopg.Connection | None = None

    def clean(self) -> str | None:
        """Remove the rows; what the test left running in an open transaction, if anything."""
        try:
            return self._clean()
        except psycopg.OperationalError:  # the test has ended the server's connections
            self.close()
            return self._clean()

    def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _clean(self) -> str | None:
        if self._connection is None:
            self._connection = psycopg.connect(self._url, autocommit=True)
            self._connection.execute(
                "SELECT set_config('entrepot.kept', %s, false)", [self._kept_tables]
            )
        left_open = self._connection.execute(LEFT_OPEN).fetchone()
        self._connection.execute(REMOVE_ROWS)
        return left_open[0] if left_open else None


@pytest.fixture(scope="session")
def _cleaner(superuser_url: str, _kept_tables: str) -> Iterator[Cleaner]:
    cleaner = Cleaner(superuser_url, _kept_tables)
    yield cleaner
    cleaner.close()


@pytest.fixture
def database(
    superuser_url: str, _cleaner: Cleaner, django_db_blocker: DjangoDbBlocker
) -> Iterator[str]:
    """Open the database to a test and remove its rows afterwards; the value is the owner's URL."""
    with django_db_blocker.unblock():
        yield str(DatabaseUrl.of_settings(settings.DATABASES["owner"]))
        for connection in connections.all(initialized_only=True):
            connection.close()
        left_open = _cleaner.clean()
        assert left_open is None, f"the test left a transaction open: {left_open}"


@pytest.fixture
def merchant(database: str) -> Merchant:
    """A merchant that sells in several currencies."""
    return access.create_merchant(name="Nordlicht Keramik", code="nordlicht")


@pytest.fixture
def other_merchant(database: str) -> Merchant:
    """A second merchant, who must never see anything of the first."""
    return access.create_merchant(name="喫茶 さくら", code="sakura", time_zone="Asia/Tokyo")


@pytest.fixture
def run_jobs(database: str) -> Callable[..., int]:
    """Let the real worker run all due jobs and drains, and what these cause.

    `run_jobs(ahead=timedelta(hours=1))` first lets that time go by for the jobs that wait. Returns
    how many jobs ended.
    """

    def run(ahead: timedelta = timedelta(0)) -> int:
        if ahead:
            bring_forward(ahead)
        return run_until_idle()

    return run


def pytest_unconfigure() -> None:
    surroundings.clean_up()


def _point_to(url: str) -> None:
    """Point settings, Django's connections and child processes to a database of the server."""
    _close_connections()
    where = DatabaseUrl.parse(url)
    for alias in ("owner", "default", "system"):
        # The same dictionaries that Django's connections were made from.
        settings.DATABASES[alias].update(NAME=where.name, HOST=where.hosts[0], PORT=where.ports[0])
    os.environ["DATABASE_URL"] = str(DatabaseUrl.of_settings(settings.DATABASES["owner"]))


def _close_connections() -> None:
    for connection in connections.all():
        connection.close()
        assert isinstance(connection, DatabaseWrapper)
        if "pool" in connection.settings_dict["OPTIONS"]:
            connection.close_pool()
