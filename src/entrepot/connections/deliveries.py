"""Counts refused deliveries, and notes the last useful one."""

from collections.abc import Iterable

from entrepot.access import scope
from entrepot.database import sql
from entrepot.events import outbox

# Some shops disable a webhook after five refusals in a row; the third is still in time to act.
ALARMING_REFUSALS = 3

COUNT = """
UPDATE connections_connection
SET refused_in_a_row = refused_in_a_row + 1
WHERE id = %s
RETURNING refused_in_a_row, mode
"""
FORGIVE = """
UPDATE connections_connection
SET refused_in_a_row = 0
WHERE id = %s AND refused_in_a_row > 0
"""
NOTE = """
UPDATE connections_connection
SET last_useful_at = clock_timestamp(), last_useful_topic = batch.topic
FROM {batch}
WHERE connections_connection.id = batch.connection_id
"""


def count_refusal(connection_id: int, *, merchant_id: int, check: str) -> int:
    """Count a delivery that was not believed; the third in a row is an event. Returns the count."""
    with scope.merchant(merchant_id):
        row = sql.fetch_one(COUNT, [connection_id])
        if row is None:
            return 0
        refused, mode = row
        if refused == ALARMING_REFUSALS:
            outbox.record(
                "connection.deliveries_refused",
                merchant_id=merchant_id,
                mode=mode,
                subject=("connection", connection_id),
                data={"check": check, "refused": refused},
            )
    return int(refused)


def forgive_refusals(connection_id: int, *, merchant_id: int) -> None:
    """End a run of refusals: a delivery was believed."""
    with scope.merchant(merchant_id):
        sql.run(FORGIVE, [connection_id])


def note_useful(topics: Iterable[tuple[int, str]]) -> None:
    """Note that connections said something that changed something; (connection id, topic) pairs.

    Runs in an open scope, once per batch: one statement, rows in key order; the last topic of a
    connection counts.
    """
    last = dict(topics)
    if not last:
        return
    rows = [{"connection_id": key, "topic": last[key]} for key in sorted(last)]
    batch = sql.recordset(rows, {"connection_id": "bigint", "topic": "text"})
    sql.run(NOTE.format(batch=batch.sql), [batch.parameter])
