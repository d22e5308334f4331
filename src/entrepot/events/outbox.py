"""Records events in the transaction that makes them true, and defers their jobs in the same one.

Events are buffered per open scope and go in with one INSERT when the outermost scope ends, before
its commit; a rollback takes events and jobs away together.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from entrepot.database import sql
from entrepot.events.catalog import CATALOG

NOBODY = "system"
_COLUMNS = {
    "merchant_id": "bigint",
    "mode": "text",
    "name": "text",
    "order_id": "bigint",
    "subject_kind": "text",
    "subject_id": "bigint",
    "actor": "text",
    "cause": "text",
    "reason": "text",
    "data": "jsonb",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """An event to record; `subject` is (kind, id), None where the order is the subject.

    `actor` and `cause` are normally left empty and filled from `because`.
    """

    name: str
    merchant_id: int
    mode: str
    order_id: int | None = None
    subject: tuple[str, int] | None = None
    data: Mapping[str, object] = field(default_factory=dict)
    reason: str = ""
    actor: str = ""
    cause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedEvent:
    """An event as it stands in the journal, inside the transaction that wrote it."""

    id: int
    at: datetime
    name: str
    merchant_id: int
    mode: str
    order_id: int | None
    subject_kind: str
    subject_id: int | None
    data: Mapping[str, object]
    reason: str
    actor: str
    cause: str


Dispatcher = Callable[[list[RecordedEvent]], None]


class UnknownEvent(Exception):
    """An event was recorded that the catalog does not list."""

    def __init__(self, name: str) -> None:
        super().__init__(f"cannot record event {name!r}: add it to entrepot/events/catalog.py")
        self.name = name


class UntoldData(UserWarning):
    """An event carries something of which the catalog, and so docs/events.md, says nothing."""

    def __init__(self, name: str, keys: Iterable[str]) -> None:
        told = ", ".join(sorted(keys))
        super().__init__(f"event {name!r} carries {told}: tell of it in entrepot/events/catalog.py")


class OutsideScope(Exception):
    """An event was recorded where no scope is open, so nothing would make it true."""

    def __init__(self, name: str) -> None:
        super().__init__(f"cannot record event {name!r}: no scope is open (access.scope)")
        self.name = name


@dataclass(frozen=True, slots=True)
class _Because:
    actor: str = ""
    cause: str = ""


class _Buffered(NamedTuple):
    """An event that waits to be written, with who acted and what it follows from."""

    event: NewEvent
    actor: str
    cause: str


_buffer: ContextVar[list[_Buffered] | None] = ContextVar("entrepot_outbox", default=None)
_nobody = _Because()
_because: ContextVar[_Because] = ContextVar("entrepot_because", default=_nobody)
_dispatchers: list[Dispatcher] = []


def record(
    name: str,
    *,
    merchant_id: int,
    mode: str,
    order_id: int | None = None,
    subject: tuple[str, int] | None = None,
    data: Mapping[str, object] | None = None,
    reason: str = "",
) -> None:
    """Record one event; it is written when the outermost scope ends.

    Data that the catalog does not tell of are kept, with a warning.

    Raises:
        UnknownEvent: the catalog does not list it.
        OutsideScope: no scope is open.
    """
    record_many(
        [
            NewEvent(
                name=name,
                merchant_id=merchant_id,
                mode=mode,
                order_id=order_id,
                subject=subject,
                data=data or {},
                reason=reason,
            )
        ]
    )


def record_many(events: Iterable[NewEvent]) -> None:
    """Record events in the order given. Raises as `record` does, and then records none of them."""
    buffer, because_ = _buffer.get(), _because.get()
    ready = []
    for event in events:
        if event.name not in CATALOG:
            raise UnknownEvent(event.name)
        if untold := event.data.keys() - CATALOG[event.name].data.keys():
            warnings.warn(UntoldData(event.name, untold), stacklevel=3)
        if buffer is None:
            raise OutsideScope(event.name)
        actor = event.actor or because_.actor or NOBODY
        ready.append(_Buffered(event, actor, event.cause or because_.cause))
    if buffer is not None:
        buffer.extend(ready)


@contextmanager
def because(*, actor: str = "", cause: str = "") -> Iterator[None]:
    """Name who acts and what it follows from, for all events recorded in the block.

    References are "kind:id": `user:3`, `api_key:7`, `inbox:55`, `event:9`, `attempt:4`,
    `schedule:upkeep`. What is left empty stays as the surrounding block has it.
    """
    outer = _because.get()
    token = _because.set(_Because(actor or outer.actor, cause or outer.cause))
    try:
        yield
    finally:
        _because.reset(token)


def current_cause() -> tuple[str, str]:
    """Actor and cause of this context, empty where nobody named them."""
    because_ = _because.get()
    return because_.actor, because_.cause


def install(dispatcher: Dispatcher) -> None:
    """Have a function called with every batch of events, inside their transaction.

    Installing the same function again changes nothing.
    """
    if dispatcher not in _dispatchers:
        _dispatchers.append(dispatcher)


def uninstall(dispatcher: Dispatcher) -> None:
    """Take a dispatcher out again; one that is not installed changes nothing."""
    if dispatcher in _dispatchers:
        _dispatchers.remove(dispatcher)


@contextmanager
def collecting() -> Iterator[None]:
    """Buffer the events of a block and flush them at its end; discard them if it raises.

    For the scope's own use: the block is the outermost transaction.
    """
    token = _buffer.set([])
    try:
        yield
        flush()
    finally:
        _buffer.reset(token)


@contextmanager
def discarding_on_error() -> Iterator[None]:
    """Forget the events of a block that raises; for the scope's savepoints."""
    buffer = _buffer.get()
    kept = len(buffer) if buffer is not None else 0
    try:
        yield
    except BaseException:
        if buffer is not None:
            del buffer[kept:]
        raise


def flush() -> list[RecordedEvent]:
    """Write what is buffered and hand it to the dispatchers, until nothing is left.

    Called by the scope before its commit; call it earlier only where an event's id is needed.
    Returns the events written by this call, in the order in which they were recorded.
    """
    written: list[RecordedEvent] = []
    while buffer := _buffer.get():
        batch = list(buffer)
        buffer.clear()
        recorded = _write(batch)
        for dispatcher in _dispatchers:
            dispatcher(recorded)
        written.extend(recorded)
    return written


_INSERT = """
    WITH numbered AS (
        SELECT
            nextval('event_id_seq') AS id,
            clock_timestamp() AS at,
            sorted.*
        FROM (SELECT * FROM {batch} ORDER BY n) AS sorted
    ), written AS (
        INSERT INTO event (
            id, at, merchant_id, mode, name, order_id, subject_kind, subject_id,
            actor, cause, reason, data
        )
        SELECT
            id, at, merchant_id, mode, name, order_id, subject_kind, subject_id,
            actor, cause, reason, data
        FROM numbered
    )
    SELECT n, id, at
    FROM numbered
    ORDER BY n
"""


def _write(events: list[_Buffered]) -> list[RecordedEvent]:
    rows = [_row(event) for event in events]
    batch = sql.recordset(rows, _COLUMNS)
    ids = sql.fetch(_INSERT.format(batch=batch.sql), [batch.parameter])
    return [
        RecordedEvent(id=event_id, at=at, **row)
        for row, (_, event_id, at) in zip(rows, ids, strict=True)
    ]


def _row(buffered: _Buffered) -> dict[str, Any]:
    event = buffered.event
    kind, subject_id = event.subject or ("order", event.order_id)
    return {
        "merchant_id": event.merchant_id,
        "mode": event.mode,
        "name": event.name,
        "order_id": event.order_id,
        "subject_kind": kind,
        "subject_id": subject_id,
        "actor": buffered.actor,
        "cause": buffered.cause,
        "reason": event.reason,
        "data": event.data,
    }
