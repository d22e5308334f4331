"""The database roles of the hub: who may see what, and with which password.

`owner` migrates, `default` (the app role) sees one merchant at a time, `system` serves the edge,
claims and upkeep. Role names come from the settings, so that two hubs can share a server; they are
written into policies, so they must not change later.
"""

import psycopg
from django.conf import settings
from django.db import connections
from psycopg import sql

from entrepot.database.router import APP, OWNER, SYSTEM
from entrepot.database.urls import DatabaseUrl

# PostgreSQL says "tuple concurrently updated" to the second of two that change one role.
TRIES = 5


class RolesMissing(Exception):
    """The app or system role does not exist or refuses us, and we may not repair that."""


class UnsafeRole(Exception):
    """A role could read past row-level security, so the hub refuses to start with it."""


def app_role() -> str:
    """The name of the role that sees one merchant at a time."""
    return str(settings.DATABASES[APP]["USER"])


def system_role() -> str:
    """The name of the role that serves the edge, claims and upkeep."""
    return str(settings.DATABASES[SYSTEM]["USER"])


def owner_role() -> str:
    """The name of the role that owns the tables and migrates."""
    return str(settings.DATABASES[OWNER]["USER"])


def make_database(superuser_url: str) -> None:
    """Make the owner role, the other two, and the database, where they are missing.

    For a server that is ours alone (the embedded one); `superuser_url` names any of its databases.
    """
    name = settings.DATABASES[OWNER]["NAME"]
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        for alias in (OWNER, APP, SYSTEM):
            _make_role(connection, alias)
        found = connection.execute("SELECT FROM pg_database WHERE datname = %s", [name])
        if found.fetchone() is None:
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(
                    sql.Identifier(name), sql.Identifier(owner_role())
                )
            )


def make_roles() -> None:
    """Make the app and system roles where they are missing, and let them use the owner's tables.

    Needs an owner with CREATEROLE only if there is something to make. Run before migrating: the
    grants cover the tables that the owner makes afterwards.

    Raises:
        RolesMissing: a role is missing or has another password, and the owner may not change that.
    """
    owner = str(DatabaseUrl.of_settings(settings.DATABASES[OWNER]))
    with psycopg.connect(owner, autocommit=True) as connection:
        for alias in (APP, SYSTEM):
            if alias_can_connect(alias):
                continue
            try:
                _make_role(connection, alias)
            except psycopg.errors.InsufficientPrivilege as error:
                raise RolesMissing(
                    f"role {settings.DATABASES[alias]['USER']!r} does not exist or has another"
                    f" password, and {owner_role()!r} may not change that: let an administrator run"
                    f" CREATE ROLE ... LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD '...', and name it in"
                    f" {'DATABASE_APP_URL' if alias == APP else 'DATABASE_SYSTEM_URL'}"
                ) from error
        users = sql.SQL("{}, {}").format(sql.Identifier(app_role()), sql.Identifier(system_role()))
        defaults = "ALTER DEFAULT PRIVILEGES IN SCHEMA public"
        for grant in (
            "GRANT USAGE ON SCHEMA public TO {}",
            f"{defaults} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {{}}",
            f"{defaults} GRANT USAGE, SELECT ON SEQUENCES TO {{}}",
        ):
            connection.execute(sql.SQL(grant).format(users))


def alias_can_connect(alias: str) -> bool:
    """Say whether a role exists and accepts the password that we have for it."""
    url = str(DatabaseUrl.of_settings(settings.DATABASES[alias]))
    try:
        psycopg.connect(url, connect_timeout=10).close()
    except psycopg.OperationalError:
        return False
    return True


def check_roles() -> None:
    """Refuse roles that could read past row-level security.

    Raises:
        UnsafeRole: the app or system role is a superuser, bypasses row-level security, or may
            become the owner.
    """
    for alias in (APP, SYSTEM):
        with connections[alias].cursor() as cursor:
            cursor.execute(
                """
                SELECT
                    rolname,
                    rolsuper,
                    rolbypassrls,
                    pg_has_role(rolname, (
                        SELECT tableowner FROM pg_tables
                        WHERE schemaname = 'public' AND tablename = 'django_migrations'
                    ), 'MEMBER')
                FROM pg_roles
                WHERE rolname = current_user
                """
            )
            name, is_superuser, bypasses, is_owner = cursor.fetchone()
        faults = {
            "is a superuser": is_superuser,
            "bypasses row-level security": bypasses,
            "may become the owner of the tables": is_owner,
        }
        if found := [fault for fault, applies in faults.items() if applies]:
            raise UnsafeRole(
                f"database role {name!r} ({alias}) {' and '.join(found)}, so merchants would not be"
                " kept apart: use a plain role (LOGIN NOSUPERUSER NOBYPASSRLS)"
            )


def _make_role(connection: psycopg.Connection, alias: str) -> None:
    """Make a role or set its password; roles are the server's, and others may do so meanwhile."""
    for tries_left in reversed(range(TRIES)):
        try:
            _make_role_once(connection, alias)
        except (psycopg.errors.InternalError_, psycopg.errors.UniqueViolation):
            if not tries_left:
                raise
        else:
            return


def _make_role_once(connection: psycopg.Connection, alias: str) -> None:
    name, password = settings.DATABASES[alias]["USER"], settings.DATABASES[alias]["PASSWORD"]
    found = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [name]).fetchone()
    connection.execute(
        sql.SQL("{} ROLE {} LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD {}").format(
            sql.SQL("CREATE" if found is None else "ALTER"),
            sql.Identifier(name),
            sql.Literal(password),
        )
    )
