"""What scenes are made of: sales that happen now, looks into the hub, processes that freeze."""

import contextlib
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from rehearsal.processes import state_of
from rehearsal.speaking import until
from rehearsal.stage import Stage

EUR, USD, JPY = "woocommerce-eur", "woocommerce-usd", "woocommerce-jpy"
# Sales whose money and goods nobody else touches.
QUIET = frozenset({"plain", "coupon"})


def place(
    stage: Stage, *, count: int, mount: str, turns: Iterable[str] | None = QUIET
) -> list[dict[str, Any]]:
    """Let sales happen at one shop now; each as it was placed, with its `name`."""
    found: list[int] = []
    tries = 0
    while len(found) < count:
        drawn = stage.sandbox.tell(
            "draw", count=10 * count, seed=stage.seed + 100 + tries, checkouts=False
        )["sales"]
        here = [row["number"] for row in drawn if row["mount"] == mount]
        found += [n for n in here if turns is None or turn_of(drawn, n) in set(turns)]
        tries += 1
    numbers = found[:count]
    stage.sandbox.tell("place", numbers=numbers)
    placed = [row for row in stage.sandbox.ask("placed")["sales"] if row["number"] in numbers]
    return [{**row, "name": f"{mount}/{row['external_id']}"} for row in placed]


def turn_of(drawn: list[dict[str, Any]], number: int) -> str:
    """What is special about a drawn sale."""
    return str(next(row["turn"] for row in drawn if row["number"] == number))


def order_of(stage: Stage, sale: dict[str, Any]) -> dict[str, Any] | None:
    """The hub's order of a sale, once it has one."""
    connection = stage.merchant["connections"][sale["mount"]]
    rows = stage.api.every("orders", connection_id=connection, find=sale["external_id"])
    return next((row for row in rows if row["external_id"] == sale["external_id"]), None)


def shipped_shares(stage: Stage) -> list[tuple[dict[str, Any], int]]:
    """Shares that have left and replace nothing, with their orders' ids."""
    of = {
        row["subject_id"]: row["order_id"]
        for row in stage.api.every("attempts", kind="submit", status="accepted")
    }
    return [
        (share, of[share["id"]])
        for share in stage.api.every("fulfillment-orders", status="closed")
        if share["replaces_id"] is None and share["id"] in of
    ]


def mails_for_a_person(stage: Stage) -> list[dict[str, Any]]:
    """Unknown mails that a person is asked about."""
    return list(stage.api.every("attempts", kind="mail", status="unknown", needs_person="true"))


def under_way(stage: Stage, kind: str) -> set[int]:
    """Attempts of a kind that have not ended."""
    rows = (
        row
        for status in ("intended", "calling", "unknown")
        for row in stage.api.every("attempts", kind=kind, status=status)
    )
    return {row["id"] for row in rows}


def still_to_strike(stage: Stage, prefixes: tuple[str, ...]) -> list[str]:
    """Crash points of these names that have not struck yet, while any are to strike."""
    return sorted(name for name in stage.to_strike if name.startswith(prefixes))


@contextlib.contextmanager
def frozen_at(points: Path, point: str) -> Iterator[Callable[[], int]]:
    """Have the next process that comes to a point stop there; it goes on after the block.

    `points` is the folder of armed crash points. Gives what waits until a process has stopped, and
    answers with its id; where it is killed before anybody looked, another has to stop.
    """
    log = points / "struck.log"
    before = log.read_text() if log.exists() else ""
    pids: list[int] = []

    def arm() -> None:
        (points / f"{point}.armed").write_text("freeze")
        (points / f"{point}.armed").rename(points / point)

    def stopped() -> int:
        text = log.read_text()[len(before) :] if log.exists() else ""
        told = (line.split() for line in text.splitlines())
        pids[:] = [int(words[1]) for words in told if len(words) > 1 and words[0] == point]
        states = {pid: state_of(pid) for pid in pids}
        if pids and not (points / point).exists() and set(states.values()) <= {"", "Z"}:
            arm()
        return next((pid for pid, state in states.items() if state == "T"), 0)

    arm()
    try:
        yield lambda: int(until(stopped, f"process at {point}"))
    finally:
        (points / point).unlink(missing_ok=True)
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
