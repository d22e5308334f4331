"""Hands a share to its provider, exactly once in effect: decided here, called in tasks/.

The decision locks the order, then the share, then the attempt, and asks once more whether the
effect is still wanted (rule 9 of the trade).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from entrepot.access import scope
from entrepot.attempts import queries as attempted
from entrepot.attempts import services as attempts
from entrepot.attempts.leases import Lease
from entrepot.attempts.models import Attempt
from entrepot.attempts.rates import fuse
from entrepot.attempts.states import Kind as Effect
from entrepot.canon.fulfillment import (
    FulfillmentRequest,
    ProviderOrder,
    ProviderStage,
)
from entrepot.connect import registry
from entrepot.connections.queries import connection_of
from entrepot.connections.states import EffectFlow
from entrepot.customers.queries import read_together
from entrepot.database import clock, saving
from entrepot.events import outbox
from entrepot.fulfillment import changes, costs, progress, promises
from entrepot.fulfillment.costs import Quoting
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.fulfillment.readiness import has_units, is_wanted, may_reach_out, shortfall
from entrepot.fulfillment.requesting import quotes_wanted, request_of
from entrepot.fulfillment.states import Status, Step
from entrepot.obligations import services as obligations
from entrepot.obligations.states import Kind as Owed
from entrepot.orders.holds import NewHold, open_holds
from entrepot.orders.models import Order
from entrepot.orders.services import lock_order, lock_orders
from entrepot.orders.states import HoldKind, OrderStatus

FRESH = timedelta(seconds=60)
PAYMENT_NEEDED = "payment_needed"  # our word for it, whatever the provider's
# What a refusal holds the order for, by whose fault it is.
HELD_FOR = {
    "order": HoldKind.REFUSED,
    "address": HoldKind.ADDRESS_REFUSED,
    "provider": HoldKind.ITEM_UNAVAILABLE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Not yet: when to look again, and whether the source should be re-read first."""

    until: datetime
    reason: str
    reread: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A submission that is written down and may be called now by the holder of the lease."""

    lease: Lease
    connection_id: int
    request: FulfillmentRequest


Decision = Submission | Quoting | Wait | None


def intend_submissions(merchant_id: int, causes: Mapping[int, str]) -> dict[int, Decision]:
    """Decide by share whether it is handed over now, and write the attempts down of those that are.

    `causes` says by share what the decision follows from. What its provider would charge is asked
    first, of every share of the order, as soon as it is planned: what costs too much is held before
    the cooling-off time is over.

    None where there is nothing to do: it is under way, done, held, or no longer wanted; what
    changes that causes another look.
    """
    decided: dict[int, Decision] = dict.fromkeys(causes)
    with scope.merchant(merchant_id), saving.together(len(causes)):
        locked, shares = lock_together(list(causes))
        attempted.read_together(Effect.SUBMIT, "fulfillment_order", subject_ids=list(causes))
        read_together(
            address_ids=[order.address_id for order in locked],
            customer_ids=[order.customer_id for order in locked],
        )
        orders = {order.id: order for order in locked}
        wanted = [share for share in shares if _may_leave(share, orders[share.order_id])]
        sales = {share.order_id for share in wanted if share.replaces_id is None}
        unpriced = quotes_wanted([orders[order_id] for order_id in sorted(sales)], known=shares)
        costs.read_priced(orders[order_id] for order_id in sales - unpriced.keys())
        held: set[int] = set()
        for share in wanted:
            order = orders[share.order_id]
            if order.id in held:
                continue
            with outbox.because(cause=causes[share.id]):
                if share.replaces_id is None:
                    if order.id in unpriced:
                        decided[share.id] = unpriced[order.id]
                        continue
                    if too_dear := costs.excess(order):
                        open_holds([too_dear])
                        held.add(order.id)
                        continue
                if wait := _not_yet(share, order):
                    decided[share.id] = wait
                elif share.replaces_id is None and (uncovered := shortfall(order)):
                    open_holds([uncovered])
                    held.add(order.id)
                else:
                    decided[share.id] = _intend(share, order)
    return decided


def _may_leave(share: FulfillmentOrder, order: Order) -> bool:
    if share.status != Status.OPEN or share.is_by_hand:
        return False
    return is_wanted(order, share) and may_reach_out(order, share)


def _not_yet(fulfillment_order: FulfillmentOrder, order: Order) -> Wait | None:
    now = clock.now()
    if fulfillment_order.submit_after > now:
        return Wait(until=fulfillment_order.submit_after, reason="cooling off")
    is_old = order.source_read_at < now - FRESH
    if is_old and can_be_read(order):
        return Wait(until=now + timedelta(seconds=2), reason="reading is old", reread=True)
    return None


def _intend(share: FulfillmentOrder, order: Order) -> Submission | None:
    """Write the attempt down, unless the fuse stops it or another one is under way."""
    provider = connection_of(share.connection_id)
    if not fuse(provider, EffectFlow.SUBMISSIONS, kind=Effect.SUBMIT).is_allowed:
        return None
    request = request_of(share, order)
    lease = attempts.intend(
        merchant_id=order.merchant_id,
        mode=order.mode,
        kind=Effect.SUBMIT,
        connection_id=share.connection_id,
        order_id=order.id,
        subject=("fulfillment_order", share.id),
        reference=request.reference,
        generation=share.generation,
        idempotency_key=request.idempotency_key,
        fingerprint=request.fingerprint(),
        request={
            "items": [[item.provider_sku, item.quantity] for item in request.items],
            "shipping_method": request.shipping_method,
            "source_version": order.source_version,
        },
    )
    if lease is None:
        return None
    share.sent_address_id = order.address_id
    share.planned_version = order.source_version
    share.take(Step.SUBMIT, reason=f"handed over as {request.reference}")
    return Submission(
        lease=lease,
        connection_id=share.connection_id,
        request=request,
    )


def can_be_read(order: Order) -> bool:
    """Whether the source of an order can be read again at all; what people typed in cannot."""
    manifest = registry.platform(connection_of(order.connection_id).platform).manifest
    return manifest.can("pull_orders") or manifest.can("pull_payments")


def lock_together(
    fulfillment_order_ids: Sequence[int],
) -> tuple[list[Order], list[FulfillmentOrder]]:
    """Lock the orders of several shares, then the shares, each in key order; read them ahead."""
    shares = FulfillmentOrder.objects.filter(id__in=fulfillment_order_ids)
    orders = lock_orders(shares.values_list("order_id", flat=True))
    locked = list(shares.select_for_update().order_by("id").prefetch_related("items"))
    scope.keep_ahead("share", {share.id: share for share in locked})
    return orders, locked


def lock_share(fulfillment_order_id: int) -> tuple[FulfillmentOrder, Order]:
    """Lock the order, then its share: always in this order."""
    share: FulfillmentOrder | None = scope.taken_ahead("share", fulfillment_order_id)
    if share is not None:
        return share, lock_order(share.order_id)
    order_id = FulfillmentOrder.objects.values_list("order_id", flat=True).get(
        id=fulfillment_order_id
    )
    order = lock_order(order_id)
    return FulfillmentOrder.objects.select_for_update().get(id=fulfillment_order_id), order


def record_acceptance(
    merchant_id: int, fulfillment_order_id: int, *, lease: Lease, answer: ProviderOrder
) -> FulfillmentOrder:
    """Record that the provider has the share, and what it already says about it.

    An answer with other content becomes a case for a person; one that is cancelled over there is a
    refusal; one that came too late, for an order cancelled meanwhile, becomes a cancellation.

    Raises:
        LeaseLost: somebody else carries the attempt on.
    """
    with scope.merchant(merchant_id), saving.together():
        fulfillment_order, order = lock_share(fulfillment_order_id)
        attempt = attempts.hold(lease)
        if answer.stage is ProviderStage.CANCELLED:
            message = f"the provider has it as cancelled ({answer.external_id})"
            _refuse(
                fulfillment_order, order, lease, code="cancelled", message=message, fault="order"
            )
            return fulfillment_order
        if answer.fingerprint and answer.fingerprint != attempt.fingerprint:
            _judge(fulfillment_order, order, lease, answer)
            return fulfillment_order
        attempts.accept(
            lease,
            outcome={"external_id": answer.external_id, "is_replay": answer.is_replay},
            message=f"accepted as {answer.external_id}",
        )
        _take_over(fulfillment_order, order, answer)
    return fulfillment_order


def record_refusal(
    merchant_id: int,
    fulfillment_order_id: int,
    *,
    lease: Lease,
    code: str,
    message: str,
    fault: str,
) -> None:
    """Record a proven refusal: the share is open again, the order held with their words."""
    with scope.merchant(merchant_id):
        fulfillment_order, order = lock_share(fulfillment_order_id)
        _refuse(fulfillment_order, order, lease, code=code, message=message, fault=fault)


def record_not_sent(
    merchant_id: int, fulfillment_order_id: int, *, lease: Lease, message: str
) -> None:
    """Record that, provably, nothing left; the share waits to be handed over again."""
    with scope.merchant(merchant_id):
        fulfillment_order, _ = lock_share(fulfillment_order_id)
        attempts.stop(lease, message=message)
        reopen(fulfillment_order, reason=message)


def record_unknown(
    merchant_id: int, fulfillment_order_id: int, *, lease: Lease, message: str
) -> None:
    """Record that it may have arrived; it is asked about, and owed an answer."""
    with scope.merchant(merchant_id):
        fulfillment_order, _ = lock_share(fulfillment_order_id)
        attempts.lose(lease, message=message)
        owe_an_answer(fulfillment_order, lease.attempt_id)


def owe_an_answer(fulfillment_order: FulfillmentOrder, attempt_id: int) -> None:
    """Open the obligation to find out what became of an unknown attempt."""
    obligations.open_many(
        [
            obligations.NewObligation(
                merchant_id=fulfillment_order.merchant_id,
                mode=fulfillment_order.mode,
                kind=Owed.RESOLVE,
                subject_kind="attempt",
                subject_id=attempt_id,
                order_id=fulfillment_order.order_id,
            )
        ]
    )


def reopen(fulfillment_order: FulfillmentOrder, *, reason: str, **refusal: str) -> None:
    """Bring a locked share back to where it was before it was handed over.

    `refusal` is the provider's `code` and the `fault`; without them nothing had left.
    """
    if fulfillment_order.status == Status.SUBMITTED:
        changes.take_up_choice(fulfillment_order)
        fulfillment_order.take(Step.REJECT, reason=reason, **refusal)
    elif fulfillment_order.status == Status.CANCELLING:
        fulfillment_order.take(Step.CANCEL, reason=reason)
        progress.settle_cancelled(fulfillment_order)


def _take_over(fulfillment_order: FulfillmentOrder, order: Order, answer: ProviderOrder) -> None:
    fulfillment_order.external_id = answer.external_id
    fulfillment_order.accepted_at = clock.now()
    if fulfillment_order.status == Status.SUBMITTED:
        fulfillment_order.take(
            Step.ACCEPT,
            reason=f"the provider took it as {answer.external_id}",
            reference=answer.external_id,
        )
    else:
        saving.save(fulfillment_order, "external_id", "accepted_at")
    mine = (fulfillment_order.merchant_id, "fulfillment_order", fulfillment_order.id)
    obligations.meet_many([(mine[0], Owed.SUBMIT, mine[1], mine[2])])
    promises.owe_shipping(fulfillment_order, since=fulfillment_order.accepted_at)
    progress.note_answer(fulfillment_order, answer)
    if _is_unwanted(fulfillment_order, order) and fulfillment_order.status == Status.ACCEPTED:
        fulfillment_order.take(
            Step.ASK_TO_CANCEL, reason="it was accepted after it was no longer wanted"
        )


def _is_unwanted(fulfillment_order: FulfillmentOrder, order: Order) -> bool:
    """Whether an accepted share is to be asked back; what merely holds an order is no reason."""
    if order.status == OrderStatus.CANCELLED:
        return True
    if fulfillment_order.replaces_id is not None:
        return False
    return order.status != OrderStatus.OPEN or not has_units(order, fulfillment_order)


def _refuse(
    fulfillment_order: FulfillmentOrder,
    order: Order,
    lease: Lease,
    *,
    code: str,
    message: str,
    fault: str,
) -> None:
    attempts.reject(lease, outcome={"code": code, "fault": fault}, message=message)
    # A proven, terminal outcome: what is sent next is another generation.
    fulfillment_order.generation += 1
    reopen(fulfillment_order, reason=message, code=code, fault=fault)
    if fulfillment_order.status == Status.OPEN:
        open_holds(
            [
                NewHold(
                    merchant_id=order.merchant_id,
                    order_id=order.id,
                    kind=_hold_of(code=code, fault=fault),
                    about=f"{fulfillment_order.id}:{code}",
                    reason=message,
                    data={
                        "code": code,
                        "fulfillment_order_id": fulfillment_order.id,
                        "connection_id": fulfillment_order.connection_id,
                        "address_id": order.address_id,
                    },
                )
            ]
        )


def _hold_of(*, code: str, fault: str) -> HoldKind:
    """Why a refusal holds the order; a code that nobody lists is the order's fault."""
    if code == PAYMENT_NEEDED:
        return HoldKind.PAYMENT_NEEDED
    return HELD_FOR.get(fault, HoldKind.REFUSED)


def _judge(
    fulfillment_order: FulfillmentOrder, order: Order, lease: Lease, answer: ProviderOrder
) -> None:
    message = f"the provider has {answer.external_id} under our reference, with other content"
    attempt = Attempt.objects.get(id=lease.attempt_id)
    if attempt.status == "calling":
        attempts.lose(lease, message=message)
    attempts.ask_a_person(lease, message=message)
    open_holds(
        [
            NewHold(
                merchant_id=order.merchant_id,
                order_id=order.id,
                kind=HoldKind.CONTENT_DIFFERS,
                about=str(fulfillment_order.id),
                reason=message[0].upper() + message[1:],
                data={"external_id": answer.external_id, "attempt_id": lease.attempt_id},
            )
        ]
    )
