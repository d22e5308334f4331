"""Asks platforms whether our credentials work: now and then, after a change, and after a fault."""

import os
from collections.abc import Mapping
from datetime import timedelta

import structlog
from django.conf import settings

from entrepot.access import scope
from entrepot.access.queries import all_merchants
from entrepot.connect.environment import given_settings
from entrepot.connect.errors import ConnectorError, Misconfigured
from entrepot.connect.haste import hurried
from entrepot.connect.registry import platform
from entrepot.connections import deliveries, environment, pings, queries
from entrepot.connections.deliveries import Useful
from entrepot.connections.models import Connection
from entrepot.connections.services import AccountTaken
from entrepot.connections.states import Status
from entrepot.inbox import queries as inbox
from entrepot.tasks import queue
from entrepot.tasks.calls import outside_transaction
from entrepot.tasks.registry import Lane, Priority, task
from entrepot.tasks.schedule import schedule

log = structlog.get_logger()


@task("connections.ping_all", lane=Lane.UPKEEP)
def ping_all(**_: object) -> int:
    """Defer a ping for every connection that is not archived; misconfigured ones may recover."""
    with scope.system():
        found = [one for one in queries.live_connections() if _calls_outside(one)]
        queue.defer(
            [
                queue.Job(
                    task="connections.ping",
                    args={"merchant_id": one.merchant_id, "subject_id": one.id},
                    unique=f"ping:{one.id}",
                    cause="schedule:connections",
                )
                for one in found
            ]
        )
    return len(found)


schedule("connections.ping_all", every=hurried(timedelta(minutes=10)), after_downtime="once")


@task("connections.from_environment", lane=Lane.UPKEEP)
def from_environment(**_: object) -> int:
    """Add the first connections that the environment describes; returns how many.

    The sandbox has accounts of its own, and never a real one.
    """
    return 0 if settings.SANDBOX else add_first_connections(os.environ)


def add_first_connections(variables: Mapping[str, str]) -> int:
    """Add them to the only merchant: with several nobody could tell whose they are."""
    if not given_settings(variables):
        return 0
    merchants = all_merchants()
    if len(merchants) != 1:
        return 0
    return len(environment.connect_from_environment(merchants[0].id, variables))


schedule("connections.from_environment", every=timedelta(minutes=1), after_downtime="once")


@task("connections.ping", lane=Lane.BULK, priority=Priority.HIGH)
def ping(*, merchant_id: int, subject_id: int, **_: object) -> bool:
    """Ping one connection and move it accordingly; True when the platform takes our credentials.

    A platform that does not answer proves nothing; the next regular ping asks again.
    """
    with scope.merchant(merchant_id):
        connection = (
            Connection.objects.filter(id=subject_id).exclude(status=Status.ARCHIVED).first()
        )
    if connection is None or not _calls_outside(connection):
        return False
    try:
        with outside_transaction():
            pings.ping_connection(subject_id, merchant_id=merchant_id)
    except (Misconfigured, AccountTaken):
        return False  # recorded, with its reason, where operators look
    except ConnectorError as error:
        log.info("connections.no_answer", connection_id=subject_id, error=type(error).__name__)
        return False
    return True


@task("connections.note_useful", lane=Lane.UPKEEP, priority=Priority.LOW)
def note_useful(**_: object) -> int:
    """Write down when each connection last said something of use; returns for how many."""
    with scope.system():
        return deliveries.note_useful(Useful(*one) for one in inbox.last_applied())


schedule("connections.note_useful", every=timedelta(seconds=20), after_downtime="once")


def _calls_outside(connection: Connection) -> bool:
    return not platform(connection.platform).manifest.is_built_in
