"""What stops a connection that its platform refuses, and what lets it go on again."""

from datetime import timedelta

from entrepot.connections.models import Connection
from entrepot.connections.services import locked
from entrepot.connections.states import Status, Step
from entrepot.database import clock

# A call that is refused so soon after a ping has ended a fault was not what the ping proved.
PROVES_NOTHING_WITHIN = timedelta(days=1)
PROVES_NOTHING = (
    "A test is passed with this key, and then this is refused again: give the key the rights that"
    " it lacks, or save another one, and press Test"
)


def refuse_ping(connection_id: int, *, merchant_id: int, reason: str) -> Connection:
    """Record that a ping was refused: the connection stops until one is answered.

    Again changes nothing. A connection that a person paused goes back to paused once it is mended.
    """
    return _stop(connection_id, merchant_id=merchant_id, reason=reason, was_ping=True)


def refuse_call(connection_id: int, *, merchant_id: int, reason: str) -> Connection:
    """Record that another call was refused: the connection stops until a ping is answered.

    Where one was, less than a day ago, pings pass and the call does not: a key that may not do all.
    Then the connection stops until a person has tested it, or changed its settings.
    """
    return _stop(connection_id, merchant_id=merchant_id, reason=reason, was_ping=False)


def go_on(connection: Connection, *, is_person: bool) -> None:
    """End the fault of a locked connection whose ping was answered, unless that proves nothing."""
    if connection.status != Status.MISCONFIGURED or (awaits_person(connection) and not is_person):
        return
    connection.recovered_at = clock.now()
    connection.save(update_fields=["recovered_at"])
    reason = "the platform accepts the credentials"
    match connection.status_before_fault:
        case Status.LIVE:
            connection.take(Step.ACCEPT_CREDENTIALS, reason=reason)
        case Status.PAUSED:
            connection.take(Step.ACCEPT_CREDENTIALS, reason=reason)
            connection.take(Step.PAUSE, reason="it was paused before")
        case _:
            connection.take(Step.ACCEPT_CREDENTIALS_UNSEEN, reason=reason)


def awaits_person(connection: Connection) -> bool:
    """Whether a connection that stopped goes on only once a person has acted."""
    return connection.status == Status.MISCONFIGURED and connection.recovered_at is not None


def _stop(connection_id: int, *, merchant_id: int, reason: str, was_ping: bool) -> Connection:
    with locked(connection_id, merchant_id) as connection:
        if connection.status in {Status.MISCONFIGURED, Status.ARCHIVED}:
            return connection
        recovered_at = connection.recovered_at
        if was_ping or (recovered_at and recovered_at < clock.now() - PROVES_NOTHING_WITHIN):
            connection.recovered_at = None
        if connection.recovered_at:
            reason = f"{reason.rstrip('.')}. {PROVES_NOTHING}"
        connection.status_before_fault = connection.status
        connection.save(update_fields=["status_before_fault", "recovered_at"])
        connection.take(Step.REFUSE_CREDENTIALS, reason=reason)
    return connection
