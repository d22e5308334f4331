"""What came in, newest first: messages by what became of them, and deliveries that were refused."""

from dataclasses import dataclass
from datetime import datetime

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
    """One line of the list: a message, or a refused delivery. `row_class` is its bar."""

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


def entries(
    merchant_id: int,
    mode: str,
    *,
    view: str = "",
    connection_id: int | None = None,
    source: str = "",
    before_id: int | None = None,
    limit: int = PAGE,
) -> list[Entry]:
    """A page of what came in; the next one begins before the last entry's id."""
    known = names()
    if view == REFUSED:
        return [
            _of_refusal(row, known)
            for row in _refusals(
                mode, connection_id=connection_id, before_id=before_id, limit=limit
            )
        ]
    found = queries.messages(
        merchant_id,
        mode=mode,
        connection_id=connection_id,
        source=source,
        outcome=Outcome(view) if view in Outcome.values else None,
        has_repeats=view == REPEATED,
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


def _refusals(
    mode: str, *, connection_id: int | None, before_id: int | None, limit: int
) -> list[Refusal]:
    ids = Connection.objects.filter(mode=mode).values_list("id", flat=True)
    rows = Refusal.objects.filter(
        connection_id__in=[connection_id] if connection_id else list(ids)
    ).order_by("-id")
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


def _of_refusal(row: Refusal, known: dict[int, str]) -> Entry:
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
        row_class="bad",
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
