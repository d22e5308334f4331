"""How far each flow of a connection has been read, and when it is read next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from entrepot.access import scope
from entrepot.connect.haste import hurried
from entrepot.connect.registry import platforms
from entrepot.connections.models import Connection, Cursor
from entrepot.connections.states import Status
from entrepot.database import sql

# A job that was deferred and never ran (or died) is deferred again after this.
CLAIM_LASTS = hurried(timedelta(minutes=10))
FIRST_PAUSE = hurried(timedelta(seconds=15))
LONGEST_PAUSE = hurried(timedelta(minutes=30))
ERROR_LENGTH = 500
READABLE = (Status.OBSERVING, Status.LIVE, Status.PAUSED)


def readable_flows(platform: str) -> dict[str, timedelta]:
    """The flows of a platform that are polled, and how often."""
    manifest = platforms()[platform].manifest
    return {
        flow: hurried(timedelta(seconds=seconds))
        for flow, seconds in manifest.poll_seconds.items()
        if manifest.can(f"pull_{flow}")
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class DueFlow:
    """A flow to read now."""

    cursor_id: int
    merchant_id: int
    connection_id: int
    flow: str


MAKE = """
INSERT INTO connections_cursor (
    merchant_id, connection_id, flow, position, failed_in_a_row, last_error, next_poll_at
)
SELECT connection.merchant_id, connection.id, batch.flow, '', 0, '', clock_timestamp()
FROM {batch}
JOIN connections_connection AS connection ON connection.platform = batch.platform
WHERE connection.status = ANY(%s)
    AND NOT EXISTS (
        SELECT FROM connections_cursor AS cursor
        WHERE cursor.connection_id = connection.id AND cursor.flow = batch.flow
    )
ON CONFLICT (connection_id, flow) DO NOTHING
"""
CLAIM = """
WITH due AS (
    SELECT cursor.id
    FROM connections_cursor AS cursor
    JOIN connections_connection AS connection ON connection.id = cursor.connection_id
    WHERE cursor.next_poll_at <= clock_timestamp() AND connection.status = ANY(%s)
    ORDER BY cursor.next_poll_at
    LIMIT %s
    FOR UPDATE OF cursor SKIP LOCKED
)
UPDATE connections_cursor AS cursor
SET next_poll_at = clock_timestamp() + %s
FROM due
WHERE cursor.id = due.id
RETURNING cursor.id, cursor.merchant_id, cursor.connection_id, cursor.flow
"""


def claim_due(*, limit: int = 500) -> list[DueFlow]:
    """Flows whose time has come; each is given out once. For the system's scope.

    Flows of new connections are due at once. Connections that are archived or refuse our
    credentials are not read; observing and paused ones are.
    """
    flows = [
        {"platform": code, "flow": flow} for code in platforms() for flow in readable_flows(code)
    ]
    batch = sql.recordset(flows, {"platform": "text", "flow": "text"})
    readable = [status.value for status in READABLE]
    sql.run(MAKE.format(batch=batch.sql), [batch.parameter, readable])
    rows = sql.fetch(CLAIM, [readable, limit, CLAIM_LASTS])
    return [
        DueFlow(cursor_id=row[0], merchant_id=row[1], connection_id=row[2], flow=row[3])
        for row in sorted(rows)
    ]


def poll_now(connection_id: int, *, merchant_id: int, flows: Sequence[str] = ()) -> int:
    """Have flows (or all) of a connection read as soon as can be; returns how many."""
    with scope.merchant(merchant_id):
        rows = Cursor.objects.filter(connection_id=connection_id, merchant_id=merchant_id)
        if flows:
            rows = rows.filter(flow__in=list(flows))
        ids = list(rows.values_list("id", flat=True))
        return sql.run(
            "UPDATE connections_cursor SET next_poll_at = clock_timestamp() WHERE id = ANY(%s)",
            [ids],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Where reading a flow stands: what `Pulls.pull` is asked with."""

    cursor_id: int
    connection: Connection
    flow: str
    position: str
    since: datetime
    every: timedelta


def reading_of(connection_id: int, flow: str) -> Reading | None:
    """Where reading goes on; None when the connection is not to be read (any more).

    Without a position a pass begins at what was read before, less the platform's overlap, or when
    the connection was added: what is older is brought in by a history import.
    """
    connection = Connection.objects.get(id=connection_id)
    cursor = Cursor.objects.filter(connection_id=connection_id, flow=flow).first()
    every = readable_flows(connection.platform).get(flow)
    if cursor is None or every is None or connection.status not in READABLE:
        return None
    overlap = timedelta(seconds=platforms()[connection.platform].manifest.overlap_seconds)
    return Reading(
        cursor_id=cursor.id,
        connection=connection,
        flow=flow,
        position=cursor.position,
        since=(cursor.read_until or connection.created_at) - overlap,
        every=every,
    )


# The position that was asked with guards the move: of two readers of one flow the second stops.
# Nothing counts as read that is still to come, whatever the platform's clock or a wrong date says:
# what happens until then would never be asked for.
ADVANCE = """
UPDATE connections_cursor
SET
    position = %(position)s,
    read_until = CASE
        WHEN greatest(read_until, %(read_until)s) > clock_timestamp() THEN clock_timestamp()
        ELSE greatest(read_until, %(read_until)s)
    END,
    polled_at = CASE WHEN %(is_last)s THEN clock_timestamp() ELSE polled_at END,
    next_poll_at = clock_timestamp() + CASE WHEN %(is_last)s THEN %(every)s ELSE %(claim)s END,
    failed_in_a_row = 0,
    last_error = ''
WHERE id = %(cursor)s AND position = %(asked_with)s
"""


def advance(reading: Reading, *, position: str, read_until: datetime | None, is_last: bool) -> bool:
    """Move a flow on, in the transaction that stored its page; False when somebody else did."""
    return bool(
        sql.run(
            ADVANCE,
            {
                "position": position,
                "read_until": read_until,
                "is_last": is_last,
                "every": reading.every,
                "claim": CLAIM_LASTS,
                "cursor": reading.cursor_id,
                "asked_with": reading.position,
            },
        )
    )


FAIL = """
UPDATE connections_cursor
SET
    failed_in_a_row = failed_in_a_row + 1,
    last_error = %(error)s,
    next_poll_at = clock_timestamp() + coalesce(
        %(wait)s,
        least(%(longest)s, %(first)s * power(2, least(failed_in_a_row, 10)))
    )
WHERE id = %(cursor)s
RETURNING failed_in_a_row
"""


def fail(reading: Reading, *, error: str, wait: timedelta | None = None) -> int:
    """Note that a flow could not be read; it is tried again later and later, or after `wait`.

    Returns how often it has failed in a row.
    """
    row = sql.fetch_one(
        FAIL,
        {
            "error": error.replace("\x00", "\ufffd")[:ERROR_LENGTH],
            "wait": wait,
            "longest": LONGEST_PAUSE,
            "first": FIRST_PAUSE,
            "cursor": reading.cursor_id,
        },
    )
    return int(row[0]) if row else 0
