"""Refunds that the hub issues: where the payment was taken, after a look-up, once."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from entrepot.access import scope
from entrepot.attempts import services as attempts
from entrepot.attempts.leases import Lease
from entrepot.attempts.rates import fuse
from entrepot.attempts.states import Kind as Effect
from entrepot.canon.money import Money
from entrepot.canon.payments import (
    PaymentFact,
    PaymentFactKind,
    RefundedLine,
    RefundReceipt,
    RefundRequest,
)
from entrepot.connections.effects import effects_allowed
from entrepot.connections.models import Connection
from entrepot.connections.states import EffectFlow
from entrepot.database import clock
from entrepot.events import outbox
from entrepot.obligations import services as obligations
from entrepot.obligations.states import Kind as Owed
from entrepot.orders.models import Line, Order
from entrepot.orders.services import lock_order
from entrepot.payments import ledger, payers
from entrepot.payments.models import PaymentEntry, Refund
from entrepot.payments.states import RefundStatus, RefundStep


class CannotRefund(Exception):
    """Money cannot be given back; the message says why and what to do."""


class RefundedMeanwhile(CannotRefund):
    """Another refund was wanted since somebody looked; `last` is its number."""

    def __init__(self, order: Order, newer: Refund) -> None:
        self.last = newer.number
        given = Money(newer.amount, newer.currency).rounded()
        found = f"{order} has a refund of {given} since you looked, “{newer.reason}”"
        super().__init__(f"{found}. Sent once more, this one goes back as well")


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundCall:
    """A refund that is written down and may be called now by the holder of the lease."""

    lease: Lease
    connection_id: int
    request: RefundRequest


def want_refund(
    merchant_id: int,
    order_id: int,
    *,
    amount: Money,
    by: str,
    reason: str,
    units: Mapping[int, int] | None = None,
    restocks: bool = False,
    tells_customer: bool = False,
    after: int | None = None,
) -> Refund:
    """Decide to give money back; a job issues it. Line id -> units names what it pays for.

    `after` is the number of the last refund that was known when it was asked for (0: none). The
    same wish by the same person since then is the same refund.

    Raises:
        RefundedMeanwhile: somebody has wanted another one since.
        CannotRefund: more than is held, another currency, no known payment, or no reason given.
    """
    with scope.merchant(merchant_id), outbox.because(actor=by):
        order = lock_order(order_id)
        if not reason.strip():
            raise CannotRefund(f"cannot refund {order}: say why")
        last = Refund.objects.filter(order_id=order_id).order_by("number").last()
        if after is not None and last is not None and last.number > after:
            told = (last.wanted_by, last.amount, last.reason)
            if told != (by, amount.amount, reason.strip()):
                raise RefundedMeanwhile(order, last)
            return last
        entry = _payment_of(order)
        held = payers.refundable(order)
        if amount.currency != order.currency:
            raise CannotRefund(f"cannot refund {amount}: {order} was paid in {order.currency}")
        if not Money.zero(order.currency) < amount or held < amount:
            left = held.rounded()
            raise CannotRefund(f"cannot refund {amount} of {order}: {left} are held")
        refund = Refund.objects.create(
            merchant_id=merchant_id,
            mode=order.mode,
            order_id=order_id,
            connection_id=entry.connection_id,
            payment_external_id=entry.payment_external_id,
            number=last.number + 1 if last else 1,
            amount=amount.amount,
            currency=amount.currency,
            reason=reason.strip(),
            lines=_lines(order_id, units or {}),
            restocks=restocks,
            tells_customer=tells_customer,
            wanted_by=by,
        )
        _tell_wanted(refund, reason=reason.strip())
        _owe(refund)
    return refund


def intend_refund(merchant_id: int, refund_id: int) -> RefundCall | None:
    """Write the call down, when the refund is still wanted and nothing is under way for it."""
    with scope.merchant(merchant_id):
        refund, order = _lock(refund_id)
        if refund.status != RefundStatus.WANTED:
            return None
        connection = Connection.objects.get(id=refund.connection_id)
        if not effects_allowed(connection, EffectFlow.REFUNDS).is_allowed:
            return None
        if not fuse(connection, EffectFlow.REFUNDS, kind=Effect.REFUND).is_allowed:
            return None
        return _intend(refund, order)


def intend_found(merchant_id: int, refund_id: int) -> Lease | None:
    """Write a refund down that was found at the other side, as if its call had just returned."""
    with scope.merchant(merchant_id):
        refund, order = _lock(refund_id)
        call = _intend(refund, order) if refund.status == RefundStatus.WANTED else None
        if call is None:
            return None
        return attempts.begin_call(call.lease)


def request_of(merchant_id: int, refund_id: int) -> RefundRequest:
    """The request of a refund, the same each time, to look it up or send it again."""
    with scope.merchant(merchant_id):
        refund = Refund.objects.get(id=refund_id)
        return _request(refund, Order.objects.get(id=refund.order_id))


def record_receipt(
    merchant_id: int, refund_id: int, *, lease: Lease, receipt: RefundReceipt
) -> Refund:
    """Record that the gateway has the refund, with its fact. Raises LeaseLost."""
    with scope.merchant(merchant_id):
        refund, order = _lock(refund_id)
        attempts.accept(
            lease,
            outcome={"external_id": receipt.external_id, "kind": receipt.kind},
            message=f"refunded as {receipt.external_id}",
        )
        _take_over(refund, order, receipt, reason="the gateway has it")
    return refund


def count_as_done(merchant_id: int, refund_id: int, *, external_id: str, reason: str) -> Refund:
    """Take a person's word that the money went out, where nobody else can tell.

    It counts under the gateway's id where they know it, so that the gateway's own word about it is
    no second refund; else under our reference.
    """
    with scope.merchant(merchant_id):
        refund, order = _lock(refund_id)
        if refund.status == RefundStatus.WANTED:
            receipt = RefundReceipt(
                external_id=external_id or _request(refund, order).reference,
                kind=PaymentFactKind.REFUNDED,
                amount=Money(refund.amount, refund.currency),
                happened_at=clock.now(),
            )
            _take_over(refund, order, receipt, reason=reason)
    return refund


def record_refusal(
    merchant_id: int, refund_id: int, *, lease: Lease, code: str, message: str
) -> None:
    """Record a proven refusal; the refund failed and waits for a person. Raises LeaseLost."""
    with scope.merchant(merchant_id):
        refund, _ = _lock(refund_id)
        attempts.reject(lease, outcome={"code": code}, message=message)
        refund.generation += 1
        refund.ended_at = clock.now()
        refund.take(RefundStep.FAIL, reason=message)


def record_not_sent(merchant_id: int, refund_id: int, *, lease: Lease, message: str) -> None:
    """Record that, provably, nothing left. Raises LeaseLost."""
    with scope.merchant(merchant_id):
        _lock(refund_id)
        attempts.stop(lease, message=message)


def record_unknown(merchant_id: int, refund_id: int, *, lease: Lease, message: str) -> None:
    """Record that it may have happened; it is asked about. Raises LeaseLost."""
    with scope.merchant(merchant_id):
        _lock(refund_id)
        attempts.lose(lease, message=message)


def try_again(merchant_id: int, refund_id: int, *, by: str, reason: str) -> Refund:
    """Want a failed refund again, as a new generation."""
    with scope.merchant(merchant_id), outbox.because(actor=by):
        refund, _ = _lock(refund_id)
        refund.take(RefundStep.WANT_AGAIN, reason=reason)
        _tell_wanted(refund, reason=reason)
    return refund


def note_facts(order_ids: Sequence[int]) -> None:
    """Bring refunds of ours in line with what the gateway said later: paid out, or failed.

    Inside the open scope, with the orders locked.
    """
    waiting = Refund.objects.filter(
        order_id__in=order_ids, status__in=[RefundStatus.PENDING, RefundStatus.DONE]
    )
    for refund in waiting.select_for_update().order_by("id"):
        told = dict(
            PaymentEntry.objects.filter(
                order_id=refund.order_id, external_id=refund.external_id
            ).values_list("kind", "is_from_gateway")
        )
        if PaymentFactKind.REFUND_FAILED in told:
            is_gateways = told[PaymentFactKind.REFUND_FAILED]
            why = "the money came back" if is_gateways else "the shop took it back"
            _settle(refund, PaymentFactKind.REFUND_FAILED, reason=why)
        elif PaymentFactKind.REFUNDED in told and refund.status == RefundStatus.PENDING:
            _settle(refund, PaymentFactKind.REFUNDED, reason="the money went out")


def _tell_wanted(refund: Refund, *, reason: str) -> None:
    outbox.record(
        "refund.wanted",
        merchant_id=refund.merchant_id,
        mode=refund.mode,
        order_id=refund.order_id,
        subject=("refund", refund.id),
        data={"amount": str(refund.amount), "currency": refund.currency},
        reason=reason,
    )


def _lock(refund_id: int) -> tuple[Refund, Order]:
    order = lock_order(Refund.objects.values_list("order_id", flat=True).get(id=refund_id))
    return Refund.objects.select_for_update().get(id=refund_id), order


def _intend(refund: Refund, order: Order) -> RefundCall | None:
    request = _request(refund, order)
    lease = attempts.intend(
        merchant_id=refund.merchant_id,
        mode=order.mode,
        kind=Effect.REFUND,
        connection_id=refund.connection_id,
        order_id=order.id,
        subject=("refund", refund.id),
        reference=request.reference,
        generation=refund.generation,
        idempotency_key=request.idempotency_key,
        request={"amount": str(refund.amount), "currency": refund.currency},
    )
    if lease is None:
        return None
    return RefundCall(
        lease=lease,
        connection_id=refund.connection_id,
        request=request,
    )


def _take_over(refund: Refund, order: Order, receipt: RefundReceipt, *, reason: str) -> None:
    refund.external_id = receipt.external_id
    _settle(refund, receipt.kind, reason=reason)
    ledger.record_facts([_fact(refund, order, receipt)])


def _payment_of(order: Order) -> PaymentEntry:
    entry = payers.taken_by(order)
    if entry is None or payers.why_not(entry):
        raise CannotRefund(f"cannot refund {order}: {payers.why_not(entry)}")
    return entry


def _lines(order_id: int, units: Mapping[int, int]) -> list[dict[str, Any]]:
    external = dict(
        Line.objects.filter(order_id=order_id, id__in=units).values_list("id", "external_id")
    )
    return [
        {"line_id": line_id, "line": external[line_id], "quantity": count}
        for line_id, count in sorted(units.items())
        if count > 0
    ]


def _request(refund: Refund, order: Order) -> RefundRequest:
    sale = f"{order.account}/{order.external_id}"
    reference = f"{sale}/refund/{refund.number}/{refund.generation}"
    return RefundRequest(
        reference=reference,
        # Travels as a header, where a shop's name in letters of its own cannot.
        idempotency_key=hashlib.sha256(f"{order.mode}:{reference}".encode()).hexdigest(),
        payment_external_id=refund.payment_external_id,
        order_external_id=order.external_id,
        amount=Money(refund.amount, refund.currency),
        reason=refund.reason,
        lines=tuple(
            RefundedLine(line_external_id=line["line"], quantity=line["quantity"])
            for line in refund.lines
        ),
        restock=refund.restocks,
    )


def _settle(refund: Refund, kind: PaymentFactKind, *, reason: str) -> None:
    step = {
        PaymentFactKind.REFUNDED: RefundStep.FINISH,
        PaymentFactKind.REFUND_PENDING: RefundStep.WAIT,
        PaymentFactKind.REFUND_FAILED: RefundStep.FAIL,
    }[kind]
    if refund.status not in step.sources:
        refund.save()
        return
    if step is RefundStep.FAIL:
        refund.generation += 1
    refund.ended_at = None if step is RefundStep.WAIT else clock.now()
    refund.take(step, reason=reason)
    if step is RefundStep.FINISH:
        obligations.meet_many([(refund.merchant_id, Owed.REFUND, "refund", refund.id)])
    elif step is RefundStep.FAIL:
        _owe(refund)  # again, where the money came back after it had gone out


def _owe(refund: Refund) -> None:
    obligations.open_many(
        [
            obligations.NewObligation(
                merchant_id=refund.merchant_id,
                mode=refund.mode,
                kind=Owed.REFUND,
                subject_kind="refund",
                subject_id=refund.id,
                order_id=refund.order_id,
            )
        ]
    )


def _fact(refund: Refund, order: Order, receipt: RefundReceipt) -> ledger.IncomingFact:
    connection = Connection.objects.get(id=refund.connection_id)
    origin = PaymentEntry.objects.filter(
        order_id=order.id,
        kind=PaymentFactKind.CAPTURED,
        payment_external_id=refund.payment_external_id,
    ).first()
    return ledger.IncomingFact(
        fact=PaymentFact(
            kind=receipt.kind,
            external_id=receipt.external_id,
            payment_external_id=refund.payment_external_id,
            amount=receipt.amount,
            happened_at=receipt.happened_at,
            reason=refund.reason,
            own_reference=f"refund:{refund.id}",
        ),
        merchant_id=refund.merchant_id,
        mode=refund.mode,
        account=origin.account if origin else connection.account,
        connection_id=refund.connection_id,
        is_from_gateway=origin.is_from_gateway if origin else False,
        message_id=None,
        order_id=order.id,
    )
