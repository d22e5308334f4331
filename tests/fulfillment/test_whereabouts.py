"""What a person says of a parcel that no carrier tells of, or tells wrongly."""

from datetime import timedelta

import pytest
from django.utils import timezone

from entrepot.access import scope
from entrepot.canon.tracking import ParcelStatus
from entrepot.events.models import Event
from entrepot.fulfillment import tracking, whereabouts
from entrepot.fulfillment.models import Parcel
from entrepot.fulfillment.shipping import Leaving, ship_by_hand
from entrepot.fulfillment.whereabouts import CannotSay, say_where
from tests.rules.trade import Trade, snapshot


def sent(trade: Trade, *, days_ago: int = 3) -> Parcel:
    """A parcel with all five units of an order, packed by hand; no carrier follows it."""
    trade.by_hand("MOEWE-A3", "POST-12")
    trade.tell(snapshot())
    trade.work()
    (share,) = trade.shares()
    with scope.merchant(trade.merchant.id):
        units = {item.id: item.quantity for item in share.items.all()}
    ship_by_hand(
        trade.merchant.id,
        share.id,
        leaving=Leaving(
            external_id="JD0146",
            carrier="DHL",
            service="",
            tracking_number="JD0146",
            tracking_url="",
            shipped_at=timezone.now() - timedelta(days=days_ago),
            units=units,
        ),
        by="user:1",
    )
    with scope.merchant(trade.merchant.id):
        return Parcel.objects.get()


def say(
    trade: Trade, parcel: Parcel, status: ParcelStatus, reason: str = "Nachforschung"
) -> Parcel:
    return say_where(trade.merchant.id, parcel.id, status=status, by="user:3", reason=reason)


def test_a_lost_parcel_is_told_once_and_never_presumed_to_have_arrived(trade: Trade) -> None:
    parcel = sent(trade, days_ago=30)

    first, again = [say(trade, parcel, ParcelStatus.LOST) for _ in range(2)]

    assert (first.status, again.status) == ("lost", "lost")
    with scope.merchant(trade.merchant.id):
        (told,) = Event.objects.filter(name="parcel.exception")
        assert (told.actor, told.data["to"]) == ("user:3", "lost")
    with scope.system():
        assert tracking.due_to_be_presumed(10) == []
    assert trade.order().units_delivered == 0


@pytest.mark.parametrize(
    ("status", "delivered", "returned"),
    [(ParcelStatus.DELIVERED, 5, 0), (ParcelStatus.RETURNED, 0, 5)],
)
def test_what_arrived_or_came_back_is_counted(
    trade: Trade, status: ParcelStatus, delivered: int, returned: int
) -> None:
    parcel = sent(trade)

    assert say(trade, parcel, status).status == status

    order = trade.order()
    assert (order.units_delivered, order.units_returned) == (delivered, returned)


def test_a_word_counts_although_a_carrier_dates_its_scans_ahead(trade: Trade) -> None:
    parcel = sent(trade)
    with scope.merchant(trade.merchant.id):
        locked = Parcel.objects.select_for_update().get(id=parcel.id)
        tracking.move_parcel(
            locked,
            ParcelStatus.IN_TRANSIT,
            happened_at=timezone.now() + timedelta(hours=6),
            message="Abfahrt",
            cause="inbox:1",
        )

    assert say(trade, parcel, ParcelStatus.LOST).status == "lost"


def test_what_was_presumed_lost_and_is_found_has_arrived(trade: Trade) -> None:
    parcel = sent(trade)

    say(trade, parcel, ParcelStatus.LOST)
    found = say(trade, parcel, ParcelStatus.DELIVERED, "Nachbar hatte es")

    assert found.status == "delivered"
    assert trade.order().units_delivered == 5


@pytest.mark.parametrize(
    ("_case", "before", "said", "reason", "words"),
    [
        ("no reason", None, ParcelStatus.LOST, " ", "say how you know"),
        ("it came back", ParcelStatus.RETURNED, ParcelStatus.LOST, "weg", "it is returned"),
        ("it arrived", ParcelStatus.DELIVERED, ParcelStatus.LOST, "weg", "it is delivered"),
        ("no word of a person", None, ParcelStatus.IN_TRANSIT, "weg", "it is unknown"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    trade: Trade,
    _case: str,
    before: ParcelStatus | None,
    said: ParcelStatus,
    reason: str,
    words: str,
) -> None:
    parcel = sent(trade)
    if before is not None:
        parcel = say(trade, parcel, before)

    with pytest.raises(CannotSay, match=words):
        say(trade, parcel, said, reason)

    with scope.merchant(trade.merchant.id):
        assert Parcel.objects.get().status == parcel.status


def test_only_parcels_of_which_something_can_be_said_are_offered(trade: Trade) -> None:
    parcel = sent(trade)

    with scope.merchant(trade.merchant.id):
        before = list(whereabouts.sayable(parcel.order_id))
    say(trade, parcel, ParcelStatus.RETURNED)

    with scope.merchant(trade.merchant.id):
        assert (before, list(whereabouts.sayable(parcel.order_id))) == ([parcel], [])
