"""Reads platforms page by page into the inbox: webhooks are hints, polls are the truth."""

from datetime import datetime, timedelta

import structlog

from entrepot.access import scope
from entrepot.canon.messages import Flow
from entrepot.connect.errors import ConnectorError, Misconfigured, Unavailable
from entrepot.connect.ports import Page, Pulls
from entrepot.connections import cursors, doors, faults, history
from entrepot.connections.cursors import Reading
from entrepot.connections.models import Connection, HistoryImport
from entrepot.inbox import services as inbox
from entrepot.inbox.states import Source
from entrepot.inbox.storing import IMPORT_LANE, LIVE_LANE, Incoming
from entrepot.tasks import queue
from entrepot.tasks.calls import outside_transaction
from entrepot.tasks.registry import Lane, Priority, task
from entrepot.tasks.retry import Snooze
from entrepot.tasks.schedule import schedule

PAGE_LIMIT = 100
# A long pass gives its thread back now and then, so that other connections are read as well.
PAGES_PER_JOB = 20
PAUSE_OF_IMPORT = timedelta(seconds=1)

log = structlog.get_logger()


class CannotBeRead(Exception):
    """A connection was to be polled whose platform offers no reading."""


@task("polling.poll_due", lane=Lane.UPKEEP, priority=Priority.HIGH)
def poll_due(**_: object) -> int:
    """Defer a job for each flow whose time has come; returns how many."""
    with scope.system():
        due = cursors.claim_due()
        queue.defer(
            [
                queue.Job(
                    task="polling.poll",
                    args={
                        "merchant_id": one.merchant_id,
                        "connection_id": one.connection_id,
                        "flow": one.flow,
                    },
                    unique=f"polling:{one.cursor_id}",
                    cause="schedule:polling",
                )
                for one in due
            ]
        )
    return len(due)


schedule("polling.poll_due", every=timedelta(seconds=5), after_downtime="once")


@task("polling.poll", priority=Priority.LOW)
def poll(*, merchant_id: int, connection_id: int, flow: str, **_: object) -> None:
    """Read what is new of one flow. A failure is kept with the flow, which is tried again later."""
    for _page in range(PAGES_PER_JOB):
        with scope.merchant(merchant_id):
            reading = cursors.reading_of(connection_id, flow)
        if reading is None:
            return
        try:
            page = _pull(
                connection_id,
                Flow(flow),
                position=reading.position,
                since=reading.since,
                is_bulk=False,
            )
        except Misconfigured as error:
            _note_failure(reading, error)
            faults.refuse_call(connection_id, merchant_id=merchant_id, reason=str(error))
            return
        except ConnectorError as error:
            _note_failure(reading, error)
            return
        if not _keep(reading, page) or page.is_last:
            return
    # The claim on the flow ends now, and not when it would have been forgotten.
    cursors.poll_now(connection_id, merchant_id=merchant_id, flows=[flow])


@task("polling.import_history", lane=Lane.BULK, priority=Priority.LOW)
def import_history(*, merchant_id: int, import_id: int, **_: object) -> None:
    """Read the next pages of a history import, and come back for more until it is done.

    Raises:
        Snooze: there is more.
        Unavailable: the platform does not answer; the job is retried and goes on where it stood.
    """
    for _page in range(PAGES_PER_JOB):
        with scope.merchant(merchant_id):
            begun = HistoryImport.objects.filter(id=import_id, finished_at__isnull=True).first()
        if begun is None:
            return
        try:
            page = _pull(
                begun.connection_id,
                Flow(begun.flow),
                position=begun.position,
                since=begun.since,
                is_bulk=True,
            )
        except Unavailable as error:
            history.note_import_error(import_id, merchant_id=merchant_id, error=str(error))
            raise
        except ConnectorError as error:
            history.note_import_error(import_id, merchant_id=merchant_id, error=str(error))
            log.warning("polling.import_stands", import_id=import_id, error=str(error))
            raise Snooze(timedelta(minutes=10), str(error)) from error
        if not _keep_import(begun, page) or page.is_last:
            return
    raise Snooze(PAUSE_OF_IMPORT, "there is more to read")


@task("polling.begin_imports", lane=Lane.BULK)
def begin_imports(*, merchant_id: int, subject_id: int, **_: object) -> None:
    """Defer the jobs of a connection's imports that are under way."""
    with scope.merchant(merchant_id):
        under_way = HistoryImport.objects.filter(
            connection_id=subject_id, finished_at__isnull=True
        ).order_by("id")
        queue.defer(
            [
                queue.Job(
                    task="polling.import_history",
                    args={"merchant_id": merchant_id, "import_id": begun.id},
                    unique=f"import:{begun.id}",
                    cause=f"import:{begun.id}",
                )
                for begun in under_way
            ]
        )


def _pull(
    connection_id: int, flow: Flow, *, position: str, since: datetime | None, is_bulk: bool
) -> Page:
    client = doors.client(connection_id, priority="bulk" if is_bulk else "live")
    if not isinstance(client, Pulls):
        raise CannotBeRead(f"connection {connection_id} cannot be read")
    with outside_transaction():
        return client.pull(flow, cursor=position, since=since, limit=PAGE_LIMIT)


def _keep(reading: Reading, page: Page) -> bool:
    """Store a page and move its cursor, both or neither."""
    connection = reading.connection
    with scope.merchant(connection.merchant_id):
        if not cursors.advance(
            reading, position=page.cursor, read_until=page.read_until, is_last=page.is_last
        ):
            return False
        inbox.store(_incoming(connection, page, source=Source.POLL, lane=LIVE_LANE))
    return True


def _keep_import(begun: HistoryImport, page: Page) -> bool:
    with scope.merchant(begun.merchant_id):
        connection = Connection.objects.get(id=begun.connection_id)
        if not history.advance_import(
            begun,
            position=page.cursor,
            items=len(page.items),
            total=page.total,
            is_last=page.is_last,
        ):
            return False
        inbox.store(_incoming(connection, page, source=Source.IMPORT, lane=IMPORT_LANE))
    return True


def _incoming(connection: Connection, page: Page, *, source: Source, lane: str) -> list[Incoming]:
    return [
        Incoming(
            merchant_id=connection.merchant_id,
            connection_id=connection.id,
            mode=connection.mode,
            source=source,
            topic=item.topic,
            body=item.body,
            dedupe_key=item.dedupe_key,
            lane=lane,
        )
        for item in page.items
    ]


def _note_failure(reading: Reading, error: ConnectorError) -> None:
    wait = error.retry_after if isinstance(error, Unavailable) else None
    with scope.merchant(reading.connection.merchant_id):
        times = cursors.fail(reading, error=f"{type(error).__name__}: {error}", wait=wait)
    log.info(
        "polling.failed",
        connection_id=reading.connection.id,
        flow=reading.flow,
        times=times,
        error=type(error).__name__,
    )
