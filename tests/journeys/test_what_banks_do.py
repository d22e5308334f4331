"""What banks and gateways do after a payment: reviews, disputes, bounced debits, lost news."""

from datetime import timedelta

import pytest

from entrepot.access import scope
from entrepot.connections.models import Connection, Cursor
from entrepot.connectors.stripe.simulator import StripeSimulator
from entrepot.connectors.woocommerce.simulator import PRINT_A3
from entrepot.orders.models import Hold, Order
from entrepot.payments.models import PaymentEntry
from entrepot.tasks import polling
from tests.journeys.conftest import World

pytestmark = pytest.mark.journey


@pytest.fixture
def bank(world: World, mapped: dict[str, Connection]) -> StripeSimulator:
    """A gateway beside the shop: it takes the shop's payments."""
    world.connect("stripe")
    found = world.simulators["stripe"]
    assert isinstance(found, StripeSimulator)
    return found


def sell(world: World, bank: StripeSimulator) -> str:
    """An order of the shop whose payment the gateway took; the payment's id."""
    payment = str(bank.pay_outside(10_000, "eur")["id"])
    world.shop.customer_orders((PRINT_A3, 2), transaction_id=payment)
    world.cool_off(shop_of(world))
    return payment


def shop_of(world: World) -> Connection:
    with scope.merchant(world.merchant.id):
        return Connection.objects.get(platform="woocommerce")


def holds(world: World) -> list[str]:
    with scope.merchant(world.merchant.id):
        return sorted(Hold.objects.filter(lifted_at=None).values_list("kind", flat=True))


def test_a_review_holds_the_order_until_it_is_closed(world: World, bank: StripeSimulator) -> None:
    payment = sell(world, bank)
    review = bank.review(payment)
    world.settle()
    world.let_go(shop_of(world))
    world.settle(ahead=timedelta(minutes=2))
    assert (holds(world), world.house.books["orders"]) == (["review"], {})

    bank.close_review(review["id"])
    world.settle(ahead=timedelta(minutes=2))

    assert (holds(world), len(world.house.books["orders"])) == ([], 1)


@pytest.mark.parametrize("won", [True, False])
def test_a_dispute_holds_the_order_and_only_a_won_one_lets_it_go(
    world: World, bank: StripeSimulator, won: bool
) -> None:
    payment = sell(world, bank)
    dispute = bank.dispute(payment)
    world.settle()
    world.let_go(shop_of(world))
    world.settle(ahead=timedelta(minutes=2))
    assert "dispute" in holds(world)
    assert world.house.books["orders"] == {}

    bank.close_dispute(dispute["id"], won=won)
    world.settle(ahead=timedelta(minutes=2))

    assert len(world.house.books["orders"]) == (1 if won else 0)
    assert "dispute" not in holds(world)
    assert bool(holds(world)) is not won  # what is left of the money covers nothing


def test_news_that_was_lost_is_read_from_the_gateways_own_list(
    world: World, bank: StripeSimulator
) -> None:
    bank.faults.lose_webhook = 1.0
    bank.pay_outside(7_700, "jpy")
    world.settle(ahead=timedelta(minutes=2))
    with scope.merchant(world.merchant.id):
        assert not PaymentEntry.objects.filter(currency="JPY").exists()
        Cursor.objects.update(next_poll_at="2026-01-01T00:00Z")

    polling.poll_due()
    world.settle(ahead=timedelta(minutes=2))

    with scope.merchant(world.merchant.id):
        entry = PaymentEntry.objects.get(currency="JPY", kind="captured")
        assert (entry.order_id, Order.objects.count()) == (None, 0)
