"""One rehearsal: orders flow, things break, people err, and in the end all books are compared."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rehearsal.checker import Findings, check
from rehearsal.evidence import Evidence, Senders
from rehearsal.levels import LEVELS, Level
from rehearsal.recovery import Recovery
from rehearsal.saboteur import Saboteur
from rehearsal.scenes import COPIES, FIRST, SCENES, People
from rehearsal.selling import Sales
from rehearsal.stage import Stage, stage

# Sandbox seconds per second: an hour of production and journey within a minute and a half.
SPEED = 100.0
LOOK_EVERY_S = 3.0
LOOK_SHARE = 0.5  # at the least this share of a look's time lies between two
# Promises that a run waits for; goods that are on their way may stay there.
AWAITED = frozenset(
    {"submit", "write_back", "tell_customer", "cancel", "refund", "capture", "void", "ship"}
)
QUIET_LOOKS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a run is asked for.

    `level` is used instead of the one that `faults` names, and `code` is a folder with another
    `entrepot` package for the hub's processes. `stops_at` names findings at which a run may end
    early: they can only be a breach, whatever is still under way. For `per_second` see
    `selling.Sales`.
    """

    orders: int
    seed: int
    faults: str = "none"
    haste: float = 4.0
    workers: int = 2
    per_second: float = 0.0
    patience_s: float = 600.0
    grace_s: float = 300.0
    scenes: tuple[str, ...] = ()
    level: Level | None = None
    stops_at: frozenset[str] = frozenset()
    is_durable: bool = True
    code: Path | None = None
    folder: Path | None = None


@dataclass(slots=True, kw_only=True)
class Report:
    """What came of a run, as `--json` prints it."""

    orders: int
    seed: int
    faults: str
    seconds: float
    up_after_s: float
    placed: int
    in_hub: int
    works: int
    mails: int
    findings: Findings
    recovery_p99_s: float | None
    recoveries: int
    slowest_recoveries: list[tuple[float, str]]
    deaths: dict[str, int]
    struck: dict[str, int]
    struck_never: list[str]
    is_finished: bool
    scenes: dict[str, str]
    standing_still: dict[str, int]

    @property
    def is_good(self) -> bool:
        """Whether the promise was kept, and everything that should strike did."""
        is_played = not any(self.scenes.values())
        is_quiet = self.findings.is_clean and self.is_finished
        return is_quiet and is_played and not self.struck_never

    def as_json(self) -> dict[str, Any]:
        """Plain values: counts of findings, and what was found."""
        told = asdict(self)
        findings = told.pop("findings")
        return {
            **{name: len(rows) for name, rows in findings.items()},
            **told,
            "is_good": self.is_good,
            "found": {name: rows[:20] for name, rows in findings.items() if rows},
        }


def rehearse(wish: Wish, *, tell: Callable[[str], None] = lambda _: None) -> Report:
    """Run one rehearsal from an empty database to the comparison of all books."""
    began = time.monotonic()
    with stage(
        orders=wish.orders,
        seed=wish.seed,
        haste=wish.haste,
        workers=wish.workers,
        is_durable=wish.is_durable,
        code=wish.code,
        folder=wish.folder,
    ) as built:
        tell(f"{time.monotonic() - began:.0f} s: the hub is up at {built.web}")
        return _Run(wish, built, tell, began).report()


class _Run:
    def __init__(self, wish: Wish, built: Stage, tell: Callable[[str], None], began: float) -> None:
        self._wish = wish
        self._stage = built
        self._tell = tell
        self._began = time.monotonic()
        self._up_after_s = self._began - began
        self._sales = Sales()
        self._senders = Senders(units=self._sales.units)
        self._recovery = Recovery(built.api, built.hub)
        self._level = wish.level or LEVELS[wish.faults]
        self._scenes = wish.scenes or (tuple(SCENES) if self._level.has_people else ())
        self._people = People(built, self._senders, self._scenes)
        self._saboteur = Saboteur(
            built,
            self._level,
            seed=wish.seed,
            haste=wish.haste,
            grace_s=wish.grace_s,
            calls_between=self._level.calls_between_in(wish.orders),
            acts_at_least=self._level.acts_at_least_in(wish.orders),
        )

    def report(self) -> Report:
        wish, built = self._wish, self._stage
        if FIRST in self._scenes:
            self._people.play(FIRST)
        built.sandbox.tell("clock", speed=SPEED)
        with ExitStack() as stack:
            for work in (self._recovery, self._saboteur, self._people):
                thread = threading.Thread(target=work.watch, name=type(work).__name__, daemon=True)
                thread.start()
                stack.callback(thread.join)
                stack.callback(work.close)
            self._sales.sell(built, orders=wish.orders, seed=wish.seed, per_second=wish.per_second)
            self._tell(f"{self._elapsed():.0f} s: {self._sales.placed} sales are placed")
            self._saboteur.end_after_placing()
            has_copies = self._level.has_people
            evidence, findings, is_finished = self._settle(looks=1 if has_copies else QUIET_LOOKS)
            if has_copies and is_finished:
                self._tell(f"{self._elapsed():.0f} s: copies of the hub")
                self._people.play_all(COPIES)
                evidence, findings, is_finished = self._settle(looks=QUIET_LOOKS)
        return self._sum_up(evidence, findings, is_finished=is_finished)

    def _settle(self, *, looks: int) -> tuple[Evidence, Findings, bool]:
        """Look until so often nothing was under way and all was well, or the patience is over."""
        quiet = 0
        while True:
            if not self._wish.stops_at:
                self._wait_until_nothing_moves()
            looked_at = time.monotonic()
            evidence = self._gather()
            findings = check(evidence)
            left = self._left(evidence)
            is_over = self._is_over()
            quiet = quiet + 1 if findings.is_clean and not left else 0
            self._keep(evidence, left)
            if self._saboteur.has_ended:
                self._people.replay(evidence.letters)
            has_ended = self._saboteur.has_ended and self._people.has_ended
            is_over = is_over or any(getattr(findings, name) for name in self._wish.stops_at)
            if is_over or (quiet >= looks and has_ended):
                return evidence, findings, quiet > 0
            wrong = {k: len(v) for k, v in asdict(findings).items() if v}
            self._tell(
                f"{self._elapsed():.0f} s: {len(evidence.orders)} orders, owed {dict(left)},"
                f" {wrong or 'nothing wrong'}"
            )
            # The hub needs its processor for the work that is looked at.
            time.sleep(max(LOOK_EVERY_S, LOOK_SHARE * (time.monotonic() - looked_at)))

    def _wait_until_nothing_moves(self) -> None:
        """Wait for the end of sabotage and scenes, and until promises neither come nor go.

        To look into all books takes much of the hub's time, and tells nothing before.
        """
        owed = -1
        while not self._is_over():
            before = owed
            if self._saboteur.has_ended and self._people.has_ended:
                rows = self._stage.api.every("obligations")
                owed = sum(row["kind"] in AWAITED for row in rows)
                told = f"{owed} promises are open"
            else:
                told = f"to strike: {sorted(self._stage.to_strike)}; to play: {self._people.left}"
            if self._saboteur.has_ended:
                self._people.replay(self._stage.api.every("dead-letters"))
            if owed == before >= 0:
                return
            self._tell(f"{self._elapsed():.0f} s: {told}")
            time.sleep(LOOK_EVERY_S)

    def _is_over(self) -> bool:
        return self._elapsed() > self._wish.patience_s

    def _gather(self) -> Evidence:
        return Evidence.gather(
            self._stage.api,
            self._stage.sandbox,
            mails=self._stage.office.taken,
            senders=self._senders,
        )

    def _keep(self, evidence: Evidence, left: Counter[str]) -> None:
        """Leave what was looked at in the folder, for whoever wants to know why."""
        told = {"left": left, **asdict(evidence)}
        text = json.dumps(told, default=str, ensure_ascii=False, indent=1)
        (self._stage.folder / "evidence.json").write_text(text)

    def _left(self, evidence: Evidence) -> Counter[str]:
        """What is owed and not stopped by a hold, an unknown or a dead letter."""
        stands = {row["order_id"] for row in evidence.orders if row["is_held"]}
        stands |= {row["order_id"] for row in evidence.letters}
        stands |= {row["order_id"] for row in evidence.attempts if row["needs_person"]}
        left = Counter(
            row["kind"]
            for row in evidence.obligations
            if row["kind"] in AWAITED and row["order_id"] not in stands
        )
        asked = sum(
            row["status"] == "unknown" and not row["needs_person"] and row["order_id"] not in stands
            for row in evidence.attempts
        )
        return left + Counter({"an answer": asked})

    def _sum_up(self, evidence: Evidence, findings: Findings, *, is_finished: bool) -> Report:
        wish = self._wish
        struck = self._saboteur.struck()
        works = [w for told in evidence.books.values() for w in told.get("works", ())]
        return Report(
            orders=wish.orders,
            seed=wish.seed,
            faults=wish.faults,
            seconds=round(self._elapsed(), 1),
            up_after_s=round(self._up_after_s, 1),
            placed=self._sales.placed,
            in_hub=len(evidence.orders),
            works=len(works),
            mails=len(evidence.mails),
            findings=findings,
            recovery_p99_s=self._recovery.percentile(0.99),
            recoveries=len(self._recovery.seconds),
            slowest_recoveries=self._recovery.slowest,
            deaths=dict(Counter(death.role for death in self._stage.hub.deaths)),
            struck=dict(sorted(struck.items())),
            struck_never=[name for name in self._level.expected if not struck.get(name)],
            is_finished=is_finished,
            scenes=self._people.played,
            standing_still=self._standing(evidence),
        )

    @staticmethod
    def _standing(evidence: Evidence) -> dict[str, int]:
        """What waits for a person, by its kind."""
        return {
            "orders held": sum(row["is_held"] for row in evidence.orders),
            "dead letters": len(evidence.letters),
            "attempts for a person": sum(row["needs_person"] for row in evidence.attempts),
            "messages parked": len(evidence.parked),
        }

    def _elapsed(self) -> float:
        return time.monotonic() - self._began
