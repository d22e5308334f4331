"""One paid order flows from the shop to the print house, to the customer's door and back."""

from datetime import timedelta

import pytest

from entrepot.access import scope
from entrepot.attempts.models import Attempt
from entrepot.connections.models import Connection
from entrepot.connectors.prodigi.simulator import ProdigiSimulator
from entrepot.connectors.woocommerce.simulator import GUIDE, PRINT_A3, WooCommerce
from entrepot.fulfillment.models import Parcel
from entrepot.orders.models import Hold, Order
from tests.journeys.conftest import World

pytestmark = pytest.mark.journey


def test_a_paid_order_is_made_shipped_delivered_and_written_back(
    world: World, mapped: dict[str, Connection]
) -> None:
    world.connect("easypost")
    shop = world.simulators["woocommerce"]
    house = world.simulators["prodigi"]
    assert isinstance(shop, WooCommerce)
    assert isinstance(house, ProdigiSimulator)
    shop_id = shop.customer_orders((PRINT_A3, 2), (GUIDE, 1), coupon=("möwe10", 10))

    world.settle(ahead=timedelta(minutes=2))

    with scope.merchant(world.merchant.id):
        order = Order.objects.get()
    assert order.payment_status == "paid"
    assert len(house.books["orders"]) == 1

    for _ in range(12):
        world.settle(ahead=timedelta(hours=12))
    with scope.merchant(world.merchant.id):
        order = Order.objects.get()
        kinds = {attempt.kind: attempt.status for attempt in Attempt.objects.all()}
        parcels = [parcel.status for parcel in Parcel.objects.all()]
        holds = Hold.objects.count()
    assert (order.status, order.fulfillment_status) == ("closed", "delivered")
    assert (parcels, holds) == (["delivered"], 0)
    assert kinds["submit"] == kinds["write_back"] == "accepted"
    assert len(house.books["orders"]) == 1
    assert shop.shop.sales[shop_id].status == "completed"
