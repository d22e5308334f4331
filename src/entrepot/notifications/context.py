"""Everything that a mail can say about an order, read once and put into the customer's words."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar
from urllib.parse import urlsplit

from django.db.models import QuerySet

from entrepot.access import scope
from entrepot.canon.carriers import carrier_name
from entrepot.canon.money import Money, total_of
from entrepot.canon.payments import PaymentFactKind
from entrepot.canon.places import Address
from entrepot.connect.towns import town_lines
from entrepot.customers.models import Customer
from entrepot.customers.queries import address_of, customer_of
from entrepot.fulfillment.models import Parcel, Shipment, ShipmentItem, TrackingEntry
from entrepot.fulfillment.states import ShipmentStatus
from entrepot.notifications import facts, links, pieces
from entrepot.notifications.pieces import Group, Item, ParcelLine, Sum
from entrepot.notifications.speech import Speech
from entrepot.notifications.states import Kind
from entrepot.notifications.templates import Value
from entrepot.notifications.voices import Voice, voice_of
from entrepot.orders.models import Line, Order
from entrepot.payments.models import PaymentEntry

Part = TypeVar("Part", ShipmentItem, Parcel)


@dataclass(frozen=True, slots=True)
class Sale:
    """An order with what belongs to it, as the mail reads it."""

    order: Order
    lines: Sequence[Line]
    customer: Customer | None
    address: Address | None
    shipments: Sequence[Shipment]
    items: Sequence[ShipmentItem]
    parcels: Sequence[Parcel]


@dataclass(frozen=True, slots=True)
class Context:
    """The variables of a mail, and what its frame needs."""

    values: dict[str, Value]
    speech: Speech
    voice: Voice


def context_of(order: Order, kind: Kind, *, told: Sequence[str], language: str = "") -> Context:
    """Build the context of a mail about these facts; an empty language is the customer's own.

    Read inside the scope of the order's merchant. Facts that are not there any more (a voided
    shipment) are left out; without any facts, as in a preview, it is about everything.
    """
    sale = _read(order)
    voice = voice_of(sale.order.connection_id)
    own = sale.customer.language if sale.customer else ""
    speech = Speech.of(
        language or own or voice.language,
        country=sale.address.country if sale.address else "",
        time_zone=voice.time_zone,
    )
    token = links.tracking_token(sale.order.merchant_id, sale.order.id)
    page = links.tracking_page(token)
    told_parcels = _parcels_told(sale, facts.read(list(told)))
    values: dict[str, Value] = {
        **_about_order(sale, voice, speech),
        **_about_parcels(sale, told_parcels, speech),
        **_about_money(sale, facts.read(list(told)), speech),
        "tracking_page": page,
        "mails_off": links.mails_off(token),
        "headline": _headline(kind, len(told_parcels), sale, speech),
        "order_link": pieces.button(
            _button_words(kind, len(sale.parcels), speech), page, color=voice.color
        ),
    }
    return Context(values, speech, voice)


def read_together(orders: Sequence[Order]) -> None:
    """Read for several orders at once what their mails tell besides the orders themselves."""
    shipments: dict[int, list[Shipment]] = {order.id: [] for order in orders}
    refunds: dict[int, list[PaymentEntry]] = {order.id: [] for order in orders}
    for shipment in _shipped(list(shipments)):
        shipments[shipment.order_id].append(shipment)
    for entry in _refunds(list(refunds)):
        refunds[entry.order_id or 0].append(entry)
    scope.remember("shipments", shipments)
    scope.remember("refunds", refunds)
    ids = [shipment.id for some in shipments.values() for shipment in some]
    _items(ids)
    _last_words([parcel.id for some in _parcels(ids).values() for parcel in some])


def _shipped(order_ids: Sequence[int]) -> QuerySet[Shipment]:
    return Shipment.objects.filter(order_id__in=order_ids, status=ShipmentStatus.SHIPPED).order_by(
        "number"
    )


def _refunds(order_ids: Sequence[int]) -> QuerySet[PaymentEntry]:
    return PaymentEntry.objects.filter(
        order_id__in=order_ids, kind=PaymentFactKind.REFUNDED.value
    ).order_by("id")


def _read(order: Order) -> Sale:
    shipments = shipments_of(order.id)
    ids = [shipment.id for shipment in shipments]
    return Sale(
        order=order,
        lines=sorted(order.lines.all(), key=lambda line: (line.position, line.id)),
        customer=customer_of(order.customer_id),
        address=address_of(order.address_id) if order.address_id is not None else None,
        shipments=shipments,
        items=_of_each(_items(ids), ids),
        parcels=_of_each(_parcels(ids), ids),
    )


def shipments_of(order_id: int) -> list[Shipment]:
    """What has left of an order, in its own order; read once, in the merchant's scope."""
    return scope.once("shipments", order_id, read=lambda: list(_shipped([order_id])))


def _items(shipment_ids: Sequence[int]) -> dict[int, list[ShipmentItem]]:
    """What is in each shipment."""

    def read(ids: set[int]) -> dict[int, list[ShipmentItem]]:
        rows = ShipmentItem.objects.filter(shipment_id__in=ids).order_by("shipment_id", "id")
        return _by_shipment(ids, rows)

    return scope.once_each("shipment_items", shipment_ids, read=read)


def _parcels(shipment_ids: Sequence[int]) -> dict[int, list[Parcel]]:
    """The parcels of each shipment, with it."""

    def read(ids: set[int]) -> dict[int, list[Parcel]]:
        rows = Parcel.objects.filter(shipment_id__in=ids).select_related("shipment")
        return _by_shipment(ids, rows.order_by("shipment__number", "number"))

    return scope.once_each("parcels", shipment_ids, read=read)


def _last_words(parcel_ids: Sequence[int]) -> dict[int, TrackingEntry | None]:
    """The last thing that was said of each parcel."""

    def read(ids: set[int]) -> dict[int, TrackingEntry | None]:
        said = TrackingEntry.objects.filter(parcel_id__in=ids).exclude(message="")
        newest = said.order_by("parcel_id", "-happened_at", "-id").distinct("parcel_id")
        return {**dict.fromkeys(ids), **{entry.parcel_id: entry for entry in newest}}

    return scope.once_each("last_words", parcel_ids, read=read)


def _by_shipment(ids: set[int], rows: Iterable[Part]) -> dict[int, list[Part]]:
    found: dict[int, list[Part]] = {shipment_id: [] for shipment_id in ids}
    for row in rows:
        found[row.shipment_id].append(row)
    return found


def _of_each(parts: Mapping[int, list[Part]], shipment_ids: Sequence[int]) -> list[Part]:
    return [part for shipment_id in shipment_ids for part in parts[shipment_id]]


def _about_order(sale: Sale, voice: Voice, speech: Speech) -> dict[str, Value]:
    order = sale.order
    name = _name(sale)
    first = name.split()[0] if name.split() else ""
    return {
        "order_number": order.number,
        "order_date": speech.date(order.placed_at),
        "order_total": speech.money(Money(order.total, order.currency)),
        "customer_name": name,
        "first_name": first,
        "greeting": speech.phrase("greeting", name=first)
        if first
        else speech.phrase("greeting.nobody"),
        "shop_name": voice.shop_name,
        "shop_url": voice.shop_url,
        "reply_to": voice.reply_to,
        "ships_to": _one_line(sale.address),
        "items": pieces.items([Item(line.title, line.quantity) for line in sale.lines]),
        "cancelled_items": pieces.items(
            [
                Item(line.title, line.units_cancelled)
                for line in sale.lines
                if line.units_cancelled > 0
            ]
        ),
        "still_to_come": _still_to_come(sale, speech),
    }


def _about_parcels(sale: Sale, told: Sequence[Parcel], speech: Speech) -> dict[str, Value]:
    shown = {parcel.shipment_id for parcel in told} or {one.id for one in sale.shipments}
    numbers = [parcel.tracking_number for parcel in told if parcel.tracking_number]
    urls = [url for parcel in told if (url := _safe(parcel.tracking_url))]
    carriers = dict.fromkeys(
        carrier_name(parcel.carrier or parcel.shipment.carrier) for parcel in told
    )
    expected = [parcel.estimated_delivery_at for parcel in told if parcel.estimated_delivery_at]
    arrived = [parcel.delivered_at for parcel in told if parcel.delivered_at]
    return {
        "parcels": pieces.groups(
            [_group(sale, shipment, speech) for shipment in sale.shipments if shipment.id in shown]
        ),
        "tracking_number": ", ".join(numbers),
        "tracking_url": urls[0] if urls else "",
        "carrier": ", ".join(one for one in carriers if one) or speech.phrase("carrier.unknown"),
        "estimated_delivery": speech.day(max(expected)) if expected else "",
        "delivered_on": speech.day(max(arrived)) if arrived else "",
        "carrier_message": _carrier_message(told) or speech.phrase("nothing_known"),
    }


def _about_money(sale: Sale, told: facts.Told, speech: Speech) -> dict[str, Value]:
    order = sale.order
    refunds = scope.once("refunds", order.id, read=lambda: list(_refunds([order.id])))
    entries = [
        entry
        for entry in refunds
        if entry.currency == order.currency
        and (not told.refunds or entry.external_id in told.refunds)
    ]
    refunded = total_of(
        (Money(entry.amount, entry.currency) for entry in entries), currency=order.currency
    )
    return {
        "totals": pieces.sums(_sums(order, speech)),
        "refund_amount": speech.money(refunded),
    }


def _sums(order: Order, speech: Speech) -> list[Sum]:
    """The source's own sums, which add up to its total; tax that is included stands below it.

    The source's sum of lines has the discount taken off already; here it stands apart.
    """

    def row(key: str, amount: Decimal, *, is_total: bool = False) -> list[Sum]:
        if not (amount or is_total):
            return []
        money = speech.money(Money(amount, order.currency))
        return [Sum(speech.phrase(key), money, is_total)]

    included = order.prices_include_tax
    return [
        *row("items", order.total_lines + order.total_discount),
        *row("discount", -order.total_discount),
        *row("shipping", order.total_shipping),
        *row("fees", order.total_fees),
        *([] if included else row("tax", order.total_tax)),
        *row("total", order.total, is_total=True),
        *(row("tax_included", order.total_tax) if included else []),
    ]


def _parcels_told(sale: Sale, told: facts.Told) -> list[Parcel]:
    if not (told.shipments or told.parcels):
        return list(sale.parcels)
    return [
        parcel
        for parcel in sale.parcels
        if parcel.shipment.number in told.shipments
        or (parcel.shipment.number, parcel.number) in told.parcels
    ]


def _group(sale: Sale, shipment: Shipment, speech: Speech) -> Group:
    titles = {line.id: line.title for line in sale.lines}
    inside = [parcel for parcel in sale.parcels if parcel.shipment_id == shipment.id]
    return Group(
        heading=_heading(sale, shipment, inside, speech),
        items=[
            Item(titles.get(item.line_id, ""), item.quantity)
            for item in sale.items
            if item.shipment_id == shipment.id
        ],
        parcels=[
            ParcelLine(
                carrier_name(parcel.carrier or shipment.carrier),
                parcel.tracking_number,
                _safe(parcel.tracking_url),
            )
            for parcel in inside
        ],
    )


def _heading(sale: Sale, shipment: Shipment, inside: Sequence[Parcel], speech: Speech) -> str:
    """Parcels are counted through the whole order, as on the tracking page."""
    if not inside:
        return speech.phrase("shipment", number=shipment.number)
    places = [place for place, one in enumerate(sale.parcels, start=1) if one in inside]
    number = str(places[0]) if len(places) == 1 else f"{places[0]}–{places[-1]}"
    if all(parcel.delivered_at for parcel in inside):
        last = max(parcel.delivered_at for parcel in inside if parcel.delivered_at)
        return speech.phrase("parcel.delivered", number=number, day=speech.day(last))
    expected = [one.estimated_delivery_at for one in inside if one.estimated_delivery_at]
    if expected:
        return speech.phrase("parcel.arrives", number=number, day=speech.day(max(expected)))
    return speech.phrase("parcel", number=number)


def _still_to_come(sale: Sale, speech: Speech) -> Value:
    missing = [Item(line.title, units) for line in sale.lines if (units := _units_left(line)) > 0]
    if not missing:
        return pieces.NOTHING
    group = Group(speech.phrase("to_come"), missing, note=speech.phrase("to_come.when"))
    return pieces.groups([group])


def _units_left(line: Line) -> int:
    gone = line.units_cancelled + line.units_shipped + line.units_elsewhere + line.units_nothing
    return line.quantity - gone


def _headline(kind: Kind, parcels: int, sale: Sale, speech: Speech) -> str:
    if kind == Kind.CANCELLED and sale.order.status != "cancelled":
        return speech.phrase("headline.partly_cancelled")
    return speech.counted(f"headline.{kind.value}", max(parcels, 1))


def _button_words(kind: Kind, parcels: int, speech: Speech) -> str:
    if kind in {Kind.CONFIRMATION, Kind.CANCELLED, Kind.REFUNDED}:
        return speech.phrase("view_order")
    return speech.counted("track", max(parcels, 1))


def _carrier_message(told: Sequence[Parcel]) -> str:
    words = [word for word in _last_words([one.id for one in told]).values() if word is not None]
    newest = max(words, key=lambda word: (word.happened_at, word.id), default=None)
    return newest.message if newest else ""


def _name(sale: Sale) -> str:
    if sale.customer and sale.customer.name:
        return sale.customer.name.strip()
    return sale.address.name.strip() if sale.address else ""


def _one_line(address: Address | None) -> str:
    if address is None:
        return ""
    parts = (address.line1, address.line2, *town_lines(address), address.country)
    return ", ".join(part for part in parts if part)


def _safe(url: str) -> str:
    """A provider's link, if it leads to the web and nowhere else."""
    parts = urlsplit(url)
    return url if parts.scheme in {"http", "https"} and parts.hostname else ""
