"""Whose turn it is on a lane's threads: what is urgent first, then who came first."""

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count


class Turns:
    """So many turns at the same time; for the event loop's thread only.

    The queue hands jobs out by priority, but many are in a worker's hands at once: without this a
    burst of mails would keep the submissions that came a moment later waiting.
    """

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        self._numbers = count()
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def turn(self, priority: int) -> AsyncIterator[None]:
        """Have one of the turns for the length of the block; the higher priority goes first."""
        await self._begin(priority)
        try:
            yield
        finally:
            self._end()

    async def _begin(self, priority: int) -> None:
        if self._free:
            self._free -= 1
            return
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (-priority, next(self._numbers), mine))
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():  # it was given away at the same moment
                self._end()
            raise

    def _end(self) -> None:
        while self._waiting:
            _, _, next_one = heapq.heappop(self._waiting)
            if not next_one.done():
                next_one.set_result(None)
                return
        self._free += 1
