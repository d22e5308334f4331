"""What happens in a shop after the sale: deleted, renamed, paid at the door, refunded, imported."""

from datetime import timedelta
from decimal import Decimal

import pytest

from entrepot.access import scope
from entrepot.attempts import services as attempts
from entrepot.attempts.models import Attempt
from entrepot.canon.money import Money
from entrepot.connections import history, services
from entrepot.connections.models import Connection, HistoryImport
from entrepot.connectors.woocommerce.simulator import GUIDE, PRINT_A3
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.notifications.models import Mail
from entrepot.obligations.models import Obligation
from entrepot.orders.models import Order
from entrepot.payments import refunds
from entrepot.payments.models import Refund
from entrepot.tasks.refunds import gateway
from tests.journeys.conftest import World

pytestmark = pytest.mark.journey


def order_of(world: World) -> Order:
    with scope.merchant(world.merchant.id):
        return Order.objects.get()


def shares_of(world: World) -> list[str]:
    with scope.merchant(world.merchant.id):
        return list(FulfillmentOrder.objects.order_by("share").values_list("status", flat=True))


def attempts_of(world: World, kind: str) -> list[str]:
    with scope.merchant(world.merchant.id):
        return list(
            Attempt.objects.filter(kind=kind).order_by("id").values_list("status", flat=True)
        )


@pytest.mark.parametrize("how", ["trash", "delete"])
def test_an_order_that_the_shop_deletes_is_never_sent(
    world: World, mapped: dict[str, Connection], how: str
) -> None:
    services.pause(mapped["house"].id, merchant_id=world.merchant.id, reason="noch nicht")
    shop_id = world.shop.customer_orders((PRINT_A3, 2))
    world.settle(ahead=timedelta(minutes=2))
    assert shares_of(world) == ["open"]

    getattr(world.shop, how)(shop_id)
    world.settle(ahead=timedelta(minutes=2))
    services.resume(mapped["house"].id, merchant_id=world.merchant.id, reason="jetzt")
    world.settle(ahead=timedelta(minutes=10))

    assert (order_of(world).status, shares_of(world)) == ("cancelled", ["cancelled"])
    assert world.house.books["orders"] == {}


def test_an_order_that_the_shop_deletes_after_it_was_sent_is_asked_back(
    world: World, mapped: dict[str, Connection]
) -> None:
    shop_id = world.shop.customer_orders((PRINT_A3, 2))
    world.settle(ahead=timedelta(minutes=2))
    assert shares_of(world) == ["accepted"]

    world.shop.delete(shop_id)
    world.settle(ahead=timedelta(minutes=2))

    assert (attempts_of(world, "cancel"), shares_of(world)) == (["accepted"], ["cancelled"])


def test_an_order_that_was_deleted_unheard_is_not_sent_either(
    world: World, mapped: dict[str, Connection]
) -> None:
    shop_id = world.shop.customer_orders((PRINT_A3, 2))
    world.price(mapped["shop"])
    world.shop.faults.lose_webhook = 1.0
    world.shop.delete(shop_id)
    with scope.merchant(world.merchant.id):
        Order.objects.update(source_read_at="2026-01-01T00:00Z")

    world.settle(ahead=timedelta(minutes=2))

    assert world.house.books["orders"] == {}
    assert (order_of(world).status, attempts_of(world, "submit")) == ("cancelled", [])


def test_a_status_of_the_shops_own_is_held_until_somebody_says_what_it_means(
    world: World, mapped: dict[str, Connection]
) -> None:
    shop_id = world.shop.customer_orders((PRINT_A3, 2), is_paid=False, payment_method="bacs")
    world.shop.set_status(shop_id, "ready-to-print")
    world.settle(ahead=timedelta(minutes=2))
    assert (order_of(world).released_at, shares_of(world)) == (None, [])

    word = order_of(world).source_status
    services.change_policy(
        mapped["shop"].id, merchant_id=world.merchant.id, changes={"release_states": [word]}
    )
    world.shop.change_address(shop_id, company="Möwe & Söhne")
    world.settle(ahead=timedelta(minutes=2))

    assert order_of(world).released_by == "source_state"


def test_cash_on_delivery_is_made_before_it_is_paid_and_counts_once_it_is(
    world: World, mapped: dict[str, Connection]
) -> None:
    shop_id = world.shop.customer_orders((PRINT_A3, 2), payment_method="cod")
    world.settle(ahead=timedelta(minutes=2))
    order = order_of(world)
    assert (order.released_by, order.payment_status) == ("terms", "unpaid")
    assert shares_of(world) == ["accepted"]

    sale = world.shop.shop.sales[shop_id]
    for _ in range(6):  # the parcel is paid for at the door, when the shop completes the order
        if sale.status == "completed":
            break
        world.settle(ahead=timedelta(hours=12))

    assert sale.status == "completed"
    world.settle(ahead=timedelta(minutes=2))  # the shop tells of it
    assert order_of(world).payment_status == "paid"
    assert len(world.house.books["orders"]) == 1


def test_a_refund_at_the_shop_is_asked_for_once_and_then_a_person_is_asked(
    world: World, mapped: dict[str, Connection]
) -> None:
    world.shop.customer_orders((PRINT_A3, 2))
    world.settle(ahead=timedelta(minutes=2))
    order = order_of(world)
    refund = refunds.want_refund(
        world.merchant.id,
        order.id,
        amount=Money(Decimal("12.50"), order.currency),
        by="user:1",
        reason="Kratzer",
    )
    call = refunds.intend_refund(world.merchant.id, refund.id)
    assert call is not None
    with scope.merchant(world.merchant.id):
        attempts.begin_call(call.lease)
    world.shop.faults.invisible = 1.0
    gateway(mapped["shop"].id).refund(call.request)  # made, and its answer never arrives
    lost = "the connection ended before an answer"
    refunds.record_unknown(world.merchant.id, refund.id, lease=call.lease, message=lost)
    for _ in range(4):
        world.ask()

    assert len(world.shop.books["refunds"]) == 1  # there, and nobody can see it
    with scope.merchant(world.merchant.id):
        attempt = Attempt.objects.get(kind="refund")
        assert (attempt.status, attempt.needs_person) == ("unknown", True)
        assert Refund.objects.get().status != "done"


def test_a_refund_made_in_the_shops_own_office_counts_once(
    world: World, mapped: dict[str, Connection]
) -> None:
    shop_id = world.shop.customer_orders((PRINT_A3, 2))
    world.settle(ahead=timedelta(minutes=2))

    world.shop.refund(shop_id, amount="10.00", reason="Kulanz")
    world.settle(ahead=timedelta(minutes=2))
    world.settle(ahead=timedelta(hours=1))

    order = order_of(world)
    assert (order.amount_refunded, order.payment_status) == (Decimal(10), "partially_refunded")
    assert attempts_of(world, "refund") == []


def test_an_import_of_history_ships_mails_and_owes_nothing(
    world: World, mapped: dict[str, Connection]
) -> None:
    world.shop.place_history(120, days=300)
    history.begin_import(mapped["shop"].id, merchant_id=world.merchant.id)
    world.shop.customer_orders((PRINT_A3, 2), (GUIDE, 1))

    world.settle(ahead=timedelta(minutes=2))

    with scope.merchant(world.merchant.id):
        done = HistoryImport.objects.get()
        old = Order.objects.filter(is_history=True)
        assert (done.done, done.finished_at is not None) == (done.total, True)
        assert old.count() == 120
        assert FulfillmentOrder.objects.count() == 1
        assert not Mail.objects.filter(order_id__in=old.values("id")).exists()
        assert not Obligation.objects.filter(order_id__in=old.values("id")).exists()
    assert len(world.house.books["orders"]) == 1
