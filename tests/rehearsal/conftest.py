"""A world whose hub runs in processes of its own, so that they can be killed."""

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.catalog import services as catalog
from entrepot.catalog.services import Artwork, MappingWish
from entrepot.catalog.states import MappingKind
from entrepot.connect import registry
from entrepot.connect.simulator import Clock
from entrepot.connections import cursors, services
from entrepot.connections.models import Connection
from entrepot.connectors.woocommerce.books import Buyer
from entrepot.connectors.woocommerce.simulator import GUIDE, PRINT_A2, PRINT_A3
from entrepot.database import sql
from entrepot.tasks.idle import bring_forward
from tests.cli.waiting import wait_for
from tests.journeys.conftest import World, mapped
from tests.rehearsal.hub import Hub, address_of, free_port, hub
from tests.rehearsal.outside import OneAtATime, Post
from tests.serving import serve

__all__ = ["mapped"]

LOOK_EVERY = 20  # of the fifty looks that a second has: asking the database is work, too
SPEED = 20.0  # sandbox seconds per second: a shop's webhooks leave within a second
UNHURRIED = {
    "calls_per_minute": 0,
    "mail_gather_seconds": 0,
    "hourly_ceilings": {
        "submissions": 10_000,
        "refunds": 10_000,
        "write_backs": 10_000,
        "mails": 10_000,
    },
}
# What a minute makes of the work of a process that is gone; nobody else may work meanwhile.
LEASES_END = (
    "UPDATE attempts_attempt SET leased_until = now() WHERE leased_until > now()",
    "UPDATE inbox_work SET due_at = now(), claimed_until = NULL WHERE claimed_until IS NOT NULL",
    "UPDATE tasks_worker SET seen_at = seen_at - interval '1 minute'",
)
# What ten minutes make of an attempt that waits to be asked about. Nobody works on it meanwhile.
QUESTIONS_COME_DUE = """
UPDATE attempts_attempt
SET next_ask_at = now(), first_empty_at = first_empty_at - interval '10 minutes'
WHERE status = 'unknown' AND leased_until IS NULL AND next_ask_at > now()
"""
WORK_LEFT = """
SELECT 'attempt ' || kind || ' ' || status || ' ' || message, count(*)
FROM attempts_attempt
WHERE ended_at IS NULL
GROUP BY 1
UNION ALL
SELECT 'inbox ' || reason, count(*)
FROM inbox_work
WHERE NOT is_parked
GROUP BY 1
UNION ALL
SELECT 'job ' || entrypoint || ' ' || status, count(*)
FROM pgqueuer
WHERE entrypoint = ANY(%s) AND (status = 'picked' OR execute_after <= clock_timestamp())
GROUP BY 1
UNION ALL
SELECT 'reading of ' || flow, count(*)
FROM connections_cursor
WHERE next_poll_at <= clock_timestamp()
GROUP BY 1
"""
RIVER = [
    "routing.plan",
    "fulfillment.submit",
    "fulfillment.refresh",
    "storefront.write_back",
    "notifications.decide_mail",
    "notifications.send_mail",
    "attempts.ask",
    "polling.poll",
    "inbox.reread",
]


@dataclass(kw_only=True)
class Rehearsal(World):
    """The world, its hub's processes and its post."""

    hub: Hub
    post: Post
    lock: threading.RLock
    storefronts: list[Connection] = field(default_factory=list)

    def customers_order(self, numbers: Sequence[int]) -> None:
        """Let paid orders happen, no two of them alike."""
        for number in numbers:
            lines = [(PRINT_A3, 2 + number % 3)]
            if number % 2:
                lines.append((PRINT_A2, 3 + number % 4))
            if number % 7 == 0:
                lines.append((GUIDE, 2))
            buyer = Buyer(
                first_name="Žofie",
                last_name=f"Łukasik-{number}",
                address_1=f"Straße der Möwen {number}",
                email=f"zofie.{number}@kunden.example",
            )
            with self.lock:
                self.shop.customer_orders(*lines, buyer=buyer)

    def revive(self) -> None:
        """Start again what is dead. Leases of a dead worker end as if their minute had gone by."""
        for role in self.hub.fallen():
            if role == "worker":
                with scope.system():
                    for statement in LEASES_END:
                        sql.run(statement)
            self.hub.start(role)

    def kill(self, *roles: str) -> None:
        """Kill roles at once, and start them again."""
        for role in roles:
            self.hub.kill(role)
        self.revive()

    def let_time_pass(self, by: timedelta) -> None:
        """Jump ahead, for the platforms and for what waits in the hub; read the shop again."""
        with self.lock:
            self.clock.advance(by)
        bring_forward(by)
        with scope.system():
            sql.run(QUESTIONS_COME_DUE)
        for connection in self.storefronts:
            cursors.poll_now(connection.id, merchant_id=self.merchant.id)

    def work_left(self) -> dict[str, int]:
        """What is under way at this moment, by its own words."""
        with scope.system():
            left = dict(sql.fetch(WORK_LEFT, [RIVER]))
        with self.lock:
            waiting = self.post.waiting() + self.shop.shop.hooks.waiting()
        return left | ({"webhooks": waiting} if waiting else {})

    def settle_down(self, *, until: Callable[[], bool], rounds: int = 12) -> None:
        """Let hours go by until the fact holds; what a crash point kills meanwhile is revived."""
        for _ in range(rounds):
            self.let_time_pass(timedelta(hours=1))
            self._wait_until_quiet()
            if until():
                return
        raise AssertionError(f"{rounds} hours were not enough")

    def _wait_until_quiet(self) -> None:
        left = self.work_left()
        while left:  # ends: work that does not change any more is a failure
            try:
                left = self._work_left_other_than(left)
            except AssertionError as error:
                raise AssertionError(f"the world does not come to rest: {left}") from error

    def _work_left_other_than(self, before: dict[str, int]) -> dict[str, int]:
        left, looks = before, itertools.count(1)

        def has_moved() -> bool:
            nonlocal left
            if next(looks) % LOOK_EVERY == 0:
                self.revive()
                left = self.work_left()
            return left != before

        wait_for(has_moved, seconds=45)
        return left


@pytest.fixture
def crash_points(tmp_path: Path) -> Path:
    """The folder where strikes are armed."""
    folder = tmp_path / "points"
    folder.mkdir()
    return folder


@pytest.fixture
def world(
    merchant: Merchant, run_jobs: Callable[..., int], crash_points: Path
) -> Iterator[Rehearsal]:
    """The hub's processes and every simulator; nothing is connected yet, nothing runs yet."""
    clock, lock = Clock(speed=SPEED), threading.RLock()
    simulators = {
        code: platform.simulator(clock)
        for code, platform in registry.platforms().items()
        if code in {"woocommerce", "prodigi"}
    }
    with ExitStack() as stack:
        port = free_port()
        processes = stack.enter_context(hub(port, {"ENTREPOT_CRASH_POINTS": str(crash_points)}))
        here = Rehearsal(
            merchant=merchant,
            run_jobs=run_jobs,
            clock=clock,
            simulators=simulators,
            hub=processes,
            post=Post(simulators, lock),
            lock=lock,
        )
        before = settings.PUBLIC_URL
        settings.PUBLIC_URL = address_of(port)
        stack.callback(setattr, settings, "PUBLIC_URL", before)
        for code, simulator in simulators.items():
            here.addresses[code] = stack.enter_context(serve(OneAtATime(simulator, lock)))
        stack.callback(here.post.close)
        yield here


@pytest.fixture
def rehearsal(world: Rehearsal, mapped: dict[str, Connection]) -> Rehearsal:
    """A shop and a print house, connected and mapped; the hub's processes run, webhooks arrive."""
    for connection in mapped.values():
        services.change_policy(connection.id, merchant_id=world.merchant.id, changes=UNHURRIED)
    catalog.map_sku(
        world.merchant.id,
        PRINT_A2,
        MappingWish(
            kind=MappingKind.PROVIDER,
            provider_connection_id=mapped["house"].id,
            provider_sku="GLOBAL-FAP-24X36",
            sizing="fillPrintArea",
            artwork=[Artwork(url="https://cdn.moewe.example/moewe-a2.png")],
        ),
        by="user:1",
    )
    world.storefronts.append(mapped["shop"])
    world.hub.start("edge")
    world.hub.start("worker")
    wait_for(world.hub.is_ready, seconds=60)
    world.post.open()
    return world
