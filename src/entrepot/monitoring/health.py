"""How the hub is: one reading of plain values, for the health page, the interface and `doctor`.

The parts that live in outer or sibling rooms (lanes of jobs, mails) are added by `tasks/health.py`.
"""

import statistics
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from entrepot.access import scope
from entrepot.attempts.models import Attempt
from entrepot.connections.models import CircuitBreaker, Connection
from entrepot.connections.states import Status
from entrepot.database import clock, sql
from entrepot.deadletters import queries as deadletters
from entrepot.monitoring import rollups
from entrepot.obligations.models import Obligation

SLOW_DATABASE_MS = 100.0
LATE_LANE = timedelta(minutes=5)
PROBES = 3


class Verdict(StrEnum):
    """How a part is."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseHealth:
    """`latency_ms` is the median of three round trips."""

    latency_ms: float
    version: str
    connections: int
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneHealth:
    """Work that waits: how much is due, and since when the oldest of it is."""

    name: str
    due: int
    running: int
    later: int
    oldest_due_at: datetime | None
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionHealth:
    """One account: its state, its breaker (closed, open, half_open), and the last sign of life."""

    id: int
    name: str
    platform: str
    status: str
    reason: str
    breaker: str
    last_ping_at: datetime | None
    last_useful_at: datetime | None
    calls_24h: int
    errors_24h: int
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryStatistics:
    """Effects that wait, are unknown or gave up; `attempts_24h` by their status."""

    attempts_24h: dict[str, int]
    unknown: int
    needing_a_person: int
    dead_letters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderMetrics:
    """The last 24 hours, from counters; what stands now, from partial indexes."""

    imported_24h: int
    released_24h: int
    shipped_24h: int
    delivered_24h: int
    cancelled_24h: int
    held: int
    parked: int
    overdue: int


def database_health() -> DatabaseHealth:
    """Measure the database from here; opens a scope of its own for it."""
    with scope.system():
        times = []
        for _ in range(PROBES):
            began = time.perf_counter()
            sql.fetch_value("SELECT 1")
            times.append((time.perf_counter() - began) * 1000)
        version = str(sql.fetch_value("SHOW server_version"))
        connections = int(
            sql.fetch_value(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            )
        )
    latency = statistics.median(times)
    return DatabaseHealth(
        latency_ms=round(latency, 2),
        version=version,
        connections=connections,
        verdict=Verdict.HEALTHY if latency < SLOW_DATABASE_MS else Verdict.DEGRADED,
    )


def lane_health(
    name: str,
    *,
    due: int,
    oldest_due_at: datetime | None,
    running: int = 0,
    later: int = 0,
    at: datetime | None = None,
) -> LaneHealth:
    """Judge a lane: late when its oldest work has been due for five minutes."""
    is_late = oldest_due_at is not None and (at or clock.now()) - oldest_due_at > LATE_LANE
    return LaneHealth(
        name=name,
        due=due,
        running=running,
        later=later,
        oldest_due_at=oldest_due_at,
        verdict=Verdict.DEGRADED if is_late else Verdict.HEALTHY,
    )


# By inbox_work_due.
_INBOX = """
    SELECT
        lane,
        count(*) FILTER (WHERE due_at <= now()),
        count(*) FILTER (WHERE claimed_until > now()),
        count(*) FILTER (WHERE due_at > now()),
        min(due_at) FILTER (WHERE due_at <= now())
    FROM inbox_work
    WHERE NOT is_parked
    GROUP BY lane
"""


def inbox_lanes() -> list[LaneHealth]:
    """What waits to be understood; of the scope's merchant, or of all in the system's scope."""
    found = {row[0]: row[1:] for row in sql.fetch(_INBOX)}
    nothing = (0, 0, 0, None)
    lanes = []
    for lane in ("live", "import", *sorted(found.keys() - {"live", "import"})):
        due, running, later, oldest = found.get(lane, nothing)
        lanes.append(
            lane_health(
                f"inbox {lane}", due=due, running=running, later=later, oldest_due_at=oldest
            )
        )
    return lanes


# By connections_call_at, once per connection.
_CALLS = """
    SELECT connection.id, calls.n, calls.errors
    FROM connections_connection AS connection
    CROSS JOIN LATERAL (
        SELECT count(*) AS n, count(*) FILTER (WHERE outcome <> 'ok') AS errors
        FROM connections_call_record AS call
        WHERE call.connection_id = connection.id AND call.at > now() - interval '24 hours'
    ) AS calls
    WHERE connection.merchant_id = %s AND connection.mode = %s
"""


def connection_health(merchant_id: int, mode: str) -> list[ConnectionHealth]:
    """Every account that was not removed, by name; in the merchant's scope."""
    breakers = {
        row.connection_id: row for row in CircuitBreaker.objects.filter(merchant_id=merchant_id)
    }
    calls = {row[0]: (row[1], row[2]) for row in sql.fetch(_CALLS, [merchant_id, mode])}
    connections = Connection.objects.filter(merchant_id=merchant_id, mode=mode).exclude(
        status=Status.ARCHIVED
    )
    now = clock.now()
    rows = []
    for connection in connections.order_by("name", "id"):
        state = _breaker_state(breakers.get(connection.id), now)
        count, errors = calls.get(connection.id, (0, 0))
        rows.append(
            ConnectionHealth(
                id=connection.id,
                name=connection.name,
                platform=connection.platform,
                status=connection.status,
                reason=connection.status_reason,
                breaker=state,
                last_ping_at=connection.last_ping_at,
                last_useful_at=connection.last_useful_at,
                calls_24h=count,
                errors_24h=errors,
                verdict=_verdict_of(connection.status, state),
            )
        )
    return rows


def retry_statistics(merchant_id: int, mode: str) -> RetryStatistics:
    """How effects outside fare; in the merchant's scope. By attempts_attempt_rate."""
    recent = sql.fetch(
        "SELECT status, count(*) FROM attempts_attempt"
        " WHERE merchant_id = %s AND mode = %s AND intended_at > now() - interval '24 hours'"
        " GROUP BY status ORDER BY status",
        [merchant_id, mode],
    )
    unknown = Attempt.objects.filter(merchant_id=merchant_id, mode=mode, status="unknown")
    return RetryStatistics(
        attempts_24h=dict(recent),
        unknown=unknown.count(),
        needing_a_person=unknown.filter(needs_person=True).count(),
        dead_letters=deadletters.waiting_count(merchant_id),
    )


def order_metrics(merchant_id: int, mode: str) -> OrderMetrics:
    """How orders fare; in the merchant's scope."""
    since = clock.now() - timedelta(hours=24)

    def counted(name: str) -> int:
        return int(rollups.totals(merchant_id, mode, name=name, since=since).get("", 0))

    return OrderMetrics(
        imported_24h=counted("orders_imported"),
        released_24h=counted("orders_released"),
        shipped_24h=counted("shipments"),
        delivered_24h=counted("parcels_delivered"),
        cancelled_24h=counted("orders_cancelled"),
        held=int(
            sql.fetch_value(
                "SELECT count(*) FROM orders_order"
                " WHERE merchant_id = %s AND mode = %s AND open_holds > 0",
                [merchant_id, mode],
            )
        ),
        parked=int(
            sql.fetch_value(
                "SELECT count(*) FROM inbox_work WHERE merchant_id = %s AND is_parked",
                [merchant_id],
            )
        ),
        overdue=Obligation.objects.filter(
            merchant_id=merchant_id, mode=mode, end="", due_at__lt=clock.now()
        ).count(),
    )


def worst(verdicts: list[Verdict]) -> Verdict:
    """The verdict of the whole."""
    for verdict in (Verdict.UNHEALTHY, Verdict.DEGRADED):
        if verdict in verdicts:
            return verdict
    return Verdict.HEALTHY


def _breaker_state(breaker: CircuitBreaker | None, now: datetime) -> str:
    if breaker is None or breaker.opened_at is None:
        return "closed"
    return "half_open" if breaker.probe_at is not None and breaker.probe_at <= now else "open"


def _verdict_of(status: str, breaker: str) -> Verdict:
    if status == Status.MISCONFIGURED:
        return Verdict.UNHEALTHY
    return Verdict.DEGRADED if status == Status.PAUSED or breaker != "closed" else Verdict.HEALTHY
