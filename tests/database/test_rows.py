"""Merchants are kept apart by the database itself."""

import psycopg

from entrepot.database.roles import app_role, owner_role, system_role
from entrepot.database.rows import EXEMPT_TABLES

TABLES = """
    SELECT
        relname,
        relrowsecurity,
        relforcerowsecurity,
        array(
            SELECT polname || ' to ' || (
                SELECT string_agg(rolname, ',') FROM pg_roles WHERE pg_roles.oid = ANY (polroles)
            )
            FROM pg_policy
            WHERE polrelid = pg_class.oid
            ORDER BY polname
        )
    FROM pg_class
    WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace
"""


def test_every_table_is_scoped_to_merchants_or_exempt_with_a_reason(
    database: str, superuser_url: str
) -> None:
    policies = [
        f"merchant_of_scope to {app_role()}",
        f"owner_sees_all to {owner_role()}",
        f"system_sees_all to {system_role()}",
    ]

    with psycopg.connect(superuser_url) as connection:
        tables = {name: rest for name, *rest in connection.execute(TABLES)}

    unguarded = {
        name: found
        for name, found in tables.items()
        if name not in EXEMPT_TABLES and found != [True, True, policies]
    }
    assert unguarded == {}
    assert {"event", "event_default", "access_merchant", "access_api_key"} <= set(tables)


def test_every_exemption_names_a_table_and_gives_a_reason(
    database: str, superuser_url: str
) -> None:
    with psycopg.connect(superuser_url) as connection:
        tables = {name for name, *_ in connection.execute(TABLES)}

    assert set(EXEMPT_TABLES) - tables == set()
    assert all(len(reason) > 15 for reason in EXEMPT_TABLES.values())
