"""Messages that wait are claimed in batches, merchants by turns."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from entrepot.connect.haste import hurried
from entrepot.connect.ports import InboundMessage
from entrepot.database import sql
from entrepot.inbox import sealing, storing
from entrepot.inbox.sealing import BodyErased

CLAIM_LASTS = hurried(timedelta(seconds=60))
# What a batch may hold in memory, as it came in; bodies are mostly of a few kilobytes.
CLAIM_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A message to understand, with its work's row. `sealed` is None when the body is erased."""

    work_id: int
    message_id: int
    merchant_id: int
    connection_id: int
    mode: str
    source: str
    topic: str
    headers: Mapping[str, str]
    sealed: bytes | None = field(repr=False)
    is_hint: bool
    received_at: datetime
    tries: int

    def opened(self) -> InboundMessage:
        """As the connector wants it. Raises BodyErased or CannotDecrypt."""
        if self.sealed is None:
            raise BodyErased(self.message_id)
        return InboundMessage(
            source=self.source,
            topic=self.topic,
            body=sealing.unseal(self.sealed),
            received_at=self.received_at,
            headers=self.headers,
        )


# Needs the partial index inbox_work_due, along which `heads` jumps from merchant to merchant: who
# has little to say does not wait for the end of another's peak, since each gets an equal share of
# the batch. A claim moves `due_at` to its own end, so that claimed rows leave the head of the
# index, and a claim that died comes back by itself. At least one is taken, and no further one once
# those before it are large enough. The update takes an array: joined, the batch is chosen anew for
# each row that waits, whenever the statistics are of a moment in which nothing did.
CLAIM = """
WITH RECURSIVE heads AS (
    (
        SELECT merchant_id, due_at
        FROM inbox_work
        WHERE lane = %(lane)s AND NOT is_parked
        ORDER BY merchant_id, due_at
        LIMIT 1
    )
    UNION ALL
    SELECT next.merchant_id, next.due_at
    FROM heads
    CROSS JOIN LATERAL (
        SELECT merchant_id, due_at
        FROM inbox_work
        WHERE lane = %(lane)s AND NOT is_parked AND merchant_id > heads.merchant_id
        ORDER BY merchant_id, due_at
        LIMIT 1
    ) AS next
), waiting AS (
    SELECT merchant_id, ceil(%(limit)s::numeric / count(*) OVER ())::bigint AS share
    FROM heads
    WHERE due_at <= statement_timestamp()
), due AS (
    SELECT
        work.id, work.message_id, work.due_at,
        row_number() OVER (PARTITION BY merchant_id ORDER BY work.due_at, work.id) AS turn
    FROM waiting
    CROSS JOIN LATERAL (
        SELECT id, message_id, due_at
        FROM inbox_work
        WHERE
            lane = %(lane)s AND NOT is_parked AND due_at <= statement_timestamp()
            AND merchant_id = waiting.merchant_id
        ORDER BY due_at, id
        LIMIT waiting.share
        FOR UPDATE SKIP LOCKED
    ) AS work
    ORDER BY turn, work.due_at, work.id
    LIMIT %(limit)s
), taken AS (
    SELECT id
    FROM (
        SELECT
            due.id,
            sum(inbox_message.size) OVER (ORDER BY turn, due.due_at, due.id) - inbox_message.size
                AS bytes_before
        FROM due
        JOIN inbox_message ON inbox_message.id = due.message_id
    ) AS summed
    WHERE bytes_before < %(most_bytes)s
), claimed AS (
    UPDATE inbox_work
    SET
        claimed_until = clock_timestamp() + %(lasts)s,
        due_at = clock_timestamp() + %(lasts)s,
        tries = tries + 1
    WHERE id = ANY (ARRAY(SELECT id FROM taken))
    RETURNING id, message_id, tries
)
SELECT
    claimed.id AS work_id, message_id, merchant_id, connection_id, mode, source, topic, headers,
    body AS sealed, is_hint, received_at, tries
FROM claimed
JOIN inbox_message ON inbox_message.id = claimed.message_id
ORDER BY message_id
"""


def claim(
    lane: str = storing.LIVE_LANE,
    *,
    limit: int,
    most_bytes: int = CLAIM_BYTES,
    lasts: timedelta = CLAIM_LASTS,
) -> list[Claimed]:
    """Take due messages of a lane for a while, those that no one else has, in order of arrival.

    The longest due of each merchant that has any, as many of each as of the others.
    For the system's scope; commit before understanding them. A claim that is not ended in time is
    given out again, with one more try.
    """
    rows = sql.fetch_dicts(
        CLAIM, {"lane": lane, "limit": limit, "most_bytes": most_bytes, "lasts": lasts}
    )
    return [Claimed(**{**row, "headers": _json(row["headers"])}) for row in rows]


def _json(value: object) -> dict[str, str]:
    """Raw SQL hands jsonb over as text or as a dictionary, as the driver was set up."""
    if isinstance(value, str):
        return msgspec.json.decode(value, type=dict[str, str])
    assert isinstance(value, dict)
    return value
