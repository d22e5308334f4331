"""Rule 20: delivery is known from a carrier; without one it is presumed, and says so."""

from datetime import timedelta

import pytest
from django.utils import timezone

from entrepot.access import scope
from entrepot.canon.places import Place
from entrepot.canon.tracking import ParcelStatus, TrackerSnapshot, TrackingUpdate
from entrepot.connections import services
from entrepot.connections.models import Connection
from entrepot.connectors.prodigi.simulator import ProdigiSimulator
from entrepot.fulfillment.models import Parcel, Shipment, TrackingEntry
from entrepot.fulfillment.tracking import move_parcel
from entrepot.tasks.fulfillment import refresh
from entrepot.tasks.tracking import presume
from tests.rules.trade import Trade, connect, snapshot


@pytest.fixture
def parcel(trade: Trade, provider: Connection, house: ProdigiSimulator) -> Parcel:
    """A parcel that a provider says has left; its order is complete over there."""
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    trade.tell(snapshot())
    trade.work()
    (made,) = house.orders.values()
    house.finish(made.id)
    (share,) = trade.shares()
    refresh(merchant_id=trade.merchant.id, subject_id=share.id)
    trade.work()
    with scope.merchant(trade.merchant.id):
        return Parcel.objects.get()


def state(trade: Trade) -> tuple[str, str, str]:
    with scope.merchant(trade.merchant.id):
        status = Parcel.objects.get().status
    order = trade.order()
    return status, order.fulfillment_status, order.status


def left(trade: Trade, *, days: float) -> None:
    with scope.merchant(trade.merchant.id):
        Shipment.objects.update(shipped_at=timezone.now() - timedelta(days=days))


def carrier_says(trade: Trade, parcel: Parcel, *statuses: ParcelStatus) -> None:
    carrier = connect(trade.merchant, "easypost")
    now = timezone.now()
    trade.tell(
        TrackerSnapshot(
            external_id="trk_1",
            tracking_number=parcel.tracking_number,
            carrier="DHL",
            status=statuses[-1],
            source_status=str(statuses[-1]),
            updated_at=now,
            updates=tuple(
                TrackingUpdate(
                    status=status,
                    source_status=str(status),
                    happened_at=now + timedelta(hours=number),
                    message=f"Scan {number}",
                    place=Place(city="Köln", country="DE"),
                )
                for number, status in enumerate(statuses)
            ),
        ),
        connection=carrier,
    )


def test_a_provider_that_is_complete_has_delivered_nothing(trade: Trade, parcel: Parcel) -> None:
    assert parcel.tracking_number
    assert state(trade) == ("unknown", "shipped", "open")
    assert trade.shares()[0].provider_stage == "complete"


def test_a_carrier_knows_that_it_was_delivered(trade: Trade, parcel: Parcel) -> None:
    carrier_says(trade, parcel, ParcelStatus.IN_TRANSIT, ParcelStatus.DELIVERED)

    assert state(trade) == ("delivered", "delivered", "closed")
    assert trade.events("parcel.delivered", "parcel.presumed_delivered") == ["parcel.delivered"]


@pytest.mark.parametrize(("days", "is_presumed"), [(13.9, False), (14.1, True)])
def test_without_a_carrier_it_is_presumed_after_a_set_time_and_says_so(
    trade: Trade, parcel: Parcel, days: float, is_presumed: bool
) -> None:
    left(trade, days=days)

    for _ in range(2):
        presume()

    expected = ("presumed_delivered", "delivered", "closed")
    assert state(trade) == (expected if is_presumed else ("unknown", "shipped", "open"))
    assert trade.events("parcel.delivered", "parcel.presumed_delivered") == (
        ["parcel.presumed_delivered"] if is_presumed else []
    )
    assert trade.order().units_presumed == (5 if is_presumed else 0)
    if is_presumed:
        with scope.merchant(trade.merchant.id):
            assert TrackingEntry.objects.get().message == (
                "no carrier follows it; 14 days have passed"
            )


def test_a_merchant_may_set_another_time(
    trade: Trade, parcel: Parcel, provider: Connection
) -> None:
    services.change_policy(
        provider.id, merchant_id=trade.merchant.id, changes={"presume_delivered_days": 30}
    )
    left(trade, days=29)
    presume()
    assert state(trade)[0] == "unknown"

    left(trade, days=31)
    presume()

    assert state(trade)[0] == "presumed_delivered"


def test_what_a_carrier_follows_is_never_presumed(trade: Trade, parcel: Parcel) -> None:
    carrier_says(trade, parcel, ParcelStatus.IN_TRANSIT)
    left(trade, days=90)

    presume()

    assert state(trade) == ("in_transit", "shipped", "open")


def test_a_carriers_later_word_replaces_what_was_presumed(trade: Trade, parcel: Parcel) -> None:
    left(trade, days=15)
    presume()

    carrier_says(trade, parcel, ParcelStatus.EXCEPTION, ParcelStatus.RETURNING)

    assert state(trade)[0] == "returning"
    assert trade.order().units_presumed == 0


@pytest.mark.parametrize("on_the_way", [(), (ParcelStatus.IN_TRANSIT,), (ParcelStatus.LOST,)])
def test_what_a_carrier_delivers_after_it_turned_back_has_come_back_and_not_arrived(
    trade: Trade, parcel: Parcel, on_the_way: tuple[ParcelStatus, ...]
) -> None:
    """Carriers scan the way back like the way there: out for delivery, delivered, to the sender."""
    back = (
        *(ParcelStatus.OUT_FOR_DELIVERY, ParcelStatus.RETURNING, *on_the_way),
        *(ParcelStatus.OUT_FOR_DELIVERY, ParcelStatus.DELIVERED),
    )
    carrier_says(trade, parcel, *back)

    order = trade.order()
    assert (state(trade)[0], order.units_delivered, order.units_returned) == ("returned", 0, 5)
    assert trade.events("parcel.delivered", "parcel.returned") == ["parcel.returned"]


def test_what_is_on_its_way_back_is_not_out_for_delivery(trade: Trade, parcel: Parcel) -> None:
    carrier_says(trade, parcel, ParcelStatus.RETURNING, ParcelStatus.OUT_FOR_DELIVERY)

    assert state(trade)[0] == "returning"


def test_a_person_who_knows_that_it_arrived_all_the_same_is_believed(
    trade: Trade, parcel: Parcel
) -> None:
    carrier_says(trade, parcel, ParcelStatus.RETURNING)
    with scope.merchant(trade.merchant.id):
        move_parcel(
            Parcel.objects.select_for_update().get(),
            ParcelStatus.DELIVERED,
            happened_at=timezone.now() + timedelta(hours=9),
            message="Die Kundin hat angerufen",
            cause="interface:orders",
        )

    assert state(trade) == ("delivered", "delivered", "closed")
