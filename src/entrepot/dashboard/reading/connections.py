"""A merchant's connections as tiles: state, when each was last read, and its errors of a day."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from entrepot.access import scope
from entrepot.connect.registry import UnknownPlatform, platform
from entrepot.connections.models import Connection
from entrepot.connections.queries import calls_per_minute
from entrepot.connections.states import Status
from entrepot.dashboard import words_of_states
from entrepot.dashboard.wording import Chip, duration_words, listed
from entrepot.database import sql
from entrepot.fulfillment import pacing
from entrepot.fulfillment.pacing import Backlog

HOURS = 24
SILENT_AFTER = timedelta(minutes=30)
# Fewer are on their way, not waiting.
BACKLOG_SHOWN = 10
KINDS = {
    "storefront": "storefront",
    "fulfillment": "provider",
    "payment": "payment",
    "carrier": "carrier",
    "analytics": "analytics",
    "email": "e-mail",
}

# By connections_call_at. A platform that refuses an order works: that is no error of it.
_CALLS = """
    SELECT
        connection_id,
        floor(extract(epoch FROM now() - at) / 3600)::int AS hours_ago,
        count(*) AS calls,
        count(*) FILTER (WHERE outcome NOT IN ('ok', 'Rejected', 'Conflict')) AS errors,
        count(*) FILTER (WHERE outcome = 'OutcomeUnknown') AS unknown
    FROM connections_call_record
    WHERE at > now() - interval '24 hours' AND connection_id = ANY (%(ids)s)
    GROUP BY 1, 2
"""
_READ = """
    SELECT connection_id, max(polled_at), string_agg(nullif(last_error, ''), '; ')
    FROM connections_cursor
    WHERE connection_id = ANY (%(ids)s)
    GROUP BY 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One connection at a glance. `errors_by_hour` is the oldest hour first.

    `backlog` is what waits because the platform takes only so many calls.
    """

    id: int
    name: str
    platform: str
    chip: Chip
    role: str
    read_at: datetime | None
    useful_at: datetime | None
    useful_topic: str
    calls: int
    errors: int
    unknown: int
    errors_by_hour: tuple[int, ...]
    problem: str
    backlog: Backlog | None


def known() -> list[Connection]:
    """Every connection of the merchant by name, as the page's transaction first saw them."""
    return scope.once(
        "dashboard connections", 0, read=lambda: list(Connection.objects.order_by("name", "id"))
    )


def names() -> dict[int, str]:
    """Every connection's name by its id."""
    return {row.id: row.name for row in known()}


def in_use(mode: str) -> list[Connection]:
    """The connections of a mode that nobody removed, by name."""
    return [row for row in known() if row.mode == mode and row.status != Status.ARCHIVED]


def platform_name(code: str) -> str:
    """A platform's own name; its code where the folder is gone."""
    try:
        return platform(code).manifest.name
    except UnknownPlatform:
        return code


def of_kind(mode: str, kind: str) -> list[Connection]:
    """The connections of a mode whose platform is of a kind: storefront, fulfillment, ..."""
    return [row for row in in_use(mode) if kind in _kinds(row.platform)]


def takers(mode: str) -> list[Connection]:
    """The providers that orders are sent to; what is shipped by hand is sent nowhere."""
    rows = of_kind(mode, "fulfillment")
    return [row for row in rows if platform(row.platform).manifest.can("submit")]


def silent_storefronts(mode: str) -> list[Connection]:
    """Storefronts whose orders do not come in: a list of orders is partial without them."""
    return [row for row in of_kind(mode, "storefront") if row.status == Status.MISCONFIGURED]


def _kinds(code: str) -> frozenset[str]:
    try:
        return platform(code).manifest.kinds
    except UnknownPlatform:
        return frozenset()


def tiles(mode: str) -> list[Tile]:
    """A tile per connection of a mode: those in trouble first, then by name."""
    now = timezone.now()
    rows = in_use(mode)
    ids = [row.id for row in rows]
    hours: dict[int, list[int]] = defaultdict(lambda: [0] * HOURS)
    calls: dict[int, int] = defaultdict(int)
    unknown: dict[int, int] = defaultdict(int)
    for connection_id, ago, called, failed, unsure in sql.fetch(_CALLS, {"ids": ids}):
        if 0 <= ago < HOURS:
            hours[connection_id][HOURS - 1 - ago] = failed
        calls[connection_id] += called
        unknown[connection_id] += unsure
    limits = {row.id: limit / 60 for row in rows if (limit := _calls_per_minute(row))}
    waiting = pacing.backlogs(limits)
    read = {row[0]: (row[1], row[2] or "") for row in sql.fetch(_READ, {"ids": ids})}
    made = [
        _tile(
            row,
            now=now,
            read=read.get(row.id, (None, "")),
            calls=calls[row.id],
            errors_by_hour=tuple(hours[row.id]),
            unknown=unknown[row.id],
            backlog=waiting.get(row.id),
        )
        for row in rows
    ]
    weight = {"bad": 0, "unknown": 1, "warn": 2}
    return sorted(made, key=lambda tile: weight.get(tile.role, 3))


def _tile(
    row: Connection,
    *,
    now: datetime,
    read: tuple[datetime | None, str],
    calls: int,
    errors_by_hour: tuple[int, ...],
    unknown: int,
    backlog: Backlog | None,
) -> Tile:
    chip = words_of_states.CONNECTION[Status(row.status)]
    role, problem = "", ""
    if row.status in {Status.MISCONFIGURED, Status.PAUSED}:
        role, problem = chip.role, row.status_reason
    elif read[0] is not None and now - read[0] > SILENT_AFTER:
        silent = duration_words(now - read[0])
        chip, role, problem = Chip("warn", "clock", f"Silent {silent}"), "warn", read[1]
    elif unknown:
        role = "unknown"
    kinds = sorted(KINDS.get(kind, kind) for kind in _kinds(row.platform))
    return Tile(
        id=row.id,
        name=row.name,
        platform=", ".join(filter(None, [platform_name(row.platform), listed(kinds)])),
        chip=chip,
        role=role,
        read_at=read[0],
        useful_at=row.last_useful_at,
        useful_topic=row.last_useful_topic,
        calls=calls,
        errors=sum(errors_by_hour),
        unknown=unknown,
        errors_by_hour=errors_by_hour,
        problem=problem,
        backlog=backlog if backlog and backlog.waiting > BACKLOG_SHOWN else None,
    )


def _calls_per_minute(row: Connection) -> int:
    try:
        return calls_per_minute(row)
    except UnknownPlatform:
        return 0
