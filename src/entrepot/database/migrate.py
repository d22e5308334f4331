"""Brings the database to the state that this code needs: roles, grants, tables."""

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connections

from entrepot.database import roles
from entrepot.database.embedded import EmbeddedServer
from entrepot.database.router import OWNER
from entrepot.database.urls import DatabaseUrl

# Any number that no other program on the server locks.
MIGRATION_LOCK = 0x656E7472


def migrate_database(*, verbosity: int = 0, superuser_url: str = "") -> None:
    """Make what is missing and apply migrations; run by two processes at once, one waits.

    `superuser_url` is for a server that is ours alone: roles and the database itself are made there
    as well. Without it the embedded server's is taken where that is in use; it must be running.

    Raises:
        RolesMissing: see `roles.make_roles`.
        UnsafeRole: see `roles.check_roles`.
    """
    if not superuser_url and settings.USES_EMBEDDED_DATABASE:
        superuser_url = EmbeddedServer(settings.DATA_FOLDER / "postgres").url()
    if superuser_url:
        roles.make_database(superuser_url)
    owner = str(DatabaseUrl.of_settings(settings.DATABASES[OWNER]))
    with psycopg.connect(owner, autocommit=True) as lock:
        lock.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
        roles.make_roles()
        call_command("migrate", database=OWNER, interactive=False, verbosity=verbosity)
    connections[OWNER].close()
    roles.check_roles()
