"""The journal has its months ready before they come."""

import psycopg
from django.db import connections

from entrepot.access import scope
from entrepot.events.partitions import ensure_partitions

PARTITIONS = """
    SELECT inhrelid::regclass::text
    FROM pg_inherits
    WHERE inhparent = 'event'::regclass
    ORDER BY 1
"""


def test_missing_months_are_made_once_and_with_their_guards(
    database: str, superuser_url: str
) -> None:
    with scope.system():
        again = ensure_partitions(3)
        made = ensure_partitions(5)
        made_again = ensure_partitions(5)

    assert (again, made, made_again) == (0, 2, 0)
    with psycopg.connect(superuser_url) as connection:
        names = [row[0] for row in connection.execute(PARTITIONS)]
        unguarded = connection.execute(
            "SELECT relname FROM pg_class WHERE relname LIKE 'event\\_20%' AND relkind = 'r'"
            " AND NOT (relrowsecurity AND relforcerowsecurity)"
        ).fetchall()
        assert len(names) == 1 + 4 + 2
        assert unguarded == []
        for name in names[-3:-1]:
            connection.execute(f"DROP TABLE {name}")


def test_the_app_role_may_not_make_tables(database: str) -> None:
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT has_function_privilege('event_ensure_partitions(int)', 'EXECUTE')")
        assert cursor.fetchone() == (False,)
