"""The roles are what row-level security needs, and the hub refuses to start with others.

Roles belong to the server, which other test processes use meanwhile: whatever is spoiled here is
a role that only this process knows.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.conf import settings
from django.db import connections
from pgqueuer.adapters.persistence.schema_ddl import render_install
from pgqueuer.domain.settings import DBSettings, Durability

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.database import roles, sql
from entrepot.database.migrate import migrate_database
from entrepot.database.urls import DatabaseUrl
from tests.surroundings import ROOT


@contextmanager
def a_role_of_its_own(alias: str, *, superuser_url: str) -> Iterator[str]:
    """Let `alias` connect with a sound role made for this test; the value is its name."""
    name = f"spoilt_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    known = settings.DATABASES[alias]
    before = {"USER": known["USER"], "PASSWORD": known["PASSWORD"]}
    with psycopg.connect(superuser_url, autocommit=True) as superuser:
        superuser.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'its own'")
        _connect_anew(alias, {"USER": name, "PASSWORD": "its own"})
        try:
            yield name
        finally:
            _connect_anew(alias, before)
            superuser.execute(f"DROP OWNED BY {name}")
            superuser.execute(f"DROP ROLE {name}")


def _connect_anew(alias: str, user: dict[str, str]) -> None:
    connections[alias].close()
    connections[alias].close_pool()  # type: ignore[attr-defined]
    settings.DATABASES[alias].update(user)


def test_sound_roles_are_accepted(database: str) -> None:
    roles.check_roles()

    assert [roles.alias_can_connect(alias) for alias in ("default", "system")] == [True, True]


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        ("ALTER ROLE {} SUPERUSER", "is a superuser"),
        ("ALTER ROLE {} BYPASSRLS", "bypasses row-level security"),
        ("GRANT entrepot_owner TO {}", "may become the owner"),
    ],
)
@pytest.mark.parametrize("alias", ["default", "system"])
def test_a_role_that_could_see_past_its_rows_is_refused(
    database: str, superuser_url: str, alias: str, spoil: str, complaint: str
) -> None:
    with a_role_of_its_own(alias, superuser_url=superuser_url) as role:
        roles.check_roles()
        with psycopg.connect(superuser_url, autocommit=True) as superuser:
            superuser.execute(spoil.format(role))

        with pytest.raises(roles.UnsafeRole, match=f"{role}.*{complaint}"):
            roles.check_roles()


def test_the_owner_without_the_right_to_make_roles_is_told_what_to_do(
    database: str, superuser_url: str
) -> None:
    before = settings.DATABASES["default"]["USER"]
    settings.DATABASES["default"]["USER"] = "nobody_made_this"
    try:
        with pytest.raises(roles.RolesMissing, match="DATABASE_APP_URL"):
            roles.make_roles()
    finally:
        settings.DATABASES["default"]["USER"] = before

    with psycopg.connect(superuser_url) as connection:
        row = connection.execute("SELECT FROM pg_roles WHERE rolname = 'nobody_made_this'")
        assert row.fetchone() is None


def test_a_lost_password_is_set_again_by_migrating(database: str, superuser_url: str) -> None:
    with a_role_of_its_own("default", superuser_url=superuser_url) as role:
        with psycopg.connect(superuser_url, autocommit=True) as superuser:
            superuser.execute(f"ALTER ROLE {role} PASSWORD 'something else'")
        could_connect = roles.alias_can_connect("default")

        migrate_database(superuser_url=superuser_url)

        assert not could_connect
        assert roles.alias_can_connect("default")


def _applied() -> list[tuple[object, ...]]:
    with psycopg.connect(str(DatabaseUrl.of_settings(settings.DATABASES["owner"]))) as owner:
        return owner.execute("SELECT id, app, name, applied FROM django_migrations").fetchall()


def test_migrating_again_changes_nothing(database: str, superuser_url: str) -> None:
    before = _applied()

    migrate_database(superuser_url=superuser_url)

    assert _applied() == before != []


def test_whoever_freezes_in_a_transaction_loses_its_locks_within_seconds(
    merchant: Merchant,
) -> None:
    asked = "SHOW idle_in_transaction_session_timeout"
    with scope.merchant(merchant.id):
        assert sql.fetch_value(asked) == "20s"
    with scope.system():
        assert sql.fetch_value(asked) == "20s"


def test_the_app_role_runs_no_jobs_and_sees_no_workers(database: str) -> None:
    url = str(DatabaseUrl.of_settings(settings.DATABASES["default"]))
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in (
            "UPDATE pgqueuer SET status = 'picked'",
            "DELETE FROM pgqueuer",
            "SELECT * FROM pgqueuer_log",
            "SELECT * FROM tasks_worker",
            "DELETE FROM tasks_schedule",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


def test_the_queues_tables_are_those_of_the_locked_engine() -> None:
    """When this fails, the engine's upgrade needs a migration of its own beside the frozen one."""
    frozen = ROOT / "src" / "entrepot" / "tasks" / "migrations" / "0001_queue.sql"
    rendered = render_install(DBSettings(durability=Durability.balanced))

    def without_header(text: str) -> str:
        return text.split("\n", 1)[1].strip()

    assert without_header(frozen.read_text()) == without_header(rendered)
