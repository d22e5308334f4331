"""A small world for journeys: the hub's edge and the simulators over HTTP on loopback."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.conf import settings
from django.db.models.functions import Now

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.canon.orders import Mode
from entrepot.catalog import services as catalog
from entrepot.catalog.services import Artwork, MappingWish
from entrepot.catalog.states import MappingKind
from entrepot.config.asgi import edge_application
from entrepot.connect import registry
from entrepot.connect.simulator import Clock, Simulator
from entrepot.connections import pings, services
from entrepot.connections.models import Connection
from entrepot.connectors.prodigi.simulator import ProdigiSimulator
from entrepot.connectors.woocommerce.simulator import WooCommerce
from entrepot.database import sql
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.sandbox.app import application_of
from entrepot.tasks import asking, webhooks
from entrepot.tasks.idle import bring_forward
from tests.serving import serve, serve_all

POLICY = {
    "calls_per_minute": 60_000,
    "cooling_off_seconds": 0,
    "real_payment_methods": ["stripe", "cod"],
    "hourly_ceilings": {"submissions": 10_000, "refunds": 10_000, "write_backs": 10_000},
}


@dataclass
class World:
    """The hub and everything around it, driven step by step."""

    merchant: Merchant
    run_jobs: Callable[..., int]
    clock: Clock
    simulators: dict[str, Simulator] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)
    files: str = ""  # where the merchant keeps print files

    def connect(self, platform: str, *, is_live: bool = True, **more: Any) -> Connection:
        """Connect the merchant to a simulated platform and let it go live."""
        example = (
            registry.platform(platform)
            ._module("simulator")
            .example_account(self.addresses[platform])
        )
        connection = services.add_connection(
            self.merchant.id,
            platform=platform,
            mode=Mode.TEST,
            name=f"{platform} ü",
            settings=dict(example.settings),
            **more,
        )
        pings.ping_connection(connection.id, merchant_id=self.merchant.id)
        webhooks.check(merchant_id=self.merchant.id, subject_id=connection.id)
        services.change_policy(connection.id, merchant_id=self.merchant.id, changes=POLICY)
        if is_live:
            services.go_live(
                connection.id,
                merchant_id=self.merchant.id,
                since=self.clock.now() - timedelta(hours=1),
            )
        return connection

    def deliver(self) -> int:
        """Let the platforms live and deliver their due webhooks to the hub."""
        count = 0
        self._tell_carriers()
        for simulator in self.simulators.values():
            simulator.tick()
            for delivery in simulator.due_deliveries():
                answer = httpx.post(delivery.url, content=delivery.body, headers=delivery.headers)
                simulator.delivered(delivery, answer.status_code)
                count += 1
        return count

    @property
    def shop(self) -> WooCommerce:
        """The simulated shop."""
        found = self.simulators["woocommerce"]
        assert isinstance(found, WooCommerce)
        return found

    @property
    def house(self) -> ProdigiSimulator:
        """The simulated print house."""
        found = self.simulators["prodigi"]
        assert isinstance(found, ProdigiSimulator)
        return found

    def price(self, shop: Connection) -> None:
        """Have what was sold planned and priced, so that only submissions meet the next faults."""
        self.cool_off(shop)
        self.let_go(shop)

    def cool_off(self, shop: Connection) -> None:
        """Have what was sold planned and priced, and keep it from leaving."""
        hour = {"cooling_off_seconds": 3600}
        services.change_policy(shop.id, merchant_id=self.merchant.id, changes=hour)
        self.settle(ahead=timedelta(minutes=2), rounds=4)

    def let_go(self, shop: Connection) -> None:
        """End the cooling-off time."""
        services.change_policy(shop.id, merchant_id=self.merchant.id, changes=POLICY)
        with scope.merchant(self.merchant.id):
            FulfillmentOrder.objects.update(submit_after=Now())
        bring_forward(timedelta(hours=1))

    def ask(self) -> None:
        """Let a while go by for attempts that nobody can vouch for, and let them be asked about."""
        with scope.system():
            sql.run(
                "UPDATE attempts_attempt SET next_ask_at = now() - interval '1 second',"
                " leased_until = now() - interval '1 second' WHERE ended_at IS NULL"
            )
        asking.find_forgotten()
        self.settle()

    def _tell_carriers(self) -> None:
        """Carriers learn the numbers of the labels that providers have printed."""
        house, carrier = self.simulators["prodigi"], self.simulators["easypost"]
        house.tick()
        for number, label in house.books["tracking"].items():
            carrier.announce(number, label["carrier"], at=label["shipped_at"])  # type: ignore[attr-defined]

    def settle(self, *, ahead: timedelta = timedelta(0), rounds: int = 20) -> None:
        """Let webhooks and jobs cause each other until nothing moves any more."""
        self.clock.advance(ahead)
        for _ in range(rounds):
            delivered = self.deliver()
            ended = self.run_jobs(timedelta(minutes=1))
            if not delivered and not ended:
                return


@pytest.fixture
def world(merchant: Merchant, run_jobs: Callable[..., int]) -> Iterator[World]:
    """The hub's edge and every simulator, served; nothing is connected yet."""
    clock = Clock()
    here = World(merchant=merchant, run_jobs=run_jobs, clock=clock)
    connected = {
        code: platform.simulator(clock)
        for code, platform in registry.platforms().items()
        if platform.manifest.can("verify")
    }
    here.simulators = dict(connected)
    before = settings.PUBLIC_URL
    with (
        serve(edge_application, lifespan="on") as hub,
        serve_all(application_of(speed=1), *connected.values()) as (here.files, *addresses),
    ):
        here.addresses = dict(zip(connected, addresses, strict=True))
        settings.PUBLIC_URL = hub
        yield here
        settings.PUBLIC_URL = before


@pytest.fixture
def mapped(world: World) -> dict[str, Connection]:
    """A shop and a print house, connected and mapped."""
    shop, house = world.connect("woocommerce"), world.connect("prodigi")
    world.shop.stock_shelves()
    catalog.map_sku(
        world.merchant.id,
        "MOEWE-A3",
        wish=MappingWish(
            kind=MappingKind.PROVIDER,
            provider_connection_id=house.id,
            provider_sku="GLOBAL-FAP-16X24",
            sizing="fillPrintArea",
            artwork=[Artwork(url=f"{world.files}/artwork/moewe-a3.png")],
        ),
        by="user:1",
    )
    catalog.map_sku(
        world.merchant.id, "GIFT-GUIDE-PDF", wish=MappingWish(kind=MappingKind.NOTHING), by="user:1"
    )
    catalog.map_shipping(
        world.merchant.id,
        storefront_id=shop.id,
        provider_connection_id=house.id,
        method_code="*",
        provider_method="Standard",
    )
    return {"shop": shop, "house": house}
