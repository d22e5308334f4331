"""Goods that did not reach their customer, and were sent once more."""

from collections.abc import Mapping
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from entrepot.access import scope
from entrepot.canon.tracking import ParcelStatus
from entrepot.dashboard.reading import headline
from entrepot.dashboard.reading.explaining import explain
from entrepot.dashboard.reading.headline import State
from entrepot.dashboard.reading.late import SENT_AGAIN
from entrepot.fulfillment import reship
from entrepot.fulfillment.models import FulfillmentOrder, Parcel
from entrepot.fulfillment.shipping import Leaving, ship_by_hand
from entrepot.fulfillment.whereabouts import say_where
from entrepot.notifications.links import tracking_token
from tests.rules.trade import Trade, snapshot
from tests.tracking_page.test_order import text_of

ALL = {"MOEWE-A3": 2, "POST-12": 3}


def packed(trade: Trade) -> FulfillmentOrder:
    """The share of an order of five units, which the merchant packs."""
    trade.by_hand("MOEWE-A3", "POST-12")
    trade.tell(snapshot())
    trade.work()
    (share,) = trade.shares()
    return share


def send(trade: Trade, share: FulfillmentOrder, units: Mapping[str, int], number: str) -> Parcel:
    """Hand units of a share over to a carrier that nobody follows."""
    with scope.merchant(trade.merchant.id):
        leaving = {item.id: units.get(item.sku, 0) for item in share.items.all()}
    ship_by_hand(
        trade.merchant.id,
        share.id,
        leaving=Leaving(
            external_id=number,
            carrier="DHL",
            service="",
            tracking_number=number,
            tracking_url="",
            shipped_at=timezone.now() - timedelta(days=3),
            units=leaving,
        ),
        by="user:1",
    )
    with scope.merchant(trade.merchant.id):
        return Parcel.objects.get(tracking_number=number)


def say(trade: Trade, parcel: Parcel, status: ParcelStatus) -> None:
    say_where(trade.merchant.id, parcel.id, status=status, by="user:3", reason="Nachforschung")


def again(trade: Trade, share: FulfillmentOrder, units: Mapping[str, int]) -> FulfillmentOrder:
    """Have units of a share made once more."""
    with scope.merchant(trade.merchant.id):
        items = {item.id: units[item.sku] for item in share.items.all() if item.sku in units}
    return reship.reship(
        trade.merchant.id, share.id, by="user:1", reason="verloren: 紛失", units=items
    )


def state(trade: Trade) -> State:
    """The headline state; the list that filters by it has the order as well."""
    order_id = trade.order().id
    with scope.merchant(trade.merchant.id):
        (found,) = headline.states_of([order_id]).values()
    return found


def panel(trade: Trade) -> str:
    """What the order's page says of what is to be done."""
    order = trade.order()
    with scope.merchant(trade.merchant.id):
        return explain(order.id).sentence


def page(trade: Trade) -> str:
    token = tracking_token(trade.merchant.id, trade.order().id)
    return text_of(Client().get(f"/t/{token}/?lang=en").content.decode())


@pytest.mark.parametrize("ended", [ParcelStatus.LOST, ParcelStatus.RETURNED])
def test_an_order_whose_goods_were_sent_again_and_arrived_is_delivered(
    trade: Trade, ended: ParcelStatus
) -> None:
    share = packed(trade)
    say(trade, send(trade, share, ALL, "JD-1"), ended)
    before, said = state(trade), panel(trade)

    second = send(trade, again(trade, share, ALL), ALL, "JD-2")
    meanwhile, told_meanwhile, said_meanwhile = state(trade), page(trade), panel(trade)
    say(trade, second, ParcelStatus.DELIVERED)

    late = State.DELAYED if ended is ParcelStatus.LOST else State.RETURNED
    assert (before, meanwhile, state(trade)) == (late, late, State.DELIVERED)
    order = trade.order()
    assert (order.units_shipped, order.units_delivered) == (5, 5)
    assert (order.fulfillment_status, order.status) == ("delivered", "closed")
    assert [SENT_AGAIN in words for words in (said, said_meanwhile, panel(trade))] == [
        False,
        True,
        False,
    ]
    assert "We send what was in it again." in told_meanwhile
    told = page(trade)
    assert "Everything has arrived." in told
    assert "What was in it was sent again and has arrived." in told


def test_what_was_not_sent_again_in_full_is_still_missing(trade: Trade) -> None:
    share = packed(trade)
    say(trade, send(trade, share, ALL, "JD-1"), ParcelStatus.LOST)

    say(
        trade,
        send(trade, again(trade, share, {"POST-12": 2}), {"POST-12": 2}, "JD-2"),
        ParcelStatus.DELIVERED,
    )

    assert (state(trade), trade.order().units_delivered) == (State.DELAYED, 2)
    assert "Everything has arrived." not in page(trade)


def test_what_is_lost_once_more_is_missing_until_it_arrives_at_last(trade: Trade) -> None:
    share = packed(trade)
    say(trade, send(trade, share, ALL, "JD-1"), ParcelStatus.LOST)
    second = again(trade, share, ALL)
    say(trade, send(trade, second, ALL, "JD-2"), ParcelStatus.LOST)
    missing = state(trade)

    say(trade, send(trade, again(trade, second, ALL), ALL, "JD-3"), ParcelStatus.DELIVERED)

    assert (missing, state(trade)) == (State.DELAYED, State.DELIVERED)
    assert trade.order().units_delivered == 5


def test_what_replaces_damaged_goods_and_is_lost_is_missing(trade: Trade) -> None:
    share = packed(trade)
    say(trade, send(trade, share, ALL, "JD-1"), ParcelStatus.DELIVERED)
    two = {"MOEWE-A3": 2}

    say(trade, send(trade, again(trade, share, two), two, "JD-2"), ParcelStatus.LOST)

    assert state(trade) is State.DELAYED


def test_other_parcels_of_the_order_are_not_taken_for_the_lost_one(trade: Trade) -> None:
    share = packed(trade)
    some, rest = {"MOEWE-A3": 2, "POST-12": 1}, {"POST-12": 2}
    lost = send(trade, share, some, "JD-1")
    other = send(trade, share, rest, "JD-2")
    say(trade, lost, ParcelStatus.LOST)
    say(trade, other, ParcelStatus.DELIVERED)
    assert (state(trade), trade.order().units_delivered) == (State.DELAYED, 2)

    say(trade, send(trade, again(trade, share, some), some, "JD-3"), ParcelStatus.DELIVERED)

    assert (state(trade), trade.order().units_delivered) == (State.DELIVERED, 5)


def test_a_lost_parcel_that_turns_up_beside_its_replacement_counts_once(trade: Trade) -> None:
    share = packed(trade)
    lost = send(trade, share, ALL, "JD-1")
    say(trade, lost, ParcelStatus.LOST)
    say(trade, send(trade, again(trade, share, ALL), ALL, "JD-2"), ParcelStatus.DELIVERED)

    say(trade, lost, ParcelStatus.DELIVERED)

    assert (state(trade), trade.order().units_delivered) == (State.DELIVERED, 5)
