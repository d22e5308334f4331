"""Stripe's payments, refunds, disputes and reviews -> payment facts; pure.

Source: Stripe API reference 2023-10-16 (PaymentIntent, Charge, Refund, Dispute, Review) and "Types
of events", read 2026-11.

One payment is told three times: by `charge.succeeded`, by `payment_intent.succeeded` and by
`checkout.session.completed`. Here **the payment intent tells**: a fact about taking money is named
by the id of the intent, so that an event, a re-read payment and a re-read checkout name the same
fact whichever comes first. A charge speaks only where it has no intent (the old Charges API), and
is then named by its own id. Refunds, disputes and reviews have ids of their own.
"""

import re
from collections.abc import Iterator
from datetime import datetime

from entrepot.canon.messages import CanonicalItem, Flow, Hint, Ignored
from entrepot.canon.money import Money
from entrepot.canon.payments import PaymentFact, PaymentFactKind, RefundReceipt
from entrepot.connect.reading import Node
from entrepot.connectors.stripe.fields import (
    CHECKOUT_MARK,
    REFUND_MARK,
    currency_of,
    expanded,
    flag,
    id_of,
    instant,
    money,
)

REFUND_KINDS = {
    "pending": PaymentFactKind.REFUND_PENDING,
    "requires_action": PaymentFactKind.REFUND_PENDING,  # the customer must give a bank account
    "succeeded": PaymentFactKind.REFUNDED,
    "failed": PaymentFactKind.REFUND_FAILED,
    "canceled": PaymentFactKind.REFUND_FAILED,
}
DISPUTE_KINDS = {
    "warning_needs_response": PaymentFactKind.DISPUTED,  # an inquiry: no money has moved yet
    "warning_under_review": PaymentFactKind.DISPUTED,
    "warning_closed": PaymentFactKind.DISPUTE_WON,  # an inquiry that became no dispute
    "needs_response": PaymentFactKind.DISPUTED,
    "under_review": PaymentFactKind.DISPUTED,
    "charge_refunded": PaymentFactKind.DISPUTE_WON,  # settled by a refund, which is its own fact
    "won": PaymentFactKind.DISPUTE_WON,
    "lost": PaymentFactKind.DISPUTE_LOST,
}
# An authorization that ran out is shown as a refund of money that was never taken.
RELEASE_REASON = "expired_uncaptured_charge"
# How shops name their order in a payment's metadata, letters and digits only.
ORDER_KEYS = frozenset({"order", "orderid", "orderkey", "ordername", "ordernumber", "ordernr"})
# A word of a description that may be an order's number: it has a digit in it.
NUMBERED_WORD = re.compile(r"[\w./-]*\d[\w./-]*")
MATCHED_WORDS = 8


def of_intent(intent: Node, *, at: datetime | None) -> CanonicalItem:
    """What a payment intent says about its money; `at` is the event's instant, if it is one."""
    status = intent["status"].text()
    last_error = intent["last_payment_error"]
    match status:
        case "succeeded":
            return _captured(intent, at=at)
        case "requires_capture":
            amount = money(intent["amount_capturable"], currency_of(intent))
            return _intent_fact(intent, PaymentFactKind.AUTHORIZED, amount=amount, at=at)
        case "processing":
            amount = money(intent["amount"], currency_of(intent))
            return _intent_fact(intent, PaymentFactKind.PENDING, amount=amount, at=at)
        case "canceled" if id_of(intent["latest_charge"]) and last_error.is_null:
            # Money was set aside, or there would be no charge without an error.
            return _intent_fact(
                intent,
                PaymentFactKind.VOIDED,
                amount=money(intent["amount"], currency_of(intent)),
                at=at or instant(intent["canceled_at"]),  # typos: meant
                reason=intent["cancellation_reason"].text_or_empty(),
            )
        case "requires_payment_method" if not last_error.is_null:
            return _failed(intent, at=at)
        case _:
            return Ignored(reason=f"payment intent in status {status!r}: no money has moved")


def of_payment(payment: Node) -> tuple[CanonicalItem, ...]:
    """All facts of a payment intent or charge that was read again.

    Its `refunds`, `disputes` and `review` are in full, as `Client.fetch` puts them together.
    """
    is_intent = payment["object"].text() == "payment_intent"
    charge = latest_charge(payment) if is_intent else payment
    first = of_intent(payment, at=None) if is_intent else of_charge(payment, at=None)
    facts: list[CanonicalItem] = [first]
    if not charge["captured"].is_null and flag(charge["captured"]):
        facts += [
            of_refund(refund, at=None)
            for refund in payment["refunds"]["data"]
            if refund["reason"].value != RELEASE_REASON
        ]
    facts += [of_dispute(dispute, at=None) for dispute in payment["disputes"]["data"]]
    review = expanded(payment["review"])
    if not review.is_null:
        facts.append(_of_review(review, payment=payment))
    told = tuple(fact for fact in facts if not isinstance(fact, Ignored))
    return told or (first,)


def of_charge(charge: Node, *, at: datetime | None, is_expired: bool = False) -> CanonicalItem:
    """What a charge says, which counts only when it has no payment intent."""
    if payment_intent := id_of(charge["payment_intent"]):
        return Ignored(reason=f"told by the events of its payment intent {payment_intent}")
    currency = currency_of(charge)
    status = charge["status"].text()
    amount = money(charge["amount"], currency)
    match status:
        case "succeeded" if flag(charge["captured"]):
            kind = PaymentFactKind.CAPTURED
            if not charge["amount_captured"].is_null:
                amount = money(charge["amount_captured"], currency)
        case "succeeded" if is_expired or flag(charge["refunded"]):
            kind = PaymentFactKind.VOIDED
        case "succeeded":
            kind = PaymentFactKind.AUTHORIZED
        case "pending":
            kind = PaymentFactKind.PENDING
        case "failed":
            kind = PaymentFactKind.FAILED
        case _:
            return Ignored(reason=f"charge in status {status!r}: no money has moved")
    return PaymentFact(
        kind=kind,
        external_id=charge["id"].text(),
        payment_external_id=charge["id"].text(),
        amount=amount,
        happened_at=at or instant(charge["created"]),
        method=_method(charge),
        card_last4=_last4(charge),
        reason=charge["failure_code"].text_or_empty(),
        checkout_reference=charge["metadata"][CHECKOUT_MARK].text_or_empty(),
        match_ids=_match_ids(charge),
        email=_email(charge, charge=charge),
    )


def of_refund(refund: Node, *, at: datetime | None) -> PaymentFact:
    """One refund as it stands.

    A status that is not known counts as pending, with its word kept: nothing is paid back, and
    nothing has failed, until Stripe says so in words that we know.
    """
    status = refund["status"].text_or_empty()
    kind = REFUND_KINDS.get(status, PaymentFactKind.REFUND_PENDING)
    reason = refund["failure_reason"].text_or_empty() or refund["reason"].text_or_empty()
    if status not in REFUND_KINDS:
        reason = f"unknown status {status!r}"
    payment, ids = _payment_of(refund)
    return PaymentFact(
        kind=kind,
        external_id=refund["id"].text(),
        payment_external_id=payment,
        amount=money(refund["amount"], currency_of(refund)),
        happened_at=at or instant(refund["created"]),
        reason=reason,
        match_ids=ids,
        own_reference=refund["metadata"][REFUND_MARK].text_or_empty(),
    )


def of_dispute(dispute: Node, *, at: datetime | None) -> PaymentFact:
    """One dispute as it stands. A status that is not known leaves it open, with its word kept."""
    status = dispute["status"].text()
    reason = dispute["reason"].text_or_empty()
    if status not in DISPUTE_KINDS:
        reason = f"{reason}, unknown status {status!r}"
    elif status.startswith("warning_"):
        reason = f"{reason}, an inquiry"
    payment, ids = _payment_of(dispute)
    return PaymentFact(
        kind=DISPUTE_KINDS.get(status, PaymentFactKind.DISPUTED),
        external_id=dispute["id"].text(),
        payment_external_id=payment,
        amount=money(dispute["amount"], currency_of(dispute)),
        happened_at=at or instant(dispute["created"]),
        reason=reason,
        match_ids=ids,
    )


def to_payment_hint(thing: Node) -> Hint:
    """The payment that a charge, refund, dispute or review belongs to, to be read again."""
    if thing["object"].value in ("payment_intent", "charge"):
        own = thing["id"].text()
        return Hint(flow=Flow.PAYMENTS, external_id=id_of(thing["payment_intent"]) or own)
    return Hint(flow=Flow.PAYMENTS, external_id=_payment_of(thing)[0])


def to_receipt(refund: Node) -> RefundReceipt:
    """Answer of a refund call -> receipt."""
    fact = of_refund(refund, at=None)
    return RefundReceipt(
        external_id=fact.external_id,
        kind=fact.kind,
        amount=fact.amount,
        happened_at=fact.happened_at,
    )


def intent_of(charge: Node) -> str:
    """The payment intent that a charge belongs to; empty for an old charge, and for an intent."""
    return id_of(charge["payment_intent"])


def latest_charge(intent: Node) -> Node:
    """The charge of an intent where it is embedded: expanded, or listed as before 2022-11-15."""
    charge = expanded(intent["latest_charge"])
    if charge.is_null:
        charge = next(iter(intent["charges"]["data"]), charge)
    return charge


def _captured(intent: Node, *, at: datetime | None) -> CanonicalItem:
    charge = latest_charge(intent)
    units = intent["amount_received"]
    if units.is_null:
        # Rendered in a version that has no such field, or by a server that leaves it out.
        if charge["captured"].value is True and charge["amount_refunded"].value == 0:
            units = charge["amount"]
        elif at is not None:
            return to_payment_hint(intent)
    booked = expanded(charge["balance_transaction"])
    booked_at = instant(booked["created"]) if not booked.is_null else None
    amount = money(units, currency_of(intent))
    return _intent_fact(intent, PaymentFactKind.CAPTURED, amount=amount, at=at or booked_at)


def _failed(intent: Node, *, at: datetime | None) -> PaymentFact:
    """One failed try: named by its charge, since a customer may fail several times."""
    error = intent["last_payment_error"]
    words = (error["code"].text_or_empty(), error["decline_code"].text_or_empty())
    return _intent_fact(
        intent,
        PaymentFactKind.FAILED,
        amount=money(intent["amount"], currency_of(intent)),
        at=at,
        reason=", ".join(dict.fromkeys(word for word in words if word)),
        external_id=id_of(error["charge"]) or id_of(intent["latest_charge"]),
    )


def _intent_fact(
    intent: Node,
    kind: PaymentFactKind,
    *,
    amount: Money,
    at: datetime | None,
    reason: str = "",
    external_id: str = "",
) -> PaymentFact:
    charge = latest_charge(intent)
    created = charge["created"] if not charge.is_null else intent["created"]
    own = intent["id"].text()
    return PaymentFact(
        kind=kind,
        external_id=external_id or own,
        payment_external_id=own,
        amount=amount,
        happened_at=at or instant(created),
        method=_method(charge) or _only_method(intent),
        card_last4=_last4(charge),
        reason=reason,
        checkout_reference=intent["metadata"][CHECKOUT_MARK].text_or_empty(),
        match_ids=_match_ids(intent),
        email=_email(intent, charge=charge),
    )


def _of_review(review: Node, *, payment: Node) -> PaymentFact:
    """A review names no amount, so it is read together with the payment that it is about."""
    is_open = flag(review["open"])
    return PaymentFact(
        kind=PaymentFactKind.REVIEW_OPENED if is_open else PaymentFactKind.REVIEW_CLOSED,
        external_id=review["id"].text(),
        payment_external_id=payment["id"].text(),
        amount=money(payment["amount"], currency_of(payment)),
        happened_at=instant(review["created"]),
        reason=review["reason"].text_or_empty(),
        checkout_reference=payment["metadata"][CHECKOUT_MARK].text_or_empty(),
        match_ids=_match_ids(payment),
    )


def _payment_of(thing: Node) -> tuple[str, tuple[str, ...]]:
    """The payment of a refund, dispute or review: its intent, else its charge; and both ids."""
    ids = tuple(
        found for found in (id_of(thing["payment_intent"]), id_of(thing["charge"])) if found
    )
    if not ids:
        raise ValueError(f"{thing.path or 'body'}: names neither a payment intent nor a charge")
    return ids[0], ids


def _match_ids(payment: Node) -> tuple[str, ...]:
    """All names under which a shop may know this payment, the platform's own ids first."""
    found = [payment["id"].text(), id_of(payment["latest_charge"])]
    found += [id_of(charge) for charge in payment["charges"]["data"]]
    found += list(_order_names(payment["metadata"]))
    description = payment["description"].text_or_empty()
    words = [word.strip("./-") for word in NUMBERED_WORD.findall(description)]
    found += words[:MATCHED_WORDS]
    return tuple(dict.fromkeys(name for name in found if name))


def _order_names(metadata: Node) -> Iterator[str]:
    for key, value in (metadata.value or {}).items():
        if re.sub(r"[\W_]", "", key).lower() in ORDER_KEYS and isinstance(value, str):
            yield value.strip().lstrip("#")


def _method(charge: Node) -> str:
    return charge["payment_method_details"]["type"].text_or_empty()


def _only_method(intent: Node) -> str:
    """The method, where the intent allows only one."""
    types = [method.text() for method in intent["payment_method_types"]]
    return types[0] if len(types) == 1 else ""


def _last4(charge: Node) -> str:
    return charge["payment_method_details"]["card"]["last4"].text_or_empty()


def _email(payment: Node, *, charge: Node) -> str:
    return (
        payment["receipt_email"].text_or_empty()
        or charge["receipt_email"].text_or_empty()
        or charge["billing_details"]["email"].text_or_empty()
    )
