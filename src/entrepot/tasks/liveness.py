"""Shows the other workers that this process lives, and which jobs it runs at this moment.

A worker holds an advisory lock on a connection of its own and renews its row every second. When
the process dies, its connection and with it the lock are gone at once; when it hangs, the row goes
stale. `rescue.py` looks at both, and on its own machine for the process itself.
"""

import asyncio
import logging
import os
import socket
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import asyncpg

from entrepot.tasks.neighbours import pid_space

log = logging.getLogger(__name__)
BEAT_SECONDS = 1.0

RENEW = """
INSERT INTO tasks_worker (id, lock_key, host, pid, pid_space, running, started_at, seen_at)
VALUES ($1, $2, $3, $4, $5, $6::text[]::bigint[], clock_timestamp(), clock_timestamp())
ON CONFLICT (id) DO UPDATE
SET running = excluded.running, seen_at = excluded.seen_at
"""


class Liveness:
    """The sign of life of one worker process.

    `listen` adds what to call when a PostgreSQL channel is notified, on the same connection.
    """

    def __init__(self, url: str) -> None:
        self.worker_id = uuid.uuid4()
        self._url = url
        self._lock_key = self.worker_id.int & (2**63 - 1)
        self._running: set[int] = set()
        self._wake = asyncio.Event()
        self._written: asyncio.Future[None] | None = None
        self._channels: dict[str, Callable[[], None]] = {}
        self._is_ending = False

    def listen(self, channel: str, callback: Callable[[], None]) -> None:
        """Call back for each notification of a channel; before `run` only."""
        self._channels[channel] = callback

    @asynccontextmanager
    async def running(self, *job_ids: int) -> AsyncIterator[None]:
        """Name jobs as running for the length of a block, before they begin.

        Jobs that begin together are written together.
        """
        self._running.update(job_ids)
        if self._written is None:
            self._written = asyncio.get_running_loop().create_future()
        self._wake.set()
        try:
            await asyncio.shield(self._written)
            yield
        finally:
            self._running.difference_update(job_ids)  # written with the next beat

    async def run(self) -> None:
        """Keep the row alive until `end`, connecting again when the connection is lost."""
        while not self._is_ending:
            try:
                await self._run_connected()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
                log.warning("lost the database: %s; connecting again", error)
                await asyncio.sleep(BEAT_SECONDS)

    def end(self) -> None:
        """Take the row away and return from `run`: nothing runs here any more."""
        self._is_ending = True
        self._wake.set()

    async def _run_connected(self) -> None:
        connection = await asyncpg.connect(self._url, timeout=10)
        try:
            # A beat that the server's crash forgets is no loss, and nobody waits for the disk.
            await connection.execute("SET synchronous_commit = off")
            await connection.execute("SELECT pg_advisory_lock($1)", self._lock_key)
            for channel, callback in self._channels.items():
                await connection.add_listener(channel, lambda *_, call=callback: call())
            while not self._is_ending:
                await self._beat(connection)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), BEAT_SECONDS)
                self._wake.clear()
            await connection.execute("DELETE FROM tasks_worker WHERE id = $1", self.worker_id)
        finally:
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
                await connection.close(timeout=5)

    async def _beat(self, connection: asyncpg.Connection) -> None:
        waiting, self._written = self._written, None
        try:
            await connection.execute(
                RENEW,
                self.worker_id,
                self._lock_key,
                socket.gethostname(),
                os.getpid(),
                pid_space(),
                # As texts: asyncpg would ask the server first what an array of numbers is.
                [str(job_id) for job_id in self._running],
                timeout=10,
            )
        except BaseException:
            self._written = _joined(waiting, self._written)
            raise
        if waiting is not None:
            waiting.set_result(None)


def _joined(
    first: "asyncio.Future[None] | None", second: "asyncio.Future[None] | None"
) -> "asyncio.Future[None] | None":
    """One future for those who wait for a beat that failed and those who came meanwhile."""
    if first is None:
        return second
    if second is not None:
        first.add_done_callback(lambda _: second.set_result(None))
    return first
