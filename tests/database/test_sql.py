"""Whole batches travel as one parameter and keep their values exactly."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from entrepot.access import scope
from entrepot.database import sql


def test_a_batch_arrives_with_its_types_and_in_its_order(database: str) -> None:
    batch = sql.recordset(
        [
            {
                "sku": "TASSE-Ø-3",
                "units": 3,
                "amount": Decimal("1234567890123.455"),
                "at": datetime(2031, 3, 30, 0, 59, 30, 123456, tzinfo=UTC),
                "key": UUID("12345678-1234-5678-1234-567812345678"),
                "tags": ["a", 'quote"', "日"],
                "data": {"x": None},
            },
            {"sku": "%s", "units": 0},
        ],
        {
            "sku": "text",
            "units": "int",
            "amount": "numeric",
            "at": "timestamptz",
            "key": "uuid",
            "tags": "text[]",
            "data": "jsonb",
        },
    )

    with scope.system():
        rows = sql.fetch_dicts(f"SELECT * FROM {batch.sql} ORDER BY n DESC", [batch.parameter])

    assert rows == [
        {
            "n": 1,
            "sku": "%s",
            "units": 0,
            "amount": None,
            "at": None,
            "key": None,
            "tags": None,
            "data": None,
        },
        {
            "n": 0,
            "sku": "TASSE-Ø-3",
            "units": 3,
            "amount": Decimal("1234567890123.455"),
            "at": datetime(2031, 3, 30, 0, 59, 30, 123456, tzinfo=UTC),
            "key": UUID("12345678-1234-5678-1234-567812345678"),
            "tags": ["a", 'quote"', "日"],
            "data": '{"x": null}',
        },
    ]


def test_an_empty_batch_is_an_empty_table(database: str) -> None:
    batch = sql.recordset([], {"sku": "text"})

    with scope.system():
        assert sql.fetch(f"SELECT * FROM {batch.sql}", [batch.parameter]) == []
        assert sql.fetch_one(f"SELECT * FROM {batch.sql}", [batch.parameter]) is None
        assert sql.fetch_value(f"SELECT sku FROM {batch.sql}", [batch.parameter]) is None


def test_a_statement_tells_how_many_rows_it_touched(database: str) -> None:
    with scope.system():
        assert sql.run("UPDATE access_merchant SET name = name") == 0
