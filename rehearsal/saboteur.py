"""Breaks things while orders flow: kills, freezes, cuts, liars, wrong clocks; counts them."""

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from rehearsal.levels import POINTS, Level
from rehearsal.stage import Stage

LEASE_S = 60.0  # the hub's, before haste
ARMED_AT_ONCE = 3
ARM_EVERY_S = 0.4
# Between two deaths at crash points something is done: the same jobs must not be struck each time.
REST_S = 0.8
LOOK_EVERY_S = 0.5
LONGEST_PAUSE_S = 20.0
SERVER_ENDS_WITHIN_S = 20.0
CUT = """
SELECT count(pg_terminate_backend(pid))
FROM pg_stat_activity
WHERE usename LIKE 'entrepot\\_%%' AND random() < 0.6
"""


@dataclass
class Saboteur:
    """Breaks things until it is told to end, and a little longer where something never struck."""

    stage: Stage
    level: Level
    seed: int
    haste: float
    grace_s: float
    calls_between: int
    acts_at_least: int
    has_ended: bool = False
    _struck: Counter[str] = field(default_factory=Counter)
    _dice: random.Random = field(init=False)
    _frozen: list[tuple[float, str]] = field(default_factory=list)
    _ends_at: float = float("inf")
    _closing: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)
        self.stage.to_strike = frozenset(self.level.points)
        self._acts: dict[str, Callable[[], None]] = {
            "kill worker": lambda: self._kill("worker"),
            "kill all workers": self._kill_all_workers,
            "kill edge": lambda: self._kill("edge"),
            "kill web": lambda: self._kill("web"),
            "freeze worker": lambda: self._freeze("worker", 1.3 * LEASE_S / self.haste),
            "freeze edge": lambda: self._freeze("edge", 2.0),
            "freeze web": lambda: self._freeze("web", 2.0),
            "skew clock": self._skew,
            "terminate backends": self._terminate_backends,
            "restart postgres": self._restart_server,
            "crash postgres": self._crash_server,
        }

    def watch(self) -> None:
        """Break one thing after the other until the end; runs in a thread of its own."""
        self._set_dials(self.level.dials, self.level.mail_dials)
        next_look = next_strike = acted_at = time.monotonic()
        acted_after = self._calls()
        while not self._closing.wait(0.05):
            now = time.monotonic()
            self._wake(now)
            if self.level.points and now >= next_strike:
                next_strike = now + ARM_EVERY_S
                self._arm()
            if now < next_look:
                continue
            next_look = now + LOOK_EVERY_S
            if self._may_end():
                break
            calls = self._calls()
            has_moved = calls - acted_after >= self.calls_between
            if self.level.acts and (has_moved or now - acted_at > LONGEST_PAUSE_S):
                acted_after, acted_at = calls, now
                self._act()
        self._calm_down()

    def _calls(self) -> int:
        """How much the hub has done by now, as the outside sees it.

        Things break after so much work, not after so many seconds: on a busy machine as on a quick
        one the hub gets as far between two accidents.
        """
        return sum(place["calls"] for place in self.stage.sandbox.ask("state")["places"])

    def end_after_placing(self) -> None:
        """All is placed: strike what has not struck yet, then let the world come to rest."""
        self._ends_at = time.monotonic() + self.grace_s

    def close(self) -> None:
        """End at once."""
        self._closing.set()

    def struck(self) -> Counter[str]:
        """How often each thing struck."""
        state = self.stage.sandbox.ask("state")
        told = self._struck + self.stage.office.struck
        for place in state["places"]:
            told.update({f"dial {name}": n for name, n in place["struck"].items()})
        told.update({f"point {name}": n for name, n in self._points_struck().items()})
        return told

    def _may_end(self) -> bool:
        """Whether all is placed, and as much broke as should, or the grace is over."""
        if time.monotonic() > self._ends_at:
            return True
        if self._ends_at == float("inf"):
            return False
        struck = self.struck()
        is_enough = sum(struck[name] for name in self.level.acts) >= self.acts_at_least
        return is_enough and all(struck[name] for name in self.level.expected)

    def _act(self) -> None:
        missing = [name for name in self.level.acts if not self._struck[name]]
        names = missing if missing and self._dice.random() < 0.5 else list(self.level.acts)
        (name,) = self._dice.choices(names, [self.level.acts[name] for name in names])
        self._acts[name]()
        self._struck[name] += 1
        if self.level.points and not self.stage.to_strike and self._dice.random() < 0.5:
            (self.stage.crash_points / self._dice.choice(self.level.points)).touch()

    def _kill(self, role: str) -> None:
        self.stage.hub.kill(self._dice.choice(self.stage.hub.names(role)))

    def _kill_all_workers(self) -> None:
        for name in self.stage.hub.names("worker"):
            self.stage.hub.kill(name)

    def _freeze(self, role: str, seconds: float) -> None:
        name = self._dice.choice(self.stage.hub.names(role))
        if not self.stage.hub.is_frozen(name):
            self.stage.hub.freeze(name)
            self._frozen.append((time.monotonic() + seconds, name))

    def _wake(self, now: float) -> None:
        for until, name in list(self._frozen):
            if now >= until:
                self._frozen.remove((until, name))
                self.stage.hub.wake(name)

    def _skew(self) -> None:
        """Have a process live on with a clock that is wrong by up to an hour."""
        names = [*self.stage.hub.names("worker"), *self.stage.hub.names("edge")]
        name = self._dice.choice(names)
        self.stage.hub.skews[name] = self._dice.uniform(-3600, 3600)
        self.stage.hub.kill(name)

    def _terminate_backends(self) -> None:
        with (
            suppress(psycopg.OperationalError),
            psycopg.connect(self.stage.server.url(), connect_timeout=5) as connection,
        ):
            connection.execute(CUT)

    def _restart_server(self) -> None:
        self.stage.server.stop()
        self.stage.server.start()

    def _crash_server(self) -> None:
        """End PostgreSQL without a word, as a crash of one of its processes does; it recovers."""
        with psycopg.connect(self.stage.server.url(), connect_timeout=5) as connection:
            row = connection.execute("SHOW data_directory").fetchone()
        assert row is not None
        pid_file = Path(row[0]) / "postmaster.pid"
        pid = int(pid_file.read_text().split("\n", 1)[0])
        os.kill(pid, signal.SIGQUIT)
        deadline = time.monotonic() + SERVER_ENDS_WITHIN_S
        while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        self.stage.server.start()

    def _arm(self) -> None:
        """Arm points that have not struck yet."""
        folder, known = self.stage.crash_points, self._points_struck()
        points = self.level.points
        armed = {path.name for path in folder.iterdir()} & set(points)
        self.stage.to_strike = frozenset(name for name in points if not known[name])
        if time.time() < self._struck_at() + REST_S:
            return
        fresh = [name for name in points if not known[name] and name not in armed]
        if fresh and len(armed) < ARMED_AT_ONCE + sum(not known[name] for name in armed):
            (folder / self._dice.choice(fresh)).touch()

    @property
    def _log(self) -> Path:
        return self.stage.crash_points / "struck.log"

    def _struck_at(self) -> float:
        return self._log.stat().st_mtime if self._log.exists() else 0.0

    def _points_struck(self) -> Counter[str]:
        lines = self._log.read_text().splitlines() if self._log.exists() else []
        return Counter(line.split()[0] for line in lines)

    def _set_dials(self, dials: dict[str, float], mail_dials: dict[str, float]) -> None:
        self.stage.sandbox.tell("faults", mount="*", dials=dials, seed=self.seed)
        self.stage.office.dials = mail_dials

    def _calm_down(self) -> None:
        """Nothing strikes any more; what was delayed by days arrives now."""
        self.stage.to_strike = frozenset()
        for path in self.stage.crash_points.iterdir():
            with suppress(FileNotFoundError):  # it strikes at this moment
                # One with a word in it is a scene's, which waits for somebody to come to it.
                if path.name in POINTS and not path.read_text():
                    path.unlink()
        self._wake(float("inf"))
        for name in [name for name in self.stage.hub.skews if self.stage.hub.skews[name]]:
            self.stage.hub.skews[name] = 0.0
            self.stage.hub.kill(name)
        self._set_dials({}, {})
        if self.level.dials.get("delay_seconds"):
            self.stage.sandbox.tell("clock", jump_seconds=self.level.dials["delay_seconds"])
        self.has_ended = True
