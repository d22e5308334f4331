"""A shipment that was void and is reported shipped again, under the id that it had."""

from datetime import timedelta

import pytest

from entrepot.access import scope
from entrepot.canon.fulfillment import ShipmentState
from entrepot.canon.places import Place
from entrepot.canon.tracking import ParcelStatus, TrackerSnapshot, TrackingUpdate
from entrepot.connections.models import Connection
from entrepot.database import clock
from entrepot.fulfillment.models import FulfillmentOrder
from tests.fulfillment.hearing import accepted, facts, hear, left, owed, said
from tests.rules.trade import Trade, connect

ALL = {1: 2, 2: 3}


@pytest.fixture
def provider(trade: Trade) -> Connection:
    """A print house without an outside, which makes both prints and cards."""
    house = connect(trade.merchant, "prodigi")
    trade.made_by(house, "MOEWE-A3", "POST-12")
    return house


@pytest.fixture
def voided(trade: Trade, provider: Connection) -> FulfillmentOrder:
    """A share whose only shipment had left and turned out not to exist."""
    (share,) = accepted(trade, "1")
    hear(trade, provider, said(share, left("s-1", tracking="JD01", units=ALL)))
    void = left("s-1", tracking="JD01", state=ShipmentState.CANCELLED)
    hear(trade, provider, said(share, void, minute=2))
    assert (trade.statuses("1"), trade.order("1").units_shipped) == (["accepted"], 0)
    return share


def test_with_the_same_label_it_has_left_and_its_parcel_is_followed_again(
    trade: Trade, provider: Connection, voided: FulfillmentOrder
) -> None:
    again = said(voided, left("s-1", tracking="JD01", units=ALL), minute=3)
    for _ in range(2):
        hear(trade, provider, again)

    assert facts(trade) == (
        ["s-1"],
        [(1, 2, "shipped"), (1, 3, "shipped")],
        [(1, "JD01", "unknown")],
    )
    assert (trade.statuses("1"), trade.order("1").units_shipped) == (["closed"], 5)
    assert owed(trade) == ["deliver"]
    assert trade.events("shipment.recorded") == ["shipment.recorded"] * 2

    arrives(trade, "JD01")
    assert (trade.order("1").units_delivered, owed(trade)) == (5, [])


def test_with_another_label_the_void_parcel_stays_void_beside_the_new_one(
    trade: Trade, provider: Connection, voided: FulfillmentOrder
) -> None:
    hear(trade, provider, said(voided, left("s-1", tracking="JD77", units=ALL), minute=3))

    assert facts(trade)[1:] == (
        [(1, 2, "shipped"), (1, 3, "shipped")],
        [(1, "JD01", "voided"), (2, "JD77", "unknown")],
    )
    assert trade.statuses("1") == ["closed"]
    arrives(trade, "JD77")
    assert trade.order("1").units_delivered == 5


def test_what_another_shipment_holds_by_now_does_not_leave_with_it_too(
    trade: Trade, provider: Connection, voided: FulfillmentOrder
) -> None:
    other = left("s-2", tracking="JD02", units={1: 1, 2: 3})
    hear(trade, provider, said(voided, other, minute=3))

    both = (left("s-1", tracking="JD01", units=ALL), other)
    hear(trade, provider, said(voided, *both, minute=4))

    assert facts(trade)[1] == [(1, 1, "shipped"), (2, 1, "shipped"), (2, 3, "shipped")]
    assert trade.order("1").units_shipped == 5


def test_it_may_be_void_once_more(
    trade: Trade, provider: Connection, voided: FulfillmentOrder
) -> None:
    hear(trade, provider, said(voided, left("s-1", tracking="JD01", units=ALL), minute=3))
    void = left("s-1", tracking="JD01", state=ShipmentState.CANCELLED)
    hear(trade, provider, said(voided, void, minute=4))

    assert (trade.statuses("1"), trade.order("1").units_shipped) == (["accepted"], 0)
    assert facts(trade)[2] == [(1, "JD01", "voided")]


def arrives(trade: Trade, number: str) -> None:
    now = clock.now()
    trade.tell(
        TrackerSnapshot(
            external_id=f"trk_{number}",
            tracking_number=number,
            carrier="DHL",
            status=ParcelStatus.DELIVERED,
            source_status="delivered",
            updated_at=now,
            updates=(
                TrackingUpdate(
                    status=ParcelStatus.DELIVERED,
                    source_status="delivered",
                    happened_at=now + timedelta(hours=9),
                    message="Zugestellt",
                    place=Place(city="Köln", country="DE"),
                ),
            ),
        ),
        connection=connect(trade.merchant, "easypost"),
    )
    with scope.merchant(trade.merchant.id):
        assert trade.order("1").fulfillment_status == "delivered"
