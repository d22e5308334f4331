"""The world outside while the hub dies: simulators one call at a time, and a post that keeps on.

A driver and the server's threads use the same books here, so that every touch holds one lock.
"""

import hashlib
import threading
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx

from entrepot.connect.simulator import Delivery, Receive, Send, Simulator

KEPT_FOR = timedelta(seconds=5)
PAUSE_S = 0.05
CARRIERS = 6


@dataclass
class OneAtATime:
    """Serves a simulator so that its books are touched by one thread only."""

    simulator: Simulator
    lock: threading.RLock

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.simulator(scope, receive, send)
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        answers: list[dict[str, Any]] = []

        async def replay() -> dict[str, Any]:
            return {"type": "http.request", "body": body}

        async def keep(answer: dict[str, Any]) -> None:
            answers.append(answer)

        with self.lock:  # nothing in here waits: the body is read, the answer is only kept
            await self.simulator(scope, replay, keep)
        for answer in answers:
            await send(answer)


@dataclass
class Post:
    """Carries the platforms' webhooks to the hub, several at a time, until it is closed.

    A delivery that nobody takes the connection for stays with the platform. One that was cut off
    half-way has failed, with what the platform makes of that: some retry, some never do.
    """

    simulators: Mapping[str, Simulator]
    lock: threading.RLock
    acknowledged: dict[bytes, str] = field(default_factory=dict)
    answers: Counter[str] = field(default_factory=Counter)
    _under_way: int = 0
    _closing: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def open(self) -> None:
        """Begin to deliver."""
        self._thread = threading.Thread(target=self._run, daemon=True, name="post")
        self._thread.start()

    def close(self) -> None:
        """Deliver what is under way, then stop."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(60)

    def waiting(self) -> int:
        """How many webhooks wait at the platforms or are on their way."""
        with self.lock:
            queued = sum(len(simulator.deliveries) for simulator in self.simulators.values())
            return queued + self._under_way

    def _run(self) -> None:
        with ThreadPoolExecutor(CARRIERS) as carriers, httpx.Client(timeout=20) as client:
            while not self._closing.is_set():
                with self.lock:
                    due = []
                    for simulator in self.simulators.values():
                        simulator.tick()
                        due += [(simulator, one) for one in simulator.due_deliveries()]
                    self._under_way = len(due)
                list(carriers.map(lambda pair: self._deliver(client, *pair), due))
                self._under_way = 0
                self._closing.wait(PAUSE_S)

    def _deliver(self, client: httpx.Client, simulator: Simulator, delivery: Delivery) -> None:
        try:
            answer = client.post(delivery.url, content=delivery.body, headers=delivery.headers)
        except httpx.ConnectError:
            with self.lock:
                self.answers["refused"] += 1
                delivery.due_at = simulator.clock.now() + KEPT_FOR
                simulator.deliveries.append(delivery)
            return
        except httpx.HTTPError as error:
            with self.lock:
                self.answers[type(error).__name__] += 1
                simulator.delivered(delivery, 0)
            return
        with self.lock:
            self.answers[str(answer.status_code)] += 1
            simulator.delivered(delivery, answer.status_code)
            if answer.is_success and answer.json()["status"] != "pong":
                self.acknowledged[hashlib.sha256(delivery.body).digest()] = simulator.code
