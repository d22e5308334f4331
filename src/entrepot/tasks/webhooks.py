"""Watches over our webhooks at the platforms: compares wanted with registered, and repairs."""

import secrets as randomness
from datetime import timedelta

import structlog

from entrepot.access import scope
from entrepot.connect.errors import (
    Misconfigured,
    OutcomeUnknown,
    Unavailable,
    UnexpectedResponse,
)
from entrepot.connect.haste import hurried
from entrepot.connect.ports import Subscribes, Subscription
from entrepot.connections import credentials, doors, queries, registrations
from entrepot.connections import services as connections
from entrepot.connections.cursors import READABLE
from entrepot.connections.models import Connection
from entrepot.tasks import queue
from entrepot.tasks.calls import outside_transaction
from entrepot.tasks.registry import Lane, Priority, task
from entrepot.tasks.retry import Snooze
from entrepot.tasks.schedule import schedule

log = structlog.get_logger()
LOOK_AGAIN_AFTER = hurried(timedelta(seconds=5))


@task("webhooks.check_all", lane=Lane.UPKEEP)
def check_all(**_: object) -> int:
    """Defer a check for each connection whose platform can be subscribed to."""
    with scope.system():
        found = [
            connection
            for connection in queries.live_connections(capability="subscribe")
            if connection.status in READABLE
        ]
        queue.defer(
            [
                queue.Job(
                    task="webhooks.check",
                    args={"merchant_id": connection.merchant_id, "subject_id": connection.id},
                    unique=f"webhooks:{connection.id}",
                    cause="schedule:webhooks",
                )
                for connection in found
            ]
        )
    return len(found)


schedule("webhooks.check_all", every=hurried(timedelta(minutes=5)), after_downtime="once")


@task("webhooks.check", lane=Lane.BULK, priority=Priority.HIGH)
def check(*, merchant_id: int, subject_id: int, **_: object) -> bool:
    """Look at one connection's webhooks and repair them; True when something was repaired.

    Registers nothing where the platform could not reach us, and says so in the connection's tile.

    Raises:
        Unavailable: the platform does not answer; the job is retried.
        Snooze: another worker is at them; what was changed meanwhile is looked at after it.
    """
    connection = _readable(subject_id, merchant_id)
    if connection is None:
        return False
    client = doors.client(subject_id)
    if not isinstance(client, Subscribes):
        return False
    if registrations.polls_only_because(connection, doors.account(subject_id)):
        return False
    try:
        return _check_alone(connection, client)
    except Misconfigured as error:
        # The key may lack this one permission while all others work: say it, and go on polling.
        log.warning("webhooks.not_permitted", connection_id=subject_id, error=str(error))
        return False
    except (OutcomeUnknown, UnexpectedResponse) as error:
        # The next look finds what became of it, and repairs it: see `_register`.
        raise Unavailable(str(error)) from error


def _check_alone(connection: Connection, client: Subscribes) -> bool:
    with scope.merchant(connection.merchant_id):
        until = registrations.lease(connection)
    if until is None:
        raise Snooze(LOOK_AGAIN_AFTER, f"another worker is at the webhooks of {connection}")
    try:
        return _check(connection, client)
    finally:
        with scope.merchant(connection.merchant_id):
            registrations.let_go(connection, leased_until=until)


def _check(connection: Connection, client: Subscribes) -> bool:
    with outside_transaction():
        found = client.subscriptions()
    known = _known_secret(connection)
    with scope.merchant(connection.merchant_id):
        leftovers = registrations.left_over(connection, found)
        if not registrations.needs_repair(connection, found, has_secret=bool(known)):
            registrations.note_check(connection, found)
            registered = None
        else:
            registered = True
    if registered:
        _register(connection, client, found, known=known)
    for one in leftovers:
        with outside_transaction():
            client.unsubscribe(one.external_id)
    return bool(registered)


def _register(
    connection: Connection, client: Subscribes, found: list[Subscription], *, known: str
) -> None:
    """Register at our address. Some platforms take our secret, others make one and tell it once.

    The secret is stored before it is offered, so that the first delivery verifies. Without one that
    was confirmed, a webhook at our address is from a registration that died half-way: nobody knows
    its secret, so it is removed first.
    """
    url = queries.hook_url(connection)
    if not known:
        for one in found:
            if one.url == url:
                with outside_transaction():
                    client.unsubscribe(one.external_id)
    offered = known or randomness.token_urlsafe(32)
    if not known:
        connections.rotate_secret(
            connection.id,
            merchant_id=connection.merchant_id,
            name=credentials.WEBHOOK_OFFERED,
            text=offered,
        )
    with outside_transaction():
        registered = client.subscribe(url=url, secret=offered)
    told = next((one.secret for one in registered if one.secret), offered)
    connections.rotate_secret(
        connection.id,
        merchant_id=connection.merchant_id,
        name=credentials.WEBHOOK_SIGNING,
        text=told,
    )
    with scope.merchant(connection.merchant_id):
        registrations.confirm(connection, registered)
    log.info("webhooks.registered", connection_id=connection.id, count=len(registered))


def _known_secret(connection: Connection) -> str:
    """The secret that a registration confirmed, else the one that a person typed in."""
    with scope.merchant(connection.merchant_id):
        opened = credentials.valid_credentials([connection.id]).get(connection.id, [])
    newest = credentials.newest_of(opened)
    return newest.get(credentials.WEBHOOK_SIGNING) or newest.get(credentials.WEBHOOK_SECRET, "")


def _readable(connection_id: int, merchant_id: int) -> Connection | None:
    with scope.merchant(merchant_id):
        return Connection.objects.filter(id=connection_id, status__in=READABLE).first()
