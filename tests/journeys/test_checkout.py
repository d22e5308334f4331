"""A cart of our own is sold on a payment page, and only then becomes an order."""

from datetime import timedelta
from decimal import Decimal

import pytest

from entrepot.access import scope
from entrepot.canon.money import Money
from entrepot.canon.payments import CheckoutLine, CheckoutRequest, CheckoutShipping
from entrepot.catalog import services as catalog
from entrepot.connect.ports import OpensCheckouts
from entrepot.connections import doors
from entrepot.connections.models import Connection
from entrepot.connectors.stripe.simulator import StripeSimulator
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.orders.models import Hold, Order
from entrepot.payments import checkouts
from entrepot.payments.models import Checkout, PaymentEntry
from tests.journeys.conftest import World

pytestmark = pytest.mark.journey

ADDRESS = {"line1": "烏丸通 5-1", "city": "京都市", "postal_code": "600-8216", "country": "JP"}


def sell(world: World, gateway: Connection, *, cart_key: str = "") -> tuple[Checkout, str]:
    """Open a page for a cart of two prints and a guide; the checkout and the page's id."""
    request = CheckoutRequest(
        reference=checkouts.new_reference(gateway.merchant_id),
        idempotency_key="",
        lines=(
            CheckoutLine(
                sku="MOEWE-A3",
                title="Möwe, A3",
                quantity=2,
                unit_price=Money.of("4200", "JPY"),
            ),
            CheckoutLine(
                sku="GIFT-GUIDE-PDF",
                title="Guide",
                quantity=1,
                unit_price=Money.of("600", "JPY"),
                is_shippable=False,
            ),
        ),
        shipping_options=(
            CheckoutShipping(code="post", title="日本郵便", price=Money.of("900", "JPY")),
        ),
        currency="JPY",
        success_url="https://shop.example/danke",
        cancel_url="https://shop.example/korb",
        allowed_countries=("JP", "DE"),
    )
    checkout = checkouts.snapshot_cart(
        world.merchant.id, gateway.id, request=request, cart_key=cart_key
    )
    client = doors.client(gateway.id)
    assert isinstance(client, OpensCheckouts)
    session = client.open_checkout(
        checkouts.request_of(
            checkout, success_url=request.success_url, cancel_url=request.cancel_url
        )
    )
    checkouts.record_session(world.merchant.id, checkout.id, session=session)
    return checkout, session.external_id


@pytest.fixture
def gateway(world: World, mapped: dict[str, Connection]) -> Connection:
    found = world.connect("stripe")
    catalog.map_shipping(
        world.merchant.id,
        storefront_id=found.id,
        provider_connection_id=mapped["house"].id,
        method_code="*",
        provider_method="Standard",
    )
    return found


@pytest.fixture
def page(world: World) -> StripeSimulator:
    found = world.simulators["stripe"]
    assert isinstance(found, StripeSimulator)
    return found


def test_a_paid_checkout_becomes_one_order_that_is_made(
    world: World, gateway: Connection, page: StripeSimulator
) -> None:
    checkout, session_id = sell(world, gateway)
    page.customer_pays(session_id, address=ADDRESS, name="さくら 花子")

    world.settle(ahead=timedelta(minutes=2))

    with scope.merchant(world.merchant.id):
        order = Order.objects.get()
        holds = list(Hold.objects.values_list("kind", "reason"))
        captured = list(
            PaymentEntry.objects.filter(kind="captured").values_list("amount", "currency")
        )
        shares = list(FulfillmentOrder.objects.values_list("status", flat=True))
    assert holds == []
    assert (order.checkout_reference, order.currency) == (checkout.reference, "JPY")
    assert (order.total, order.payment_status) == (Decimal(9900), "paid")
    assert captured == [(Decimal(9900), "JPY")]
    assert (order.units_ordered, order.units_nothing) == (3, 1)
    assert shares == ["accepted"]


def test_a_delayed_method_waits_until_the_money_is_there(
    world: World, gateway: Connection, page: StripeSimulator
) -> None:
    _, session_id = sell(world, gateway)
    page.customer_pays(
        session_id, address=ADDRESS, method="sepa_debit", settles_after=timedelta(days=3)
    )
    world.settle(ahead=timedelta(minutes=2))
    with scope.merchant(world.merchant.id):
        waiting = Order.objects.get()
    assert (waiting.payment_status, waiting.released_at) == ("pending", None)
    assert world.house.books["orders"] == {}

    world.settle(ahead=timedelta(days=4))

    with scope.merchant(world.merchant.id):
        order = Order.objects.get()
    assert order.payment_status == "paid"
    assert len(world.house.books["orders"]) == 1


def test_a_payment_without_a_checkout_of_ours_never_ships(
    world: World, gateway: Connection, page: StripeSimulator
) -> None:
    page.pay_outside(12_345, "sek")

    world.settle(ahead=timedelta(minutes=2))

    with scope.merchant(world.merchant.id):
        entries = list(PaymentEntry.objects.values_list("kind", "amount", "currency", "order_id"))
        orders = Order.objects.count()
    assert orders == 0
    assert ("captured", Decimal("123.45"), "SEK", None) in entries


def test_a_second_paid_session_of_one_cart_is_held(
    world: World, gateway: Connection, page: StripeSimulator
) -> None:
    for _ in range(2):
        _, session_id = sell(world, gateway, cart_key="korb-7")
        page.customer_pays(session_id, address=ADDRESS, name="さくら 花子")
        world.settle(ahead=timedelta(minutes=2))

    with scope.merchant(world.merchant.id):
        held = list(Order.objects.filter(open_holds__gt=0).values_list("holds__kind", flat=True))
    assert "duplicate_suspected" in held
    assert len(world.house.books["orders"]) == 1
