"""What came in, what became of it, and what was refused: for pages and for the checks of intake."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from entrepot.database import sql
from entrepot.inbox.models import InboxMessage, InboxOutcome, Refusal
from entrepot.inbox.states import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A message as lists show it. `outcome` is the last one; `repeats` counts its duplicates."""

    id: int
    connection_id: int
    mode: str
    source: str
    topic: str
    size: int
    sha256: str
    is_hint: bool
    received_at: datetime
    outcome: Outcome
    reason: str
    order_id: int | None
    repeats: int
    repeated_at: datetime | None
    tries: int
    has_body: bool


# Needs the key (merchant_id, id) or inbox_message_connection; all joins are by indexed columns.
MESSAGES = """
SELECT
    message.id, message.connection_id, message.mode, message.source, message.topic, message.size,
    message.is_hint, message.received_at, encode(message.fingerprint, 'hex') AS sha256,
    CASE
        WHEN work.is_parked THEN 'parked'
        WHEN work.id IS NOT NULL THEN 'waiting'
        ELSE coalesce(ended.outcome, 'waiting')
    END AS outcome,
    coalesce(nullif(work.reason, ''), ended.reason, '') AS reason,
    ended.order_id,
    coalesce(seen.repeats, 0) AS repeats,
    seen.repeated_at,
    coalesce(work.tries, 0) AS tries,
    message.body IS NOT NULL AS has_body
FROM inbox_message AS message
LEFT JOIN inbox_work AS work ON work.message_id = message.id
LEFT JOIN inbox_seen AS seen ON seen.message_id = message.id
LEFT JOIN LATERAL (
    SELECT outcome, reason, order_id
    FROM inbox_outcome
    WHERE inbox_outcome.message_id = message.id
    ORDER BY inbox_outcome.id DESC
    LIMIT 1
) AS ended ON true
WHERE {conditions}
ORDER BY message.id DESC
LIMIT %(limit)s
"""
CONDITIONS = {
    "merchant_id": "message.merchant_id = %(merchant_id)s",
    "mode": "message.mode = %(mode)s",
    "connection_id": "message.connection_id = %(connection_id)s",
    "source": "message.source = %(source)s",
    "before_id": "message.id < %(before_id)s",
    "ids": "message.id = ANY(%(ids)s)",
    "has_repeats": (
        "message.id IN (SELECT again.message_id FROM inbox_seen AS again WHERE again.repeats > 0)"
    ),
    # By the key (merchant_id, id): times have no index, ids come nearly in their order.
    "since": """message.received_at >= %(since)s AND message.id >= (
        SELECT min(recent.id)
        FROM (
            SELECT id, received_at
            FROM inbox_message
            WHERE merchant_id = %(merchant_id)s
            ORDER BY id DESC
            LIMIT 20000
        ) AS recent
        WHERE recent.received_at >= %(since)s
    )""",
}
# Parked rows are few and have an index of their own; the other outcomes are the last one written.
OF_OUTCOME = {
    Outcome.PARKED: "work.is_parked",
    Outcome.WAITING: "work.id IS NOT NULL AND NOT work.is_parked",
}
# In one expression, because the planner takes `work.id IS NULL` for nearly never and sorts all.
ENDED_AS = "CASE WHEN work.id IS NULL THEN ended.outcome END = %(outcome)s"
# Most messages are applied; the others are found by inbox_outcome_unusual.
ENDED_UNUSUALLY = (
    ENDED_AS  # noqa: S608 -- constants
    + " AND message.id IN (SELECT told.message_id FROM inbox_outcome AS told"
    " WHERE told.outcome <> 'applied' AND told.outcome = %(outcome)s)"
)


def messages(
    merchant_id: int,
    *,
    mode: str = "",
    connection_id: int | None = None,
    source: str = "",
    outcome: Outcome | None = None,
    has_repeats: bool = False,
    since: datetime | None = None,
    before_id: int | None = None,
    ids: Iterable[int] | None = None,
    limit: int = 50,
) -> list[Received]:
    """Messages, the newest first; the next page begins before the last one's id.

    `since` looks through the newest 20,000 of the merchant.
    """
    given: dict[str, object] = {
        "merchant_id": merchant_id,
        "mode": mode,
        "connection_id": connection_id,
        "source": source,
        "before_id": before_id,
        "has_repeats": has_repeats,
        "since": since,
        "ids": None if ids is None else list(ids),
    }
    parameters = {
        name: value
        for name, value in given.items()
        if value is not None and value not in ("", False)
    }
    conditions = [CONDITIONS[name] for name in parameters]
    if outcome is not None:
        usual = ENDED_AS if outcome == Outcome.APPLIED else ENDED_UNUSUALLY
        conditions.append(OF_OUTCOME.get(outcome, usual))
        parameters["outcome"] = outcome.value
    statement = MESSAGES.format(conditions=" AND ".join(conditions))
    rows = sql.fetch_dicts(statement, {**parameters, "limit": limit})
    return [Received(**{**row, "outcome": Outcome(row["outcome"])}) for row in rows]


def message(message_id: int, *, merchant_id: int) -> InboxMessage:
    """One message with its sealed body. Raises InboxMessage.DoesNotExist."""
    return InboxMessage.objects.get(id=message_id, merchant_id=merchant_id)


def outcomes_of(message_id: int) -> list[InboxOutcome]:
    """How a message ended each time it was run, the first run first."""
    return list(InboxOutcome.objects.filter(message_id=message_id).order_by("id"))


def refusals(
    merchant_id: int,
    *,
    connection_id: int | None = None,
    before_id: int | None = None,
    limit: int = 50,
) -> list[Refusal]:
    """Deliveries that were not believed, the newest first."""
    rows = Refusal.objects.filter(merchant_id=merchant_id)
    if connection_id is not None:
        rows = rows.filter(connection_id=connection_id)
    if before_id is not None:
        rows = rows.filter(id__lt=before_id)
    return list(rows.order_by("-id")[:limit])


# Newest first by key, so the cost is that of the bound, whatever the table has grown to.
LAST_APPLIED = """
SELECT DISTINCT ON (message.connection_id) message.connection_id, message.topic, recent.at
FROM (
    SELECT message_id, outcome, at
    FROM inbox_outcome
    ORDER BY id DESC
    LIMIT %s
) AS recent
JOIN inbox_message AS message ON message.id = recent.message_id
WHERE recent.outcome = 'applied'
ORDER BY message.connection_id, recent.at DESC
"""


def last_applied(*, among: int = 5000) -> list[tuple[int, str, datetime]]:
    """Connection, topic and instant of what was last applied, among the newest outcomes."""
    return [(row[0], row[1], row[2]) for row in sql.fetch(LAST_APPLIED, [among])]
