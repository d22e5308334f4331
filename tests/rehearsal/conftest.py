"""A world whose hub runs in processes of its own, so that they can be killed."""

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
from entrepot.catalog.services import MappingWish
from entrepot.catalog.states import MappingKind
from entrepot.connect import registry
from entrepot.connect.simulator import Clock
from entrepot.connections import cursors, services
from entrepot.connections.models import Connection
from entrepot.connectors.woocommerce.books import Buyer
from entrepot.connectors.woocommerce.simulator import GUIDE, MUG, PRINT_A3
from entrepot.database import sql
from entrepot.tasks.idle import bring_forward
from tests.cli.waiting import wait_for
from tests.journeys.conftest import World, mapped
from tests.rehearsal.hub import Hub, free_port
from tests.rehearsal.outside import OneAtATime, Post
from tests.serving import serve

__all__ = ["mapped"]

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
SELECT
    (SELECT count(*) FROM attempts_attempt WHERE ended_at IS NULL)
    + (SELECT count(*) FROM inbox_work WHERE NOT is_parked)
    + (
        SELECT count(*)
        FROM pgqueuer
        WHERE entrypoint = ANY(%s)
            AND (status = 'picked' OR execute_after <= clock_timestamp())
    )
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
                lines.append((MUG, 3 + number % 4))
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

    def is_quiet(self) -> bool:
        """Whether nothing is under way at this moment."""
        if not self.post.is_empty():
            return False
        with scope.system():
            return not sql.fetch_value(WORK_LEFT, [RIVER])

    def settle_down(self, *, until: Callable[[], bool], rounds: int = 12) -> None:
        """Let hours go by until the fact holds; the hub lives on undisturbed."""
        for _ in range(rounds):
            self.let_time_pass(timedelta(hours=1))
            wait_for(lambda: self.is_quiet() or self._has_fallen(), seconds=45)
            if until():
                return
        raise AssertionError("the world does not come to rest")

    def _has_fallen(self) -> bool:
        if self.hub.fallen():
            self.revive()  # a crash point struck
        return False


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
        port = stack.enter_context(free_port())
        hub = Hub(port=port, environment={"ENTREPOT_CRASH_POINTS": str(crash_points)})
        here = Rehearsal(
            merchant=merchant,
            run_jobs=run_jobs,
            clock=clock,
            simulators=simulators,
            hub=hub,
            post=Post(simulators, lock),
            lock=lock,
        )
        before = settings.PUBLIC_URL
        settings.PUBLIC_URL = hub.address
        stack.callback(setattr, settings, "PUBLIC_URL", before)
        for code, simulator in simulators.items():
            here.addresses[code] = stack.enter_context(serve(OneAtATime(simulator, lock)))
        stack.callback(_end, here)
        yield here


@pytest.fixture
def rehearsal(world: Rehearsal, mapped: dict[str, Connection]) -> Rehearsal:
    """A shop and a print house, connected and mapped; the hub's processes run, webhooks arrive."""
    for connection in mapped.values():
        services.change_policy(connection.id, merchant_id=world.merchant.id, changes=UNHURRIED)
    catalog.map_sku(
        world.merchant.id,
        MUG,
        MappingWish(
            kind=MappingKind.PROVIDER,
            provider_connection_id=mapped["house"].id,
            provider_sku="GLOBAL-MUG-W",
        ),
        by="user:1",
    )
    world.storefronts.append(mapped["shop"])
    world.hub.start("edge")
    world.hub.start("worker")
    world.hub.wait_until_ready()
    world.post.open()
    return world


def _end(here: Rehearsal) -> None:
    here.post.close()
    for process in here.hub.processes.values():
        process.kill()
        process.wait()
