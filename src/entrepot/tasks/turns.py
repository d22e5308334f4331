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
    is_apart: bool
    called: asyncio.Future[None] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Apart:
    """What runs apart in a process: one at a time, in whichever of its lanes."""

    def __init__(self) -> None:
        self.is_taken = False
        self._lanes: list[Turns] = []

    def join(self, lane: "Turns") -> None:
        """Have a lane share this until it leaves."""
        self._lanes.append(lane)

    def leave(self, lane: "Turns") -> None:
        """A lane is no more."""
        self._lanes.remove(lane)

    def give_back(self) -> None:
        """Let the next begin, of whichever lane."""
        self.is_taken = False
        for lane in self._lanes:
            lane.hand_out()


class Turns:
    """So many turns at the same time; for the event loop's thread only.

    The queue hands jobs out merchants by turns and by priority, but many are in a worker's hands at
    once: without this a burst of mails would keep the submissions that came a moment later waiting,
    and the burst of one merchant everybody else. Who runs apart waits among all others, so that
    neither a turn nor a more urgent one of that kind waits for it.
    """

    def __init__(self, at_once: int, *, apart: Apart | None = None) -> None:
        self._at_once = self._free = at_once
        self._apart = apart or Apart()
        self._apart.join(self)
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

    def close(self) -> None:
        """Wait for nobody of other lanes any more."""
        self._apart.leave(self)

    @asynccontextmanager
    async def turn(
        self, priority: int, merchant_id: int, *, is_apart: bool = False
    ) -> AsyncIterator[None]:
        """Have one of the turns for the length of the block; the only one of those that are apart.

        The next is of the merchant who has the fewest; of those, the higher priority goes first.
        """
        mine = _Waiting(merchant_id, priority, is_apart)
        await self._begin(mine)
        try:
            yield
        finally:
            self._end(mine)

    def hand_out(self) -> None:
        """Give free turns to those who may begin."""
        while self._free:
            # Who was cancelled a moment ago still has to hear of it, and leaves by itself.
            ready = [one for one in self._waiting if not one.called.done() and self._may(one)]
            if not ready:
                break
            following = min(ready, key=self._order)
            self._waiting.remove(following)
            self._take(following)
            following.called.set_result(None)
        if self._free == self._at_once:
            self._all_free.set()

    async def _begin(self, mine: _Waiting) -> None:
        if self._free and self._may(mine):
            self._take(mine)
            return
        self._waiting.append(mine)
        try:
            await mine.called
        except asyncio.CancelledError:
            if mine in self._waiting:
                self._waiting.remove(mine)
            else:  # it was called at the same moment
                self._end(mine)
            raise

    def _take(self, one: _Waiting) -> None:
        self._free -= 1
        self._all_free.clear()
        self._having[one.merchant_id] += 1
        self._apart.is_taken = self._apart.is_taken or one.is_apart

    def _end(self, one: _Waiting) -> None:
        self._free += 1
        self._having[one.merchant_id] -= 1
        if not self._having[one.merchant_id]:
            del self._having[one.merchant_id]
        if one.is_apart:
            self._apart.give_back()
        self.hand_out()

    def _may(self, one: _Waiting) -> bool:
        return not (one.is_apart and self._apart.is_taken)

    def _order(self, one: _Waiting) -> tuple[int, int]:
        return self._having[one.merchant_id], -one.priority
