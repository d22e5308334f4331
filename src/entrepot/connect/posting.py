"""Delivers the webhooks of simulators over HTTP, as platforms do: many at a time, each once.

Not the hub's door (`http.py`): a platform outside knows nothing of the hub's budgets and breakers.
"""

import asyncio
import hashlib
import time
from collections import deque
from dataclasses import dataclass, field

from entrepot.connect.lines import BROKEN, Lines, Reply
from entrepot.connect.simulator import Delivery, Simulator

AT_ONCE = 32
PATIENCE_S = 10.0
KEPT_TIMES = 20_000


@dataclass(slots=True)
class Post:
    """Deliveries under way, and how long the hub took to acknowledge."""

    sent: int = 0
    refused: int = 0
    unanswered: int = 0
    # When the hub first took a delivery, by the hash of its bytes or by the message that it
    # repeats: what it must never have lost.
    acknowledged: dict[str, float] = field(default_factory=dict)
    acknowledged_ms: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT_TIMES))
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    _under_way: set[asyncio.Task[None]] = field(default_factory=set)
    _lines: Lines = field(default_factory=Lines)

    @property
    def under_way(self) -> int:
        """Deliveries that nobody has answered yet."""
        return len(self._under_way)

    def hand_over(self, simulator: Simulator, delivery: Delivery) -> None:
        """Deliver in the background; the simulator learns how it ended."""
        task = asyncio.create_task(self._deliver(simulator, delivery))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def drain(self) -> None:
        """Wait until all that was handed over has its answer."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    async def close(self) -> None:
        """Drop what is under way."""
        for task in list(self._under_way):
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        self._lines.close()

    def percentile(self, share: float) -> float | None:
        """Milliseconds within which that share of the deliveries was acknowledged."""
        times = sorted(self.acknowledged_ms)
        return round(times[min(int(len(times) * share), len(times) - 1)], 1) if times else None

    async def _deliver(self, simulator: Simulator, delivery: Delivery) -> None:
        async with self._slots:
            began = time.perf_counter()
            try:
                async with asyncio.timeout(PATIENCE_S):
                    reply = await self._lines.post(
                        delivery.url, delivery.body, headers=delivery.headers
                    )
            except BROKEN:
                status = 0
                self.unanswered += 1
            else:
                status = reply.status
                if reply.is_success:
                    if kept := _kept_as(reply, delivery.body):
                        self.acknowledged.setdefault(kept, time.time())
                    self.acknowledged_ms.append((time.perf_counter() - began) * 1000)
                else:
                    self.refused += 1
        self.sent += 1
        simulator.delivered(delivery, status)


def _kept_as(reply: Reply, body: bytes) -> str:
    """What the hub must know from now on; "" where it has kept nothing.

    A repeat need not be the same bytes: a poll may have read the event first, in other words.
    """
    try:
        told = reply.json()
    except ValueError:
        return ""
    match told.get("status") if isinstance(told, dict) else None:
        case "stored":
            return hashlib.sha256(body).hexdigest()
        case "duplicate":
            return f"message {reply.headers.get('entrepot-message', '')}"
        case _:
            return ""
