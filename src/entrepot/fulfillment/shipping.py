"""Records goods that left: shipments, what is in them, their parcels. Facts, each once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max

from entrepot.access import scope
from entrepot.canon.tracking import ParcelStatus
from entrepot.database import clock
from entrepot.events import outbox
from entrepot.fulfillment import promises
from entrepot.fulfillment.counting import recount
from entrepot.fulfillment.models import (
    FulfillmentItem,
    FulfillmentOrder,
    Parcel,
    Shipment,
    ShipmentItem,
)
from entrepot.fulfillment.states import ShipmentStatus, Status, Step
from entrepot.fulfillment.tracking import move_parcel
from entrepot.obligations import services as obligations
from entrepot.obligations.states import Kind as Owed
from entrepot.orders import search
from entrepot.orders.holds import NewHold, open_holds
from entrepot.orders.services import lock_order
from entrepot.orders.states import HoldKind

DELIVER_WITHIN = timedelta(days=21)
# Shares that a provider has, or may have.
SENT = (Status.SUBMITTED, Status.ACCEPTED, Status.CANCELLING)


class CannotShip(Exception):
    """What was said to have left does not fit what there is to send; the message says how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """Goods that left a share together. `units` is fulfillment item id -> how many.

    `external_id` makes the shipment count once: the provider's id, or ours for what people ship.
    """

    external_id: str
    carrier: str
    service: str
    tracking_number: str
    tracking_url: str
    shipped_at: datetime
    units: Mapping[int, int]


def record_shipment(
    fulfillment_order: FulfillmentOrder, leaving: Leaving, *, cause: str
) -> Shipment:
    """Record goods that left a locked share, and count them; see `note_shipment`."""
    shipment = note_shipment(fulfillment_order, leaving, cause=cause)
    settle_left([fulfillment_order])
    return shipment


def note_shipment(fulfillment_order: FulfillmentOrder, leaving: Leaving, *, cause: str) -> Shipment:
    """Record goods that left a locked share; a repeat updates tracking only.

    A shipment of a cancelled share is recorded all the same, and becomes a case for a person. What
    it changes of counts and statuses is up to `settle_left`, for many shares at once.
    """
    mine: dict[str, Any] = {
        "merchant_id": fulfillment_order.merchant_id,
        "mode": fulfillment_order.mode,
        "order_id": fulfillment_order.order_id,
    }
    known = Shipment.objects.filter(
        fulfillment_order=fulfillment_order, external_id=leaving.external_id
    ).first()
    if known is not None:
        _complete(known, leaving, cause=cause)
        return known
    last = Shipment.objects.filter(order_id=fulfillment_order.order_id).aggregate(n=Max("number"))
    shipment = Shipment.objects.create(
        **mine,
        fulfillment_order=fulfillment_order,
        external_id=leaving.external_id,
        number=(last["n"] or 0) + 1,
        carrier=leaving.carrier,
        service=leaving.service,
        shipped_at=leaving.shipped_at,
        cause=cause,
    )
    items = {item.id: item for item in fulfillment_order.items.all()}
    ShipmentItem.objects.bulk_create(
        ShipmentItem(
            merchant_id=fulfillment_order.merchant_id,
            shipment=shipment,
            fulfillment_item_id=item_id,
            line_id=items[item_id].line_id,
            quantity=quantity,
        )
        for item_id, quantity in sorted(leaving.units.items())
        if quantity > 0
    )
    parcel = _add_parcel(shipment, leaving)
    outbox.record(
        "shipment.recorded",
        **mine,
        subject=("shipment", shipment.id),
        data={
            "units": {
                str(items[item_id].line_id): count for item_id, count in leaving.units.items()
            },
            "carrier": leaving.carrier,
            "tracking_number": leaving.tracking_number,
        },
    )
    obligations.open_many(
        [
            obligations.NewObligation(
                **mine,
                kind=Owed.DELIVER,
                subject_kind="parcel",
                subject_id=parcel.id,
                due_at=leaving.shipped_at + DELIVER_WITHIN,
            )
        ]
    )
    if fulfillment_order.status in (Status.CANCELLED, Status.CANCELLING):
        _shipped_after_cancel(fulfillment_order, shipment)
    return shipment


def void_shipment(shipment: Shipment, *, reason: str) -> None:
    """Record that a shipment turned out not to exist; repeating it changes nothing."""
    if shipment.status == ShipmentStatus.VOIDED:
        return
    Shipment.objects.filter(id=shipment.id).update(status=ShipmentStatus.VOIDED)
    for parcel in Parcel.objects.select_for_update().filter(shipment=shipment).order_by("id"):
        move_parcel(
            parcel,
            ParcelStatus.VOIDED,
            happened_at=clock.now(),
            message=reason,
            cause=f"shipment:{shipment.id}",
        )
        obligations.void_many(
            [(parcel.merchant_id, Owed.DELIVER, "parcel", parcel.id)], reason=reason
        )
    obligations.void_many(
        [(shipment.merchant_id, Owed.WRITE_BACK, "shipment", shipment.id)], reason=reason
    )
    outbox.record(
        "shipment.voided",
        merchant_id=shipment.merchant_id,
        mode=shipment.mode,
        order_id=shipment.order_id,
        subject=("shipment", shipment.id),
        reason=reason,
    )
    recount([shipment.order_id])
    _reopen(shipment, reason=reason)


def _reopen(shipment: Shipment, *, reason: str) -> None:
    """A share of which everything had left has units to send again, and owes them."""
    share = FulfillmentOrder.objects.select_for_update().get(id=shipment.fulfillment_order_id)
    if share.status != Status.CLOSED:
        return
    share.ended_at = None
    share.take(Step.REOPEN, reason=reason)
    promises.owe_shipping(share, since=clock.now())


def ship_by_hand(
    merchant_id: int, fulfillment_order_id: int, leaving: Leaving, *, by: str
) -> Shipment:
    """Record what a person packed and handed over; the same external id again is one shipment.

    Raises:
        CannotShip: the share is not by hand, or more units than are left are said to have gone.
    """
    with scope.merchant(merchant_id), outbox.because(actor=by):
        order_id = FulfillmentOrder.objects.values_list("order_id", flat=True).get(
            id=fulfillment_order_id
        )
        lock_order(order_id)
        share = FulfillmentOrder.objects.select_for_update().get(id=fulfillment_order_id)
        if not share.is_by_hand:
            raise CannotShip(f"{share} is shipped by its provider; its own word is awaited")
        if share.status == Status.OPEN:
            share.take(Step.TAKE_BY_HAND, reason="packed by hand")
        is_known = Shipment.objects.filter(
            fulfillment_order=share, external_id=leaving.external_id
        ).exists()
        if not is_known:
            for item in share.items.all():
                units = leaving.units.get(item.id, 0)
                left = item.quantity - item.units_shipped - item.units_cancelled
                if units > left:
                    raise CannotShip(
                        f"cannot ship {units} units of {item.sku} in {share}: {left} are left"
                    )
        return record_shipment(share, leaving, cause=by)


def settle_left(shares: Sequence[FulfillmentOrder]) -> None:
    """Count what has left of locked shares' orders, and close the shares of which all has."""
    recount(sorted({share.order_id for share in shares}))
    items: dict[int, list[FulfillmentItem]] = {share.id: [] for share in shares}
    for item in FulfillmentItem.objects.filter(fulfillment_order__in=shares):
        items[item.fulfillment_order_id].append(item)
    for share in shares:
        if share.status in SENT and all(
            item.units_shipped >= item.quantity - item.units_cancelled for item in items[share.id]
        ):
            _close(share)


def _close(share: FulfillmentOrder) -> None:
    share.ended_at = clock.now()
    share.take(Step.CLOSE, reason="all of it has left")
    mine = ("fulfillment_order", share.id)
    obligations.meet_many([(share.merchant_id, Owed.SHIP, *mine)])
    obligations.void_many([(share.merchant_id, Owed.CANCEL, *mine)], reason="it has left")


def _complete(shipment: Shipment, leaving: Leaving, *, cause: str) -> None:
    """Take over tracking that came later than the shipment."""
    if shipment.status == ShipmentStatus.VOIDED or not leaving.tracking_number:
        return
    numbers = set(shipment.parcels.values_list("tracking_number", flat=True))
    if leaving.tracking_number in numbers:
        return
    untracked = shipment.parcels.filter(tracking_number="").first()
    if untracked is None:
        _add_parcel(shipment, leaving)
    else:
        untracked.tracking_number = leaving.tracking_number
        untracked.tracking_url = leaving.tracking_url
        untracked.carrier = leaving.carrier
        untracked.save(update_fields=["tracking_number", "tracking_url", "carrier"])
        _announce(untracked, cause=cause)
    Shipment.objects.filter(id=shipment.id).update(written_back_at=None)  # news of its own
    with outbox.because(cause=cause):
        outbox.record(
            "shipment.tracked",
            merchant_id=shipment.merchant_id,
            mode=shipment.mode,
            order_id=shipment.order_id,
            subject=("shipment", shipment.id),
            data={"tracking_number": leaving.tracking_number},
        )


def _add_parcel(shipment: Shipment, leaving: Leaving) -> Parcel:
    last = Parcel.objects.filter(order_id=shipment.order_id).aggregate(n=Max("number"))
    parcel = Parcel.objects.create(
        merchant_id=shipment.merchant_id,
        mode=shipment.mode,
        order_id=shipment.order_id,
        shipment=shipment,
        number=(last["n"] or 0) + 1,
        tracking_number=leaving.tracking_number,
        tracking_url=leaving.tracking_url,
        carrier=leaving.carrier,
    )
    _announce(parcel, cause=shipment.cause)
    return parcel


def _announce(parcel: Parcel, *, cause: str) -> None:
    if not parcel.tracking_number:
        return
    search.keep_terms(
        [
            search.OrderTerms(
                merchant_id=parcel.merchant_id,
                mode=parcel.mode,
                order_id=parcel.order_id,
                words=[parcel.tracking_number],
            )
        ]
    )
    with outbox.because(cause=cause):
        outbox.record(
            "parcel.added",
            merchant_id=parcel.merchant_id,
            mode=parcel.mode,
            order_id=parcel.order_id,
            subject=("parcel", parcel.id),
            data={"tracking_number": parcel.tracking_number, "carrier": parcel.carrier},
        )


def _shipped_after_cancel(fulfillment_order: FulfillmentOrder, shipment: Shipment) -> None:
    open_holds(
        [
            NewHold(
                merchant_id=fulfillment_order.merchant_id,
                order_id=fulfillment_order.order_id,
                kind=HoldKind.SHIPPED_AFTER_CANCEL,
                about=str(shipment.id),
                reason="The provider shipped it although it was asked to cancel",
                data={"shipment_id": shipment.id},
            )
        ]
    )
