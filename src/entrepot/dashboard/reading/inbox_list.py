"""What came in, newest first: messages by what became of them, and deliveries that were refused."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from entrepot.connections.models import Connection
from entrepot.dashboard.reading.connections import names
from entrepot.dashboard.wording import Chip, sentence
from entrepot.database import sql
from entrepot.inbox import queries
from entrepot.inbox.models import InboxMessage, Refusal
from entrepot.inbox.queries import Received
from entrepot.inbox.states import Outcome, Source

PAGE = 50
OUTCOME = {
    Outcome.WAITING: Chip("info", "clock", "Waiting"),
    Outcome.APPLIED: Chip("good", "check", "Applied"),
    Outcome.STALE: Chip("neutral", "ring", "Older than known"),
    Outcome.IGNORED: Chip("neutral", "ring", "Ignored"),
    Outcome.HINT: Chip("info", "refresh", "Caused a re-read"),
    Outcome.PARKED: Chip("bad", "stop", "Parked"),
    Outcome.DISCARDED: Chip("neutral", "x", "Discarded"),
    Outcome.PING: Chip("neutral", "ring", "Ping"),
}
SOURCE = {Source.WEBHOOK: "Webhook", Source.POLL: "Poll", Source.IMPORT: "Import"}
REFUSED = "refused"
REPEATED = "repeated"
VIEWS = (
    ("", "All"),
    (Outcome.PARKED.value, "Parked"),
    (REFUSED, "Refused"),
    (REPEATED, "Came more than once"),
    (Outcome.WAITING.value, "Waiting"),
    (Outcome.APPLIED.value, "Applied"),
    (Outcome.IGNORED.value, "Ignored"),
    (Outcome.DISCARDED.value, "Discarded"),
)
# key of the address -> (how long ago, how it is said)
SINCE = {
    "hour": (timedelta(hours=1), "Last hour"),
    "day": (timedelta(days=1), "Last 24 hours"),
    "week": (timedelta(days=7), "Last 7 days"),
}
CHECK = {
    "signature_missing": "Signature is missing",
    "signature_malformed": "Signature cannot be read",
    "signature_mismatch": "Signature does not match",
    "timestamp_missing": "Time of sending is missing",
    "timestamp_stale": "Sent too long ago",
    "secret_missing": "No secret to verify with",
    "token_mismatch": "Address is not this connection’s",
    "body_malformed": "Body cannot be read",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the list: a message, or a refused delivery. `row_class` is its bar.

    `arrived_id` is the message by which the bytes of a refused delivery came in all the same.
    """

    id: int
    name: str
    connection: str
    source: str
    topic: str
    size: int
    at: datetime
    chip: Chip
    reason: str
    order_id: int | None
    repeats: int
    is_refusal: bool
    row_class: str
    arrived_id: int | None = None


def entries(
    merchant_id: int,
    mode: str,
    *,
    view: str = "",
    connection_id: int | None = None,
    source: str = "",
    since: datetime | None = None,
    before_id: int | None = None,
    limit: int = PAGE,
) -> list[Entry]:
    """A page of what came in; the next one begins before the last entry's id."""
    known = names()
    if view == REFUSED:
        rows = _refusals(
            mode, connection_id=connection_id, since=since, before_id=before_id, limit=limit
        )
        arrived = arrived_otherwise(rows)
        return [_of_refusal(row, known, arrived.get(row.id)) for row in rows]
    found = queries.messages(
        merchant_id,
        mode=mode,
        connection_id=connection_id,
        source=source,
        outcome=Outcome(view) if view in Outcome.values else None,
        has_repeats=view == REPEATED,
        since=since,
        before_id=before_id,
        limit=limit,
    )
    return [of_message(row, known) for row in found]


def counts(mode: str) -> dict[str, int]:
    """How many wait for a person or for intake: parked and waiting; and the refused of a day."""
    row = sql.fetch_dicts(COUNTS, {"mode": mode})[0]
    return {name: int(number) for name, number in row.items()}


# Both parts are small: work that is done has no row, refusals are capped per connection and hour.
COUNTS = """
    SELECT
        count(*) FILTER (WHERE work.is_parked) AS parked,
        count(*) FILTER (WHERE NOT work.is_parked) AS waiting,
        (
            SELECT count(*)
            FROM inbox_refusal AS refusal
            JOIN connections_connection AS c ON c.id = refusal.connection_id
            WHERE c.mode = %(mode)s AND refusal.at > now() - interval '24 hours'
        ) AS refused
    FROM inbox_work AS work
    JOIN inbox_message AS message ON message.id = work.message_id
    WHERE message.mode = %(mode)s
"""


def chip_of_outcome(outcome: Outcome) -> Chip:
    """How an outcome is shown."""
    return OUTCOME[outcome]


def arrived_otherwise(rows: list[Refusal]) -> dict[int, int]:
    """The messages by which the bytes of refused deliveries came in, by refusal.

    Only each connection's newest few thousand are looked through, so that the list stays quick.
    """
    return dict(sql.fetch(ARRIVED, {"refusals": [row.id for row in rows]})) if rows else {}


# By inbox_message_connection, once per connection.
ARRIVED = """
    SELECT refusal.id, max(recent.id)
    FROM inbox_refusal AS refusal
    JOIN (
        SELECT whose.connection_id, message.id, message.fingerprint
        FROM (
            SELECT DISTINCT connection_id FROM inbox_refusal WHERE id = ANY (%(refusals)s)
        ) AS whose
        CROSS JOIN LATERAL (
            SELECT id, fingerprint
            FROM inbox_message
            WHERE inbox_message.connection_id = whose.connection_id
            ORDER BY id DESC
            LIMIT 3000
        ) AS message
    ) AS recent USING (connection_id, fingerprint)
    WHERE refusal.id = ANY (%(refusals)s)
    GROUP BY refusal.id
"""


def _refusals(
    mode: str,
    *,
    connection_id: int | None,
    since: datetime | None,
    before_id: int | None,
    limit: int,
) -> list[Refusal]:
    ids = Connection.objects.filter(mode=mode).values_list("id", flat=True)
    rows = Refusal.objects.filter(
        connection_id__in=[connection_id] if connection_id else list(ids)
    ).order_by("-id")
    if since is not None:
        rows = rows.filter(at__gte=since)
    return list((rows.filter(id__lt=before_id) if before_id else rows)[:limit])


def of_message(row: Received, known: dict[int, str]) -> Entry:
    """A message as a line of the list; `known` are connections' names by id."""
    return Entry(
        id=row.id,
        name=f"m-{row.id}",
        connection=known.get(row.connection_id, ""),
        source=SOURCE[Source(row.source)],
        topic=row.topic,
        size=row.size,
        at=row.received_at,
        chip=OUTCOME[row.outcome],
        reason=row.reason,
        order_id=row.order_id,
        repeats=row.repeats,
        is_refusal=False,
        row_class="bad" if row.outcome == Outcome.PARKED else "",
    )


def _of_refusal(row: Refusal, known: dict[int, str], arrived_id: int | None = None) -> Entry:
    return Entry(
        id=row.id,
        name=f"r-{row.id}",
        connection=known.get(row.connection_id, ""),
        source=SOURCE[Source.WEBHOOK],
        topic="",
        size=row.size,
        at=row.at,
        chip=Chip("bad", "stop", f"Refused, {row.status_code}"),
        reason=check_words(row.check_failed),
        order_id=None,
        repeats=0,
        is_refusal=True,
        row_class="" if arrived_id else "bad",
        arrived_id=arrived_id,
    )


def check_words(check: str) -> str:
    """Which check failed, as a sentence."""
    return CHECK.get(check, sentence(check))


def same_content(message: InboxMessage | Refusal) -> list[Entry]:
    """Other messages and refusals of the connection with the same bytes, the newest first.

    Only the connection's newest few thousand are looked through, so that the page stays quick.
    """
    known = names()
    parameters = {
        "connection": message.connection_id,
        "fingerprint": bytes(message.fingerprint),
    }
    ids = [row[0] for row in sql.fetch(SAME_MESSAGES, parameters)]
    found = queries.messages(message.merchant_id, ids=ids, limit=20) if ids else []
    refused = Refusal.objects.filter(
        connection_id=message.connection_id, fingerprint=bytes(message.fingerprint)
    ).order_by("-id")[:20]
    entries_found = [of_message(row, known) for row in found]
    entries_found += [_of_refusal(row, known) for row in refused]
    mine = (message.id, isinstance(message, Refusal))
    others = [one for one in entries_found if (one.id, one.is_refusal) != mine]
    return sorted(others, key=lambda one: one.at, reverse=True)


# By inbox_message_connection.
SAME_MESSAGES = """
    SELECT id
    FROM (
        SELECT id, fingerprint
        FROM inbox_message
        WHERE connection_id = %(connection)s
        ORDER BY id DESC
        LIMIT 3000
    ) AS recent
    WHERE fingerprint = %(fingerprint)s
    LIMIT 20
"""
