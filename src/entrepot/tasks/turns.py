"""Whose turn it is on a lane's threads: who has fewest, then the urgent, then who came first."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    merchant_id: int
    priority: int
    called: asyncio.Future[None] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Turns:
    """So many turns at the same time; for the event loop's thread only.

    The queue hands jobs out merchants by turns and by priority, but many are in a worker's hands at
    once: without this a burst of mails would keep the submissions that came a moment later waiting,
    and the burst of one merchant everybody else.
    """

    def __init__(self, at_once: int) -> None:
        self._at_once = self._free = at_once
        self._having: Counter[int] = Counter()
        self._waiting: list[_Waiting] = []  # in the order they came
        self._all_free = asyncio.Event()
        self._all_free.set()

    @property
    def are_all_free(self) -> bool:
        """Whether nobody has a turn."""
        return self._all_free.is_set()

    async def all_free(self) -> None:
        """Wait until nobody has a turn; somebody may have one again when this returns."""
        await self._all_free.wait()

    @asynccontextmanager
    async def turn(self, priority: int, merchant_id: int) -> AsyncIterator[None]:
        """Have one of the turns for the length of the block.

        The next is of the merchant who has the fewest; of those, the higher priority goes first.
        """
        await self._begin(_Waiting(merchant_id, priority))
        try:
            yield
        finally:
            self._end(merchant_id)

    async def _begin(self, mine: _Waiting) -> None:
        if self._free:
            self._free -= 1
            self._all_free.clear()
            self._having[mine.merchant_id] += 1
            return
        self._waiting.append(mine)
        try:
            await mine.called
        except asyncio.CancelledError:
            if mine in self._waiting:
                self._waiting.remove(mine)
            else:  # it was called at the same moment
                self._end(mine.merchant_id)
            raise

    def _end(self, merchant_id: int) -> None:
        self._having[merchant_id] -= 1
        if not self._having[merchant_id]:
            del self._having[merchant_id]
        # Who was cancelled a moment ago still has to hear of it, and leaves by itself.
        waiting = [one for one in self._waiting if not one.called.done()]
        if not waiting:
            self._free += 1
            if self._free == self._at_once:
                self._all_free.set()
            return
        following = min(waiting, key=self._order)
        self._waiting.remove(following)
        self._having[following.merchant_id] += 1
        following.called.set_result(None)

    def _order(self, one: _Waiting) -> tuple[int, int]:
        return self._having[one.merchant_id], -one.priority
