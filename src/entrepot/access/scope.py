"""The one door to the database: a transaction, in the name of one merchant or of the system.

Outside a scope, row-level security answers nothing. When the outermost scope ends, the events
recorded in it are written and their jobs deferred, before the commit.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from entrepot.database import clock, saving
from entrepot.database.router import APP, SYSTEM, as_role
from entrepot.events import outbox

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class _Scope:
    alias: str
    merchant_id: int | None
    # What the transaction has read, by kind and key; scopes that join it share them.
    known: dict[tuple[str, Hashable], Any] = field(default_factory=dict, compare=False)
    ahead: dict[tuple[str, Hashable], Any] = field(default_factory=dict, compare=False)


_scope: ContextVar[_Scope | None] = ContextVar("entrepot_scope", default=None)


class NoScope(Exception):
    """The database was asked outside a scope."""

    def __init__(self) -> None:
        super().__init__(
            "no scope is open: wrap the work in access.scope.merchant(id) or access.scope.system()"
        )


class ScopeConflict(Exception):
    """A scope was opened inside one that it cannot share a transaction with."""


@contextmanager
def merchant(merchant_id: int, *, savepoint: bool = False) -> Iterator[None]:
    """Work in one transaction on the rows of one merchant.

    Inside a scope of the same merchant or of the system it joins the open transaction (inside the
    system's it therefore sees what the system sees); `savepoint=True` lets an error in the block
    take back only the block, its events included.

    Raises:
        ScopeConflict: another merchant's scope is open.
    """
    outer = _scope.get()
    if outer is None:
        with _outermost(_Scope(APP, merchant_id)):
            yield
        return
    if outer.merchant_id not in {None, merchant_id}:
        raise ScopeConflict(
            f"cannot open the scope of merchant {merchant_id}:"
            f" the scope of merchant {outer.merchant_id} is open"
        )
    inner = _Scope(outer.alias, merchant_id, outer.known, outer.ahead)
    with _joined(inner, savepoint=savepoint):
        yield


@contextmanager
def system(*, savepoint: bool = False) -> Iterator[None]:
    """Work in one transaction on the rows of all merchants; for the edge, claims and upkeep.

    Inside a system scope it joins the open transaction.

    Raises:
        ScopeConflict: a merchant's scope is open.
    """
    outer = _scope.get()
    if outer is None:
        with _outermost(_Scope(SYSTEM, None)):
            yield
        return
    if outer.merchant_id is not None:
        raise ScopeConflict(
            f"cannot open the system's scope: the scope of merchant {outer.merchant_id} is open"
        )
    with _joined(outer, savepoint=savepoint):
        yield


def connection() -> BaseDatabaseWrapper:
    """The connection of the open scope.

    Raises:
        NoScope: none is open.
    """
    return connections[_open().alias]


def once(kind: str, key: Hashable, *, read: Callable[[], Value]) -> Value:
    """What `read` answers, asked once per transaction: for what the transaction does not change.

    Raises:
        NoScope: none is open.
    """
    known = _open().known
    if (kind, key) not in known:
        known[kind, key] = read()
    value: Value = known[kind, key]
    return value


def once_each(
    kind: str,
    keys: Iterable[Hashable],
    *,
    read: Callable[[set[Any]], Mapping[Any, Any]],
) -> dict[Any, Any]:
    """What `read` answers about several keys, once per transaction; the new ones at once.

    A key that it says nothing about is left out, and asked again the next time. Raises NoScope.
    """
    known, wanted = _open().known, set(keys)
    if new := {key for key in wanted if (kind, key) not in known}:
        remember(kind, read(new))
    return {key: known[kind, key] for key in wanted if (kind, key) in known}


def remember(kind: str, values: Mapping[Any, Any]) -> None:
    """Answer `once` for many keys that were read together. Raises NoScope."""
    _open().known.update({(kind, key): value for key, value in values.items()})


def forget(kind: str) -> None:
    """Have `once` ask again: the transaction has changed something of this kind."""
    known = _open().known
    for name in [name for name in known if name[0] == kind]:
        del known[name]


def keep_ahead(kind: str, rows: Mapping[Any, Any]) -> None:
    """Keep rows that were read (and locked) together until each is asked for by `taken_ahead`."""
    _open().ahead.update({(kind, key): row for key, row in rows.items()})


def taken_ahead(kind: str, key: Hashable) -> Any:
    """Hand out a row that was read ahead, once: whoever asks again reads what it has become.

    None when there is none, or no longer.
    """
    return _open().ahead.pop((kind, key), None)


def is_open() -> bool:
    """Say whether a scope is open in this context."""
    return _scope.get() is not None


def give_back() -> None:
    """Hold no database connection while somebody far away thinks, or for a turn to come.

    There are not so many; whoever has one in hand may be waiting for somebody who needs one.
    """
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()


def _open() -> _Scope:
    scope = _scope.get()
    if scope is None:
        raise NoScope
    return scope


@contextmanager
def _outermost(scope: _Scope) -> Iterator[None]:
    token = _scope.set(scope)
    try:
        with as_role(scope.alias), transaction.atomic(using=scope.alias, durable=True):
            if scope.merchant_id is not None:
                with connections[scope.alias].cursor() as cursor:
                    cursor.execute(
                        "SELECT set_config('entrepot.merchant', %s, true), clock_timestamp()",
                        [str(scope.merchant_id)],
                    )
                    _, told = cursor.fetchone()
                clock.learn(told)
            elif not clock.is_known():
                with connections[scope.alias].cursor() as cursor:
                    cursor.execute("SELECT clock_timestamp()")
                    (told,) = cursor.fetchone()
                clock.learn(told)
            with outbox.collecting():
                yield
    finally:
        _scope.reset(token)


@contextmanager
def _joined(scope: _Scope, *, savepoint: bool) -> Iterator[None]:
    token = _scope.set(scope)
    try:
        with ExitStack() as stack:
            if savepoint:
                stack.enter_context(saving.discarding_on_error())
                stack.enter_context(transaction.atomic(using=scope.alias))
                stack.enter_context(outbox.discarding_on_error())
                stack.callback(scope.ahead.clear)
                stack.callback(scope.known.clear)
            yield
            if savepoint:
                saving.flush()
    finally:
        _scope.reset(token)
