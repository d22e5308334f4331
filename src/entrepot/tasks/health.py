"""Puts the health of all rooms together, for the page, the interface and `doctor`."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from entrepot.access import scope
from entrepot.database import clock
from entrepot.monitoring import health, metrics
from entrepot.monitoring.health import (
    ConnectionHealth,
    DatabaseHealth,
    LaneHealth,
    OrderMetrics,
    RetryStatistics,
    Verdict,
)
from entrepot.monitoring.installation import BackupState, backup_state, effects_paused_reason
from entrepot.notifications.queries import NotificationState, notification_state
from entrepot.tasks import queue


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How the hub is for one merchant and mode; `verdict` is that of its worst part."""

    at: datetime
    verdict: Verdict
    effects_paused_reason: str
    backup: BackupState
    database: DatabaseHealth
    lanes: list[LaneHealth]
    connections: list[ConnectionHealth]
    retries: RetryStatistics
    orders: OrderMetrics
    notifications: NotificationState


def health_of(merchant_id: int, mode: str) -> Health:
    """Read everything; opens its own scopes, so call it outside any."""
    database = health.database_health()
    with scope.merchant(merchant_id):
        paused = effects_paused_reason()
        backup = backup_state(clock.now())
        lanes = [*health.inbox_lanes(), *job_lanes()]
        connections = health.connection_health(merchant_id, mode)
        retries = health.retry_statistics(merchant_id, mode)
        orders = health.order_metrics(merchant_id, mode)
        told = notification_state(merchant_id, mode, since=clock.now() - timedelta(hours=24))
    verdicts = [database.verdict, *(lane.verdict for lane in lanes)]
    verdicts += [connection.verdict for connection in connections]
    stands_still = retries.needing_a_person or retries.dead_letters or orders.overdue
    if paused or backup.is_late or stands_still:
        verdicts.append(Verdict.DEGRADED)
    return Health(
        at=clock.now(),
        verdict=health.worst(verdicts),
        effects_paused_reason=paused,
        backup=backup,
        database=database,
        lanes=lanes,
        connections=connections,
        retries=retries,
        orders=orders,
        notifications=told,
    )


def job_lanes() -> list[LaneHealth]:
    """The lanes of jobs, in any open scope."""
    return [
        health.lane_health(
            f"jobs {lane.value}",
            due=state.due,
            running=state.running,
            later=state.later,
            oldest_due_at=state.oldest_due_at,
        )
        for lane, state in queue.lane_states().items()
    ]


def prometheus(merchant_id: int) -> bytes:
    """A merchant's figures for Prometheus (`metrics.CONTENT_TYPE`)."""
    with scope.system():
        lanes = job_lanes()
    return metrics.exposition(merchant_id, job_lanes=lanes)
