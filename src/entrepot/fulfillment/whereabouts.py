"""A person's word about where a parcel is: it arrived, it is lost, it came back.

Where no carrier is connected nobody else can tell; where one is, its later word counts again.
"""

from datetime import timedelta

from django.db.models import QuerySet

from entrepot.access import scope
from entrepot.canon.tracking import ParcelStatus
from entrepot.database import clock
from entrepot.events import outbox
from entrepot.fulfillment.models import Parcel
from entrepot.fulfillment.tracking import FINAL, move_parcel
from entrepot.orders.services import lock_order

SAYABLE = (ParcelStatus.DELIVERED, ParcelStatus.LOST, ParcelStatus.RETURNED)
SHORTLY = timedelta(microseconds=1)


class CannotSay(Exception):
    """A parcel cannot be where somebody says that it is; the message says why."""


def sayable(order_id: int) -> QuerySet[Parcel]:
    """The parcels of an order that are not at their end, by number; in the open scope."""
    ended = [status for status, following in FINAL.items() if not set(following) & set(SAYABLE)]
    parcels = Parcel.objects.filter(order_id=order_id).exclude(status__in=ended)
    return parcels.order_by("shipment_id", "number")


def say_where(
    merchant_id: int, parcel_id: int, *, status: ParcelStatus, by: str, reason: str
) -> Parcel:
    """Record a person's word about a parcel. Repeating it changes nothing.

    Sends nothing again and pays nothing back. A scan that its carrier dates ahead does not outdo
    the word: it is newer than all that was known when it was said.

    Raises:
        CannotSay: no reason, no such word, or what is known rules it out.
        Parcel.DoesNotExist: the merchant has none of that id.
    """
    with scope.merchant(merchant_id), outbox.because(actor=by):
        order_id = Parcel.objects.values_list("order_id", flat=True).get(id=parcel_id)
        lock_order(order_id)
        parcel = Parcel.objects.select_for_update().get(id=parcel_id)
        if parcel.status == status:
            return parcel
        if not reason.strip():
            raise CannotSay(f"cannot say that {parcel} is {status}: say how you know")
        following = FINAL.get(ParcelStatus(parcel.status))
        if status not in SAYABLE or (following is not None and status not in following):
            raise CannotSay(f"cannot say that {parcel} is {status}: it is {parcel.status}")
        newest = parcel.updates.order_by("-happened_at").values_list("happened_at", flat=True)
        move_parcel(
            parcel,
            status,
            happened_at=max([clock.now(), *(at + SHORTLY for at in newest[:1])]),
            message=reason.strip(),
            cause=by,
        )
        return Parcel.objects.get(id=parcel_id)
