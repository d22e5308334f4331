"""What the page of what needs attention shows of each cause: the orders, and what its fix needs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from entrepot.attempts.models import Attempt
from entrepot.canon.money import Money
from entrepot.catalog.models import Mapping as SkuMapping
from entrepot.catalog.models import Variant
from entrepot.connect.registry import UnknownPlatform, platform
from entrepot.connections.models import Connection
from entrepot.customers.models import PostalAddress
from entrepot.dashboard.reading.standing import TOLD_APART, Cause
from entrepot.dashboard.wording import country_name
from entrepot.deadletters.models import DeadLetter
from entrepot.inbox.models import InboxMessage
from entrepot.obligations.models import Obligation
from entrepot.orders.models import Hold, Line, Order
from entrepot.orders.states import HoldKind

SHOWN = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One order that waits for a cause."""

    id: int
    number: str
    customer: str
    address: list[str]
    total: Money
    placed_at: datetime
    payment: str
    reason: str
    hold_id: int | None
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sold:
    """What is known of a SKU that is not mapped: as listed, and what it resembles."""

    title: str
    price: Money | None
    storefront: str
    like: SkuMapping | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A cause with everything that its card shows. `kind` chooses the card's template."""

    cause: Cause
    kind: str
    waiting: list[Waiting]
    sold: Sold | None = None
    attempt: Attempt | None = None
    connection: str = ""
    settle: int = 0
    messages: list[InboxMessage] = ()  # type: ignore[assignment]
    letters: list[DeadLetter] = ()  # type: ignore[assignment]
    promises: list[Obligation] = ()  # type: ignore[assignment]
    twin: Waiting | None = None

    @property
    def more(self) -> int:
        """How many wait beside those shown."""
        return max(self.cause.orders - len(self.waiting), 0)


def cards_of(causes: Iterable[Cause], names: Mapping[int, str]) -> list[Card]:
    """A card per cause, in the order given."""
    found = list(causes)
    wanted = {id_ for cause in found for id_ in cause.order_ids[:SHOWN]}
    holds = _holds(wanted)
    twins = {
        int(str(hold.data.get("twin_id") or hold.data.get("order_id") or 0))
        for hold in holds.values()
        if hold.kind == HoldKind.DUPLICATE_SUSPECTED
    }
    orders = _orders(wanted | twins)
    return [_card(cause, orders, holds, names) for cause in found]


def _card(
    cause: Cause,
    orders: Mapping[int, Order],
    holds: Mapping[tuple[int, str, str], Hold],
    names: Mapping[int, str],
) -> Card:
    addresses = _addresses([orders[id_] for id_ in cause.order_ids[:SHOWN] if id_ in orders])
    waiting = []
    for order_id in dict.fromkeys(cause.order_ids[:SHOWN]):
        order = orders.get(order_id)
        if order is None:
            continue
        hold = _hold_of(order_id, cause, holds)
        waiting.append(_waiting(order, hold, addresses.get(order.address_id or 0)))
    match cause.category:
        case "hold" if cause.cause == HoldKind.UNMAPPED_SKU and cause.about:
            sold = _sold(cause.about, names)
            return Card(cause=cause, kind="unmapped", waiting=waiting, sold=sold)
        case "hold" if cause.cause == HoldKind.MISSING_ARTWORK and cause.about:
            return Card(cause=cause, kind="artwork", waiting=waiting)
        case "hold" if cause.cause == HoldKind.SHIPPING_UNMAPPED:
            return Card(cause=cause, kind="shipping", waiting=waiting)
        case "hold" if cause.cause == HoldKind.DUPLICATE_SUSPECTED:
            return Card(cause=cause, kind="duplicate", waiting=waiting, twin=_twin(waiting, orders))
        case "unknown":
            return _unknown_card(cause, waiting, names)
        case _:
            return _other_card(cause, waiting)


def _other_card(cause: Cause, waiting: list[Waiting]) -> Card:
    """A card whose subjects are no holds: messages, dead letters, promises."""
    ids = cause.subject_ids[:SHOWN]
    match cause.category:
        case "parked":
            messages = InboxMessage.objects.filter(id__in=ids).defer("body").order_by("id")
            return Card(cause=cause, kind="parked", waiting=[], messages=list(messages))
        case "gave_up":
            letters = DeadLetter.objects.filter(id__in=ids).order_by("id")
            return Card(cause=cause, kind="gave_up", waiting=waiting, letters=list(letters))
        case "late":
            promises = Obligation.objects.filter(id__in=ids).order_by("due_at", "id")
            return Card(cause=cause, kind="late", waiting=waiting, promises=list(promises))
        case _:
            return Card(cause=cause, kind=cause.category, waiting=waiting)


def _unknown_card(cause: Cause, waiting: list[Waiting], names: Mapping[int, str]) -> Card:
    attempt = Attempt.objects.filter(id__in=cause.subject_ids[:1]).first()
    connection = (
        Connection.objects.filter(id=attempt.connection_id).first()
        if attempt and attempt.connection_id
        else None
    )
    settle = 0
    if attempt and connection:
        try:
            effect = platform(connection.platform).manifest.effects.get(attempt.kind)
        except UnknownPlatform:
            effect = None
        settle = effect.settle_seconds if effect else 0
    return Card(
        cause=cause,
        kind="unknown",
        waiting=waiting,
        attempt=attempt,
        connection=names.get(attempt.connection_id or 0, "") if attempt else "",
        settle=settle,
    )


def _orders(ids: set[int]) -> dict[int, Order]:
    return {order.id: order for order in Order.objects.filter(id__in=ids)}


def _holds(order_ids: set[int]) -> dict[tuple[int, str, str], Hold]:
    rows = Hold.objects.filter(order_id__in=order_ids, lifted_at__isnull=True).order_by("-id")
    return {(row.order_id, row.kind, row.about): row for row in rows}


def _hold_of(
    order_id: int, cause: Cause, holds: Mapping[tuple[int, str, str], Hold]
) -> Hold | None:
    if cause.category not in {"hold", "payment"}:
        return None
    return next(
        (
            hold
            for (held, kind, about), hold in holds.items()
            if held == order_id
            and kind == cause.cause
            and (about == cause.about or kind not in TOLD_APART)
        ),
        None,
    )


def _addresses(orders: list[Order]) -> dict[int, PostalAddress]:
    ids = {order.address_id for order in orders if order.address_id}
    return {row.id: row for row in PostalAddress.objects.filter(id__in=ids)}


def _waiting(order: Order, hold: Hold | None, address: PostalAddress | None) -> Waiting:
    lines = []
    if address is not None:
        town = " ".join(filter(None, [address.postal_code, address.city]))
        parts = (address.line1, address.line2, town, country_name(address.country))
        lines = [part for part in parts if part]
    return Waiting(
        id=order.id,
        number=order.number,
        customer=address.name if address else "",
        address=lines,
        total=Money(order.total, order.currency),
        placed_at=order.placed_at,
        payment=order.payment_status,
        reason=hold.reason if hold else "",
        hold_id=hold.id if hold else None,
        data=hold.data if hold else {},
    )


def _twin(waiting: list[Waiting], orders: Mapping[int, Order]) -> Waiting | None:
    """The earlier order that a suspected duplicate resembles."""
    for one in waiting:
        twin_id = one.data.get("twin_id") or one.data.get("order_id")
        order = orders.get(int(str(twin_id))) if str(twin_id or "").isdigit() else None
        if order is not None:
            return _waiting(order, None, None)
    return None


def _sold(sku: str, names: Mapping[int, str]) -> Sold:
    """A SKU as its storefront lists it, else as an order's line has it."""
    variant = Variant.objects.filter(sku=sku).select_related("product").first()
    like = _alike(sku)
    if variant is not None:
        price = (
            Money(variant.price, variant.currency) if variant.price and variant.currency else None
        )
        titles = dict.fromkeys(filter(None, [variant.product.title, variant.title]))
        return Sold(
            title=", ".join(titles),
            price=price,
            storefront=names.get(variant.connection_id, ""),
            like=like,
        )
    line = Line.objects.filter(sku=sku).select_related("order").order_by("-id").first()
    if line is None:
        return Sold(title=sku, price=None, storefront="", like=like)
    return Sold(
        title=line.title,
        price=Money(line.unit_price, line.order.currency),
        storefront=names.get(line.order.connection_id, ""),
        like=like,
    )


def _alike(sku: str) -> SkuMapping | None:
    """A mapped SKU that begins and ends like this one: mostly the same product in that size."""
    head, _, tail = sku.rpartition("-")
    if not head or not tail:
        return None
    family = head.partition("-")[0]
    rows = SkuMapping.objects.filter(sku__startswith=f"{family}-", sku__endswith=f"-{tail}")
    return rows.exclude(sku=sku).order_by("-updated_at").first()
