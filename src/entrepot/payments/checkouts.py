"""Checkouts of our own: the cart is snapshotted before the page opens, and compared afterwards."""

import hmac
import secrets
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from entrepot.access import crypto, scope
from entrepot.canon.messages import CheckoutNews
from entrepot.canon.money import Money, total_of
from entrepot.canon.orders import LineSnapshot, OrderSnapshot, PaymentWord
from entrepot.canon.payments import (
    CheckoutLine,
    CheckoutRequest,
    CheckoutSession,
    CheckoutShipping,
)
from entrepot.connections.models import Connection
from entrepot.customers.sealing import EMAIL
from entrepot.database import clock
from entrepot.events import outbox
from entrepot.orders.holds import NewHold, open_holds
from entrepot.orders.models import Line
from entrepot.orders.states import HoldKind
from entrepot.payments.models import Checkout
from entrepot.payments.states import CheckoutStatus, CheckoutStep

NAME_DIGITS = 24
SEAL_BYTES = 8
STEP_OF_OUTCOME = {
    "completed": CheckoutStep.COMPLETE,
    "pending": CheckoutStep.WAIT,
    "expired": CheckoutStep.EXPIRE,
    "failed": CheckoutStep.FAIL,
}


def snapshot_cart(
    merchant_id: int, connection_id: int, *, request: CheckoutRequest, cart_key: str = ""
) -> Checkout:
    """Keep a cart before it is sold; the same reference again answers with what is kept."""
    with scope.merchant(merchant_id):
        connection = Connection.objects.get(id=connection_id)
        known = Checkout.objects.filter(reference=request.reference).first()
        if known is not None:
            return known
        goods = total_of(
            (line.unit_price * line.quantity for line in request.lines), currency=request.currency
        )
        discount = request.discount or Money.zero(request.currency)
        return Checkout.objects.create(
            merchant_id=merchant_id,
            mode=connection.mode,
            connection_id=connection_id,
            reference=request.reference,
            cart_key=cart_key,
            currency=request.currency,
            cart=_cart(request),
            email_sealed=crypto.encrypt(EMAIL, request.email.encode()) if request.email else b"",
            total=(goods - discount).amount,
            expires_at=request.expires_at,
        )


def new_reference(merchant_id: int) -> str:
    """The hub's own name for a checkout: rides along with every fact about it."""
    return sealed_reference(merchant_id, secrets.token_hex(NAME_DIGITS // 2))


def sealed_reference(merchant_id: int, name: str) -> str:
    """The reference of that name (24 hexadecimal digits), with the proof that it is ours.

    The keys are kept apart from the database, so that a hub whose checkout was lost with a disk
    still knows it from what other programs write into sessions of the same account.
    """
    (seal, *_) = _seals(merchant_id, name)
    return f"co_{name}{seal}"


def is_ours(merchant_id: int, reference: str) -> bool:
    """Whether one of our keys made the reference, for that merchant."""
    name, seal = reference[3 : 3 + NAME_DIGITS], reference[3 + NAME_DIGITS :]
    return any(hmac.compare_digest(seal, one) for one in _seals(merchant_id, name))


def _seals(merchant_id: int, name: str) -> list[str]:
    hashes = crypto.keyed_hashes("checkout reference", f"{merchant_id}/{name}")
    return [value[1 : 1 + SEAL_BYTES].hex() for value in hashes]


def record_session(merchant_id: int, checkout_id: int, *, session: CheckoutSession) -> Checkout:
    """Record that the gateway's page exists. Repeating it changes nothing."""
    with scope.merchant(merchant_id):
        checkout = Checkout.objects.select_for_update().get(id=checkout_id)
        if checkout.status != CheckoutStatus.OPENING:
            return checkout
        checkout.external_id = session.external_id
        checkout.url = session.url
        checkout.expires_at = session.expires_at or checkout.expires_at
        checkout.take(CheckoutStep.OPEN)
    return checkout


def request_of(checkout: Checkout, *, success_url: str, cancel_url: str) -> CheckoutRequest:
    """The request of a kept cart: the same each time, so that the same key may be sent again."""
    cart, currency = checkout.cart, checkout.currency
    discount = Decimal(cart.get("discount", "0"))
    return CheckoutRequest(
        reference=checkout.reference,
        idempotency_key=checkout.reference,
        currency=currency,
        success_url=success_url,
        cancel_url=cancel_url,
        email=_email_of(checkout),
        allowed_countries=tuple(cart.get("allowed_countries", ())),
        discount=Money.of(discount, currency) if discount else None,
        expires_at=checkout.expires_at,
        lines=tuple(
            CheckoutLine(
                sku=line["sku"],
                title=line["title"],
                quantity=line["quantity"],
                unit_price=Money.of(line["unit_price"], currency),
                is_shippable=line["is_shippable"],
                image_url=line.get("image_url", ""),
            )
            for line in cart["lines"]
        ),
        shipping_options=tuple(
            CheckoutShipping(
                code=option["code"],
                title=option["title"],
                price=Money.of(option["price"], currency),
            )
            for option in cart["shipping_options"]
        ),
    )


def _email_of(checkout: Checkout) -> str:
    sealed = bytes(checkout.email_sealed)
    return crypto.decrypt(EMAIL, sealed).decode() if sealed else ""


def apply_news(
    merchant_id: int, news: CheckoutNews, *, connection_id: int, mode: str
) -> OrderSnapshot | None:
    """Apply what became of a checkout, inside the open scope.

    Returns the order to make of it: only for a checkout that this hub opened, and only once the
    customer has finished it. One that a restored database has forgotten is taken back as the page
    sold it, which shows the SKUs that our cart had.
    """
    known = Checkout.objects.select_for_update().filter(
        merchant_id=merchant_id, reference=news.reference
    )
    checkout = known.first()
    if checkout is None:
        if news.order is None or not is_ours(merchant_id, news.reference):
            return None
        _take_back(merchant_id, news.reference, news.order, connection_id=connection_id, mode=mode)
        checkout = known.get()
    checkout.external_id = checkout.external_id or news.external_id
    is_waiting = news.order is not None and news.order.payment is PaymentWord.PENDING
    outcome = "pending" if is_waiting else news.outcome
    step = STEP_OF_OUTCOME.get(outcome)
    if step is not None and checkout.status in step.sources:
        checkout.ended_at = news.happened_at or clock.now()
        checkout.take(step)
    if news.order is None:
        return None
    return replace(news.order, checkout_reference=checkout.reference)


def _take_back(
    merchant_id: int, reference: str, sold: OrderSnapshot, *, connection_id: int, mode: str
) -> None:
    cart = {
        "lines": _cart_lines(sold.lines),
        "shipping_options": [],
        "discount": str(sold.totals.discount.amount),
    }
    made = Checkout(
        merchant_id=merchant_id,
        mode=mode,
        connection_id=connection_id,
        reference=reference,
        status=CheckoutStatus.OPEN,
        external_id=sold.external_id,
        currency=sold.currency,
        cart=cart,
        total=sold.totals.lines.amount,
    )
    Checkout.objects.bulk_create([made], ignore_conflicts=True)  # another may just have done so
    outbox.record(
        "checkout.taken_back",
        merchant_id=merchant_id,
        mode=mode,
        data={"reference": reference, "external_id": sold.external_id},
    )


def link_orders(links: Iterable[tuple[int, str, int]]) -> None:
    """Join checkouts (merchant, reference) to the orders made of them, inside the open scope.

    What was read back is compared with the cart: another price holds the order. A second paid
    session of one cart holds the later order, with its twin shown.
    """
    for merchant_id, reference, order_id in links:
        checkout = (
            Checkout.objects.select_for_update()
            .filter(merchant_id=merchant_id, reference=reference)
            .first()
        )
        if checkout is None or checkout.order_id == order_id:
            continue
        Checkout.objects.filter(id=checkout.id).update(order_id=order_id)
        open_holds([*_price_hold(checkout, order_id), *_twin_hold(checkout, order_id)])


def _price_hold(checkout: Checkout, order_id: int) -> list[NewHold]:
    lines = list(Line.objects.filter(order_id=order_id))
    total = sum((line.total for line in lines), Decimal(0))
    sold, cart = Counter[str](), Counter[str]()
    for line in lines:
        sold[line.sku] += line.quantity
    for position in checkout.cart["lines"]:
        cart[position["sku"]] += position["quantity"]
    if sold == cart and total == checkout.total:
        return []
    return [
        NewHold(
            merchant_id=checkout.merchant_id,
            order_id=order_id,
            kind=HoldKind.TOTALS,
            about=checkout.reference,
            reason=(
                f"The payment page sold {total} {checkout.currency} of goods, our cart says"
                f" {checkout.total} {checkout.currency}"
            ),
        )
    ]


def _twin_hold(checkout: Checkout, order_id: int) -> list[NewHold]:
    if not checkout.cart_key:
        return []
    twin = (
        Checkout.objects.filter(
            merchant_id=checkout.merchant_id,
            mode=checkout.mode,
            cart_key=checkout.cart_key,
            order_id__isnull=False,
        )
        .exclude(order_id=order_id)
        .order_by("id")
        .first()
    )
    if twin is None:
        return []
    return [
        NewHold(
            merchant_id=checkout.merchant_id,
            order_id=order_id,
            kind=HoldKind.DUPLICATE_SUSPECTED,
            about=str(twin.order_id),
            reason="A second paid session of the same cart",
            data={"twin_id": twin.order_id},
        )
    ]


def _cart_lines(lines: Iterable[CheckoutLine | LineSnapshot]) -> list[dict[str, Any]]:
    return [
        {
            "sku": line.sku,
            "title": line.title,
            "quantity": line.quantity,
            "unit_price": str(line.unit_price.amount),
            "is_shippable": line.is_shippable is not False,
            "image_url": line.image_url,
        }
        for line in lines
    ]


def _cart(request: CheckoutRequest) -> dict[str, Any]:
    return {
        "lines": _cart_lines(request.lines),
        "shipping_options": [
            {"code": option.code, "title": option.title, "price": str(option.price.amount)}
            for option in request.shipping_options
        ],
        "discount": str(request.discount.amount) if request.discount else "0",
        "allowed_countries": list(request.allowed_countries),
    }
