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
from tests import order, surroundings
from tests.rows import Rows

TEMPLATE = "entrepot_template"

TABLES = """
SELECT relname
FROM pg_class
WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace
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


@pytest.fixture(scope="session")
def rows(superuser_url: str, _kept_tables: str) -> Iterator[Rows]:
    """The rows of this process's database: what many tests begin with is made `once`."""
    found = Rows(superuser_url, _kept_tables)
    yield found
    found.close()


@pytest.fixture
def database(rows: Rows, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """Open the database to a test and remove its rows afterwards; the value is the owner's URL."""
    with django_db_blocker.unblock():
        yield str(DatabaseUrl.of_settings(settings.DATABASES["owner"]))
        for connection in connections.all(initialized_only=True):
            connection.close()
        left_open = rows.remove()
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


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what takes longest, told by the time-out that it asks for."""
    usual = float(config.getini("timeout"))
    at_once = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    items[:] = order.longest_first(items, at_once=at_once, usual=usual)


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
