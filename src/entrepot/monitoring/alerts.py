"""What a person should be alerted to, looked for in the database again and again.

Each look says everything that stands now; what was standing and is not found any more has
recovered. Runs in the system's scope, over all merchants.
"""

from collections.abc import Callable
from datetime import datetime

from entrepot.connect import registry
from entrepot.database import sql
from entrepot.monitoring.installation import backup_state
from entrepot.monitoring.models import Installation
from entrepot.monitoring.services import INSTALLATION, Finding

SILENT_HOURS = 24  # a storefront's policy may say otherwise: `silent_after_hours`, 0 for never
REFUSED_IN_A_ROW = 3
FAILED_POLLS_IN_A_ROW = 3

KINDS = (
    "obligations_overdue",
    "dead_letters",
    "connection_paused",
    "connection_misconfigured",
    "source_silent",
    "source_unreadable",
    "fuse_blown",
    "payment_needed",
    "webhooks_refused",
    "effects_paused",
    "no_backup",
)

# By obligations_due.
_OVERDUE = """
    SELECT merchant_id, mode, kind, count(*), min(due_at)
    FROM obligations_obligation
    WHERE "end" = '' AND due_at < now()
    GROUP BY merchant_id, mode, kind
"""
# By deadletters_waiting.
_DEAD_LETTERS = """
    SELECT merchant_id, fingerprint, task, count(*), (array_agg(error ORDER BY id DESC))[1]
    FROM deadletters_dead_letter
    WHERE status = 'waiting'
    GROUP BY merchant_id, fingerprint, task
"""
_STOPPED = """
    SELECT merchant_id, mode, id, name, status, status_reason,
        CASE WHEN status = 'misconfigured' AND recovered_at IS NOT NULL
            THEN 'unproved' ELSE status END
    FROM connections_connection
    WHERE status IN ('paused', 'misconfigured')
"""
_SILENT = """
    SELECT merchant_id, mode, id, name, last_useful_at, coalesce(last_useful_at, live_since)
    FROM connections_connection
    WHERE status = 'live' AND platform <> ALL (%s)
        AND coalesce((policy ->> 'silent_after_hours')::float, %s) > 0
        AND coalesce(last_useful_at, live_since) < now() - make_interval(
            secs => 3600 * coalesce((policy ->> 'silent_after_hours')::float, %s)
        )
"""
_UNREADABLE = """
    SELECT cursor.merchant_id, connection.mode, connection.id, cursor.id, connection.name,
        cursor.flow, cursor.failed_in_a_row, cursor.last_error
    FROM connections_cursor AS cursor
    JOIN connections_connection AS connection ON connection.id = cursor.connection_id
    WHERE cursor.failed_in_a_row >= %s AND connection.status IN ('live', 'observing')
"""
_FUSES = """
    SELECT merchant_id, mode, connection_id, id, flow, reason
    FROM connections_effect_pause
    WHERE resumed_at IS NULL AND is_fuse
"""
# By orders_hold_open. One per provider, however many orders wait for the money.
_UNPAID = """
    SELECT hold.merchant_id, provider.mode, provider.id, provider.name,
        count(DISTINCT hold.order_id),
        (array_agg(hold.reason ORDER BY hold.id))[1],
        coalesce(max(hold.data ->> 'action_url'), '')
    FROM orders_hold AS hold
    JOIN connections_connection AS provider
        ON provider.id = (hold.data ->> 'connection_id')::bigint
    WHERE hold.kind = 'payment_needed' AND hold.lifted_at IS NULL
    GROUP BY hold.merchant_id, provider.mode, provider.id, provider.name
"""
_REFUSED = """
    SELECT merchant_id, mode, id, name, refused_in_a_row
    FROM connections_connection
    WHERE refused_in_a_row >= %s AND status <> 'archived'
"""


def standing(now: datetime) -> list[Finding]:
    """Everything that a person should know at this moment."""
    looks: tuple[Callable[[], list[Finding]], ...] = (
        _overdue,
        _dead_letters,
        _stopped,
        _silent,
        _unreadable,
        _fuses,
        _unpaid,
        _refused,
    )
    return [finding for look in looks for finding in look()] + _installation(now)


def _overdue() -> list[Finding]:
    return [
        Finding(
            merchant_id=merchant_id,
            mode=mode,
            kind="obligations_overdue",
            cause=f"{mode}:{kind}",
            title=f"Overdue: {_counted(count, 'promise')} to {kind.replace('_', ' ')}",
            detail=f"The oldest was due {oldest:%Y-%m-%d %H:%M} UTC ({mode} mode).",
            count=count,
        )
        for merchant_id, mode, kind, count, oldest in sql.fetch(_OVERDUE)
    ]


def _dead_letters() -> list[Finding]:
    return [
        Finding(
            merchant_id=merchant_id,
            kind="dead_letters",
            cause=fingerprint,
            title=f"Gave up: {task}, {_counted(count, 'time')}",
            detail=f"{error} Replay or discard it under dead letters.",
            count=count,
        )
        for merchant_id, fingerprint, task, count, error in sql.fetch(_DEAD_LETTERS)
    ]


def _stopped() -> list[Finding]:
    ways_out = {
        "paused": "Nothing is lost; resume it when the reason is gone.",
        "misconfigured": "Check its credentials; it goes on by itself when they are accepted.",
        "unproved": "Nothing is lost.",
    }
    return [
        Finding(
            merchant_id=merchant_id,
            mode=mode,
            connection_id=connection_id,
            kind=f"connection_{status}",
            cause=f"connection:{connection_id}",
            title=f"{name} is {status}",
            detail=f"{reason or 'No reason was given.'} {ways_out[way_out]}",
        )
        for merchant_id, mode, connection_id, name, status, reason, way_out in sql.fetch(_STOPPED)
    ]


def _silent() -> list[Finding]:
    return [
        Finding(
            merchant_id=merchant_id,
            mode=mode,
            connection_id=connection_id,
            kind="source_silent",
            cause=f"connection:{connection_id}",
            title=f"Nothing has come from {name}",
            detail=f"The last useful message came {since:%Y-%m-%d %H:%M} UTC."
            if last is not None
            else f"It is live since {since:%Y-%m-%d %H:%M} UTC, and has told nothing yet.",
        )
        for merchant_id, mode, connection_id, name, last, since in sql.fetch(
            _SILENT, [_asked_only(), SILENT_HOURS, SILENT_HOURS]
        )
    ]


def _asked_only() -> list[str]:
    """The platforms that only answer; storefronts and gateways tell of sales by themselves."""
    return [
        code
        for code, platform in sorted(registry.platforms().items())
        if platform.manifest.is_built_in or not platform.manifest.kinds & {"storefront", "payment"}
    ]


def _unreadable() -> list[Finding]:
    rows = sql.fetch(_UNREADABLE, [FAILED_POLLS_IN_A_ROW])
    return [
        Finding(
            merchant_id=merchant_id,
            mode=mode,
            connection_id=connection_id,
            kind="source_unreadable",
            cause=f"cursor:{cursor_id}",
            title=f"{flow} of {name} cannot be read",
            detail=f"It failed {_counted(count, 'time')} in a row: {error}",
            count=count,
        )
        for merchant_id, mode, connection_id, cursor_id, name, flow, count, error in rows
    ]


def _fuses() -> list[Finding]:
    return [
        Finding(
            merchant_id=merchant_id,
            mode=mode,
            connection_id=connection_id,
            kind="fuse_blown",
            cause=f"pause:{pause_id}",
            title=f"The fuse stopped {flow.replace('_', ' ') or 'all effects'}",
            detail=reason,
        )
        for merchant_id, mode, connection_id, pause_id, flow, reason in sql.fetch(_FUSES)
    ]


def _unpaid() -> list[Finding]:
    return [
        Finding(
            merchant_id=merchant_id,
            mode=mode,
            connection_id=connection_id,
            kind="payment_needed",
            cause=f"connection:{connection_id}",
            title=f"{name} wants payment before it goes on",
            detail=f"{_counted(count, 'order')} wait for it. {reason} {action_url}".strip(),
            count=count,
        )
        for merchant_id, mode, connection_id, name, count, reason, action_url in sql.fetch(_UNPAID)
    ]


def _refused() -> list[Finding]:
    return [
        Finding(
            merchant_id=merchant_id,
            mode=mode,
            connection_id=connection_id,
            kind="webhooks_refused",
            cause=f"connection:{connection_id}",
            title=f"{_counted(count, 'webhook')} in a row from {name} refused",
            detail=(
                "Compare the signing secret with the platform's: some of them switch a webhook"
                " off after five refusals."
            ),
            count=count,
        )
        for merchant_id, mode, connection_id, name, count in sql.fetch(_REFUSED, [REFUSED_IN_A_ROW])
    ]


def _installation(now: datetime) -> list[Finding]:
    known = Installation.objects.filter(id=1).first()
    if known is None:
        return []
    found = []
    if known.effects_paused_reason:
        found.append(
            _own("effects_paused", "Nothing leaves this installation", known.effects_paused_reason)
        )
    backup = backup_state(now)
    if backup.is_late:
        last = f"{backup.last_at:%Y-%m-%d %H:%M} UTC" if backup.last_at else "never"
        found.append(
            _own("no_backup", "No backup for 24 hours", f"The last one: {last}. Run a backup.")
        )
    return found


def _own(kind: str, title: str, detail: str) -> Finding:
    return Finding(
        merchant_id=INSTALLATION, kind=kind, cause="installation", title=title, detail=detail
    )


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
