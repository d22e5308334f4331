"""What Stripe's objects have in common: ids that may be expanded, seconds, integers of money."""

from datetime import UTC, datetime

from entrepot.canon.money import Money, NotMoney, checked_currency
from entrepot.canon.places import Address
from entrepot.connect.reading import Node
from entrepot.connectors.stripe import amounts

API_VERSION = "2023-10-16"

# Our own marks in `metadata`; Stripe copies none of them from one object to another.
CHECKOUT_MARK = "entrepot_checkout"
REFUND_MARK = "entrepot_refund"


def id_of(reference: Node) -> str:
    """The id of a reference, be it expanded into an object or not; empty for null."""
    if isinstance(reference.value, dict):
        return reference["id"].text()
    return reference.text_or_empty()


def expanded(reference: Node) -> Node:
    """The object of a reference; null when it is null or only an id."""
    if isinstance(reference.value, dict):
        return reference
    return Node(None, reference.path)


def flag(node: Node) -> bool:
    """A boolean that must be there."""
    if not isinstance(node.value, bool):
        raise node.wrong("true or false")
    return node.value


def instant(node: Node) -> datetime:
    """Seconds since 1970 as aware UTC."""
    seconds = node.whole()
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        raise ValueError(f"{node.path}: an instant outside the calendar") from None


def money(units: Node, currency: str) -> Money:
    """An integer of that currency; see `amounts`."""
    try:
        return amounts.to_money(units.whole(), currency)
    except NotMoney as error:
        raise ValueError(f"{units.path}: {error}") from None


def money_or_zero(units: Node, currency: str) -> Money:
    """The same; null reads as nothing."""
    return Money.zero(currency) if units.is_null else money(units, currency)


def currency_of(thing: Node) -> str:
    """The currency of an object as an upper-case ISO 4217 code."""
    node = thing["currency"]
    try:
        return checked_currency(node.text())
    except NotMoney as error:
        raise ValueError(f"{node.path}: {error}") from None


def address(place: Node, *, name: str = "", phone: str = "") -> Address:
    """Stripe's address object; `state` is what it calls a region."""
    return Address(
        name=name,
        line1=place["line1"].text_or_empty(),
        line2=place["line2"].text_or_empty(),
        city=place["city"].text_or_empty(),
        region=place["state"].text_or_empty(),
        postal_code=place["postal_code"].text_or_empty(),
        country=place["country"].text_or_empty().upper(),
        phone=phone,
    )
