"""Alerts: raised once per cause, counted while it lasts, recovered when it is over."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models.functions import Now

from entrepot.access import scope
from entrepot.database import sql
from entrepot.events import outbox
from entrepot.monitoring.models import Alert

# The merchant id of what concerns the installation itself; only the system sees it.
INSTALLATION = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that a person should know. `count` is how many things it concerns now.

    One open alert per (merchant, kind, cause). `title` and `detail` hold no personal data. `mode`
    and `connection_id` say whose it is, where it is one connection's.
    """

    merchant_id: int
    kind: str
    cause: str
    title: str
    detail: str = ""
    count: int = 1
    mode: str = "live"
    connection_id: int | None = None


_COLUMNS = {
    "merchant_id": "bigint",
    "kind": "text",
    "cause": "text",
    "title": "text",
    "detail": "text",
    "count": "int",
    "mode": "text",
    "connection_id": "bigint",
}
# xmax is 0 for a row that this statement inserted.
_RAISE = """
    INSERT INTO monitoring_alert AS alert (
        merchant_id, kind, cause, title, detail, count, mode, connection_id, acknowledged_by
    )
    SELECT merchant_id, kind, cause, title, detail, count, mode, connection_id, ''
    FROM {batch}
    ORDER BY merchant_id, kind, cause
    ON CONFLICT (merchant_id, kind, cause) WHERE recovered_at IS NULL
        DO UPDATE SET
            count = excluded.count,
            title = excluded.title,
            detail = excluded.detail,
            seen_at = statement_timestamp()
    RETURNING merchant_id, mode, kind, cause, title, xmax = 0 AS is_new
"""
_RECOVER = """
    WITH over AS (
        SELECT id
        FROM monitoring_alert
        WHERE recovered_at IS NULL AND kind = ANY(%s)
            AND NOT EXISTS (
                SELECT FROM {batch}
                WHERE batch.merchant_id = monitoring_alert.merchant_id
                    AND batch.kind = monitoring_alert.kind
                    AND batch.cause = monitoring_alert.cause
            )
        ORDER BY id
        FOR UPDATE
    )
    UPDATE monitoring_alert AS alert
    SET recovered_at = statement_timestamp()
    FROM over
    WHERE alert.id = over.id
    RETURNING alert.merchant_id, alert.mode, alert.kind, alert.cause, alert.title
"""


def keep_standing(findings: Sequence[Finding], *, kinds: Iterable[str]) -> tuple[int, int]:
    """Make the open alerts of these kinds exactly what was found: (raised, recovered).

    Runs in the system's scope; called again and again with what stands now.
    """
    with scope.system():
        raised = _raise(findings)
        batch = sql.recordset(_rows(findings), _COLUMNS)
        over = sql.fetch_dicts(_RECOVER.format(batch=batch.sql), [list(kinds), batch.parameter])
        _record("alert.recovered", over)
    return raised, len(over)


def acknowledge(alert_id: int, *, merchant_id: int, by: str) -> Alert:
    """Note that a person has seen an alert; the first one counts.

    Raises:
        Alert.DoesNotExist: it is not this merchant's.
    """
    with scope.merchant(merchant_id), outbox.because(actor=by):
        alert = Alert.objects.select_for_update().get(merchant_id=merchant_id, id=alert_id)
        if alert.acknowledged_at is None:
            alert.acknowledged_at = Now()
            alert.acknowledged_by = by
            alert.save(update_fields=["acknowledged_at", "acknowledged_by"])
            _record("alert.acknowledged", [_told(alert)])
            alert.refresh_from_db()
    return alert


def note_told(raised: Iterable[int], recovered: Iterable[int]) -> None:
    """Note that people were told of these alerts, and that these are over."""
    with scope.system():
        Alert.objects.filter(id__in=list(raised), told_at=None).update(told_at=Now())
        Alert.objects.filter(id__in=list(recovered)).update(recovery_told_at=Now())


def _raise(findings: Sequence[Finding]) -> int:
    if not findings:
        return 0
    batch = sql.recordset(_rows(findings), _COLUMNS)
    rows = sql.fetch_dicts(_RAISE.format(batch=batch.sql), [batch.parameter])
    new = [row for row in rows if row["is_new"]]
    _record("alert.raised", new)
    return len(new)


def _rows(findings: Iterable[Finding]) -> list[dict[str, object]]:
    unique = {(one.merchant_id, one.kind, one.cause): one for one in findings}
    return [{name: getattr(one, name) for name in _COLUMNS} for one in unique.values()]


def _told(alert: Alert) -> dict[str, Any]:
    return {name: getattr(alert, name) for name in ("merchant_id", "mode", "kind", "cause")}


def _record(name: str, alerts: list[dict[str, Any]]) -> None:
    outbox.record_many(
        outbox.NewEvent(
            name=name,
            merchant_id=alert["merchant_id"],
            mode=alert["mode"],
            subject=("alert", 0),
            data={"kind": alert["kind"], "cause": alert["cause"]},
        )
        for alert in alerts
    )
