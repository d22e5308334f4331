"""Rule 24: stock of print on demand does not exist and is never published."""

from datetime import timedelta

from entrepot.connect import registry
from entrepot.connections.models import Connection
from entrepot.connectors.woocommerce.simulator import PRINT_A3
from tests.journeys.conftest import World

STOCK = ("push_inventory", "pull_inventory", "push_products")


def test_who_makes_to_order_says_so_and_offers_no_stock() -> None:
    made_to_order = {
        code: platform.manifest
        for code, platform in registry.platforms().items()
        if not platform.manifest.carries_stock
    }

    assert "prodigi" in made_to_order
    assert not any(manifest.can(name) for manifest in made_to_order.values() for name in STOCK)


def test_of_a_sale_that_is_made_to_order_no_stock_is_written_to_the_shop(
    world: World, mapped: dict[str, Connection]
) -> None:
    before = len(world.shop.calls)
    world.shop.customer_orders((PRINT_A3, 3))
    world.settle(ahead=timedelta(minutes=2))

    assert len(world.house.books["orders"]) == 1
    written = [
        path
        for method, path, _ in world.shop.calls[before:]
        if method != "GET" and "/products" in path
    ]
    assert written == []
