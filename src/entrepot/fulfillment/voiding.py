"""Shipments that turn out not to exist, and those that turn out to exist after all."""

from datetime import datetime

from entrepot.canon.tracking import ParcelStatus
from entrepot.database import clock, saving
from entrepot.events import outbox
from entrepot.fulfillment import promises
from entrepot.fulfillment.counting import recount
from entrepot.fulfillment.models import FulfillmentOrder, Parcel, Shipment, ShipmentItem
from entrepot.fulfillment.states import ShipmentStatus, Status, Step
from entrepot.fulfillment.tracking import cause_of_void, move_parcels
from entrepot.obligations import services as obligations
from entrepot.obligations.states import Kind as Owed


def void_shipment(
    shipment: Shipment, *, reason: str, share: FulfillmentOrder | None = None
) -> None:
    """Record that a shipment turned out not to exist; repeating it changes nothing.

    `share` is its share, where the caller has locked and read it.
    """
    if shipment.status == ShipmentStatus.VOIDED:
        return
    shipment.status = ShipmentStatus.VOIDED
    saving.save(shipment, "status")
    locked = Parcel.objects.select_for_update().filter(shipment_id=shipment.id).order_by("id")
    parcels = list(locked)
    move_parcels(
        parcels,
        ParcelStatus.VOIDED,
        happened_at=clock.now(),
        message=reason,
        cause=cause_of_void(shipment.id),
    )
    mine = shipment.merchant_id
    obligations.void_many(
        [
            *((mine, Owed.DELIVER, "parcel", parcel.id) for parcel in parcels),
            (mine, Owed.WRITE_BACK, "shipment", shipment.id),
        ],
        reason=reason,
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
    locked_shares = FulfillmentOrder.objects.select_for_update()
    _reopen(share or locked_shares.get(id=shipment.fulfillment_order_id), reason=reason)


def _reopen(share: FulfillmentOrder, *, reason: str) -> None:
    """A share of which everything had left has units to send again, and owes them."""
    if share.status != Status.CLOSED:
        return
    share.ended_at = None
    share.take(Step.REOPEN, reason=reason)
    promises.owe_shipping(share, since=clock.now())


def take_back_void(shipment: Shipment, *, shipped_at: datetime) -> None:
    """Record that a void shipment exists after all; what is in it is to be said anew."""
    ShipmentItem.objects.filter(shipment_id=shipment.id).delete()
    shipment.status = ShipmentStatus.SHIPPED
    shipment.shipped_at = shipped_at
    saving.save(shipment, "status", "shipped_at")
