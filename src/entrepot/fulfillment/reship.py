"""Sends units again, deliberately: a fact with a reason, and a share of its own."""

from collections.abc import Iterable, Mapping

from django.db.models import Max

from entrepot.access import scope
from entrepot.database import clock
from entrepot.events import outbox
from entrepot.fulfillment.models import FulfillmentItem, FulfillmentOrder
from entrepot.fulfillment.states import Status
from entrepot.fulfillment.submission import lock_share
from entrepot.obligations import services as obligations
from entrepot.obligations.states import Kind as Owed
from entrepot.orders.models import Order


class CannotReship(Exception):
    """Units cannot be sent again; the message says why and what to do."""


class ReshippedMeanwhile(CannotReship):
    """Something else was sent again since somebody looked; `last` is that share's number."""

    def __init__(self, newer: FulfillmentOrder) -> None:
        self.last = newer.share
        found = f"{newer} replaces units since you looked, “{newer.replacement_reason}”"
        super().__init__(f"{found}. Sent once more, this one is made as well")


def last_of(order_id: int) -> int:
    """The number of an order's latest replacement share; 0 without any."""
    newest = _newest(order_id)
    return newest.share if newest else 0


def _newest(order_id: int) -> FulfillmentOrder | None:
    made = FulfillmentOrder.objects.filter(order_id=order_id, replaces_id__isnull=False)
    return made.order_by("share").last()


def reship(
    merchant_id: int,
    fulfillment_order_id: int,
    *,
    by: str,
    reason: str,
    units: Mapping[int, int] | None = None,
    after: int | None = None,
) -> FulfillmentOrder:
    """Make a replacement share: item id -> units, or all units when not told.

    It is sent to the same provider, at the merchant's cost; the customer is charged nothing.
    `after` is the number of the order's last replacement that was known when it was asked for (see
    `last_of`). The same units for the same reason since then are the same replacement.

    Raises:
        ReshippedMeanwhile: something else was sent again since.
        CannotReship: nothing of the share has left yet, or more units are asked for than it had.
    """
    with scope.merchant(merchant_id), outbox.because(actor=by):
        share, order = lock_share(fulfillment_order_id)
        if obstacle := _obstacle(order, share, reason=reason):
            raise CannotReship(f"cannot send {share} again: {obstacle}")
        items = {item.id: item for item in share.items.all()}
        wanted = units if units is not None else {i.id: i.quantity for i in items.values()}
        for item_id, count in wanted.items():
            if item_id not in items or not 0 < count <= items[item_id].quantity:
                raise CannotReship(f"cannot send {count} units of item {item_id} again: {share}")
        newest = _newest(order.id)
        if after is not None and newest is not None and newest.share > after:
            if not _is_same(newest, share, items, wanted, reason):
                raise ReshippedMeanwhile(newest)
            return newest
        replacement = _replacement(order, share, reason=reason.strip())
        chosen = [item for item in items.values() if item.id in wanted]
        _copy_items(replacement, chosen, units=wanted)
        outbox.record(
            "fulfillment_order.replaced",
            merchant_id=merchant_id,
            mode=order.mode,
            order_id=order.id,
            subject=("fulfillment_order", replacement.id),
            data={"replaces": share.id, "units": {str(k): v for k, v in wanted.items()}},
            reason=reason.strip(),
        )
        if not share.is_by_hand:
            _owe_submission(replacement)
    return replacement


def _obstacle(order: Order, share: FulfillmentOrder, *, reason: str) -> str:
    """Why nothing of a share can be sent again; empty where it can."""
    if not reason.strip():
        return "say why"
    if order.erased_at is not None:
        return "its customer was erased, and nobody knows where to"
    if share.status not in (Status.ACCEPTED, Status.CLOSED):
        return f"it is {share.status}; only what has left or is being made can be replaced"
    return ""


def _replacement(order: Order, share: FulfillmentOrder, *, reason: str) -> FulfillmentOrder:
    last = FulfillmentOrder.objects.filter(order_id=order.id).aggregate(n=Max("share"))["n"]
    return FulfillmentOrder.objects.create(
        merchant_id=order.merchant_id,
        mode=order.mode,
        order_id=order.id,
        connection_id=share.connection_id,
        share=last + 1,
        is_by_hand=share.is_by_hand,
        shipping_method=share.shipping_method,
        planned_version=order.source_version,
        submit_after=clock.now(),
        replaces_id=share.id,
        replacement_reason=reason,
    )


def _copy_items(
    replacement: FulfillmentOrder, items: Iterable[FulfillmentItem], *, units: Mapping[int, int]
) -> None:
    FulfillmentItem.objects.bulk_create(
        FulfillmentItem(
            merchant_id=replacement.merchant_id,
            fulfillment_order=replacement,
            line_id=item.line_id,
            position=item.position,
            sku=item.sku,
            units_per_line=item.units_per_line,
            quantity=units[item.id],
            provider_sku=item.provider_sku,
            attributes=item.attributes,
            sizing=item.sizing,
            assets=item.assets,
            bin=item.bin,
        )
        for item in items
    )


def _owe_submission(replacement: FulfillmentOrder) -> None:
    promise = obligations.NewObligation(
        merchant_id=replacement.merchant_id,
        mode=replacement.mode,
        kind=Owed.SUBMIT,
        subject_kind="fulfillment_order",
        subject_id=replacement.id,
        order_id=replacement.order_id,
    )
    obligations.open_many([promise])


def _is_same(
    made: FulfillmentOrder,
    share: FulfillmentOrder,
    items: Mapping[int, FulfillmentItem],
    wanted: Mapping[int, int],
    reason: str,
) -> bool:
    asked = {items[item_id].position: count for item_id, count in wanted.items()}
    found = {item.position: item.quantity for item in made.items.all()}
    told = (made.replaces_id, made.replacement_reason)
    return told == (share.id, reason.strip()) and found == asked
