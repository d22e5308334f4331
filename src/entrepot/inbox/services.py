"""Messages are stored once, ended, parked, replayed and discarded; refusals are kept."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import psycopg

from entrepot.access import scope
from entrepot.connect.webhook import Refused
from entrepot.connections import deliveries
from entrepot.database import sql
from entrepot.events import outbox
from entrepot.events.outbox import NewEvent
from entrepot.inbox import sealing, storing
from entrepot.inbox.models import InboxMessage
from entrepot.inbox.sealing import BodyErased
from entrepot.inbox.states import Outcome
from entrepot.inbox.storing import Incoming, Stored

REFUSALS_PER_HOUR = 60
REFUSAL_KEEPS_BYTES = 4096


def store(batch: Sequence[Incoming]) -> list[Stored]:
    """Store messages with one statement, in the open scope; the answer is in their order.

    A message whose delivery is known already is counted as its repeat and stored no second time,
    also within the batch. The intake is woken once, when the transaction commits.
    """
    if not batch:
        return []
    rows = [storing.prepare(incoming) for incoming in batch]
    connection = scope.connection()
    connection.ensure_connection()
    # The driver's own cursor binds on the server, so that bodies travel as bytes.
    with psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(storing.STORE, storing.parameters(rows))
        return storing.answers(cursor.fetchall())


def open_body(message: InboxMessage) -> bytes:
    """The raw bytes as they came.

    Raises:
        BodyErased: they are gone.
        CannotDecrypt: their key is gone.
    """
    if message.body is None:
        raise BodyErased(message.id)
    return sealing.unseal(bytes(message.body))


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """How a message ended. `outcome` is final: everything but waiting and parked."""

    message_id: int
    outcome: Outcome
    reason: str = ""
    order_id: int | None = None


END = """
WITH ended AS (
    DELETE FROM inbox_work
    USING {batch}
    WHERE inbox_work.message_id = batch.message_id
    RETURNING inbox_work.message_id
)
INSERT INTO inbox_outcome (merchant_id, message_id, outcome, reason, order_id)
SELECT inbox_message.merchant_id, batch.message_id, batch.outcome, batch.reason, batch.order_id
FROM {batch}
JOIN ended USING (message_id)
JOIN inbox_message ON inbox_message.id = batch.message_id
ORDER BY batch.n
"""
FINISHED_COLUMNS = {
    "message_id": "bigint",
    "outcome": "text",
    "reason": "text",
    "order_id": "bigint",
}


def finish(results: Sequence[Finished]) -> int:
    """End the work on messages, in the transaction that applied them; returns how many ended.

    One that somebody else ended meanwhile is left as it is.
    """
    if not results:
        return 0
    batch = sql.recordset(
        [
            {
                "message_id": result.message_id,
                "outcome": result.outcome.value,
                "reason": storing.keepable(result.reason),
                "order_id": result.order_id,
            }
            for result in results
        ],
        FINISHED_COLUMNS,
    )
    return sql.run(END.format(batch=batch.sql), [batch.parameter, batch.parameter])


def retry(message_ids: Iterable[int], *, after: timedelta, reason: str) -> int:
    """Give messages back, to be claimed again after a while; for what time may heal."""
    return sql.run(
        "UPDATE inbox_work"
        " SET due_at = clock_timestamp() + %s, claimed_until = NULL, reason = %s"
        " WHERE message_id = ANY(%s) AND NOT is_parked",
        [after, storing.keepable(reason), list(message_ids)],
    )


PARK = """
WITH parked AS (
    UPDATE inbox_work
    SET is_parked = true, claimed_until = NULL, reason = %(reason)s
    WHERE message_id = %(message)s AND NOT is_parked
    RETURNING message_id, merchant_id
), told AS (
    INSERT INTO inbox_outcome (merchant_id, message_id, outcome, reason)
    SELECT merchant_id, message_id, 'parked', %(reason)s
    FROM parked
)
SELECT parked.merchant_id, mode
FROM parked
JOIN inbox_message ON inbox_message.id = parked.message_id
"""


def park(message_id: int, *, reason: str) -> None:
    """Set a message aside, with why it cannot be read or applied; again changes nothing."""
    parameters = {"message": message_id, "reason": storing.keepable(reason)}
    for merchant_id, mode in sql.fetch(PARK, parameters):
        outbox.record(
            "inbox.parked",
            merchant_id=merchant_id,
            mode=mode,
            subject=("inbox", message_id),
            data={"why": parameters["reason"]},
        )


REPLAY = """
INSERT INTO inbox_work AS work (merchant_id, message_id, lane, tries, is_parked, reason)
SELECT merchant_id, id, 'live', 0, false, ''
FROM inbox_message
WHERE id = ANY(%(messages)s) AND body IS NOT NULL
ORDER BY id
ON CONFLICT (message_id) DO UPDATE SET
    tries = 0,
    is_parked = false,
    reason = '',
    due_at = clock_timestamp(),
    claimed_until = NULL
WHERE work.is_parked
RETURNING message_id
"""


def replay(message_ids: Iterable[int], *, merchant_id: int, reason: str = "") -> list[int]:
    """Run stored messages again, deliberately; returns those that will be.

    Applying is idempotent, so that nothing happens twice. One that waits anyway is left alone.

    Raises:
        BodyErased: one of them is gone; none is run.
    """
    wanted = list(message_ids)
    with scope.merchant(merchant_id):
        erased = InboxMessage.objects.filter(
            merchant_id=merchant_id, id__in=wanted, body__isnull=True
        )
        if (first := erased.order_by("id").first()) is not None:
            raise BodyErased(first.id)
        found = [row[0] for row in sql.fetch(REPLAY, {"messages": wanted})]
        _record(found, "inbox.replayed", reason=reason)
        sql.run("SELECT pg_notify(%s, '')", [storing.INTAKE_CHANNEL])
    return found


DISCARD = """
WITH gone AS (
    DELETE FROM inbox_work
    WHERE message_id = ANY(%(messages)s) AND is_parked
    RETURNING merchant_id, message_id
)
INSERT INTO inbox_outcome (merchant_id, message_id, outcome, reason)
SELECT merchant_id, message_id, 'discarded', %(reason)s
FROM gone
ORDER BY message_id
RETURNING message_id
"""


def discard(message_ids: Iterable[int], *, merchant_id: int, reason: str) -> list[int]:
    """Decide that parked messages need nothing; returns those that were parked."""
    with scope.merchant(merchant_id):
        parameters = {"messages": list(message_ids), "reason": storing.keepable(reason)}
        found = [row[0] for row in sql.fetch(DISCARD, parameters)]
        _record(found, "inbox.discarded", reason=reason)
    return found


# Needs inbox_refusal_at. The count and the cap are the connection's, within the last hour.
REFUSE = """
INSERT INTO inbox_refusal (
    merchant_id, connection_id, check_failed, expected, seen, status_code, headers, beginning, size,
    fingerprint
)
SELECT
    %(merchant)s, %(connection)s, %(check)s, %(expected)s, %(seen)s, %(status)s, %(headers)s::jsonb,
    %(beginning)s, %(size)s, %(fingerprint)s
WHERE %(cap)s > (
    SELECT count(*)
    FROM inbox_refusal
    WHERE connection_id = %(connection)s AND at > clock_timestamp() - interval '1 hour'
)
"""


def refuse(
    *,
    connection_id: int,
    merchant_id: int,
    refused: Refused,
    status_code: int,
    headers: Mapping[str, str],
    body: bytes,
) -> bool:
    """Keep what a delivery looked like that was not believed; False once the hour's cap is reached.

    Of its body the hash and the first 4 KB are kept. The third refusal in a row is an event.
    """
    with scope.merchant(merchant_id):
        deliveries.count_refusal(connection_id, merchant_id=merchant_id, check=refused.check)
        kept = sql.run(
            REFUSE,
            {
                "merchant": merchant_id,
                "connection": connection_id,
                "check": refused.check,
                "expected": storing.keepable(refused.expected)[:500],
                "seen": storing.keepable(refused.seen)[:500],
                "status": status_code,
                "headers": storing.keepable_headers(headers),
                "beginning": body[:REFUSAL_KEEPS_BYTES],
                "size": len(body),
                "fingerprint": hashlib.sha256(body).digest(),
                "cap": REFUSALS_PER_HOUR,
            },
        )
    return bool(kept)


def _record(message_ids: Sequence[int], name: str, *, reason: str) -> None:
    modes = InboxMessage.objects.filter(id__in=message_ids).values_list("id", "merchant_id", "mode")
    outbox.record_many(
        NewEvent(
            name=name,
            merchant_id=merchant_id,
            mode=mode,
            subject=("inbox", message_id),
            reason=reason,
        )
        for message_id, merchant_id, mode in modes.order_by("id")
    )
