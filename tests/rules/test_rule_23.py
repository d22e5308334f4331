"""Rule 23: write-back looks before it writes; an order is completed when all of it has left."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from entrepot.access import scope
from entrepot.attempts.models import Attempt
from entrepot.catalog import services as catalog
from entrepot.catalog.services import MappingWish
from entrepot.catalog.states import MappingKind
from entrepot.connections.models import Connection
from entrepot.connectors.woocommerce.simulator import GUIDE, MUG, PRINT_A3
from entrepot.fulfillment import writing_back
from entrepot.fulfillment.models import FulfillmentOrder, Shipment
from entrepot.fulfillment.shipping import Leaving, ship_by_hand
from entrepot.orders.models import Order
from entrepot.tasks.writing_back import storefront
from tests.journeys.conftest import World
from tests.rules.trade import connect


def by_hand(world: World) -> None:
    place = connect(world.merchant, "by_hand")
    for sku in (PRINT_A3, MUG):
        wish = MappingWish(kind=MappingKind.BY_HAND, provider_connection_id=place.id)
        catalog.map_sku(world.merchant.id, sku, wish=wish, by="user:1")


def leave(world: World, number: str, **units: int) -> Shipment:
    """Say that units of SKUs left together."""
    with scope.merchant(world.merchant.id):
        share = FulfillmentOrder.objects.get()
        items = {item.sku: item.id for item in share.items.all()}
    return ship_by_hand(
        world.merchant.id,
        share.id,
        leaving=Leaving(
            external_id=number,
            carrier="DHL",
            service="",
            tracking_number=number,
            tracking_url="",
            shipped_at=timezone.now(),
            units={items[sku.replace("_", "-")]: count for sku, count in units.items()},
        ),
        by="user:1",
    )


def told(world: World) -> dict[str, Any]:
    (book,) = world.shop.order_books()
    return book


def notes_about(world: World, number: str) -> int:
    """How many notes tell of a tracking number."""
    return sum(f"tracking number {number}" in str(note) for note in told(world)["notes"])


def writes(world: World) -> int:
    return sum(method != "GET" for method, _, _ in world.shop.calls)


def order_of(world: World) -> Order:
    with scope.merchant(world.merchant.id):
        return Order.objects.get()


def test_a_shops_order_is_completed_only_when_every_shippable_line_has_left(
    world: World, mapped: dict[str, Connection]
) -> None:
    by_hand(world)
    world.shop.customer_orders((PRINT_A3, 2), (MUG, 3), (GUIDE, 1))
    world.settle(ahead=timedelta(minutes=2))

    leave(world, "0034-1", MOEWE_A3=2, MUG_11OZ=1)
    world.settle(ahead=timedelta(minutes=2))
    half = told(world)
    leave(world, "0034-2", MUG_11OZ=2)
    world.settle(ahead=timedelta(minutes=2))

    assert half["status"] == "processing"
    assert "0034-1" in str(half["notes"])
    assert told(world)["status"] == "completed"
    assert (notes_about(world, "0034-1"), notes_about(world, "0034-2")) == (1, 1)


def test_what_the_shop_knows_already_is_not_written_again(
    world: World, mapped: dict[str, Connection]
) -> None:
    by_hand(world)
    world.shop.customer_orders((PRINT_A3, 2))
    world.settle(ahead=timedelta(minutes=2))
    shipment = leave(world, "0034-1", MOEWE_A3=2)
    world.settle(ahead=timedelta(minutes=2))
    before, written = writes(world), told(world)

    news = writing_back.news_of(world.merchant.id, shipment.id)
    again = storefront(mapped["shop"].id).write_back(news)

    assert again.was_there
    assert (writes(world), told(world)) == (before, written)


def test_a_lost_answer_is_looked_up_and_nothing_is_told_twice(
    world: World, mapped: dict[str, Connection]
) -> None:
    by_hand(world)
    world.shop.customer_orders((PRINT_A3, 2))
    world.settle(ahead=timedelta(minutes=2))
    world.shop.faults.drop_answer = 1.0
    leave(world, "0034-1", MOEWE_A3=2)
    world.run_jobs()
    world.shop.faults.drop_answer = 0.0
    for _ in range(3):
        world.ask()
        world.settle(ahead=timedelta(hours=1))

    assert told(world)["status"] == "completed"
    assert notes_about(world, "0034-1") == 1
    with scope.merchant(world.merchant.id):
        assert Attempt.objects.filter(kind="write_back", status="accepted").count() == 1


def test_the_echo_of_our_own_write_changes_nothing(
    world: World, mapped: dict[str, Connection]
) -> None:
    by_hand(world)
    world.shop.customer_orders((PRINT_A3, 2))
    world.settle(ahead=timedelta(minutes=2))
    leave(world, "0034-1", MOEWE_A3=2)
    for _ in range(2):
        world.settle(ahead=timedelta(minutes=30))

    order = order_of(world)
    assert order.source_status == "completed"  # the shop has told us what we had told it
    assert (order.units_elsewhere, order.units_shipped) == (0, 2)
    with scope.merchant(world.merchant.id):
        assert FulfillmentOrder.objects.get().status == "closed"


def test_an_order_that_the_shop_cancelled_meanwhile_is_not_completed(
    world: World, mapped: dict[str, Connection]
) -> None:
    by_hand(world)
    shop_id = world.shop.customer_orders((PRINT_A3, 2))
    world.settle(ahead=timedelta(minutes=2))
    shipment = leave(world, "0034-1", MOEWE_A3=2)
    world.shop.cancel(shop_id)

    news = writing_back.news_of(world.merchant.id, shipment.id)
    storefront(mapped["shop"].id).write_back(news)

    assert told(world)["status"] == "cancelled"
