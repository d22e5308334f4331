"""Payments that belong to no known order: a person matches them to one, or dismisses them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from django.db.models import BooleanField, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.functions import Now

from entrepot.access import scope
from entrepot.canon.payments import PaymentFactKind
from entrepot.connections.models import Connection
from entrepot.events import outbox
from entrepot.orders.models import Order
from entrepot.orders.policy import OrderPolicy
from entrepot.orders.review import review_orders
from entrepot.orders.services import lock_order
from entrepot.orders.states import OrderStatus
from entrepot.payments import ledger, refunds
from entrepot.payments.matching import give
from entrepot.payments.models import PaymentEntry

# How long the order of a checkout of ours may take to follow its money, before somebody is asked.
EXPECTED_WITHIN = timedelta(minutes=15)
# What makes a row of payments_entry one that waits for a person; for every query that asks, with
# the table under its own name. By payments_entry_unmatched.
IS_UNMATCHED = f"""
    payments_entry.order_id IS NULL
    AND payments_entry.dismissed_at IS NULL
    AND payments_entry.kind = 'captured'
    AND (
        payments_entry.learned_at < now() - interval '{EXPECTED_WITHIN.total_seconds():.0f} seconds'
        OR NOT EXISTS (
            SELECT FROM payments_checkout AS expected
            WHERE expected.merchant_id = payments_entry.merchant_id
                AND expected.reference = payments_entry.checkout_reference
                AND expected.order_id IS NULL
        )
    )
"""


class CannotMatch(Exception):
    """A payment cannot be matched or dismissed as asked; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What matching a payment would make of an order's money; `releases` is why it would start."""

    captured: Decimal
    refunded: Decimal
    releases: str
    is_in_other_currency: bool


def payments(mode: str) -> QuerySet[PaymentEntry]:
    """The captured payments of a mode that wait for a person, inside the open scope.

    Money for a checkout of ours is left out while its order may still follow.
    """
    rule = RawSQL(IS_UNMATCHED, [], output_field=BooleanField())  # noqa: S611 -- a constant
    return PaymentEntry.objects.filter(rule, mode=mode)


def given_back(rows: Iterable[PaymentEntry]) -> dict[int, Decimal]:
    """By the id of an unmatched payment, what has gone back of it; nothing where nothing has."""
    by_payment = {(row.account, row.mode, row.payment_external_id): row.id for row in rows}
    back: dict[int, Decimal] = {}
    told = PaymentEntry.objects.filter(
        payment_external_id__in={payment for _, _, payment in by_payment},
        kind=PaymentFactKind.REFUNDED,
        order_id=None,
    )
    for fact in told:
        entry_id = by_payment.get((fact.account, fact.mode, fact.payment_external_id))
        if entry_id is not None:
            back[entry_id] = back.get(entry_id, Decimal(0)) + fact.amount
    return back


def outlook_of(entry: PaymentEntry, order: Order) -> Outlook:
    """What the order's money would be, and whether its work would begin; changes nothing."""
    if entry.currency != order.currency:
        return Outlook(
            captured=order.amount_captured,
            refunded=order.amount_refunded,
            releases="",
            is_in_other_currency=True,
        )
    coming = list(_of_payment(entry).filter(counts=True, currency=order.currency))
    known = list(PaymentEntry.objects.filter(order_id=order.id, currency=order.currency))
    both = [row for row in [*known, *coming] if row.counts]
    if any(row.is_from_gateway and row.kind == PaymentFactKind.CAPTURED for row in both):
        both = [row for row in both if row.is_from_gateway]  # as the ledger believes it
    captured = _sum(both, PaymentFactKind.CAPTURED)
    return Outlook(
        captured=captured,
        refunded=order.amount_refunded + _sum(coming, PaymentFactKind.REFUNDED),
        releases=_reason_to_release(order, captured),
        is_in_other_currency=False,
    )


def match_payment(
    merchant_id: int, entry_id: int, *, order_id: int, by: str, reason: str = ""
) -> Order:
    """Give an unmatched payment, with all that is known of it, to an order on a person's word.

    What is told of it later follows by itself. The order is reviewed as if the money had just
    come. Repeating it changes nothing.

    Raises:
        CannotMatch: it belongs to another order by now, or to the other mode.
        PaymentEntry.DoesNotExist, Order.DoesNotExist: the merchant has none of that id.
    """
    with scope.merchant(merchant_id), outbox.because(actor=by):
        entry = PaymentEntry.objects.get(id=entry_id)
        order = lock_order(order_id)
        rows = _locked(entry)
        entry.refresh_from_db()
        if entry.order_id == order_id:
            return order
        if entry.order_id is not None:
            other = Order.objects.get(id=entry.order_id)
            raise CannotMatch(f"the payment belongs to order {other.number} by now")
        if entry.mode != order.mode:
            kinds = f"a {entry.mode} payment cannot pay a {order.mode} order"
            raise CannotMatch(kinds)
        given = give([(row.id, order_id) for row in rows])
        ledger.take_in(given, reason=reason.strip())
        refunds.note_facts([order_id])
        review_orders([order_id], policies={order.connection_id: _policy_of(order)})
        order.refresh_from_db()
    return order


def dismiss_payment(merchant_id: int, entry_id: int, *, by: str, reason: str) -> PaymentEntry:
    """Decide that an unmatched payment needs nothing. Repeating it changes nothing.

    Should an order come that names it, the payment is that order's all the same.

    Raises:
        CannotMatch: no reason was given, or it belongs to an order by now.
        PaymentEntry.DoesNotExist: the merchant has none of that id.
    """
    with scope.merchant(merchant_id), outbox.because(actor=by):
        entry = PaymentEntry.objects.get(id=entry_id)
        if not reason.strip():
            raise CannotMatch("cannot dismiss the payment: say why")
        rows = _locked(entry)
        entry.refresh_from_db()
        if entry.order_id is not None:
            order = Order.objects.get(id=entry.order_id)
            raise CannotMatch(f"the payment belongs to order {order.number} by now")
        if entry.dismissed_at is not None:
            return entry
        PaymentEntry.objects.filter(id__in=[row.id for row in rows]).update(
            dismissed_at=Now(), dismissed_by=by
        )
        entry.refresh_from_db()
        outbox.record(
            "payment.dismissed",
            merchant_id=merchant_id,
            mode=entry.mode,
            subject=("payment_entry", entry.id),
            data={
                "kind": entry.kind,
                "amount": entry.amount,
                "currency": entry.currency,
                "external_id": entry.external_id,
            },
            reason=reason.strip(),
        )
    return entry


def _of_payment(entry: PaymentEntry) -> QuerySet[PaymentEntry]:
    """All that is known of the same payment and belongs to no order."""
    return PaymentEntry.objects.filter(
        account=entry.account,
        mode=entry.mode,
        payment_external_id=entry.payment_external_id,
        order_id=None,
    )


def _locked(entry: PaymentEntry) -> list[PaymentEntry]:
    rows = _of_payment(entry).select_for_update()
    return list(rows.order_by("merchant_id", "account", "mode", "kind", "external_id"))


def _sum(rows: Iterable[PaymentEntry], kind: PaymentFactKind) -> Decimal:
    return sum((row.amount for row in rows if row.kind == kind), Decimal(0))


def _policy_of(order: Order) -> OrderPolicy:
    connection = Connection.objects.get(id=order.connection_id)
    return OrderPolicy.read(
        connection.policy,
        live_since=connection.live_since,
        is_live_mode=connection.mode == "live",
    )


def _reason_to_release(order: Order, captured: Decimal) -> str:
    """Why work on the order would begin with that much captured; "" where it would not."""
    if order.released_at is not None or order.is_history or order.status != OrderStatus.OPEN:
        return ""
    told = {
        "source_status": order.source_status,
        "source_state": order.source_state,
        "amount_due": order.amount_due,
        "amount_captured": captured,
        "is_on_terms": order.is_on_terms,
    }
    return _policy_of(order).reason_to_release(told)
