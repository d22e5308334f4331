"""What the page of what needs attention shows of each cause: the orders, and what its fix needs."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from entrepot.attempts.models import Attempt
from entrepot.canon.money import Money
from entrepot.catalog.models import Mapping as SkuMapping
from entrepot.catalog.models import Variant
from entrepot.connect.registry import UnknownPlatform, platform
from entrepot.connect.towns import town_lines
from entrepot.customers.models import PostalAddress
from entrepot.dashboard.reading import connections
from entrepot.dashboard.reading.doubts import Doubt, doubt_about
from entrepot.dashboard.reading.numbers import number_in
from entrepot.dashboard.reading.standing import TOLD_APART, Cause
from entrepot.dashboard.reading.unmatched import StrayPayment, strays
from entrepot.dashboard.wording import country_name
from entrepot.dashboard.words_of_states import is_refunded_in_full
from entrepot.database import sql
from entrepot.deadletters.models import DeadLetter
from entrepot.inbox.models import InboxMessage
from entrepot.obligations.models import Obligation
from entrepot.orders.models import Hold, Line, Order
from entrepot.orders.states import HoldKind

SHOWN = 6
MOST_ALIKE = 500
# By orders_line_sku: a SKU that has been sold for years has many lines.
_NEWEST_LINES = """
    SELECT newest.id
    FROM unnest(%s::text[]) AS wanted (sku)
    CROSS JOIN LATERAL (
        SELECT id FROM orders_line WHERE orders_line.sku = wanted.sku ORDER BY id DESC LIMIT 1
    ) AS newest
"""


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
    is_refunded: bool = False


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
    doubt: Doubt | None = None
    settle: int = 0
    messages: list[InboxMessage] = ()  # type: ignore[assignment]
    letters: list[DeadLetter] = ()  # type: ignore[assignment]
    promises: list[Obligation] = ()  # type: ignore[assignment]
    twin: Waiting | None = None
    payments: list[StrayPayment] = ()  # type: ignore[assignment]

    @property
    def more(self) -> int:
        """How many wait beside those shown."""
        return max(self.cause.orders - len(self.waiting), 0)

    @property
    def has_refunded(self) -> bool:
        """Whether one of them was refunded in full: each is decided by itself."""
        return any(one.is_refunded for one in self.waiting)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """Everything that the cards show, read at once for all of them."""

    orders: Mapping[int, Order]
    holds: Mapping[tuple[int, str, str], Hold]
    addresses: Mapping[int, PostalAddress]
    sold: Mapping[str, Sold]
    attempts: Mapping[int, Attempt]
    messages: Mapping[int, InboxMessage]
    letters: Mapping[int, DeadLetter]
    promises: Mapping[int, Obligation]
    payments: list[StrayPayment]


def cards_of(
    causes: Iterable[Cause], names: Mapping[int, str], *, mode: str, payment: int | None = None
) -> list[Card]:
    """A card per cause, in the order given; the number of queries is that of the kinds of cards.

    Of unmatched payments only the one that is asked for, if one is.
    """
    found = list(causes)
    known = _read(found, names, mode, payment)
    return [_card(cause, known, names) for cause in found]


def _read(causes: list[Cause], names: Mapping[int, str], mode: str, payment: int | None) -> _Found:
    wanted = {id_ for cause in causes for id_ in cause.order_ids[:SHOWN]}
    holds = _holds(wanted)
    twins = {
        int(str(hold.data.get("twin_id") or hold.data.get("order_id") or 0))
        for hold in holds.values()
        if hold.kind == HoldKind.DUPLICATE_SUSPECTED
    }
    orders = Order.objects.in_bulk(wanted | twins)
    subjects: dict[str, set[int]] = defaultdict(set)
    for cause in causes:
        subjects[cause.category] |= set(cause.subject_ids[:SHOWN])
    return _Found(
        orders=orders,
        holds=holds,
        addresses=PostalAddress.objects.in_bulk(
            {order.address_id for order in orders.values() if order.address_id}
        ),
        sold=_sold_of({cause.about for cause in causes if _is_unmapped(cause)}, names),
        attempts=Attempt.objects.in_bulk(subjects["unknown"]),
        messages=InboxMessage.objects.defer("body").in_bulk(subjects["parked"]),
        letters=DeadLetter.objects.in_bulk(subjects["gave_up"]),
        promises=Obligation.objects.in_bulk(subjects["late"]),
        payments=strays(mode, names, only=payment) if subjects["unmatched"] else [],
    )


def _is_unmapped(cause: Cause) -> bool:
    return (cause.category, cause.cause) == ("hold", HoldKind.UNMAPPED_SKU) and bool(cause.about)


def _card(cause: Cause, found: _Found, names: Mapping[int, str]) -> Card:
    waiting = []
    for order_id in dict.fromkeys(cause.order_ids[:SHOWN]):
        order = found.orders.get(order_id)
        if order is None:
            continue
        hold = _hold_of(order_id, cause, found.holds)
        waiting.append(_waiting(order, hold, found.addresses.get(order.address_id or 0)))
    match cause.category:
        case "hold" if _is_unmapped(cause):
            return Card(cause=cause, kind="unmapped", waiting=waiting, sold=found.sold[cause.about])
        case "hold" if cause.cause == HoldKind.MISSING_ARTWORK and cause.about:
            return Card(cause=cause, kind="artwork", waiting=waiting)
        case "hold" if cause.cause == HoldKind.SHIPPING_UNMAPPED:
            return Card(cause=cause, kind="shipping", waiting=waiting)
        case "hold" if cause.cause == HoldKind.DUPLICATE_SUSPECTED:
            twin = _twin(waiting, found.orders)
            return Card(cause=cause, kind="duplicate", waiting=waiting, twin=twin)
        case "unknown":
            return _unknown_card(cause, waiting, found, names)
        case _:
            return _other_card(cause, waiting, found)


def _other_card(cause: Cause, waiting: list[Waiting], found: _Found) -> Card:
    """A card whose subjects are no holds: messages, dead letters, promises."""
    ids = sorted(cause.subject_ids[:SHOWN])
    match cause.category:
        case "parked":
            messages = [found.messages[id_] for id_ in ids if id_ in found.messages]
            return Card(cause=cause, kind="parked", waiting=[], messages=messages)
        case "gave_up":
            letters = [found.letters[id_] for id_ in ids if id_ in found.letters]
            return Card(cause=cause, kind="gave_up", waiting=waiting, letters=letters)
        case "late":
            promises = [found.promises[id_] for id_ in ids if id_ in found.promises]
            promises.sort(key=lambda promise: (promise.due_at, promise.id))
            return Card(cause=cause, kind="late", waiting=waiting, promises=promises)
        case "unmatched":
            return Card(cause=cause, kind="unmatched", waiting=[], payments=found.payments)
        case _:
            return Card(cause=cause, kind=cause.category, waiting=waiting)


def _unknown_card(
    cause: Cause, waiting: list[Waiting], found: _Found, names: Mapping[int, str]
) -> Card:
    attempt = next((found.attempts.get(id_) for id_ in cause.subject_ids[:1]), None)
    name = names.get(attempt.connection_id or 0, "") if attempt else ""
    return Card(
        cause=cause,
        kind="unknown",
        waiting=waiting,
        attempt=attempt,
        connection=name,
        doubt=doubt_about(attempt, name) if attempt else None,
        settle=_settle_of(attempt) if attempt else 0,
    )


def _settle_of(attempt: Attempt) -> int:
    """After how many seconds a look-up that finds nothing means something."""
    row = next((one for one in connections.known() if one.id == attempt.connection_id), None)
    if row is None:
        return 0
    try:
        effect = platform(row.platform).manifest.effects.get(attempt.kind)
    except UnknownPlatform:
        return 0
    return effect.settle_seconds if effect else 0


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


def _waiting(order: Order, hold: Hold | None, address: PostalAddress | None) -> Waiting:
    lines = []
    if address is not None:
        street = (address.line1, address.line2)
        parts = (*street, *town_lines(address), country_name(address.country))
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
        is_refunded=hold is not None and is_refunded_in_full(hold.kind, hold.reason),
    )


def _twin(waiting: list[Waiting], orders: Mapping[int, Order]) -> Waiting | None:
    """The earlier order that a suspected duplicate resembles."""
    for one in waiting:
        twin_id = one.data.get("twin_id") or one.data.get("order_id")
        order = orders.get(number_in(str(twin_id)) or 0)
        if order is not None:
            return _waiting(order, None, None)
    return None


def _sold_of(skus: set[str], names: Mapping[int, str]) -> dict[str, Sold]:
    """Each SKU as its storefront lists it, else as the newest order's line has it."""
    if not skus:
        return {}
    alike = _alike(skus)
    sold = {sku: Sold(title=sku, price=None, storefront="", like=alike.get(sku)) for sku in skus}
    newest = [row[0] for row in sql.fetch(_NEWEST_LINES, [sorted(skus)])]
    for line in Line.objects.filter(id__in=newest).select_related("order"):
        sold[line.sku] = Sold(
            title=line.title,
            price=Money(line.unit_price, line.order.currency),
            storefront=names.get(line.order.connection_id, ""),
            like=alike.get(line.sku),
        )
    variants = Variant.objects.filter(sku__in=skus).select_related("product")
    for variant in variants.order_by("-id"):  # the one that was known first is said
        price = (
            Money(variant.price, variant.currency) if variant.price and variant.currency else None
        )
        titles = dict.fromkeys(filter(None, [variant.product.title, variant.title]))
        sold[variant.sku] = Sold(
            title=", ".join(titles),
            price=price,
            storefront=names.get(variant.connection_id, ""),
            like=alike.get(variant.sku),
        )
    return sold


def _alike(skus: set[str]) -> dict[str, SkuMapping]:
    """By SKU, a mapped one that begins and ends like it: mostly the same product in that size."""
    wanted = {sku: ends for sku in skus if (ends := _ends_of(sku))}
    if not wanted:
        return {}
    either = Q()
    for begin, end in set(wanted.values()):
        either |= Q(sku__startswith=begin, sku__endswith=end)
    found: dict[str, SkuMapping] = {}
    for row in SkuMapping.objects.filter(either).order_by("-updated_at")[:MOST_ALIKE]:
        for sku, (begin, end) in wanted.items():
            if row.sku != sku and row.sku.startswith(begin) and row.sku.endswith(end):
                found.setdefault(sku, row)
    return found


def _ends_of(sku: str) -> tuple[str, str] | None:
    head, _, tail = sku.rpartition("-")
    return (f"{head.partition('-')[0]}-", f"-{tail}") if head and tail else None
