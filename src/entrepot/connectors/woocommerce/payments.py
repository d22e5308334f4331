"""What a shop says about money: its word, its facts, and the refunds asked of it. Pure.

Source: WooCommerce REST API v3, "Order refunds"; our own recordings of WooCommerce 11.0.1, 2026-11.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from entrepot.canon.money import Money, exponent_of, total_of
from entrepot.canon.orders import PaymentWord
from entrepot.canon.payments import (
    PaymentFact,
    PaymentFactKind,
    RefundedLine,
    RefundReceipt,
    RefundRequest,
    refund_named,
)
from entrepot.connect.ports import Account
from entrepot.connectors.woocommerce.fields import Fields
from entrepot.connectors.woocommerce.marks import REFUND, found_in_text, in_text

POLLED = "_entrepot"  # what the client adds to a body that it has read itself
# Ids under which payment plug-ins keep the same payment; a gateway may know any of them.
TRANSACTION_META = (
    "_stripe_intent_id",  # WooCommerce Stripe; its transaction_id is the charge
    "_stripe_charge_id",
    "_intent_id",  # WooPayments
    "_charge_id",
    "_ppcp_paypal_order_id",  # PayPal Payments; its transaction_id is the capture
)
UNPAID_STATUSES = frozenset({"pending", "failed", "cancelled"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """One refund of an order. Lines are unknown (None) where only the order named it."""

    external_id: str
    amount: Money
    reason: str
    happened_at: datetime
    own_reference: str
    lines: tuple[RefundedLine, ...] | None


def transaction_ids_of(body: Fields) -> tuple[str, ...]:
    """Every id under which this order's payment may be known, the shop's own first."""
    meta = dict(body.meta())
    ids = [body.text("transaction_id"), *(meta.get(key) for key in TRANSACTION_META)]
    return tuple(dict.fromkeys(word for word in ids if isinstance(word, str) and word))


def to_word(body: Fields, currency: str, *, account: Account) -> PaymentWord:
    """What the shop says about payment as a whole.

    `processing` without a payment date is UNKNOWN: somebody set it by hand or by the API, and the
    shop does not say that money came.
    """
    if not body.money("total", currency):
        return PaymentWord.NOT_REQUIRED
    if body.instant("date_paid_gmt"):
        return PaymentWord.PAID
    on_terms = account.settings.get("on_terms_methods", ["cod"]) or ()
    status = body.text("status").removeprefix("wc-")
    if body.text("payment_method") in on_terms:
        return PaymentWord.ON_TERMS
    if status == "on-hold":
        return PaymentWord.PENDING
    if status in UNPAID_STATUSES or body.flag("needs_payment"):
        return PaymentWord.UNPAID
    return PaymentWord.UNKNOWN


def refunds_of(body: Fields, currency: str) -> tuple[Refund, ...]:
    """The order's refunds: whole where the client has read them, else as the order names them.

    An order names only id, reason and total (negative), so the time is its last change.
    """
    polled = body.inner(POLLED)
    if "refunds" in polled:
        return tuple(to_refund(row, currency) for row in polled.each("refunds"))
    changed_at = body.instant("date_modified_gmt") or body.required_instant("date_created_gmt")
    return tuple(
        Refund(
            external_id=refund_named(row.identifier("id", required=True)),
            amount=_positive(row.money("total", currency)),
            reason=row.text("reason"),
            happened_at=changed_at,
            own_reference=found_in_text(row.text("reason")),
            lines=None,
        )
        for row in body.each("refunds")
    )


def refunds_are_whole(body: Fields) -> bool:
    """False when the order names refunds whose lines must be read separately."""
    return "refunds" in body.inner(POLLED) or not body.each("refunds")


def to_refund(row: Fields, currency: str) -> Refund:
    """One refund as /orders/{id}/refunds gives it; its lines count backwards."""
    meta = dict(row.meta())
    own = meta.get(REFUND)
    units: dict[str, int] = {}
    for line in row.each("line_items"):
        origin = dict(line.meta()).get("_refunded_item_id")
        quantity = abs(line.whole("quantity"))
        if origin and quantity:
            units[str(origin)] = units.get(str(origin), 0) + quantity
    return Refund(
        external_id=refund_named(row.identifier("id", required=True)),
        amount=_positive(row.money("amount", currency)),
        reason=row.text("reason"),
        happened_at=row.required_instant("date_created_gmt"),
        own_reference=own if isinstance(own, str) and own else found_in_text(row.text("reason")),
        lines=tuple(
            RefundedLine(line_external_id=line, quantity=count) for line, count in units.items()
        ),
    )


def refunded_quantities(refunds: tuple[Refund, ...]) -> dict[str, int]:
    """Units paid back, by line."""
    found: dict[str, int] = {}
    for refund in refunds:
        for line in refund.lines or ():
            found[line.line_external_id] = found.get(line.line_external_id, 0) + line.quantity
    return found


def to_facts(
    body: Fields, refunds: tuple[Refund, ...], *, currency: str
) -> tuple[PaymentFact, ...]:
    """The order's money as facts.

    The capture is named by the order and not by the transaction id, because a plug-in may add that
    id later and one payment must not become two; the ids are in `match_ids`.
    """
    external_id = body.identifier("id", required=True)
    payment = f"order:{external_id}"
    match_ids = transaction_ids_of(body)
    total = body.money("total", currency)
    paid_at = body.instant("date_paid_gmt")
    method = body.text("payment_method")
    email = body.inner("billing").text("email")
    facts = []
    if paid_at and total:
        facts.append(
            PaymentFact(
                kind=PaymentFactKind.CAPTURED,
                external_id=f"{payment}:paid",
                payment_external_id=payment,
                amount=total,
                happened_at=paid_at,
                method=method,
                match_ids=match_ids,
                email=email,
            )
        )
    facts += [
        PaymentFact(
            kind=PaymentFactKind.REFUNDED,
            external_id=refund.external_id,
            payment_external_id=payment,
            amount=refund.amount,
            happened_at=refund.happened_at,
            method=method,
            reason=refund.reason,
            match_ids=match_ids,
            refunded_lines=refund.lines or (),
            own_reference=refund.own_reference,
            email=email,
        )
        for refund in refunds
        if refund.amount
    ]
    return tuple(facts)


def to_refund_body(
    request: RefundRequest, order: Fields | None, *, api_refund: bool
) -> dict[str, Any]:
    """The body of POST /orders/{id}/refunds.

    `amount` is what is paid back; the lines' shares of it are the shop's bookkeeping and follow
    from the order's own line amounts; without the order no lines are named. Restocking is always
    said: the shop's default is yes.
    """
    lines = order.each("line_items") if order else []
    rows = {row.identifier("id", required=True): row for row in lines}
    reason = " ".join(filter(None, (request.reason, in_text(request.reference))))
    return {
        "amount": as_amount(request.amount),
        "reason": reason,
        "line_items": [
            _refunded_item(rows[line.line_external_id], line.quantity, request.amount.currency)
            for line in request.lines
            if line.line_external_id in rows
        ],
        "meta_data": [{"key": REFUND, "value": request.reference}],
        "api_refund": api_refund,
        "api_restock": request.restock,
    }


def _refunded_item(row: Fields, quantity: int, currency: str) -> dict[str, Any]:
    ordered = row.whole("quantity")
    share = Decimal(min(quantity, ordered)) / ordered if ordered else Decimal(0)
    return {
        "id": int(row.identifier("id", required=True)),
        "quantity": quantity,
        "refund_total": as_amount((row.money("total", currency) * share).rounded()),
        "refund_tax": [
            {
                "id": int(tax.identifier("id", required=True)),
                "refund_total": as_amount((tax.money("total", currency) * share).rounded()),
            }
            for tax in row.each("taxes")
            if tax.text("total")
        ],
    }


def left_to_refund(order: Fields, currency: str) -> Money:
    """The order's total without what was refunded already."""
    given = total_of((refund.amount for refund in refunds_of(order, currency)), currency=currency)
    return order.money("total", currency) - given


def to_receipt(row: Fields, currency: str) -> RefundReceipt:
    """A refund that exists is done as far as the shop can tell."""
    refund = to_refund(row, currency)
    return RefundReceipt(
        external_id=refund.external_id,
        kind=PaymentFactKind.REFUNDED,
        amount=refund.amount,
        happened_at=refund.happened_at,
    )


def as_amount(money: Money) -> str:
    """An amount as the shop reads it: plain digits with the currency's decimals."""
    quantum = Decimal(1).scaleb(-exponent_of(money.currency))
    return f"{money.amount.quantize(quantum, rounding=ROUND_HALF_UP):f}"


def _positive(money: Money) -> Money:
    return Money(abs(money.amount), money.currency)
