"""What a storefront is told of a shipment, whatever comes while it is being told."""

from datetime import timedelta

from django.utils import timezone

from entrepot.access import scope
from entrepot.attempts import services as attempts
from entrepot.attempts.leases import Lease
from entrepot.connect.ports import WriteBackReceipt
from entrepot.fulfillment import writing_back
from entrepot.fulfillment.models import Shipment
from entrepot.fulfillment.planning import plan_order
from entrepot.fulfillment.shipping import Leaving, ship_by_hand
from entrepot.fulfillment.writing_back import WriteBackCall
from entrepot.obligations.models import Obligation
from entrepot.tasks import deciding
from tests.rules.trade import Trade, snapshot

SKUS = ("MOEWE-A3", "POST-12")
DONE = WriteBackReceipt(was_there=False, external_ids=(), message="1 parcel(s) as a note")


def leave(trade: Trade, *, tracking_number: str = "") -> Shipment:
    """All of an order leaves, or, said again, gets its tracking number."""
    (share,) = trade.shares() or plan_order(trade.merchant.id, trade.order().id)
    with scope.merchant(trade.merchant.id):
        units = {item.id: item.quantity for item in share.items.all()}
    return ship_by_hand(
        trade.merchant.id,
        share.id,
        leaving=Leaving(
            external_id="Paket 1",
            carrier="DHL",
            service="",
            tracking_number=tracking_number,
            tracking_url="",
            shipped_at=timezone.now() - timedelta(minutes=1),
            units=units,
        ),
        by="user:1",
    )


def tell(trade: Trade, shipment: Shipment) -> list[WriteBackCall]:
    return writing_back.intend_write_backs(trade.merchant.id, {shipment.id: ""})


def begin(trade: Trade, call: WriteBackCall) -> Lease:
    with scope.merchant(trade.merchant.id):
        return attempts.begin_call(call.lease)


def told_and_owed(trade: Trade, shipment: Shipment) -> tuple[bool, list[str]]:
    """Whether the storefront counts as told, and how the promises to tell it have ended."""
    with scope.merchant(trade.merchant.id):
        owed = Obligation.objects.filter(kind="write_back", subject_id=shipment.id)
        now = Shipment.objects.get(id=shipment.id)
        return now.written_back_at is not None, list(owed.values_list("end", flat=True))


def test_tracking_that_comes_while_the_shipment_is_told_is_told_as_well(trade: Trade) -> None:
    trade.by_hand(*SKUS)
    trade.tell(snapshot())
    shipment = leave(trade)
    (first,) = tell(trade, shipment)
    lease = begin(trade, first)

    leave(trade, tracking_number="0034-1")
    assert tell(trade, shipment) == []  # the first telling is under way
    writing_back.record_written(trade.merchant.id, shipment.id, lease=lease, receipt=DONE)

    assert told_and_owed(trade, shipment) == (False, [""])
    (second,) = tell(trade, shipment)
    writing_back.record_written(
        trade.merchant.id, shipment.id, lease=begin(trade, second), receipt=DONE
    )
    assert [parcel.tracking_number for parcel in first.news.parcels] == [""]
    assert [parcel.tracking_number for parcel in second.news.parcels] == ["0034-1"]
    assert told_and_owed(trade, shipment) == (True, ["met"])


def test_a_shipment_that_did_not_change_meanwhile_is_told_once(trade: Trade) -> None:
    trade.by_hand(*SKUS)
    trade.tell(snapshot())
    shipment = leave(trade, tracking_number="0034-1")
    (only,) = tell(trade, shipment)

    writing_back.record_written(
        trade.merchant.id, shipment.id, lease=begin(trade, only), receipt=DONE
    )

    assert told_and_owed(trade, shipment) == (True, ["met"])
    assert tell(trade, shipment) == []


def lose(trade: Trade, call: WriteBackCall, shipment: Shipment) -> None:
    """The call left, and nobody knows whether the storefront has heard it."""
    lease = begin(trade, call)
    writing_back.record_write_unknown(
        trade.merchant.id, shipment.id, lease=lease, message="no answer"
    )


def decide(trade: Trade, call: WriteBackCall, *, happened: bool) -> None:
    with scope.merchant(trade.merchant.id):
        deciding.decide(
            trade.merchant.id,
            call.lease.attempt_id,
            happened=happened,
            by="user:3",
            reason="seen in the shop",
        )


def test_who_says_that_the_storefront_was_told_ends_the_promise_to_tell_it(trade: Trade) -> None:
    trade.by_hand(*SKUS)
    trade.tell(snapshot())
    shipment = leave(trade, tracking_number="0034-1")
    (call,) = tell(trade, shipment)
    lose(trade, call, shipment)

    decide(trade, call, happened=True)

    assert told_and_owed(trade, shipment) == (True, ["met"])
    assert tell(trade, shipment) == []


def test_who_says_that_it_was_not_told_has_it_told_again(trade: Trade) -> None:
    trade.by_hand(*SKUS)
    trade.tell(snapshot())
    shipment = leave(trade, tracking_number="0034-1")
    (call,) = tell(trade, shipment)
    lose(trade, call, shipment)

    decide(trade, call, happened=False)

    assert told_and_owed(trade, shipment) == (False, [""])
    assert len(tell(trade, shipment)) == 1


def test_tracking_that_came_after_the_call_stays_owed_whoever_vouches_for_it(
    trade: Trade,
) -> None:
    trade.by_hand(*SKUS)
    trade.tell(snapshot())
    shipment = leave(trade)
    (call,) = tell(trade, shipment)
    lose(trade, call, shipment)
    leave(trade, tracking_number="0034-1")

    decide(trade, call, happened=True)

    assert told_and_owed(trade, shipment) == (False, [""])
    (second,) = tell(trade, shipment)
    assert [parcel.tracking_number for parcel in second.news.parcels] == ["0034-1"]
