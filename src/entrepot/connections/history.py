"""Reads what a platform had before the hub came: begun by a person, resumable, with progress."""

from datetime import datetime

from entrepot.access import scope
from entrepot.connections.cursors import readable_flows
from entrepot.connections.models import Connection, HistoryImport
from entrepot.database import clock, sql
from entrepot.events import outbox


class NoSuchFlow(ValueError):
    """A platform was asked for a history that it cannot tell."""

    def __init__(self, connection: Connection, flow: str) -> None:
        known = ", ".join(sorted(readable_flows(connection.platform))) or "nothing"
        super().__init__(f"cannot import {flow} of {connection}: it can be asked for {known}")


def begin_import(
    connection_id: int, *, merchant_id: int, flow: str = "orders", since: datetime | None = None
) -> HistoryImport:
    """Begin to read a flow from an instant, or from the beginning; nothing of it is acted upon.

    While one import of the flow is under way it is returned instead of a second one.

    Raises:
        NoSuchFlow: the platform cannot be read like that.
    """
    with scope.merchant(merchant_id):
        connection = Connection.objects.select_for_update().get(id=connection_id)
        if flow not in readable_flows(connection.platform):
            raise NoSuchFlow(connection, flow)
        running = HistoryImport.objects.filter(
            connection=connection, flow=flow, finished_at__isnull=True
        ).first()
        if running is not None:
            return running
        begun = HistoryImport.objects.create(
            merchant_id=merchant_id, connection=connection, flow=flow, since=since
        )
        outbox.record(
            "connection.import_begun",
            merchant_id=merchant_id,
            mode=connection.mode,
            subject=("connection", connection_id),
            data={"flow": flow, "import_id": begun.id},
        )
    return begun


# The position that was asked with guards the move: of two readers the second stops.
ADVANCE = """
UPDATE connections_history_import
SET
    position = %(position)s,
    done = done + %(items)s,
    total = coalesce(%(total)s, total),
    finished_at = CASE WHEN %(is_last)s THEN clock_timestamp() END,
    last_error = ''
WHERE id = %(import)s AND position = %(asked_with)s AND finished_at IS NULL
"""


def advance_import(
    begun: HistoryImport, *, position: str, items: int, total: int | None, is_last: bool
) -> bool:
    """Move an import on, in the transaction that stored its page; False when somebody else did."""
    return bool(
        sql.run(
            ADVANCE,
            {
                "position": position,
                "items": items,
                "total": total,
                "is_last": is_last,
                "import": begun.id,
                "asked_with": begun.position,
            },
        )
    )


def note_import_error(import_id: int, *, merchant_id: int, error: str) -> None:
    """Keep why an import does not go on at the moment; it stays where it is."""
    with scope.merchant(merchant_id):
        HistoryImport.objects.filter(id=import_id).update(
            last_error=error.replace("\x00", "")[:500]
        )


def stop_import(import_id: int, *, merchant_id: int) -> HistoryImport:
    """End an import where it stands; what it read stays."""
    with scope.merchant(merchant_id):
        begun = HistoryImport.objects.select_for_update().get(id=import_id)
        if begun.finished_at is None:
            begun.finished_at = clock.now()
            begun.last_error = "stopped"
            begun.save(update_fields=["finished_at", "last_error"])
    return begun
