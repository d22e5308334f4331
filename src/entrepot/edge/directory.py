"""Which connection an address belongs to, remembered for a few seconds.

Look-ups that miss are gathered and made together, one query at a time, so that a storm of unknown
addresses cannot become a storm of queries. A change is heard by NOTIFY at once; without that it is
seen when the memory ends.
"""

import asyncio
import contextlib
import time
from collections import OrderedDict
from dataclasses import dataclass
from functools import partial

import psycopg
import structlog

from entrepot.access import scope
from entrepot.connections import queries, services
from entrepot.connections.queries import Receiving
from entrepot.edge.threads import in_thread

REMEMBERED_FOR_S = 5.0
MOST_REMEMBERED = 20_000
LISTEN_AGAIN_AFTER_S = 2.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Address:
    """The part of a path that finds a connection: a token of its own, or a documented alias."""

    key: str
    is_alias: bool = False


@dataclass(frozen=True, slots=True)
class _Entry:
    found: tuple[Receiving, ...]
    until: float


_Found = dict[Address, tuple[Receiving, ...]]


class Directory:
    """Finds connections by address. Belongs to one event loop."""

    def __init__(self, conninfo: str, *, remembered_for_s: float = REMEMBERED_FOR_S) -> None:
        self._conninfo = conninfo
        self._remembered_for_s = remembered_for_s
        self._entries: OrderedDict[Address, _Entry] = OrderedDict()
        self._changes = 0
        self._wanted: set[Address] = set()
        self._current: asyncio.Task[_Found] | None = None
        self._next: asyncio.Task[_Found] | None = None
        self._listener: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to hear of changes."""
        self._listener = asyncio.create_task(self._listen(), name="edge: connection changes")

    async def stop(self) -> None:
        """Stop hearing of changes; look-ups under way end first."""
        under_way = [task for task in (self._current, self._next) if task is not None]
        if under_way:
            await asyncio.wait(under_way)
        if self._listener is not None:
            self._listener.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listener

    async def find(self, address: Address) -> tuple[Receiving, ...]:
        """The connections behind an address: one for a token, any number for an alias.

        Raises:
            Exception: the database did not answer; whatever its driver raised.
        """
        entry = self._entries.get(address)
        if entry is not None and entry.until > time.monotonic():
            return entry.found
        self._wanted.add(address)
        if self._next is None:
            self._next = asyncio.create_task(self._load(self._current), name="edge: look-ups")
        found = await asyncio.shield(self._next)
        return found[address]

    def forget(self, connection_id: int | None = None) -> None:
        """Forget a connection, and all addresses that it may have newly got; or everything."""
        self._changes += 1
        if connection_id is None:
            self._entries.clear()
            return
        gone = [
            address
            for address, entry in self._entries.items()
            if address.is_alias or not entry.found or entry.found[0].connection_id == connection_id
        ]
        for address in gone:
            del self._entries[address]

    async def _load(self, previous: asyncio.Task[_Found] | None) -> _Found:
        """Look up all that was wanted while the look-up before this one was under way."""
        if previous is not None:
            await asyncio.wait([previous])
        wanted, self._wanted = sorted(self._wanted, key=lambda address: address.key), set()
        self._current, self._next = self._next, None
        changes = self._changes
        found = await in_thread(partial(_look_up, wanted))
        if changes == self._changes:  # else it may have been read before what was heard meanwhile
            for address, connections in found.items():
                self._remember(address, connections)
        return found

    def _remember(self, address: Address, found: tuple[Receiving, ...]) -> None:
        self._entries[address] = _Entry(found, time.monotonic() + self._remembered_for_s)
        self._entries.move_to_end(address)
        while len(self._entries) > MOST_REMEMBERED:
            self._entries.popitem(last=False)

    async def _listen(self) -> None:
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(
                    self._conninfo, autocommit=True
                ) as connection:
                    await connection.execute(f"LISTEN {services.CHANGED_CHANNEL}")
                    self.forget()
                    async for change in connection.notifies():
                        self.forget(int(change.payload))
            except psycopg.Error as error:
                _log.warning("connection changes are not heard", error=str(error))
                self.forget()
                await asyncio.sleep(LISTEN_AGAIN_AFTER_S)


def _look_up(addresses: list[Address]) -> _Found:
    tokens = [address.key for address in addresses if not address.is_alias]
    with scope.system():
        by_token = queries.receiving_by_tokens(tokens) if tokens else {}
        return {
            address: tuple(queries.receiving_by_alias(address.key))
            if address.is_alias
            else tuple(one for one in (by_token.get(address.key),) if one)
            for address in addresses
        }
