"""Counts refused deliveries, and notes the last useful one."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

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
UPDATE connections_connection AS connection
SET last_useful_at = batch.at, last_useful_topic = batch.topic
FROM {batch}
WHERE connection.id = batch.connection_id
    AND (connection.last_useful_at IS NULL OR connection.last_useful_at < batch.at)
"""


@dataclass(frozen=True, slots=True)
class Useful:
    """A connection said something that changed something."""

    connection_id: int
    topic: str
    at: datetime


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


def note_useful(news: Iterable[Useful]) -> int:
    """Note when connections were last of use; returns for how many that is new.

    For the system's scope, now and then: in the transactions that apply news it would make all of
    a connection's messages wait for each other.
    """
    rows = [
        {"connection_id": one.connection_id, "topic": one.topic, "at": one.at}
        for one in sorted(news, key=lambda one: one.connection_id)
    ]
    if not rows:
        return 0
    columns = {"connection_id": "bigint", "topic": "text", "at": "timestamptz"}
    batch = sql.recordset(rows, columns)
    return sql.run(NOTE.format(batch=batch.sql), [batch.parameter])
