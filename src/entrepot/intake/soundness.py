"""Whether canonical values make sense, before anything of them is written.

What is refused here is parked with a reason that an operator understands; the database's own
constraints stand behind it.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal

import msgspec
from babel.numbers import list_currencies

from entrepot.canon.fulfillment import ProviderOrder
from entrepot.canon.messages import CanonicalItem
from entrepot.canon.money import Money, exponent_of
from entrepot.canon.orders import LineSnapshot, OrderSnapshot
from entrepot.canon.payments import PaymentFact
from entrepot.canon.places import Address
from entrepot.canon.tracking import TrackerSnapshot
from entrepot.orders.rows import computed_total

# What a shop's own rounding may make of the parts: a hundredth, and at least a few smallest units.
TOLERATED_SHARE = Decimal("0.01")
TOLERATED_UNITS = 5
LONGEST_IDENTIFIER = 250  # identifiers are indexed
MOST_UNITS = 1_000_000
MOST_MONEY = Decimal(10) ** 13
LAST_VERSION = 2**63 - 1
COUNTRY_LENGTH = 2
CURRENCIES = frozenset(list_currencies())
NUL = "\x00"


class Unsound(ValueError):
    """A value contradicts itself or cannot be kept; the message says which, and how."""


def check(item: CanonicalItem) -> bytes:
    """Refuse what makes no sense; returns the item as JSON, which looking at its text takes anyway.

    Raises:
        Unsound: with what is wrong and where.
    """
    encoded = _check_text(item)
    match item:
        case OrderSnapshot():
            _check_order(item)
        case PaymentFact():
            _check_fact(item)
        case ProviderOrder():
            _check_identifiers("provider's order", _words_of_provider_order(item))
            for shipment in item.shipments:
                for shipped in shipment.items:
                    _check_units(f"shipment {shipment.external_id}", shipped.quantity)
        case TrackerSnapshot():
            _check_identifiers("tracker", [item.tracking_number, item.external_id])
        case _:
            pass
    return encoded


def check_totals(snapshot: OrderSnapshot) -> None:
    """Refuse an order whose parts are far from its total. Small differences are the shop's own.

    Raises:
        Unsound: with both figures.
    """
    said, found = snapshot.totals.total.amount, computed_total(snapshot)
    smallest = Decimal(1).scaleb(-exponent_of(snapshot.currency))
    tolerated = max(abs(said) * TOLERATED_SHARE, smallest * TOLERATED_UNITS)
    if abs(said - found) > tolerated:
        raise Unsound(
            f"totals of order {snapshot.number} do not add up: the source says {said}"
            f" {snapshot.currency}, its parts are {found}"
        )
    if said < 0:
        raise Unsound(f"the total of order {snapshot.number} is below zero: {said}")


def _check_order(order: OrderSnapshot) -> None:
    name = f"order {order.number[:LONGEST_IDENTIFIER]}"
    if not order.external_id.strip():
        raise Unsound(f"{name} has no id at its source")
    if order.placed_at.tzinfo is None:
        raise Unsound(f"{name} was placed at a time without a zone: {order.placed_at}")
    if abs(order.version) > LAST_VERSION:
        raise Unsound(f"{name} has a version that is no instant: {order.version}")
    _check_identifiers(
        name,
        [
            order.external_id,
            order.number,
            order.birth_mark,
            order.checkout_reference,
            order.customer.external_id,
            order.customer.email,
            *order.transaction_ids,
        ],
    )
    _check_currency(name, order.currency)
    for money in _amounts(order):
        _check_money(name, money, currency=order.currency)
    for address in (order.shipping_address, order.billing_address):
        _check_country(name, address)
    seen: set[str] = set()
    for line in order.lines:
        _check_line(name, line, seen)
    for fact in order.payment_facts:
        _check_fact(fact)
    check_totals(order)


def _check_line(name: str, line: LineSnapshot, seen: set[str]) -> None:
    if not line.external_id.strip():
        raise Unsound(f"{name} has a line without an id: {line.sku or line.title}")
    if line.external_id in seen:
        raise Unsound(f"{name} has two lines with id {line.external_id}")
    seen.add(line.external_id)
    _check_identifiers(
        name,
        [line.external_id, line.sku, line.product_external_id, line.variant_external_id],
    )
    for units in (line.quantity, line.refunded_quantity, line.fulfilled_elsewhere_quantity):
        _check_units(f"{name}, line {line.external_id}", units)


def _check_fact(fact: PaymentFact) -> None:
    name = f"payment {fact.external_id[:LONGEST_IDENTIFIER]}"
    if not (fact.external_id and fact.payment_external_id):
        raise Unsound(f"a payment fact of kind {fact.kind} has no id at its source")
    if fact.happened_at.tzinfo is None:
        raise Unsound(f"{name} happened at a time without a zone: {fact.happened_at}")
    _check_identifiers(
        name, [fact.external_id, fact.payment_external_id, fact.checkout_reference, *fact.match_ids]
    )
    _check_currency(name, fact.amount.currency)
    _check_money(name, fact.amount, currency=fact.amount.currency)
    if fact.amount.amount < 0:
        raise Unsound(f"{name} is of an amount below zero: {fact.amount}")


def _amounts(order: OrderSnapshot) -> Iterator[Money]:
    totals = order.totals
    yield from (totals.lines, totals.discount, totals.shipping, totals.fees, totals.tax)
    yield from (totals.total, totals.refunded)
    for line in order.lines:
        yield from (line.unit_price, line.total)
        if line.discount is not None:
            yield line.discount
    yield from (shipping.price for shipping in order.shipping_lines)
    yield from (discount.amount for discount in order.discounts)
    yield from (fee.amount for fee in order.fees)
    yield from (tax.amount for tax in order.tax_lines)


def _check_money(name: str, money: Money, *, currency: str) -> None:
    if money.currency != currency:
        raise Unsound(f"{name} is sold in {currency}, but has an amount in {money.currency}")
    if not money.amount.is_finite() or abs(money.amount) >= MOST_MONEY:
        raise Unsound(f"{name} has an amount that cannot be: {money.amount:.4g} {currency}")


def _check_currency(name: str, code: str) -> None:
    if code not in CURRENCIES:
        raise Unsound(f"{name} is in a currency that does not exist: {code[:8]!r}")


def _check_country(name: str, address: Address) -> None:
    code = address.country
    is_code = len(code) == COUNTRY_LENGTH and code.isascii() and code.isalpha() and code.isupper()
    if code and not is_code:
        raise Unsound(f"{name} goes to a country that is no two-letter code: {code[:40]!r}")


def _check_units(name: str, units: int) -> None:
    if not 0 <= units <= MOST_UNITS:
        raise Unsound(f"{name} is of {units} units")


def _check_identifiers(name: str, words: Iterable[str]) -> None:
    for word in words:
        if len(word) > LONGEST_IDENTIFIER:
            raise Unsound(f"{name} has an identifier of {len(word)} signs: {word[:30]}…")


def _words_of_provider_order(order: ProviderOrder) -> Iterator[str]:
    yield from (order.external_id, order.reference)
    for shipment in order.shipments:
        yield from (shipment.external_id, shipment.tracking_number)


def _check_text(item: CanonicalItem) -> bytes:
    """PostgreSQL keeps neither NUL nor halves of surrogates."""
    try:
        encoded = msgspec.json.encode(item)
    except UnicodeEncodeError as error:
        raise Unsound(f"it has half a character in a text: {error.reason}") from error
    if b"\\u0000" in encoded and _has_nul(msgspec.json.decode(encoded)):
        raise Unsound("it has a NUL character in a text")
    return encoded


def _has_nul(value: object) -> bool:
    match value:
        case str():
            return NUL in value
        case dict():
            return any(_has_nul(part) for pair in value.items() for part in pair)
        case list():
            return any(_has_nul(part) for part in value)
        case _:
            return False
