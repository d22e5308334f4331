"""Commits what requests hand over, in groups and without waiting: what came meanwhile is a group.

One task per process owns one connection. While it commits, requests gather; then it takes all of
them (up to a bound) into the next transaction. Whoever handed something over learns what became of
it only after that commit.
"""

import asyncio
import contextlib
from collections import deque
from dataclasses import dataclass

import psycopg
import structlog

from entrepot.connect.crashpoint import crashpoint
from entrepot.inbox import storing
from entrepot.inbox.storing import Row, Stored

GROUP_ROWS = 256
GROUP_BYTES = 32 * 1024 * 1024
MOST_WAITING = 4096
MOST_WAITING_BYTES = 128 * 1024 * 1024
FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 2.0

_log = structlog.get_logger(__name__)


class QueueFull(Exception):
    """More is waiting for the database than may; the sender has to come again."""


class NotStored(Exception):
    """The database did not take it, or the answer to the commit was lost.

    The sender comes again; what was stored after all is then recognised as a repeat.
    """


@dataclass(frozen=True, slots=True)
class _Waiting:
    row: Row
    done: asyncio.Future[Stored]


class GroupWriter:
    """Stores messages. Belongs to one event loop."""

    def __init__(
        self,
        conninfo: str,
        *,
        most_waiting: int = MOST_WAITING,
        most_waiting_bytes: int = MOST_WAITING_BYTES,
    ) -> None:
        self._conninfo = conninfo
        self._most_waiting = most_waiting
        self._most_waiting_bytes = most_waiting_bytes
        self._queue: deque[_Waiting] = deque()
        self._queued_bytes = 0
        self._more = asyncio.Event()
        self._is_stopping = False
        self._task: asyncio.Task[None] | None = None
        self._connection: psycopg.AsyncConnection | None = None
        self._pause_s = FIRST_PAUSE_S

    @property
    def waiting(self) -> int:
        """How many messages wait for the next group."""
        return len(self._queue)

    def start(self) -> None:
        """Begin to write."""
        self._task = asyncio.create_task(self._run(), name="edge: writer")

    async def stop(self, *, within_s: float) -> None:
        """Commit what is waiting, then end; what does not fit into the time is not stored."""
        self._is_stopping = True
        self._more.set()
        if self._task is not None:
            try:
                await asyncio.wait_for(self._task, within_s)
            except TimeoutError:
                _log.warning("the edge stopped before everything was stored", left=self.waiting)
        self._fail(self._queue, NotStored("the process is stopping"))
        self._queue.clear()
        await self._disconnect()

    def offer(self, row: Row) -> asyncio.Future[Stored]:
        """Hand a message over; the future ends after its commit, or with NotStored.

        Raises:
            QueueFull: there is no room, or the process is stopping.
        """
        is_full = (
            len(self._queue) >= self._most_waiting
            or self._queued_bytes + len(row.body) > self._most_waiting_bytes
        )
        if is_full or self._is_stopping:
            raise QueueFull
        done: asyncio.Future[Stored] = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(row, done))
        self._queued_bytes += len(row.body)
        self._more.set()
        return done

    async def _run(self) -> None:
        while True:
            if self._queue:
                await self._write(self._next_group())
            elif self._is_stopping:
                return
            else:
                self._more.clear()
                await self._more.wait()

    def _next_group(self) -> list[_Waiting]:
        group: list[_Waiting] = []
        size = 0
        while self._queue and len(group) < GROUP_ROWS and size < GROUP_BYTES:
            waiting = self._queue.popleft()
            size += len(waiting.row.body)
            group.append(waiting)
        self._queued_bytes -= size
        return group

    async def _write(self, group: list[_Waiting]) -> None:
        try:
            stored = await self._commit([waiting.row for waiting in group])
        except psycopg.Error as error:
            await self._after(error, group)
            return
        self._pause_s = FIRST_PAUSE_S
        for waiting, one in zip(group, stored, strict=True):
            if not waiting.done.done():
                waiting.done.set_result(one)

    async def _commit(self, rows: list[Row]) -> list[Stored]:
        if self._connection is None:
            self._connection = await psycopg.AsyncConnection.connect(
                self._conninfo, autocommit=True
            )
        async with self._connection.transaction():
            cursor = await self._connection.execute(storing.STORE, storing.parameters(rows))
            stored = storing.answers(await cursor.fetchall())
            crashpoint("edge.before_commit")
        crashpoint("edge.after_commit")
        return stored

    async def _after(self, error: psycopg.Error, group: list[_Waiting]) -> None:
        """A lost connection fails the group; anything else is one message's fault: each alone."""
        is_connected = self._connection is not None and not self._connection.closed
        if is_connected and len(group) > 1:
            for waiting in group:
                await self._write([waiting])
            return
        _log.error("messages were not stored", count=len(group), error=str(error))
        self._fail(group, NotStored(str(error)))
        if not is_connected:
            await self._disconnect()
            await asyncio.sleep(self._pause_s)
            self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(psycopg.Error):
                await connection.close()

    @staticmethod
    def _fail(group: "list[_Waiting] | deque[_Waiting]", error: NotStored) -> None:
        for waiting in group:
            if not waiting.done.done():
                waiting.done.set_exception(error)
                waiting.done.exception()  # a sender that left does not make it a lost error
