"""`/api/admin/health` and `/api/status`: the documented health checks and maintenance actions."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router, Schema

from entrepot.access import scope as access_scope
from entrepot.api.caller import ApiRequest, Caller
from entrepot.api.errors import invalid
from entrepot.api.interfaces.bodies import Maintenance
from entrepot.api.interfaces.shapes import now_text
from entrepot.api.operations import operation, written
from entrepot.attempts.models import Attempt
from entrepot.attempts.states import Status as AttemptStatus
from entrepot.database import sql
from entrepot.monitoring.health import retry_statistics
from entrepot.notifications import news, queries
from entrepot.obligations.models import Obligation
from entrepot.obligations.states import Kind as Owed
from entrepot.orders.models import Order
from entrepot.tasks import queue
from entrepot.tasks.health import Health, health_of
from entrepot.tasks.registry import Priority

router = Router(tags=["documented"])
MOST_AT_ONCE = 500
OLD_NEWS = timedelta(days=30)
# A promise -> the task that keeps it, which takes the promise's subject.
TASK_OF = {
    Owed.SUBMIT: "fulfillment.submit",
    Owed.CANCEL: "fulfillment.cancel",
    Owed.REFUND: "payments.refund",
    Owed.WRITE_BACK: "storefront.write_back",
    Owed.TELL_CUSTOMER: "notifications.send_mail",
}
# Each action in its usual spellings.
ACTIONS = {
    "process_pending_retries": "process_pending_retries",
    "clean_up_old_operations": "clean_up_old_operations",
    "cleanup_old_operations": "clean_up_old_operations",
    "clean_old_retry_operations": "clean_up_old_operations",
    "cleanup_old_retries": "clean_up_old_operations",
    "archive_completed_orders": "archive_completed_orders",
    "purge_old_notifications": "purge_old_notifications",
    "get_retry_statistics": "get_retry_statistics",
}


class HealthAnswer(Schema):
    """How the hub is. `status` is healthy, degraded or unhealthy."""

    status: str
    timestamp: str
    effects_paused_reason: str
    checks: dict[str, Any]


class ActionAnswer(Schema):
    """What a maintenance action did."""

    success: bool
    action: str
    message: str
    result: dict[str, Any]


class StatusAnswer(Schema):
    """Whether the system answers, for everybody."""

    status: str
    timestamp: str


@operation(
    router,
    "GET",
    path="/admin/health",
    scope="health:read",
    answers=HealthAnswer,
    summary="System health check",
    calls_outside=True,
)
def get_admin_health(request: ApiRequest) -> HealthAnswer:
    """Database, provider connectivity, retry statistics, order metrics, notifications."""
    health = health_of(request.auth.merchant_id, request.auth.mode)
    return HealthAnswer.model_construct(
        status=health.verdict.value,
        timestamp=now_text(),
        effects_paused_reason=health.effects_paused_reason,
        checks=_checks(health),
    )


@operation(
    router,
    "POST",
    path="/admin/health",
    scope="health:write",
    answers=ActionAnswer,
    summary="Trigger maintenance actions",
)
def run_health_action(request: ApiRequest, asked: Maintenance) -> ActionAnswer:
    """`process_pending_retries`, `clean_up_old_operations`, `purge_old_notifications` and more."""
    action = ACTIONS.get(asked.action)
    match action:
        case "process_pending_retries":
            message, result = _retry(request.auth)
        case "clean_up_old_operations":
            message, result = _clean_up()
        case "purge_old_notifications":
            message, result = _purge(request.auth)
        case "archive_completed_orders":
            closed = Order.objects.filter(
                merchant_id=request.auth.merchant_id, mode=request.auth.mode, status="closed"
            ).exists()
            message = (
                "nothing was moved: orders close by themselves when nothing is left to do, and"
                " stay where refunds, disputes and returns find them"
            )
            result = {"has_closed_orders": closed}
        case "get_retry_statistics":
            message, result = "as they are now", _statistics(request.auth)
        case _:
            known = ", ".join(sorted(set(ACTIONS.values())))
            raise invalid(f"action: {asked.action!r} is none of {known}")
    return ActionAnswer(success=True, action=asked.action, message=message, result=result)


def get_status(request: HttpRequest) -> HttpResponse:
    """`GET /api/status`: needs no key and tells no more than whether the hub works."""
    del request
    try:
        with access_scope.system():
            sql.fetch_value("SELECT 1")
    except DatabaseError:
        return written(StatusAnswer(status="down", timestamp=now_text()), status=503)
    return written(StatusAnswer(status="operational", timestamp=now_text()))


def _checks(health: Health) -> dict[str, Any]:
    return {
        "database": {
            "status": health.database.verdict,
            "response_time_ms": health.database.latency_ms,
        },
        "backup": asdict(health.backup),
        "connections": [
            {**asdict(connection), "status": connection.verdict, "state": connection.status}
            for connection in health.connections
        ],
        "lanes": [asdict(lane) for lane in health.lanes],
        "retries": asdict(health.retries),
        "orders": asdict(health.orders),
        "notifications": asdict(health.notifications),
    }


def _retry(caller: Caller) -> tuple[str, dict[str, Any]]:
    """Defer at once what waits for its next try; each job asks first, none acts twice."""
    mine = {"merchant_id": caller.merchant_id, "mode": caller.mode}
    unknown = Attempt.objects.filter(**mine, status=AttemptStatus.UNKNOWN).order_by("id")
    owed = Obligation.objects.filter(**mine, end="", kind__in=TASK_OF).order_by("due_at", "id")
    questions = [
        queue.Job(
            task="attempts.ask",
            args={"merchant_id": caller.merchant_id, "attempt_id": attempt_id},
            priority=Priority.URGENT,
        )
        for attempt_id in unknown.values_list("id", flat=True)[:MOST_AT_ONCE]
    ]
    retries = [
        queue.Job(
            task=TASK_OF[Owed(kind)],
            args={
                "merchant_id": caller.merchant_id,
                "order_id": order_id,
                "subject_id": subject_id,
            },
        )
        for kind, order_id, subject_id in owed.values_list("kind", "order_id", "subject_id")[
            :MOST_AT_ONCE
        ]
    ]
    queue.defer([*questions, *retries])
    result = {"processed": len(questions) + len(retries), "asked": len(questions)}
    return f"{result['processed']} pending operations go on now", result


def _clean_up() -> tuple[str, dict[str, Any]]:
    """Upkeep removes what is too old; it belongs to the installation, so it is only called."""
    made = queue.defer([queue.Job(task="upkeep.retention", unique="upkeep.retention")])
    is_new = made[0] is not None
    told = "old operations are being removed" if is_new else "it is under way already"
    return told, {"deferred": is_new}


def _purge(caller: Caller) -> tuple[str, dict[str, Any]]:
    before = timezone.now() - OLD_NEWS
    rows = queries.news_of_operators(caller.merchant_id, caller.mode)
    old = rows.filter(read_at__isnull=False, created_at__lt=before)
    ids = list(old.values_list("id", flat=True)[:MOST_AT_ONCE])
    removed = news.remove(ids, merchant_id=caller.merchant_id, mode=caller.mode, customer_id=None)
    return f"{removed} old notifications were removed", {"removed": removed}


def _statistics(caller: Caller) -> dict[str, Any]:
    return asdict(retry_statistics(caller.merchant_id, caller.mode))
