"""No row of one merchant is seen, changed or given away from the scope of another, in any table."""

import pytest
from django.db.utils import ProgrammingError

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.database import sql
from tests.dashboard.scene import Scene
from tests.strangers.marks import tables


@pytest.fixture
def filled(things: dict[str, object], scene: Scene) -> list[str]:
    """The tables in which the first merchant has rows."""
    with scope.system():
        return [
            table
            for table, column in tables().items()
            if sql.fetch_value(
                f'SELECT EXISTS (SELECT FROM "{table}" WHERE "{column}" = %s)', [scene.merchant.id]
            )
        ]


def test_the_first_merchant_has_rows_in_most_tables(filled: list[str]) -> None:
    """Or the walk below would prove little."""
    assert len(filled) > 35, sorted(set(tables()) - set(filled))


def test_no_table_shows_a_row_of_another_merchant(
    filled: list[str], scene: Scene, other_merchant: Merchant
) -> None:
    shown: dict[str, int] = {}
    changed: dict[str, int] = {}
    for table in filled:
        column = tables()[table]
        with scope.merchant(other_merchant.id):
            seen = sql.fetch_value(
                f'SELECT count(*) FROM "{table}" WHERE "{column}" <> %s', [other_merchant.id]
            )
        touched = _touched(table, column, theirs=scene.merchant.id, mine=other_merchant.id)
        shown |= {table: seen} if seen else {}
        changed |= {table: touched} if touched else {}

    assert (shown, changed) == ({}, {})


def test_no_table_takes_a_row_in_another_merchants_name(
    filled: list[str], scene: Scene, other_merchant: Merchant
) -> None:
    """A copy of a row of one's own cannot be given to somebody else: the policy refuses it."""
    taken = []
    for table in filled:
        column = tables()[table]
        with scope.system():
            names = [row[0] for row in sql.fetch(_COLUMNS, [table])]
        listed = ", ".join(f'"{name}"' for name in names if name != column)
        statement = (
            f'INSERT INTO "{table}" ("{column}", {listed}) OVERRIDING SYSTEM VALUE'
            f' SELECT %s, {listed} FROM "{table}" WHERE "{column}" = %s LIMIT 1'
        )
        try:
            with scope.merchant(scene.merchant.id):
                sql.run(statement, [other_merchant.id, scene.merchant.id])
        except ProgrammingError as error:
            if "row-level security" in str(error):
                continue
            raise
        taken.append(table)

    assert taken == []


def _touched(table: str, column: str, *, theirs: int, mine: int) -> int:
    """How many of their rows a change from my scope reaches."""
    change = f'UPDATE "{table}" SET "{column}" = "{column}" WHERE "{column}" = %s RETURNING 1'
    try:
        with scope.merchant(mine):
            return len(sql.fetch(change, [theirs]))
    except ProgrammingError as error:
        if "permission denied" in str(error):  # a journal: nobody of the app changes it
            return 0
        raise


_COLUMNS = """
    SELECT attname
    FROM pg_attribute
    WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
"""
