"""The hub's own order format -> canonical order. Pure.

The format is that of `POST /api/v1/orders`; amounts are decimal text in major units. The version is
the instant at which the hub received it: the last word wins.
"""

from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec

from entrepot.canon.customers import CustomerSnapshot
from entrepot.canon.money import Money, checked_currency, total_of
from entrepot.canon.orders import (
    Fee,
    LineSnapshot,
    Mode,
    OrderSnapshot,
    OrderTotals,
    PaymentWord,
    ShippingLine,
    SourceState,
    TaxLine,
)
from entrepot.canon.payments import PaymentFact, PaymentFactKind
from entrepot.canon.places import Address
from entrepot.connect.ports import Account

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
State = Literal["awaiting", "on_hold", "processing", "completed", "cancelled"]
Payment = Literal["paid", "unpaid", "on_terms", "not_required"]


class _Part(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, frozen=True):
    """A part of an order; what it does not know is refused."""


class Person(_Part, frozen=True):
    """Who bought."""

    email: str = ""
    name: str = ""
    phone: str = ""
    company: str = ""
    language: str = ""


class Place(_Part, frozen=True):
    """Where it goes, or who is billed."""

    name: str = ""
    company: str = ""
    line1: str = ""
    line2: str = ""
    city: str = ""
    region: str = ""
    postal_code: str = ""
    country: str = ""
    phone: str = ""


class Shipping(_Part, frozen=True):
    """What the customer chose and pays for the delivery."""

    method: str = ""
    title: str = ""
    price: str = "0"


class Position(_Part, frozen=True):
    """A line; `total` is what the customer pays for it, else unit price times quantity."""

    sku: str
    title: str
    quantity: int
    unit_price: str
    external_id: str = ""
    total: str | None = None
    is_shippable: bool | None = None
    weight_g: int | None = None
    image_url: str = ""
    properties: dict[str, str] = {}


class Extra(_Part, frozen=True):
    """An amount beside goods and shipping."""

    title: str
    amount: str


class Tax(_Part, frozen=True):
    """A tax of the whole order; `rate` is a fraction of one."""

    name: str
    amount: str
    rate: str | None = None
    is_included: bool = True


class Handed(_Part, frozen=True):
    """A whole order."""

    external_id: str
    currency: str
    placed_at: datetime
    lines: list[Position]
    number: str = ""
    state: State = "processing"
    payment: Payment = "paid"
    paid_at: datetime | None = None
    transaction_id: str = ""
    payment_title: str = ""
    customer: Person = Person()
    shipping_address: Place = Place()
    billing_address: Place = Place()
    shipping: Shipping = Shipping()
    fees: list[Extra] = []
    taxes: list[Tax] = []
    prices_include_tax: bool = True
    total: str | None = None
    note: str = ""
    channel: str = ""


_decoder = msgspec.json.Decoder(Handed)


def to_order(body: bytes, account: Account, *, received_at: datetime) -> OrderSnapshot:
    """Read one order.

    Raises:
        ValueError: a field is missing, unknown or not what it should be, with its path.
    """
    try:
        handed = _decoder.decode(body)
    except UnicodeDecodeError as error:
        raise ValueError("the body is not UTF-8") from error
    if not handed.external_id.strip():
        raise ValueError("$.external_id is empty: it names the order for ever")
    if handed.placed_at.tzinfo is None:
        raise ValueError("$.placed_at names no time zone")
    currency = checked_currency(handed.currency)
    lines = _lines_of(handed, currency)
    shipping = Money.of(handed.shipping.price, currency)
    fees = tuple(Fee(title=f.title, amount=Money.of(f.amount, currency)) for f in handed.fees)
    taxes = tuple(_tax(tax, currency) for tax in handed.taxes)
    totals = _totals(handed, currency, lines=lines, shipping=shipping, fees=fees, taxes=taxes)
    place = _address(handed.shipping_address)
    return OrderSnapshot(
        external_id=handed.external_id,
        number=handed.number or handed.external_id,
        state=SourceState(handed.state),
        source_status=handed.state,
        placed_at=handed.placed_at,
        version=(received_at - EPOCH) // timedelta(microseconds=1),
        currency=currency,
        totals=totals,
        lines=lines,
        customer=CustomerSnapshot(
            email=handed.customer.email,
            name=handed.customer.name or place.name,
            phone=handed.customer.phone,
            company=handed.customer.company,
            language=handed.customer.language,
        ),
        shipping_address=place,
        billing_address=_address(handed.billing_address),
        payment=PaymentWord(handed.payment),
        is_test=account.mode is Mode.TEST,
        prices_include_tax=handed.prices_include_tax,
        payment_title=handed.payment_title,
        transaction_ids=(handed.transaction_id,) if handed.transaction_id else (),
        paid_at=handed.paid_at,
        shipping_lines=(
            ShippingLine(
                title=handed.shipping.title or handed.shipping.method,
                method_code=handed.shipping.method,
                price=shipping,
            ),
        ),
        fees=fees,
        tax_lines=taxes,
        payment_facts=_facts(handed, totals.total),
        customer_note=handed.note,
        channel=handed.channel,
    )


def _lines_of(handed: Handed, currency: str) -> tuple[LineSnapshot, ...]:
    if not handed.lines:
        raise ValueError("$.lines is empty: an order has at least one line")
    lines = []
    for number, line in enumerate(handed.lines, start=1):
        if line.quantity < 1:
            raise ValueError(f"$.lines[{number - 1}].quantity is {line.quantity}: at least 1")
        price = Money.of(line.unit_price, currency)
        full = price * line.quantity
        total = full if line.total is None else Money.of(line.total, currency)
        discount = full - total
        lines.append(
            LineSnapshot(
                external_id=line.external_id or f"{number}:{line.sku}",
                sku=line.sku,
                title=line.title,
                quantity=line.quantity,
                unit_price=price,
                total=total,
                discount=discount or None,
                is_shippable=line.is_shippable,
                image_url=line.image_url,
                weight_g=line.weight_g,
                properties=tuple(sorted(line.properties.items())),
            )
        )
    names = [line.external_id for line in lines]
    if len(set(names)) < len(names):
        raise ValueError("$.lines: two lines have the same external_id")
    return tuple(lines)


def _totals(
    handed: Handed,
    currency: str,
    *,
    lines: tuple[LineSnapshot, ...],
    shipping: Money,
    fees: tuple[Fee, ...],
    taxes: tuple[TaxLine, ...],
) -> OrderTotals:
    goods = total_of((line.total for line in lines), currency=currency)
    extra = total_of((fee.amount for fee in fees), currency=currency)
    added = total_of((tax.amount for tax in taxes if not tax.is_included), currency=currency)
    computed = goods + shipping + extra + added
    return OrderTotals(
        lines=goods,
        discount=total_of((line.discount for line in lines if line.discount), currency=currency),
        shipping=shipping,
        fees=extra,
        tax=total_of((tax.amount for tax in taxes), currency=currency),
        total=computed if handed.total is None else Money.of(handed.total, currency),
        refunded=Money.zero(currency),
    )


def _tax(tax: Tax, currency: str) -> TaxLine:
    rate = None if tax.rate is None else Money.of(tax.rate, currency).amount
    return TaxLine(
        name=tax.name,
        rate=rate,
        amount=Money.of(tax.amount, currency),
        is_included=tax.is_included,
    )


def _facts(handed: Handed, total: Money) -> tuple[PaymentFact, ...]:
    if handed.payment != "paid" or not Money.zero(total.currency) < total:
        return ()
    payment = handed.transaction_id or f"{handed.external_id}:payment"
    return (
        PaymentFact(
            kind=PaymentFactKind.CAPTURED,
            external_id=payment,
            payment_external_id=payment,
            amount=total,
            happened_at=handed.paid_at or handed.placed_at,
            method=handed.payment_title,
            match_ids=(handed.transaction_id,) if handed.transaction_id else (),
        ),
    )


def _address(place: Place) -> Address:
    return Address(**msgspec.structs.asdict(place))
