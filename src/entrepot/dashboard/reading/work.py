"""Our own work: lanes with what waits in them, the clock, the workers, and what gave up."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from entrepot.dashboard.wording import Chip, sentence
from entrepot.database import sql
from entrepot.deadletters.models import DeadLetter
from entrepot.deadletters.states import Status
from entrepot.monitoring import health
from entrepot.monitoring.health import LaneHealth, Verdict
from entrepot.tasks import queue
from entrepot.tasks.models import Schedule, Worker
from entrepot.tasks.schedule import period_of

ALIVE_FOR = timedelta(seconds=45)
LANE = {
    "live": "What somebody waits for",
    "bulk": "Imports, exports, re-reads",
    "upkeep": "The hub’s own housekeeping",
    "inbox live": "News to be understood",
    "inbox import": "History to be understood",
}
DECIDED = {
    Status.REPLAYED: Chip("info", "refresh", "Replayed"),
    Status.DISCARDED: Chip("neutral", "x", "Discarded"),
}
SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneLine:
    """A lane with how old the oldest of its due work is."""

    name: str
    what: str
    due: int
    running: int
    later: int
    oldest_at: datetime | None
    chip: Chip


@dataclass(frozen=True, slots=True, kw_only=True)
class Clockwork:
    """A periodic task: how often, when last, when next, how many runs were left out."""

    name: str
    every: timedelta | None
    last_at: datetime | None
    next_at: datetime
    skipped: int
    is_late: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Work that gave up for one reason; `cause` names it in addresses."""

    cause: str
    task: str
    error: str
    number: int
    orders: int
    first_at: datetime
    last_at: datetime
    quarantined: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One dead letter, and what a person decided about it; `order` is its order's number."""

    id: int
    task: str
    arguments: dict[str, Any]
    order: str
    error: str
    tries: int
    is_quarantined: bool
    buried_at: datetime
    status: str
    ended_at: datetime | None
    ended_by: str
    reason: str


def lanes() -> list[LaneLine]:
    """Every lane of jobs, then those of the inbox."""
    jobs = [
        health.lane_health(
            lane.value,
            due=state.due,
            running=state.running,
            later=state.later,
            oldest_due_at=state.oldest_due_at,
        )
        for lane, state in queue.lane_states().items()
    ]
    return [_line(lane) for lane in [*jobs, *health.inbox_lanes()]]


def _line(lane: LaneHealth) -> LaneLine:
    if lane.verdict == Verdict.HEALTHY:
        chip = Chip("good", "check", "In time")
    else:
        chip = Chip("warn", "clock", "Late")
    return LaneLine(
        name=sentence(lane.name),
        what=LANE.get(lane.name, ""),
        due=lane.due,
        running=lane.running,
        later=lane.later,
        oldest_at=lane.oldest_due_at,
        chip=chip,
    )


def clockwork() -> list[Clockwork]:
    """What runs by the clock, the next first; in the system's scope."""
    now = timezone.now()
    return [
        Clockwork(
            name=row.name,
            every=period_of(row.name),
            last_at=row.last_at,
            next_at=row.next_at,
            skipped=row.skipped,
            is_late=now - row.next_at > timedelta(minutes=1),
        )
        for row in Schedule.objects.order_by("next_at", "name")
    ]


def workers() -> list[dict[str, Any]]:
    """The worker processes that were seen lately; in the system's scope."""
    now = timezone.now()
    rows = Worker.objects.filter(seen_at__gt=now - timedelta(hours=1)).order_by("-seen_at")
    return [
        {
            "row": row,
            "number": len(row.running),
            "chip": Chip("good", "check", "Alive")
            if now - row.seen_at < ALIVE_FOR
            else Chip("neutral", "ring", "Gone"),
        }
        for row in rows
    ]


# By deadletters_waiting. A letter belongs to the mode of its order, or of its arguments.
_CAUSES = """
    SELECT
        d.fingerprint AS cause,
        d.task,
        (array_agg(d.error ORDER BY d.id DESC))[1] AS error,
        count(*) AS number,
        count(DISTINCT d.order_id) AS orders,
        min(d.buried_at) AS first_at,
        max(d.buried_at) AS last_at,
        count(*) FILTER (WHERE d.is_quarantined) AS quarantined
    FROM deadletters_dead_letter AS d
    LEFT JOIN orders_order AS o ON o.id = d.order_id
    WHERE d.status = 'waiting' AND coalesce(o.mode, d.arguments ->> 'mode', 'live') = %(mode)s
    GROUP BY d.fingerprint, d.task
    ORDER BY number DESC, d.fingerprint
"""
_IDS = """
    SELECT d.id
    FROM deadletters_dead_letter AS d
    LEFT JOIN orders_order AS o ON o.id = d.order_id
    WHERE d.status = 'waiting' AND d.fingerprint = %(cause)s
        AND coalesce(o.mode, d.arguments ->> 'mode', 'live') = %(mode)s
    ORDER BY d.id
    LIMIT 1000
"""
# By the key; what waits of one cause by deadletters_waiting.
_LETTERS = """
    SELECT
        d.id, d.task, d.arguments, coalesce(o.number, '') AS order, d.error, d.tries,
        d.is_quarantined, d.buried_at, d.status, d.ended_at, d.ended_by, d.reason
    FROM deadletters_dead_letter AS d
    LEFT JOIN orders_order AS o ON o.id = d.order_id
    WHERE coalesce(o.mode, d.arguments ->> 'mode', 'live') = %(mode)s
        AND d.id < %(before)s {conditions}
    ORDER BY d.id DESC
    LIMIT %(limit)s
"""
_OF_CAUSE = "AND d.status = 'waiting' AND d.fingerprint = %(cause)s"
_LAST = 2**63 - 1


def given_up(mode: str) -> list[Given]:
    """Dead letters that wait, by cause, the most frequent first."""
    return [Given(**row) for row in sql.fetch_dicts(_CAUSES, {"mode": mode})]


def letters_of(mode: str, cause: str) -> list[DeadLetter]:
    """The waiting letters of a cause, the oldest first; at most a thousand."""
    ids = [row[0] for row in sql.fetch(_IDS, {"mode": mode, "cause": cause})]
    return list(DeadLetter.objects.filter(id__in=ids).order_by("id"))


def letters(
    mode: str, *, limit: int, cause: str = "", before_id: int | None = None
) -> list[Letter]:
    """Dead letters, the newest first: those of a cause that wait, or all, decided ones too."""
    rows = sql.fetch_dicts(
        _LETTERS.format(conditions=_OF_CAUSE if cause else ""),
        {
            "mode": mode,
            "cause": cause,
            "before": _LAST if before_id is None else before_id,
            "limit": limit,
        },
    )
    # Django leaves jsonb undecoded in raw SQL.
    return [Letter(**{**row, "arguments": json.loads(row["arguments"])}) for row in rows]


def decided() -> list[dict[str, Any]]:
    """What people decided lately about work that gave up."""
    rows = DeadLetter.objects.exclude(status=Status.WAITING).order_by("-ended_at")[:SHOWN]
    return [{"row": row, "chip": DECIDED[Status(row.status)]} for row in rows]
