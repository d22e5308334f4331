"""Records goods that left: shipments, what is in them, their parcels. Facts, each once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from entrepot.access import scope
from entrepot.database import clock, saving, sql
from entrepot.events import outbox
from entrepot.fulfillment import changes
from entrepot.fulfillment.contents import Units, contents_of, fitting
from entrepot.fulfillment.counting import recount
from entrepot.fulfillment.models import (
    FulfillmentItem,
    FulfillmentOrder,
    Parcel,
    Shipment,
    ShipmentItem,
)
from entrepot.fulfillment.states import ShipmentStatus, Status, Step
from entrepot.fulfillment.tracking import follow_again
from entrepot.fulfillment.voiding import take_back_void
from entrepot.obligations import services as obligations
from entrepot.obligations.states import Kind as Owed
from entrepot.orders import search
from entrepot.orders.holds import NewHold, open_holds
from entrepot.orders.services import lock_order
from entrepot.orders.states import HoldKind

DELIVER_WITHIN = timedelta(days=21)
# Shares that a provider has, or may have.
SENT = (Status.SUBMITTED, Status.ACCEPTED, Status.CANCELLING)
# By fulfillment_shipment_number_key and fulfillment_parcel_order.
_LAST_NUMBERS = """
    SELECT
        wanted.id,
        coalesce((SELECT max(number) FROM fulfillment_shipment WHERE order_id = wanted.id), 0),
        coalesce((SELECT max(number) FROM fulfillment_parcel WHERE order_id = wanted.id), 0)
    FROM unnest(%s::bigint[]) AS wanted(id)
"""


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


class Departures:
    """What has left of some locked shares, read once, and what is found to have left besides.

    To be used within one decision, and `finish`ed: until then what is noted may not be written yet
    (saving.py), and orders are not found by it.
    """

    def __init__(self, shares: Iterable[FulfillmentOrder]) -> None:
        self._order_ids = {share.id: share.order_id for share in shares}
        known = Shipment.objects.filter(fulfillment_order_id__in=list(self._order_ids))
        self._shipments: dict[tuple[int, str], Shipment] = {}
        self._of_share: dict[int, list[Shipment]] = {}
        self._parcels: dict[int, list[Parcel]] = {}
        for shipment in known.order_by("id").prefetch_related("parcels"):
            self._shipments[shipment.fulfillment_order_id, shipment.external_id] = shipment
            self._of_share.setdefault(shipment.fulfillment_order_id, []).append(shipment)
            self._parcels[shipment.id] = list(shipment.parcels.all())
        self._grown: set[int] = set()
        self._terms: list[search.OrderTerms] = []
        self._owed: list[obligations.NewObligation] = []
        self._holds: list[NewHold] = []

    def known(self, share: FulfillmentOrder, external_id: str) -> Shipment | None:
        """A shipment of one of the shares, if it was noted before."""
        return self._shipments.get((share.id, external_id))

    def is_to_settle(self, share: FulfillmentOrder) -> bool:
        """Whether more has left of a share than was counted, or it may be complete by now."""
        return share.id in self._grown or share.status in SENT

    def note(self, share: FulfillmentOrder, leaving: Leaving, *, cause: str) -> Shipment:
        """Record goods that left a share; a repeat updates tracking only.

        A shipment of a cancelled share is recorded all the same, and becomes a case for a person.
        What other shipments hold by now does not leave again. One that was void has left after all.
        What it changes of counts and statuses is up to `settle_left`, for many shares at once.
        """
        known = self.known(share, leaving.external_id)
        if known is not None and known.status != ShipmentStatus.VOIDED:
            self._complete(known, leaving, cause=cause)
            return known
        self._grown.add(share.id)
        leaving = self._fitted(share, leaving)
        if known is None:
            shipment = self._add_shipment(share, leaving, cause=cause)
            parcel = self._add_parcel(shipment, leaving)
        else:
            shipment, parcel = known, self._take_back_void(share, known, leaving)
        _tell_of(share, shipment, leaving)
        self._owed.append(_arrival(parcel, leaving))
        if share.status in (Status.CANCELLED, Status.CANCELLING):
            self._holds.append(_shipped_after_cancel(share, shipment))
        return shipment

    def finish(self) -> None:
        """Have orders found by the parcels that were noted, owe their arrival, and hold odd cases.

        More can be noted afterwards; then it is to be finished again.
        """
        search.keep_terms(self._terms)
        obligations.open_many(self._owed)
        open_holds(self._holds)
        for done in (self._terms, self._owed, self._holds):
            done.clear()

    @cached_property
    def _contents(self) -> dict[int, Units]:
        return contents_of(shipment.id for shipment in self._shipments.values())

    def _fitted(self, share: FulfillmentOrder, leaving: Leaving) -> Leaving:
        others = self._of_share.get(share.id, ())
        units = fitting(leaving.units, share, shipments=others, contents=self._contents)
        return replace(leaving, units=units)

    @cached_property
    def _last(self) -> dict[int, tuple[int, int]]:
        """The last numbers of shipments and parcels, by order."""
        saving.flush()
        rows = sql.fetch(_LAST_NUMBERS, [sorted(set(self._order_ids.values()))])
        return {order_id: (shipment, parcel) for order_id, shipment, parcel in rows}

    def _add_shipment(self, share: FulfillmentOrder, leaving: Leaving, *, cause: str) -> Shipment:
        number, last_parcel = self._last[share.order_id]
        self._last[share.order_id] = (number + 1, last_parcel)
        shipment = Shipment(
            **_sale_of(share),
            fulfillment_order_id=share.id,
            external_id=leaving.external_id,
            number=number + 1,
            carrier=leaving.carrier,
            service=leaving.service,
            shipped_at=leaving.shipped_at,
            cause=cause,
        )
        saving.insert(shipment)
        self._shipments[share.id, leaving.external_id] = shipment
        self._of_share.setdefault(share.id, []).append(shipment)
        self._parcels[shipment.id] = []
        self._fill(shipment, share, leaving)
        return shipment

    def _fill(self, shipment: Shipment, share: FulfillmentOrder, leaving: Leaving) -> None:
        self._contents[shipment.id] = dict(leaving.units)
        items = {item.id: item for item in share.items.all()}
        for item_id, quantity in sorted(leaving.units.items()):
            if quantity > 0:
                saving.insert(
                    ShipmentItem(
                        merchant_id=share.merchant_id,
                        shipment_id=shipment.id,
                        fulfillment_item_id=item_id,
                        line_id=items[item_id].line_id,
                        quantity=quantity,
                    )
                )

    def _take_back_void(
        self, share: FulfillmentOrder, shipment: Shipment, leaving: Leaving
    ) -> Parcel:
        """A void shipment has left after all, maybe with other units or another label."""
        take_back_void(shipment, shipped_at=leaving.shipped_at)
        self._fill(shipment, share, leaving)
        parcels = {parcel.tracking_number: parcel for parcel in self._parcels[shipment.id]}
        parcel = parcels.get(leaving.tracking_number)
        if parcel is not None:
            return follow_again(parcel)
        if shipment.written_back_at is not None:
            shipment.written_back_at = None  # another label is news of its own
            saving.save(shipment, "written_back_at")
        return self._add_parcel(shipment, leaving)

    def _add_parcel(self, shipment: Shipment, leaving: Leaving) -> Parcel:
        last_shipment, number = self._last[shipment.order_id]
        self._last[shipment.order_id] = (last_shipment, number + 1)
        parcel = Parcel(
            **_sale_of(shipment),
            shipment_id=shipment.id,
            number=number + 1,
            tracking_number=leaving.tracking_number,
            tracking_url=leaving.tracking_url,
            carrier=leaving.carrier,
        )
        saving.insert(parcel)
        self._parcels[shipment.id].append(parcel)
        self._announce(parcel, cause=shipment.cause)
        return parcel

    def _complete(self, shipment: Shipment, leaving: Leaving, *, cause: str) -> None:
        """Take over tracking that came later than the shipment."""
        if not leaving.tracking_number:
            return
        by_number = {parcel.tracking_number: parcel for parcel in self._parcels[shipment.id]}
        if leaving.tracking_number in by_number:
            return
        untracked = by_number.get("")
        if untracked is None:
            self._add_parcel(shipment, leaving)
        else:
            untracked.tracking_number = leaving.tracking_number
            untracked.tracking_url = leaving.tracking_url
            untracked.carrier = leaving.carrier
            saving.save(untracked, "tracking_number", "tracking_url", "carrier")
            self._announce(untracked, cause=cause)
        if shipment.written_back_at is not None:
            shipment.written_back_at = None  # news of its own
            saving.save(shipment, "written_back_at")
        with outbox.because(cause=cause):
            outbox.record(
                "shipment.tracked",
                **_sale_of(shipment),
                subject=("shipment", shipment.id),
                data={"tracking_number": leaving.tracking_number},
            )

    def _announce(self, parcel: Parcel, *, cause: str) -> None:
        if not parcel.tracking_number:
            return
        self._terms.append(
            search.OrderTerms(
                **_sale_of(parcel),
                words=[parcel.tracking_number],
            )
        )
        with outbox.because(cause=cause):
            outbox.record(
                "parcel.added",
                **_sale_of(parcel),
                subject=("parcel", parcel.id),
                data={"tracking_number": parcel.tracking_number, "carrier": parcel.carrier},
            )


def _sale_of(row: FulfillmentOrder | Shipment | Parcel) -> dict[str, Any]:
    """Whose and which order a row is of; what belongs to it is of the same."""
    return {"merchant_id": row.merchant_id, "mode": row.mode, "order_id": row.order_id}


def record_shipment(share: FulfillmentOrder, leaving: Leaving, *, cause: str) -> Shipment:
    """Record goods that left a locked share, and count them; see `Departures.note`."""
    with saving.together():
        departures = Departures([share])
        shipment = departures.note(share, leaving, cause=cause)
        departures.finish()
        settle_left([share])
    return shipment


def ship_by_hand(
    merchant_id: int, fulfillment_order_id: int, *, leaving: Leaving, by: str
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
    _close(
        [
            share
            for share in shares
            if share.status in SENT
            and all(
                item.units_shipped >= item.quantity - item.units_cancelled
                for item in items[share.id]
            )
        ]
    )


def _close(shares: Sequence[FulfillmentOrder]) -> None:
    with saving.together():
        for share in shares:
            share.ended_at = clock.now()
            share.take(Step.CLOSE, reason="all that is made of it has left")
        changes.miss_left(shares)
    keys = [(share.merchant_id, "fulfillment_order", share.id) for share in shares]
    obligations.meet_many((mine, Owed.SHIP, kind, share_id) for mine, kind, share_id in keys)
    obligations.void_many(
        [(mine, Owed.CANCEL, kind, share_id) for mine, kind, share_id in keys],
        reason="it has left",
    )


def _tell_of(share: FulfillmentOrder, shipment: Shipment, leaving: Leaving) -> None:
    line_ids = {item.id: item.line_id for item in share.items.all()}
    outbox.record(
        "shipment.recorded",
        **_sale_of(share),
        subject=("shipment", shipment.id),
        data={
            "units": {str(line_ids[item_id]): count for item_id, count in leaving.units.items()},
            "carrier": leaving.carrier,
            "tracking_number": leaving.tracking_number,
        },
    )


def _arrival(parcel: Parcel, leaving: Leaving) -> obligations.NewObligation:
    return obligations.NewObligation(
        **_sale_of(parcel),
        kind=Owed.DELIVER,
        subject_kind="parcel",
        subject_id=parcel.id,
        due_at=leaving.shipped_at + DELIVER_WITHIN,
        cause=outbox.current_cause()[1],
    )


def _shipped_after_cancel(share: FulfillmentOrder, shipment: Shipment) -> NewHold:
    return NewHold(
        merchant_id=share.merchant_id,
        order_id=share.order_id,
        kind=HoldKind.SHIPPED_AFTER_CANCEL,
        about=str(shipment.id),
        reason="The provider shipped it although it was asked to cancel",
        data={"shipment_id": shipment.id},
        cause=outbox.current_cause()[1],
    )
