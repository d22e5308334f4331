"""One statement that stores a whole batch of messages, for the edge's driver and for Django's.

What makes a repeat a repeat is the unique key of `inbox_seen`: whoever inserts the delivery's name
first stores the message, all others only count. Rows are written in key order, so that two batches
with the same names wait for each other instead of locking each other out.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from entrepot.inbox import sealing

LIVE_LANE = "live"
IMPORT_LANE = "import"
# The channel on which the drain that reads the inbox is woken; once per batch.
INTAKE_CHANNEL = "entrepot_intake"
KEPT_HEADERS_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A message from outside, believed (or taken for a hint) and not yet stored.

    `dedupe_key` names the delivery or version at its source; without one the hash of the body does.
    """

    merchant_id: int
    connection_id: int
    mode: str
    source: str
    topic: str
    body: bytes
    dedupe_key: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    is_hint: bool = False
    lane: str = LIVE_LANE


@dataclass(frozen=True, slots=True)
class Stored:
    """Where a message of a batch is kept; `is_repeat` when it was there already."""

    message_id: int
    is_repeat: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A message made ready: hashed, compressed, sealed."""

    merchant_id: int
    connection_id: int
    mode: str
    source: str
    topic: str
    headers: str
    body: bytes
    size: int
    fingerprint: bytes
    is_hint: bool
    dedupe_hash: bytes
    lane: str


def prepare(incoming: Incoming) -> Row:
    """Make the row of a message. Text that PostgreSQL cannot keep is made keepable; bytes stay."""
    fingerprint = hashlib.sha256(incoming.body).digest()
    name = incoming.dedupe_key or f"body:{fingerprint.hex()}"
    return Row(
        merchant_id=incoming.merchant_id,
        connection_id=incoming.connection_id,
        mode=str(incoming.mode),
        source=str(incoming.source),
        topic=keepable(incoming.topic)[:500],
        headers=keepable_headers(incoming.headers),
        body=sealing.seal(incoming.body),
        size=len(incoming.body),
        fingerprint=fingerprint,
        is_hint=incoming.is_hint,
        dedupe_hash=hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest(),
        lane=incoming.lane,
    )


def keepable(text: str) -> str:
    """The text without NUL characters and halves of surrogates, which PostgreSQL refuses."""
    if text.isascii() and "\x00" not in text:
        return text
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


def keepable_headers(headers: Mapping[str, str]) -> str:
    """Headers as JSON, within bounds."""
    kept, size = {}, 0
    for name, value in headers.items():
        size += len(name) + len(value)
        if size > KEPT_HEADERS_BYTES:
            break
        kept[keepable(name)] = keepable(value)
    return msgspec.json.encode(kept).decode()


# All parameters travel in binary: escaping JSON inside of arrays costs more than sealing it.
# Needs the unique index inbox_seen_key. A repeat adds to the count of the delivery that it repeats;
# a storm of one delivery within a batch is one row.
STORE = """
WITH incoming AS MATERIALIZED (
    SELECT nextval('inbox_message_id_seq') AS id, batch.*
    FROM unnest(
        %(n)b::int[],
        %(merchant_id)b::bigint[],
        %(connection_id)b::bigint[],
        %(mode)b::text[],
        %(source)b::text[],
        %(topic)b::text[],
        %(headers)b::text[],
        %(body)b::bytea[],
        %(size)b::int[],
        %(fingerprint)b::bytea[],
        %(is_hint)b::boolean[],
        %(dedupe_hash)b::bytea[],
        %(lane)b::text[]
    ) AS batch(
        n, merchant_id, connection_id, mode, source, topic, headers, body, size, fingerprint,
        is_hint, dedupe_hash, lane
    )
), first AS (
    SELECT DISTINCT ON (connection_id, dedupe_hash)
        *, count(*) OVER (PARTITION BY connection_id, dedupe_hash) - 1 AS further
    FROM incoming
    ORDER BY connection_id, dedupe_hash, n
), seen AS (
    INSERT INTO inbox_seen AS known (
        merchant_id, connection_id, dedupe_hash, message_id, repeats, repeated_at
    )
    SELECT
        merchant_id, connection_id, dedupe_hash, id, further,
        CASE WHEN further > 0 THEN clock_timestamp() END
    FROM first
    ORDER BY connection_id, dedupe_hash
    ON CONFLICT (connection_id, dedupe_hash) DO UPDATE SET
        repeats = known.repeats + excluded.repeats + 1,
        repeated_at = clock_timestamp()
    RETURNING connection_id, dedupe_hash, message_id
), message AS (
    INSERT INTO inbox_message (
        id, merchant_id, connection_id, mode, source, topic, headers, body, size, fingerprint,
        is_hint
    )
    SELECT
        id, merchant_id, first.connection_id, mode, source, topic, headers::jsonb, body, size,
        fingerprint, is_hint
    FROM first
    JOIN seen ON seen.message_id = first.id
), work AS (
    INSERT INTO inbox_work (merchant_id, message_id, lane, tries, is_parked, reason)
    SELECT merchant_id, id, lane, 0, false, ''
    FROM first
    JOIN seen ON seen.message_id = first.id
    ORDER BY first.id
), woken AS (
    SELECT pg_notify('entrepot_intake', '')
    WHERE EXISTS (SELECT FROM first JOIN seen ON seen.message_id = first.id)
)
SELECT n, message_id, message_id <> id
FROM incoming
JOIN seen USING (connection_id, dedupe_hash)
LEFT JOIN woken ON true
ORDER BY n
"""


def parameters(rows: Sequence[Row]) -> dict[str, list[Any]]:
    """The parameters of `STORE` for a batch; the answer has a row per message, in its order."""
    columns: dict[str, list[Any]] = {"n": list(range(len(rows)))}
    for name in Row.__slots__:
        columns[name] = [getattr(row, name) for row in rows]
    return columns


def answers(rows: Sequence[tuple[int, int, bool]]) -> list[Stored]:
    """Read the answer of `STORE`."""
    return [Stored(message_id=message_id, is_repeat=is_repeat) for _, message_id, is_repeat in rows]
