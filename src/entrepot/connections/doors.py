"""A connection's door to the outside: budget, breaker, call log and redaction put together."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings

from entrepot.access import scope
from entrepot.connect.http import Http
from entrepot.connect.ports import Account, Connector
from entrepot.connect.registry import platform
from entrepot.connect.watching import Breaker, Budget, CallLog, Priority
from entrepot.connections import credentials, queries
from entrepot.connections.breaker import SharedBreaker
from entrepot.connections.budgets import SharedBudget
from entrepot.connections.call_log import KeptCalls, redactor
from entrepot.connections.models import Connection
from entrepot.connections.states import Status

KNOWN_FOR_S = 5.0


class ConnectionArchived(Exception):
    """A call was about to be made with the credentials of a removed connection."""

    def __init__(self, connection: object) -> None:
        super().__init__(f"cannot call with {connection}: it is archived; add the account again")


@dataclass(frozen=True, slots=True)
class _Known:
    """What this process remembers of a connection for a few seconds."""

    connection: Connection
    account: Account
    redact: Callable[[str], str]
    seen_at: float


_known: dict[int, _Known] = {}
_gates: dict[int, tuple[Budget, Breaker, CallLog]] = {}
_looking: dict[int, threading.Lock] = {}
_lock = threading.Lock()


def door(
    connection_id: int,
    *,
    priority: Priority = "live",
    before_send: Callable[[], None] | None = None,
) -> Http:
    """The way to a connection's platform, without a platform's manner of signing.

    Changed credentials are used within `KNOWN_FOR_S`; in the process that changed them at once.

    Raises:
        Connection.DoesNotExist: there is no such connection.
        ConnectionArchived: it was removed.
        ScopeConflict: a merchant's scope is open; calls are made outside of transactions.
    """
    return _door(_look_up(connection_id), priority=priority, before_send=before_send)


def client(
    connection_id: int,
    *,
    priority: Priority = "live",
    before_send: Callable[[], None] | None = None,
) -> Connector:
    """The platform's client for a connection; ask what it can do with isinstance and the ports.

    `before_send` is called just before the bytes of a write leave. Raises as `door` does.
    """
    known = _look_up(connection_id)
    http = _door(known, priority=priority, before_send=before_send)
    return platform(known.connection.platform).client(http, known.account)


def account(connection_id: int) -> Account:
    """The connection as its connector sees it, remembered like `door` does. Raises likewise."""
    return _look_up(connection_id).account


def forget(connection_id: int | None = None) -> None:
    """Forget what this process remembers of a connection, or of all."""
    with _lock:
        if connection_id is None:
            _known.clear()
            _gates.clear()
        else:
            _known.pop(connection_id, None)
            _gates.pop(connection_id, None)


def _door(known: _Known, *, priority: Priority, before_send: Callable[[], None] | None) -> Http:
    connection = known.connection
    budget, breaker, call_log = _gates_of(connection)
    return Http(
        platform(connection.platform).base_url(known.account),
        budget=budget,
        breaker=breaker,
        call_log=call_log,
        redact=known.redact,
        priority=priority,
        before_send=before_send,
        let_go=scope.give_back,
        allow_private=settings.ALLOW_PRIVATE_ADDRESSES,
    )


def _look_up(connection_id: int) -> _Known:
    known = _known.get(connection_id)
    if known is not None and time.monotonic() - known.seen_at < KNOWN_FOR_S:
        return known
    with _lock:
        looking = _looking.setdefault(connection_id, threading.Lock())
    # Of many that ask at the same moment one looks, and nobody waits for it: whoever waited with a
    # database connection in hand would keep it from the one that looks.
    if not looking.acquire(blocking=False):
        return known if known is not None else _look(connection_id)
    try:
        return _look(connection_id)
    finally:
        looking.release()


def _look(connection_id: int) -> _Known:
    with scope.system():
        connection = Connection.objects.get(id=connection_id)
        if connection.status == Status.ARCHIVED:
            raise ConnectionArchived(connection)
        opened = credentials.valid_credentials([connection_id]).get(connection_id, [])
    secrets = [credential.text for credential in opened]
    known = _Known(
        connection=connection,
        account=queries.account_with(connection, credentials.newest_of(opened)),
        redact=redactor([*secrets, connection.token]),
        seen_at=time.monotonic(),
    )
    with _lock:
        _known[connection_id] = known
    return known


def _gates_of(connection: Connection) -> tuple[Budget, Breaker, CallLog]:
    """The merchant may allow more or fewer calls than the platform's manifest: in the policy."""
    with _lock:
        gates = _gates.get(connection.id)
        if gates is None:
            who, whose = connection.id, connection.merchant_id
            manifest = platform(connection.platform).manifest
            budget = SharedBudget(
                connection_id=who,
                merchant_id=whose,
                per_minute=queries.calls_per_minute(connection),
                burst=int(connection.policy.get("burst", manifest.burst)),
            )
            breaker = SharedBreaker(connection_id=who, merchant_id=whose)
            gates = (budget, breaker, KeptCalls(connection_id=who, merchant_id=whose))
            _gates[connection.id] = gates
    return gates
