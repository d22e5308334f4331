"""A checkout session that was read back, line items and all -> checkout news; pure.

Source: Stripe API reference 2023-10-16, "The Checkout Session object" and "The Line Item object",
read 2026-11. Webhooks of sessions carry no lines, so that they are hints and end here.
"""

from decimal import Decimal

from entrepot.canon.customers import CustomerSnapshot
from entrepot.canon.messages import CanonicalItem, CheckoutNews, Ignored
from entrepot.canon.money import Money, total_of
from entrepot.canon.orders import (
    Discount,
    LineSnapshot,
    OrderSnapshot,
    OrderTotals,
    PaymentWord,
    ShippingLine,
    SourceState,
    TaxLine,
)
from entrepot.canon.payments import PaymentFact
from entrepot.canon.places import Address
from entrepot.connect.reading import Node
from entrepot.connectors.stripe import mapping
from entrepot.connectors.stripe.fields import (
    CHECKOUT_MARK,
    address,
    currency_of,
    expanded,
    flag,
    id_of,
    instant,
    money,
    money_or_zero,
)

OUTCOMES = {"complete": "completed", "expired": "expired", "open": "open"}

# What a session says about payment, and what its payment intent adds while it says "unpaid".
PAYMENT_WORDS = {
    "paid": (PaymentWord.PAID, SourceState.PROCESSING),
    "no_payment_required": (PaymentWord.NOT_REQUIRED, SourceState.PROCESSING),
}
UNPAID_WORDS = {
    "processing": (PaymentWord.PENDING, SourceState.AWAITING),  # a delayed method
    "requires_capture": (PaymentWord.AUTHORIZED, SourceState.AWAITING),
    "requires_payment_method": (PaymentWord.UNPAID, SourceState.FAILED),  # the delayed one failed
    "canceled": (PaymentWord.UNPAID, SourceState.CANCELLED),
    "succeeded": (PaymentWord.PAID, SourceState.PROCESSING),  # captured after the page was done
}
UNKNOWN_WORDS = (PaymentWord.UNKNOWN, SourceState.UNKNOWN)
# A session has no clock of its changes; how far its payment is decides which reading is newer.
PROGRESS = {
    PaymentWord.UNKNOWN: 0,
    PaymentWord.PENDING: 1,
    PaymentWord.AUTHORIZED: 2,
    PaymentWord.UNPAID: 3,
    PaymentWord.PAID: 4,
    PaymentWord.NOT_REQUIRED: 4,
}


def of_session(session: Node) -> tuple[CanonicalItem, ...]:
    """News of a checkout that the hub opened; of any other, only the facts of its payment."""
    intent = expanded(session["payment_intent"])
    reference = session["metadata"][CHECKOUT_MARK].text_or_empty()
    if not reference:
        if intent.is_null:
            return (Ignored(reason="a checkout session that the hub did not open"),)
        return (mapping.of_intent(intent, at=None),)
    status = session["status"].text_or_empty()
    order = _order(session, intent=intent, reference=reference) if status == "complete" else None
    return (
        CheckoutNews(
            reference=reference,
            external_id=session["id"].text(),
            outcome=OUTCOMES.get(status, status),
            order=order,
            happened_at=order.placed_at if order else None,
        ),
    )


def _order(session: Node, *, intent: Node, reference: str) -> OrderSnapshot:
    currency = currency_of(session)
    charge = mapping.latest_charge(intent)
    payment, state = _words(session, intent=intent)
    paid_from = next(node for node in (charge, intent, session) if not node.is_null)
    placed_at = instant(paid_from["created"])
    facts = _facts(intent)
    taxes = _tax_lines(session, currency=currency)
    details = session["customer_details"]
    lines = _lines(session)
    return OrderSnapshot(
        external_id=session["id"].text(),
        number="",
        state=state,
        source_status=f"{session['status'].text()}, {session['payment_status'].text()}",
        placed_at=placed_at,
        version=int(placed_at.timestamp()) * 1_000_000 + PROGRESS[payment],
        currency=currency,
        totals=_totals(session, lines=lines, charge=charge, currency=currency),
        lines=lines,
        customer=_customer(session),
        shipping_address=_shipping_address(session),
        billing_address=address(
            details["address"],
            name=details["name"].text_or_empty(),
            phone=details["phone"].text_or_empty(),
        ),
        payment=payment,
        birth_mark=str(session["created"].whole()),
        is_test=not flag(session["livemode"]),
        prices_include_tax=bool(taxes) and all(tax.is_included for tax in taxes),
        payment_method=facts[0].method if facts else "",
        payment_title=_payment_title(charge),
        transaction_ids=tuple(
            found
            for found in (id_of(session["payment_intent"]), charge["id"].text_or_empty())
            if found
        ),
        paid_at=facts[0].happened_at if facts and payment is PaymentWord.PAID else None,
        shipping_lines=_shipping_lines(session, currency=currency),
        discounts=_discounts(session, currency=currency),
        tax_lines=taxes,
        payment_facts=facts,
        checkout_reference=reference,
        own_marks=(reference,),
    )


def _words(session: Node, *, intent: Node) -> tuple[PaymentWord, SourceState]:
    word = session["payment_status"].text()
    if word == "unpaid" and not intent.is_null:
        return UNPAID_WORDS.get(intent["status"].text(), UNKNOWN_WORDS)
    return PAYMENT_WORDS.get(word, UNKNOWN_WORDS)


def _facts(intent: Node) -> tuple[PaymentFact, ...]:
    if intent.is_null:
        return ()
    fact = mapping.of_intent(intent, at=None)
    return (fact,) if isinstance(fact, PaymentFact) else ()


def _lines(session: Node) -> tuple[LineSnapshot, ...]:
    items = session["line_items"]
    if items.is_null or flag(items["has_more"]):
        raise ValueError("line_items: the session was not read back with all of its lines")
    return tuple(_line(item) for item in items["data"])


def _line(item: Node) -> LineSnapshot:
    currency = currency_of(item)
    price = item["price"]
    product = expanded(price["product"])
    subtotal = money(item["amount_subtotal"], currency)
    discount = money_or_zero(item["amount_discount"], currency)
    quantity = 1 if item["quantity"].is_null else item["quantity"].whole()
    if price["unit_amount"].is_null:
        # A price in fractions of the smallest unit: the line's own sum is the truth.
        unit_price = Money(subtotal.amount / quantity, currency) if quantity else subtotal
    else:
        unit_price = money(price["unit_amount"], currency)
    return LineSnapshot(
        external_id=item["id"].text(),
        sku=product["metadata"]["sku"].text_or_empty(),
        title=item["description"].text_or_empty() or product["name"].text_or_empty(),
        quantity=quantity,
        unit_price=unit_price,
        total=subtotal - discount,
        discount=discount or None,
        is_shippable=_is_shippable(product),
        product_external_id=id_of(price["product"]),
        variant_external_id=price["id"].text_or_empty(),
        image_url=next((image.text_or_empty() for image in product["images"]), ""),
    )


def _is_shippable(product: Node) -> bool | None:
    """What we wrote into the product's metadata, else Stripe's own field, else unknown."""
    told = {"true": True, "false": False}.get(product["metadata"]["shippable"].text_or_empty())
    if told is None and not product["shippable"].is_null:
        return flag(product["shippable"])
    return told


def _totals(
    session: Node, *, lines: tuple[LineSnapshot, ...], charge: Node, currency: str
) -> OrderTotals:
    details = session["total_details"]
    return OrderTotals(
        lines=total_of((line.total for line in lines), currency=currency),
        discount=money_or_zero(details["amount_discount"], currency),
        shipping=money_or_zero(session["shipping_cost"]["amount_subtotal"], currency),
        fees=Money.zero(currency),
        tax=money_or_zero(details["amount_tax"], currency),
        total=money(session["amount_total"], currency),
        refunded=money_or_zero(charge["amount_refunded"], currency)
        if charge["captured"].value is True
        else Money.zero(currency),
    )


def _shipping_lines(session: Node, *, currency: str) -> tuple[ShippingLine, ...]:
    cost = session["shipping_cost"]
    if cost.is_null:
        return ()
    rate = expanded(cost["shipping_rate"])
    rate_id = id_of(cost["shipping_rate"])
    return (
        ShippingLine(
            title=rate["display_name"].text_or_empty(),
            method_code=rate["metadata"]["code"].text_or_empty() or rate_id,
            price=money_or_zero(cost["amount_subtotal"], currency),
            external_id=rate_id,
        ),
    )


def _discounts(session: Node, *, currency: str) -> tuple[Discount, ...]:
    return tuple(
        Discount(code=_discount_code(entry["discount"]), amount=money(entry["amount"], currency))
        for entry in session["total_details"]["breakdown"]["discounts"]
    )


def _discount_code(discount: Node) -> str:
    """What the customer typed where it is told, else the coupon's name, else its id."""
    coupon = discount["coupon"]
    promotion = discount["promotion_code"]
    return (
        expanded(promotion)["code"].text_or_empty()
        or expanded(coupon)["name"].text_or_empty()
        or id_of(promotion)
        or id_of(coupon)
    )


def _tax_lines(session: Node, *, currency: str) -> tuple[TaxLine, ...]:
    return tuple(
        TaxLine(
            name=entry["rate"]["display_name"].text_or_empty(),
            rate=_rate(entry["rate"]["percentage"]),
            amount=money(entry["amount"], currency),
            is_included=flag(entry["rate"]["inclusive"]),
        )
        for entry in session["total_details"]["breakdown"]["taxes"]
    )


def _rate(percentage: Node) -> Decimal | None:
    if percentage.is_null:
        return None
    if isinstance(percentage.value, bool) or not isinstance(percentage.value, int | Decimal):
        raise percentage.wrong("a percentage")
    return (Decimal(percentage.value) / 100).normalize()


def _customer(session: Node) -> CustomerSnapshot:
    details = session["customer_details"]
    locale = session["locale"].text_or_empty()
    return CustomerSnapshot(
        external_id=id_of(session["customer"]),
        email=details["email"].text_or_empty() or session["customer_email"].text_or_empty(),
        name=details["name"].text_or_empty(),
        phone=details["phone"].text_or_empty(),
        language="" if locale == "auto" else locale,
    )


def _shipping_address(session: Node) -> Address:
    """Where the customer wants it; empty when the page did not ask."""
    shipping = session["shipping_details"]
    if shipping.is_null:  # its place since API version 2025-03-31
        shipping = session["collected_information"]["shipping_details"]
    return address(
        shipping["address"],
        name=shipping["name"].text_or_empty(),
        phone=shipping["phone"].text_or_empty()
        or session["customer_details"]["phone"].text_or_empty(),
    )


def _payment_title(charge: Node) -> str:
    card = charge["payment_method_details"]["card"]
    if card.is_null:
        return ""
    return f"{card['brand'].text_or_empty()} •••• {card['last4'].text_or_empty()}".strip()
