"""Withdraws what is no longer wanted: unsent shares at once, sent ones by asking the provider."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from entrepot.access import scope
from entrepot.access.queries import unsure_before
from entrepot.attempts import services as attempts
from entrepot.attempts.leases import Lease
from entrepot.attempts.models import Attempt
from entrepot.attempts.states import Kind as Effect
from entrepot.attempts.states import Status as AttemptStatus
from entrepot.canon.fulfillment import CancelAnswer, CancelReceipt
from entrepot.connections.effects import effects_allowed
from entrepot.connections.models import Connection
from entrepot.connections.states import EffectFlow
from entrepot.events import outbox
from entrepot.fulfillment import progress
from entrepot.fulfillment.content import is_current
from entrepot.fulfillment.counting import planned_of
from entrepot.fulfillment.models import FulfillmentItem, FulfillmentOrder
from entrepot.fulfillment.references import idempotency_key, share_reference
from entrepot.fulfillment.requesting import request_of, share_of_sale
from entrepot.fulfillment.states import Status, Step
from entrepot.fulfillment.submission import lock_share
from entrepot.obligations import services as obligations
from entrepot.obligations.states import Kind as Owed
from entrepot.orders.holds import NewHold, open_holds, was_let_go
from entrepot.orders.models import Line, Order
from entrepot.orders.services import lock_orders
from entrepot.orders.states import HoldKind, OrderStatus
from entrepot.routing.plan import Planned

Surplus = dict[tuple[int, str], int]  # by line and SKU
UNSENT = (Status.OPEN, Status.ON_HOLD)
SENT = (Status.SUBMITTED, Status.ACCEPTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancellation:
    """A cancellation that is written down and may be called now by the holder of the lease."""

    lease: Lease
    connection_id: int
    external_id: str


def withdraw(merchant_id: int, causes: Mapping[int, str]) -> None:
    """Bring the shares of orders in line with what is still wanted of them.

    `causes` says by order what this follows from. Shares that hold units nobody wants any more are
    cancelled when unsent (their other units are planned again) and asked to stop when sent; a sent
    share of which only some units are unwanted becomes a case for a person. So does an unsent or
    sent share of lines that were edited since. What a provider has refused to stop is not asked
    again. Repeating it changes nothing.
    """
    with scope.merchant(merchant_id):
        orders = lock_orders(causes)
        planned = planned_of([order.id for order in orders])
        rows = FulfillmentOrder.objects.filter(
            order_id__in=list(causes), status__in=(*UNSENT, *SENT)
        )
        rows = rows.select_for_update().order_by("order_id", "-share")
        shares: dict[int, list[FulfillmentOrder]] = {order.id: [] for order in orders}
        for share in rows.prefetch_related("items"):
            shares[share.order_id].append(share)
        for order in orders:
            with outbox.because(cause=causes[order.id]):
                _withdraw(order, shares[order.id], planned)


def _withdraw(
    order: Order,
    shares: Sequence[FulfillmentOrder],
    planned: Mapping[int, Sequence[Planned]],
) -> None:
    lines = {line.id: line for line in order.lines.all()}
    mine = {line_id: parts for line_id, parts in planned.items() if line_id in lines}
    surplus = _surplus(lines, mine)
    for share in shares:
        was_unsent = share.status in UNSENT
        unwanted = _unwanted(share, order, surplus)
        is_edited = share.replaces_id is None and not is_current(
            share.planned_content, order, lines=[lines[item.line_id] for item in share.items.all()]
        )
        if unwanted and not _was_refused(share):
            _withdraw_share(share, unwanted, surplus)
        elif is_edited and order.status != OrderStatus.CANCELLED:
            _withdraw_edited(share)
        if was_unsent and share.status == Status.CANCELLED and _may_be_there(share, order):
            _ask_for_a_look(share, order)


def intend_cancellation(merchant_id: int, fulfillment_order_id: int) -> Cancellation | None:
    """Write the request to cancel down, when the share waits for one and the provider has it."""
    with scope.merchant(merchant_id):
        share, order = lock_share(fulfillment_order_id)
        if share.status != Status.CANCELLING or not share.external_id:
            return None
        connection = Connection.objects.get(id=share.connection_id)
        if not effects_allowed(connection, EffectFlow.SUBMISSIONS).is_allowed:
            return None
        sale = share_of_sale(share, order)
        lease = attempts.intend(
            merchant_id=merchant_id,
            mode=order.mode,
            kind=Effect.CANCEL,
            connection_id=share.connection_id,
            order_id=order.id,
            subject=("fulfillment_order", share.id),
            reference=f"{share_reference(**sale)}/cancel",
            generation=share.generation,
            idempotency_key=idempotency_key("cancel", **sale),
            request={"external_id": share.external_id},
        )
        if lease is None:
            return None
        return Cancellation(
            lease=lease,
            connection_id=share.connection_id,
            external_id=share.external_id,
        )


def record_cancel_answer(
    merchant_id: int, fulfillment_order_id: int, *, lease: Lease, receipt: CancelReceipt
) -> None:
    """Record the provider's answer: cancelled, too late, or only some of it. Raises LeaseLost."""
    with scope.merchant(merchant_id):
        share, order = lock_share(fulfillment_order_id)
        if receipt.answer is CancelAnswer.CANCELLED:
            attempts.accept(lease, outcome={"answer": receipt.answer}, message=receipt.message)
            if share.status == Status.CANCELLING:
                share.take(Step.CANCEL, reason=receipt.message or "the provider cancelled it")
                progress.settle_cancelled(share)
            return
        attempts.reject(
            lease,
            outcome={"code": receipt.answer, "fault": "provider"},
            message=receipt.message or "the provider goes on with it",
        )
        if share.status == Status.CANCELLING:
            share.take(Step.REFUSE_TO_CANCEL, reason=receipt.message or "too late")
        obligations.void_many(
            [(merchant_id, Owed.CANCEL, "fulfillment_order", share.id)],
            reason="the provider goes on with it, and a person decides",
        )
        _tell_a_person(share, order, receipt)


def record_cancel_refused(
    merchant_id: int, fulfillment_order_id: int, *, lease: Lease, code: str, message: str
) -> None:
    """Record that the provider refused the request itself; a person looks. Raises LeaseLost."""
    receipt = CancelReceipt(answer=CancelAnswer.TOO_LATE, message=f"{code}: {message}", order=None)
    record_cancel_answer(merchant_id, fulfillment_order_id, lease=lease, receipt=receipt)


def record_cancel_not_sent(
    merchant_id: int, fulfillment_order_id: int, *, lease: Lease, message: str
) -> None:
    """Record that the request, provably, did not leave; the share goes on waiting to be asked."""
    with scope.merchant(merchant_id):
        lock_share(fulfillment_order_id)
        attempts.stop(lease, message=message)


def record_cancel_unknown(
    merchant_id: int, fulfillment_order_id: int, *, lease: Lease, message: str
) -> None:
    """Record that nobody knows whether the request arrived; reading the order will tell."""
    with scope.merchant(merchant_id):
        lock_share(fulfillment_order_id)
        attempts.lose(lease, message=message)


def _surplus(lines: Mapping[int, Line], planned: Mapping[int, Sequence[Planned]]) -> Surplus:
    """How many units of each line and part have a share that nobody wants any more."""
    return {
        (line_id, part.sku): part.units - max(0, lines[line_id].units_to_send)
        for line_id, parts in planned.items()
        for part in parts
    }


def _unwanted(share: FulfillmentOrder, order: Order, surplus: Surplus) -> dict[int, int]:
    """Item id -> units of its line that nobody wants any more."""
    is_cancelled = order.status == OrderStatus.CANCELLED
    if share.replaces_id is not None and not is_cancelled:
        return {}
    units: dict[int, int] = {}
    for item in share.items.all():
        here = _left(item)
        extra = here if is_cancelled else min(here, surplus.get((item.line_id, item.sku), 0))
        if extra > 0:
            units[item.id] = extra
    return units


def _left(item: FulfillmentItem) -> int:
    """Units of its line that an item has not sent yet, and will."""
    left = item.quantity - item.units_shipped - item.units_cancelled
    return max(left, 0) // item.units_per_line


def _was_refused(share: FulfillmentOrder) -> bool:
    """Whether the provider has answered already that it goes on with this share."""
    return Attempt.objects.filter(
        kind=Effect.CANCEL,
        subject_kind="fulfillment_order",
        subject_id=share.id,
        generation=share.generation,
        status=AttemptStatus.REJECTED,
    ).exists()


def _may_be_there(share: FulfillmentOrder, order: Order) -> bool:
    """Whether another copy of the hub, which worked until a restore, may have handed it over."""
    before = unsure_before(order.merchant_id)
    return (
        before is not None
        and order.placed_at < before
        and not share.is_by_hand
        and not Attempt.objects.filter(
            kind=Effect.SUBMIT, subject_kind="fulfillment_order", subject_id=share.id
        ).exists()
    )


def _ask_for_a_look(share: FulfillmentOrder, order: Order) -> None:
    """What is planned in its place has another name, by which the provider would not know it."""
    reference = request_of(share, order).reference
    open_holds(
        [
            NewHold(
                merchant_id=order.merchant_id,
                order_id=order.id,
                kind=HoldKind.CONTENT_DIFFERS,
                about=f"{share.id}:copy",
                reason=(
                    f"Before this hub was restored, {reference} may have been handed over, and it"
                    " is no longer wanted as it was: look it up at the provider, cancel it there"
                    " if it exists, then release"
                ),
                data={"fulfillment_order_id": share.id, "reference": reference},
            )
        ]
    )


def _withdraw_edited(share: FulfillmentOrder) -> None:
    """What was not sent is planned anew; what was sent becomes a case for a person."""
    if share.status in UNSENT:
        share.take(Step.CANCEL, reason="the order was edited since it was planned")
        progress.settle_cancelled(share)
        return
    if share.is_by_hand:
        return  # the pick list reads the lines as they are
    hold = NewHold(
        merchant_id=share.merchant_id,
        order_id=share.order_id,
        kind=HoldKind.CHANGED_AFTER_SENDING,
        about=f"{share.id}:content",
        reason="The order was edited, but the provider has it as it was",
        data={"fulfillment_order_id": share.id},
    )
    if not was_let_go(hold):
        open_holds([hold])


def _withdraw_share(share: FulfillmentOrder, unwanted: dict[int, int], surplus: Surplus) -> None:
    items = list(FulfillmentItem.objects.filter(fulfillment_order=share))
    is_all = all(_left(item) <= unwanted.get(item.id, 0) for item in items)
    by_line = {item.line_id: unwanted[item.id] for item in items if item.id in unwanted}
    if share.status in UNSENT or share.is_by_hand:
        if share.status not in UNSENT:  # the merchant's own people are asked and answer at once
            share.take(Step.ASK_TO_CANCEL, reason="units of it are no longer wanted")
        share.take(Step.CANCEL, reason="units of it are no longer wanted")
        progress.settle_cancelled(share)
    elif is_all:
        share.take(Step.ASK_TO_CANCEL, reason="its units are no longer wanted")
        obligations.open_many(
            [
                obligations.NewObligation(
                    merchant_id=share.merchant_id,
                    mode=share.mode,
                    kind=Owed.CANCEL,
                    subject_kind="fulfillment_order",
                    subject_id=share.id,
                    order_id=share.order_id,
                )
            ]
        )
    else:
        open_holds(
            [
                NewHold(
                    merchant_id=share.merchant_id,
                    order_id=share.order_id,
                    kind=HoldKind.CHANGED_AFTER_SENDING,
                    about=str(share.id),
                    reason="Some units are no longer wanted, but the provider has the whole share",
                    data={"fulfillment_order_id": share.id, "units": by_line},
                )
            ]
        )
    for item in items:
        key = (item.line_id, item.sku)
        surplus[key] = surplus.get(key, 0) - unwanted.get(item.id, 0)


def _tell_a_person(share: FulfillmentOrder, order: Order, receipt: CancelReceipt) -> None:
    reason = receipt.message or "it is too far along"
    what = "only some of it" if receipt.answer is CancelAnswer.PARTLY else "nothing"
    open_holds(
        [
            NewHold(
                merchant_id=order.merchant_id,
                order_id=order.id,
                kind=HoldKind.SHIPPED_AFTER_CANCEL,
                about=f"share:{share.id}",
                reason=f"Asked to cancel, the provider cancelled {what}: {reason}",
                data={"fulfillment_order_id": share.id, "answer": receipt.answer},
            )
        ]
    )
