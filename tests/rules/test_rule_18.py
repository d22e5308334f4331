"""Rule 18: real reversals are facts; a shipment of what was cancelled becomes a case."""

from datetime import timedelta

import pytest
from django.utils import timezone

from entrepot.access import scope
from entrepot.canon.orders import SourceState
from entrepot.canon.tracking import ParcelStatus
from entrepot.connections.models import Connection
from entrepot.connectors.prodigi.books import Phase
from entrepot.connectors.prodigi.simulator import ProdigiSimulator
from entrepot.fulfillment.models import FulfillmentOrder, Parcel, Shipment
from entrepot.fulfillment.shipping import Leaving, ship_by_hand
from entrepot.fulfillment.tracking import move_parcel
from entrepot.fulfillment.voiding import void_shipment
from entrepot.obligations.models import Obligation
from entrepot.obligations.states import Kind as Owed
from entrepot.orders import services as orders
from entrepot.tasks.fulfillment import refresh
from tests.rules.trade import Trade, amounts, connect, euros, fact, later, snapshot


@pytest.fixture
def share(trade: Trade) -> FulfillmentOrder:
    """A share of 2 and 3 units that the merchant ships."""
    trade.by_hand("MOEWE-A3", "POST-12")
    trade.tell(snapshot())
    trade.work()
    (mine,) = trade.shares()
    return mine


def leave(trade: Trade, share: FulfillmentOrder, number: str = "00340434") -> Shipment:
    with scope.merchant(trade.merchant.id):
        units = {item.id: item.quantity for item in share.items.all()}
    return ship_by_hand(
        trade.merchant.id,
        share.id,
        leaving=Leaving(
            external_id=number,
            carrier="DHL",
            service="",
            tracking_number=number,
            tracking_url="",
            shipped_at=timezone.now(),
            units=units,
        ),
        by="user:1",
    )


def move(trade: Trade, shipment: Shipment, status: ParcelStatus, *, hours: int) -> None:
    with scope.merchant(trade.merchant.id):
        parcel = Parcel.objects.select_for_update().get(shipment_id=shipment.id)
        move_parcel(
            parcel,
            status,
            happened_at=timezone.now() + timedelta(hours=hours),
            message="",
            cause="test",
        )


def test_a_voided_shipment_gives_its_units_back(trade: Trade, share: FulfillmentOrder) -> None:
    shipment = leave(trade, share)
    assert trade.order().fulfillment_status == "shipped"

    for _ in range(2):
        with scope.merchant(trade.merchant.id):
            void_shipment(Shipment.objects.get(id=shipment.id), reason="Etikett verworfen")

    order = trade.order()
    assert (order.fulfillment_status, order.units_shipped) == ("unfulfilled", 0)
    assert trade.statuses() == ["accepted"]
    assert trade.events("shipment.voided", "fulfillment_order.reopened") == [
        "shipment.voided",
        "fulfillment_order.reopened",
    ]
    leave(trade, share, "00340999")
    assert trade.order().fulfillment_status == "shipped"


def test_what_goes_again_after_its_label_was_void_is_shipped_once_and_told_by_its_number(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    trade.tell(snapshot())
    trade.work()
    (made,) = house.orders.values()
    house.finish(made.id)
    reread(trade)
    assert (trade.order().fulfillment_status, owed_news(trade)) == ("shipped", 1)

    house.void_label(made.id, 0)
    reread(trade)
    order = trade.order()
    assert (order.fulfillment_status, order.units_shipped, trade.holds()) == ("unfulfilled", 0, [])
    assert (trade.statuses(), owed_news(trade)) == (["accepted"], 0)

    house.finish(made.id)
    for _ in range(2):
        reread(trade)
    order = trade.order()
    assert (order.fulfillment_status, order.units_shipped) == ("shipped", 5)
    assert (trade.statuses(), len(house.orders), owed_news(trade)) == (["closed"], 1, 1)
    with scope.merchant(trade.merchant.id):
        shipments = Shipment.objects.order_by("id").values_list("status", flat=True)
        assert list(shipments) == ["voided", "shipped"]


def reread(trade: Trade) -> None:
    (share,) = trade.shares()
    refresh(merchant_id=trade.merchant.id, order_id=share.order_id, subject_id=share.id)
    trade.work(timedelta(minutes=1))


def owed_news(trade: Trade) -> int:
    """How many shipments the storefront has still to hear of."""
    with scope.merchant(trade.merchant.id):
        return Obligation.objects.filter(kind=Owed.WRITE_BACK, end="").count()


def test_goods_that_come_back_are_returned_and_stale_news_of_them_is_not_believed(
    trade: Trade, share: FulfillmentOrder
) -> None:
    shipment = leave(trade, share)
    move(trade, shipment, ParcelStatus.DELIVERED, hours=2)
    assert trade.order().fulfillment_status == "delivered"

    move(trade, shipment, ParcelStatus.RETURNED, hours=9)
    move(trade, shipment, ParcelStatus.IN_TRANSIT, hours=1)

    order = trade.order()
    assert (order.units_delivered, order.units_returned) == (0, 5)
    assert trade.events("parcel.returned") == ["parcel.returned"]


def test_a_refund_that_failed_and_a_dispute_that_was_won_are_taken_back(trade: Trade) -> None:
    gateway = connect(trade.merchant, "stripe")
    trade.by_hand("MOEWE-A3", "POST-12")
    trade.tell(snapshot())
    gone = fact("refunded", euros("30"), payment="pay-10482", external_id="re_1")
    disputed = fact("disputed", euros("86.30"), payment="pay-10482", external_id="dp_1")
    trade.tell(gone, disputed, connection=gateway)
    assert (trade.order().payment_status, trade.order().is_disputed) == ("partially_refunded", True)
    assert ("dispute", "dp_1") in trade.holds() or trade.holds()

    trade.tell(
        fact("refund_failed", euros("30"), payment="pay-10482", external_id="re_1"),
        fact("dispute_won", euros("86.30"), payment="pay-10482", external_id="dp_1"),
        connection=gateway,
    )
    trade.tell(gone, disputed, connection=gateway)  # told again: nothing of it is news

    order = trade.order()
    assert (order.payment_status, order.is_disputed, trade.holds()) == ("paid", False, [])
    assert amounts(order) == {"captured": order.total.normalize()}


def test_reversals_that_come_before_what_they_reverse_count_as_well(trade: Trade) -> None:
    gateway = connect(trade.merchant, "stripe")
    trade.tell(snapshot())

    trade.tell(
        fact("refund_failed", euros("30"), payment="pay-10482", external_id="re_1"),
        fact("dispute_won", euros("86.30"), payment="pay-10482", external_id="dp_1"),
        connection=gateway,
    )
    trade.tell(
        fact("disputed", euros("86.30"), payment="pay-10482", external_id="dp_1"),
        fact("refunded", euros("30"), payment="pay-10482", external_id="re_1"),
        connection=gateway,
    )

    assert (trade.order().payment_status, trade.order().is_disputed) == ("paid", False)
    assert trade.holds() == []


def test_a_lost_dispute_is_money_that_went_back(trade: Trade) -> None:
    gateway = connect(trade.merchant, "stripe")
    trade.tell(snapshot())

    for kind in ("disputed", "dispute_lost"):
        trade.tell(
            fact(kind, euros("86.30"), payment="pay-10482", external_id="dp_1"), connection=gateway
        )

    assert (trade.order().payment_status, trade.order().is_disputed) == ("refunded", False)


def test_an_order_that_the_shop_opens_again_has_work_again(trade: Trade) -> None:
    trade.by_hand("MOEWE-A3", "POST-12")
    done = snapshot(state=SourceState.COMPLETED, source_status="completed")
    trade.tell(done)
    trade.work()
    assert (trade.order().units_elsewhere, trade.statuses()) == (5, [])

    trade.tell(later(done, state=SourceState.PROCESSING, source_status="processing"))
    trade.work()

    assert (trade.order().units_elsewhere, trade.statuses()) == (0, ["accepted"])
    assert trade.events("order.reopened") == ["order.reopened"]


def test_what_a_provider_does_not_cancel_is_a_case_and_no_promise_any_more(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    trade.tell(snapshot())
    trade.work()
    trade.clock.advance(timedelta(minutes=40))  # a lab has begun
    orders.cancel_units(trade.merchant.id, trade.order().id, by="user:1", reason="Widerruf")
    trade.work()

    assert trade.attempts("cancel") == ["rejected"]
    assert trade.statuses() == ["accepted"]
    assert [kind for kind, _ in trade.holds()] == ["shipped_after_cancel"]
    with scope.merchant(trade.merchant.id):
        (owed,) = Obligation.objects.filter(kind=Owed.CANCEL)
    assert (owed.end, owed.reason) == (
        "void",
        "the provider goes on with it, and a person decides",
    )


def test_a_shipment_of_what_was_cancelled_is_recorded_and_becomes_a_case(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    trade.tell(snapshot())
    trade.work()
    orders.cancel_units(trade.merchant.id, trade.order().id, by="user:1", reason="Widerruf")
    trade.work()
    (share,) = trade.shares()
    assert share.status == "cancelled"

    (made,) = house.orders.values()  # a lab had packed it all the same
    made.phase = Phase.DOWNLOADING
    house._active[made.id] = made
    house.finish(made.id)
    refresh(merchant_id=trade.merchant.id, subject_id=share.id)
    trade.work()

    assert trade.order().units_shipped == 5
    assert [kind for kind, _ in trade.holds()] == ["shipped_after_cancel"]
