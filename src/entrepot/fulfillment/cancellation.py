"""Withdraws what is no longer wanted: unsent shares at once, sent ones by asking the provider."""

from dataclasses import dataclass
from typing import Any

from entrepot.access import scope
from entrepot.attempts import services as attempts
from entrepot.attempts.services import Lease
from entrepot.attempts.states import Kind as Effect
from entrepot.canon.fulfillment import CancelAnswer, CancelReceipt
from entrepot.connections.effects import effects_allowed
from entrepot.connections.models import Connection
from entrepot.connections.states import EffectFlow
from entrepot.fulfillment import progress
from entrepot.fulfillment.models import FulfillmentItem, FulfillmentOrder
from entrepot.fulfillment.references import idempotency_key, share_reference
from entrepot.fulfillment.states import Status, Step
from entrepot.fulfillment.submission import lock_share
from entrepot.obligations import services as obligations
from entrepot.obligations.states import Kind as Owed
from entrepot.orders.holds import NewHold, open_holds
from entrepot.orders.models import Line, Order
from entrepot.orders.services import lock_order
from entrepot.orders.states import HoldKind

UNSENT = (Status.OPEN, Status.ON_HOLD)
SENT = (Status.SUBMITTED, Status.ACCEPTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancellation:
    """A cancellation that is written down and may be called now by the holder of the lease."""

    attempt_id: int
    lease: Lease
    connection_id: int
    external_id: str


def withdraw(merchant_id: int, order_id: int) -> list[FulfillmentOrder]:
    """Bring the shares of an order in line with what is still wanted of it.

    Shares that hold units nobody wants any more are cancelled when unsent (their other units are
    planned again) and asked to stop when sent; a sent share of which only some units are unwanted
    becomes a case for a person. Repeating it changes nothing.
    """
    with scope.merchant(merchant_id):
        order = lock_order(order_id)
        lines = {line.id: line for line in Line.objects.filter(order_id=order_id)}
        touched = []
        shares = (
            FulfillmentOrder.objects.select_for_update()
            .filter(order_id=order_id, status__in=(*UNSENT, *SENT))
            .order_by("-share")
        )
        surplus = {line.id: _surplus(line) for line in lines.values()}
        for share in shares:
            unwanted = _unwanted(share, order, surplus)
            if not unwanted:
                continue
            touched.append(share)
            _withdraw_share(share, unwanted, surplus)
        return touched


def intend_cancellation(merchant_id: int, fulfillment_order_id: int) -> Cancellation | None:
    """Write the request to cancel down, when the share waits for one and the provider has it."""
    with scope.merchant(merchant_id):
        share, order = lock_share(fulfillment_order_id)
        if share.status != Status.CANCELLING or not share.external_id:
            return None
        connection = Connection.objects.get(id=share.connection_id)
        if not effects_allowed(connection, EffectFlow.SUBMISSIONS).is_allowed:
            return None
        sale: dict[str, Any] = {
            "account": order.account,
            "mode": order.mode,
            "external_id": order.external_id,
            "share": share.share,
            "generation": share.generation,
        }
        intended = attempts.intend(
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
        if intended is None:
            return None
        attempt, lease = intended
        return Cancellation(
            attempt_id=attempt.id,
            lease=lease,
            connection_id=share.connection_id,
            external_id=share.external_id,
        )


def record_cancel_answer(
    merchant_id: int, fulfillment_order_id: int, lease: Lease, receipt: CancelReceipt
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
        _tell_a_person(share, order, receipt)


def record_cancel_refused(
    merchant_id: int, fulfillment_order_id: int, lease: Lease, *, code: str, message: str
) -> None:
    """Record that the provider refused the request itself; a person looks. Raises LeaseLost."""
    receipt = CancelReceipt(answer=CancelAnswer.TOO_LATE, message=f"{code}: {message}", order=None)
    record_cancel_answer(merchant_id, fulfillment_order_id, lease, receipt)


def record_cancel_not_sent(
    merchant_id: int, fulfillment_order_id: int, lease: Lease, *, message: str
) -> None:
    """Record that the request, provably, did not leave; the share goes on waiting to be asked."""
    with scope.merchant(merchant_id):
        lock_share(fulfillment_order_id)
        attempts.stop(lease, message=message)


def record_cancel_unknown(
    merchant_id: int, fulfillment_order_id: int, lease: Lease, *, message: str
) -> None:
    """Record that nobody knows whether the request arrived; reading the order will tell."""
    with scope.merchant(merchant_id):
        lock_share(fulfillment_order_id)
        attempts.lose(lease, message=message)


def _surplus(line: Line) -> int:
    """How many units of a line have a share that nobody wants any more."""
    wanted = line.quantity - line.units_cancelled - line.units_elsewhere - line.units_nothing
    return max(0, line.units_planned - max(0, wanted))


def _unwanted(share: FulfillmentOrder, order: Order, surplus: dict[int, int]) -> dict[int, int]:
    """Line id -> units of a share that nobody wants any more."""
    if share.replaces_id is not None and order.status != "cancelled":
        return {}
    units: dict[int, int] = {}
    for item in share.items.all():
        here = (item.quantity - item.units_shipped) // item.units_per_line
        extra = here if order.status == "cancelled" else min(here, surplus.get(item.line_id, 0))
        if extra > 0:
            units[item.line_id] = max(units.get(item.line_id, 0), extra)
    return units


def _withdraw_share(
    share: FulfillmentOrder, unwanted: dict[int, int], surplus: dict[int, int]
) -> None:
    items = list(FulfillmentItem.objects.filter(fulfillment_order=share))
    is_all = all(
        (item.quantity - item.units_shipped) // item.units_per_line <= unwanted.get(item.line_id, 0)
        for item in items
    )
    if share.status in UNSENT or (share.is_by_hand and not any(i.units_shipped for i in items)):
        if share.status in UNSENT:
            share.take(Step.CANCEL, reason="its units are no longer wanted")
        else:
            share.take(Step.ASK_TO_CANCEL, reason="its units are no longer wanted")
            share.take(Step.CANCEL, reason="nothing of it was packed")
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
                    data={"fulfillment_order_id": share.id, "units": unwanted},
                )
            ]
        )
    for line_id, units in unwanted.items():
        surplus[line_id] = max(0, surplus.get(line_id, 0) - units)


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
