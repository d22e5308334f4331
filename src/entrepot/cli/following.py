"""Places the orders of a demo, and watches them until nothing moves any more."""

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

if TYPE_CHECKING:
    from entrepot.sandbox.counting import Tally
    from entrepot.sandbox.setting_up import Demo
    from entrepot.sandbox.telephone import Telephone

LOOK_EVERY_S = 2.0
# All is done, and a last mail or write-back may still follow.
SETTLED_S = 3.0
# Nothing new for this long, and no work that is due: what is still under way stays so. In sandbox
# time, since parcels rest between two scans, for up to 20 minutes; and really, for retries.
QUIET_SANDBOX_S = 25 * 60.0
QUIET_S = 10.0
LONGEST_S = 1200.0
READ_EVERY_S = 5.0
SLICE = 10
BARS = ("placed", "in the hub", "submitted", "shipped", "told the shop", "delivered")
# Jobs of a live hub: there are always some of the clock's.
FEW_JOBS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of orders through a hub; `speed` is in sandbox seconds per second."""

    orders: int
    seed: int
    speed: float
    telephone: "Telephone"
    merchant: "Demo"
    stop: threading.Event


def follow(run: Run, console: Console) -> "Tally":
    """Place the orders, and watch until everything is quiet."""
    columns = (TextColumn("{task.description:>14}"), BarColumn(40), MofNCompleteColumn())
    with Progress(*columns, console=console) as progress:
        bars = {name: progress.add_task(name, total=run.orders) for name in BARS}
        with ThreadPoolExecutor(1, thread_name_prefix="placing") as pool:
            placing = pool.submit(_place, run)
            watch = _Watch(run)
            try:
                while not run.stop.is_set():
                    tally = watch.look(show=lambda seen: _advance(progress, bars, seen))
                    if placing.done() and (placing.exception() or watch.is_quiet(tally)):
                        break
                    run.stop.wait(LOOK_EVERY_S)
            except BaseException:
                run.stop.set()  # the pool is left only when its thread has ended
                raise
            placing.result()
    return watch.count(at_the_end=not run.stop.is_set())


def _place(run: Run) -> None:
    """Place the orders in slices: shops by the sandbox, checkouts by the merchant's own site.

    In a scenario with troubles a customer may get no payment page and leave: then there is no sale.
    """
    from entrepot.connect.errors import OutcomeUnknown, Unavailable  # noqa: PLC0415 -- slow import
    from entrepot.sandbox.own_site import OwnSite  # noqa: PLC0415 -- app not ready

    (gateway,) = run.merchant.gateways
    site = OwnSite(
        hub=os.environ["ENTREPOT_URL"],
        key=run.merchant.site_key,
        gateway_id=run.merchant.connections[gateway],
        run=run.merchant.run,
        wait=run.stop.wait,
    )
    drawn = run.telephone.tell(
        "draw", count=run.orders, seed=run.seed, earlier=run.merchant.earlier_runs
    )["sales"]
    for start in range(0, len(drawn), SLICE):
        some = drawn[start : start + SLICE]
        if run.stop.is_set():
            return
        run.telephone.tell("place", numbers=[sale["number"] for sale in some if sale["mount"]])
        for cart in (sale["cart"] for sale in some if not sale["mount"]):
            if run.stop.is_set():
                return
            try:
                page = site.open_page(cart)
            except (Unavailable, OutcomeUnknown):
                continue  # no page came, so the customer left, and nothing was sold
            run.telephone.tell("pay", number=cart["number"], url=page)


class _Watch:
    """Counts again and again, and notices when nothing moves any more."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._began = self._moved_at = self._read_at = time.monotonic()
        self._last: object = None
        self._is_waiting = True

    def look(self, *, show: Callable[["Tally"], None]) -> "Tally":
        """Count, show, and note whether anything moved."""
        tally = self.count()
        show(tally)
        seen = (
            tally.classes.copy(),
            tally.submitted,
            tally.shipped,
            tally.written_back,
            tally.mails,
        )
        if seen != self._last:
            self._last, self._moved_at = seen, time.monotonic()
        return tally

    def count(self, *, at_the_end: bool = False) -> "Tally":
        """Count once."""
        from entrepot.sandbox.counting import count  # noqa: PLC0415 -- app not ready

        told = self._run.telephone.ask("placed")
        self._is_waiting = bool(told["waiting"])
        return count(
            merchant_id=self._run.merchant.merchant_id,
            connections=self._run.merchant.connections,
            placed=told["sales"],
            books=self._run.telephone.ask("books"),
            at_the_end=at_the_end,
        )

    def is_quiet(self, tally: "Tally") -> bool:
        """Whether all is over, or nothing has moved for long and nothing is due."""
        now = time.monotonic()
        if now - self._began > LONGEST_S:
            return True
        rests = now - self._moved_at
        if tally.is_over and not tally.untold and not self._is_waiting:
            return rests > SETTLED_S and not _is_busy()
        if min(rests, now - self._read_at) > READ_EVERY_S:
            self._read_at = now
            self._read_platforms()
        is_quiet = rests > max(QUIET_S, QUIET_SANDBOX_S / self._run.speed)
        return is_quiet and not _is_busy()

    def _read_platforms(self) -> None:
        """Have everything polled: the hub does so by a real clock, and this world runs ahead."""
        from entrepot.connections.cursors import poll_now  # noqa: PLC0415 -- app not ready

        for connection_id in self._run.merchant.connections.values():
            poll_now(connection_id, merchant_id=self._run.merchant.merchant_id)


def _is_busy() -> bool:
    """Whether the hub has work that it could do now."""
    from entrepot.access import scope  # noqa: PLC0415 -- app not ready
    from entrepot.tasks import queue  # noqa: PLC0415 -- app not ready
    from entrepot.tasks.registry import Lane  # noqa: PLC0415 -- app not ready

    with scope.system():
        live = queue.lane_states()[Lane.LIVE]
    return live.due + live.running > FEW_JOBS


def _advance(progress: Progress, bars: dict[str, TaskID], tally: "Tally") -> None:
    values = (
        tally.placed,
        tally.in_hub,
        tally.submitted,
        tally.shipped,
        tally.written_back,
        tally.classes["delivered"],
    )
    for name, value in zip(BARS, values, strict=True):
        progress.update(bars[name], completed=value)
    progress.update(bars["told the shop"], total=tally.at_shops or None)
