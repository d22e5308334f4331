"""Measures, through the public API, how long the work of a dead worker stands still.

Before and after each death the attempts under way are listed. One that was under way when a worker
died has recovered when it is no longer as it was: ended, asked about, or taken up anew.
"""

import threading
import time
from dataclasses import dataclass, field
from datetime import datetime

from rehearsal.processes import Hub
from rehearsal.speaking import HubApi, Silent

LOOK_EVERY_S = 0.5
UNDER_WAY = ("intended", "calling")
SLOWEST = 5
Seen = tuple[int, str, int]


@dataclass
class Recovery:
    """`seconds` has one value per attempt and death that it outlived; `slowest` names the worst."""

    api: HubApi
    hub: Hub
    seconds: list[float] = field(default_factory=list)
    slowest: list[tuple[float, str]] = field(default_factory=list)
    _waiting: dict[Seen, float] = field(default_factory=dict)
    _deaths_seen: int = 0
    _closing: threading.Event = field(default_factory=threading.Event)

    def watch(self) -> None:
        """Look until `close`; runs in a thread of its own."""
        while not self._closing.wait(LOOK_EVERY_S):
            deaths = [
                one.at for one in self.hub.deaths[self._deaths_seen :] if one.role == "worker"
            ]
            count = len(self.hub.deaths)
            if not deaths and not self._waiting:
                self._deaths_seen = count
                continue
            try:
                now = self._under_way()
            except Silent:
                continue  # the web is dead or frozen as well: looked at again
            self._deaths_seen = count
            self._note(now, deaths)

    def close(self) -> None:
        """Stop looking."""
        self._closing.set()

    def percentile(self, share: float) -> float | None:
        """The time within which that share of the work went on; None without any."""
        ordered = sorted(self.seconds)
        return (
            round(ordered[min(int(len(ordered) * share), len(ordered) - 1)], 1) if ordered else None
        )

    def _note(self, now: dict[Seen, float], deaths: list[float]) -> None:
        for seen, died_at in list(self._waiting.items()):
            if seen not in now:
                self._recovered(seen, time.time() - died_at)
                del self._waiting[seen]
        for died_at in deaths:
            for seen, since in now.items():
                if since < died_at:
                    self._waiting.setdefault(seen, died_at)

    def _recovered(self, seen: Seen, seconds: float) -> None:
        attempt_id, status, _ = seen
        self.seconds.append(seconds)
        told = (round(seconds, 1), f"attempt {attempt_id}, {status}")
        self.slowest = sorted([*self.slowest, told], reverse=True)[:SLOWEST]

    def _under_way(self) -> dict[Seen, float]:
        found: dict[Seen, float] = {}
        for status in UNDER_WAY:
            for row in self.api.every("attempts", status=status):
                at = row["called_at"] if status == "calling" else row["intended_at"]
                since = datetime.fromisoformat(at).timestamp()
                found[row["id"], status, row["token"]] = since
        return found
