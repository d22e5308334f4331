"""What the merchant ships by hand: shares to pack, gathered by bin, and slips to lay into boxes."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from entrepot.connections.models import Connection
from entrepot.customers.models import Customer, PostalAddress
from entrepot.dashboard.wording import country_name
from entrepot.fulfillment.models import FulfillmentItem, FulfillmentOrder
from entrepot.fulfillment.states import Status
from entrepot.notifications.voices import Voice, voice_of
from entrepot.obligations.models import Obligation
from entrepot.obligations.states import Kind as Owed
from entrepot.orders.models import Line, Order

MOST = 500
WAITING = (Status.OPEN, Status.ACCEPTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Units of one SKU to take. `ordered` is what the customer ordered of the line."""

    item_id: int
    sku: str
    title: str
    bin: str
    quantity: int
    ordered: int
    properties: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One share to pack. `waits_for` says why it must not be packed yet; empty when it may."""

    share: FulfillmentOrder
    order: Order
    place: str
    customer: str
    address: PostalAddress | None
    country: str
    language: str
    pieces: tuple[Piece, ...]
    due_at: datetime | None
    waits_for: str

    @property
    def units(self) -> int:
        """How many units are left to take."""
        return sum(piece.quantity for piece in self.pieces)


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """One line of the pick list: so many of a SKU from a bin, for these orders."""

    bin: str
    sku: str
    title: str
    quantity: int
    orders: tuple[tuple[str, int], ...]
    notes: tuple[str, ...]


def to_pack(mode: str, *, share_ids: Sequence[int] | None = None) -> list[Parcel]:
    """Shares that are shipped by hand and have units left, the longest waiting first."""
    rows = FulfillmentOrder.objects.filter(mode=mode, is_by_hand=True, status__in=WAITING)
    if share_ids is not None:
        rows = rows.filter(id__in=list(share_ids))
    shares = list(rows.order_by("planned_at", "id")[:MOST])
    orders = Order.objects.in_bulk({share.order_id for share in shares})
    items: dict[int, list[FulfillmentItem]] = defaultdict(list)
    for item in FulfillmentItem.objects.filter(fulfillment_order__in=shares).order_by("position"):
        items[item.fulfillment_order_id].append(item)
    lines = {
        line.id: line
        for line in Line.objects.filter(
            id__in={item.line_id for found in items.values() for item in found}
        )
    }
    people = Customer.objects.in_bulk({o.customer_id for o in orders.values() if o.customer_id})
    addresses = PostalAddress.objects.in_bulk(
        {o.address_id for o in orders.values() if o.address_id}
    )
    places = dict(Connection.objects.values_list("id", "name"))
    due = dict(
        Obligation.objects.filter(
            kind=Owed.SHIP,
            end="",
            subject_kind="fulfillment_order",
            subject_id__in=[share.id for share in shares],
        ).values_list("subject_id", "due_at")
    )
    found = []
    for share in shares:
        order = orders[share.order_id]
        person = people.get(order.customer_id or 0)
        address = addresses.get(order.address_id or 0)
        found.append(
            Parcel(
                share=share,
                order=order,
                place=places.get(share.connection_id, ""),
                customer=(address.name if address else "") or (person.name if person else ""),
                address=address,
                country=country_name(address.country) if address and address.country else "",
                language=(person.language if person else "")[:2],
                pieces=tuple(_piece(item, lines) for item in items[share.id] if _left(item) > 0),
                due_at=due.get(share.id),
                waits_for=_waits_for(order, share),
            )
        )
    return [parcel for parcel in found if parcel.pieces]


def _left(item: FulfillmentItem) -> int:
    return item.quantity - item.units_shipped - item.units_cancelled


def _piece(item: FulfillmentItem, lines: dict[int, Line]) -> Piece:
    line = lines.get(item.line_id)
    told = line.properties if line else []
    return Piece(
        item_id=item.id,
        sku=item.sku,
        title=line.title if line else item.sku,
        bin=item.bin,
        quantity=_left(item),
        ordered=line.quantity if line else item.quantity,
        properties=tuple(
            (str(one.get("name", "")), str(one.get("value", "")))
            for one in told
            if isinstance(one, dict) and not str(one.get("value", "")).startswith("http")
        ),
    )


def _waits_for(order: Order, share: FulfillmentOrder) -> str:
    """Why a share must not be packed: what the last check before any submission asks, too."""
    if order.is_held:
        return "held"
    if order.status == "cancelled":
        return "cancelled"
    if order.is_disputed:
        return "payment disputed"
    if share.submit_after > timezone.now():
        return "cooling off"
    return ""


def takes(parcels: Sequence[Parcel]) -> list[Take]:
    """The pick list: one line per bin and SKU, in the order of the bins."""
    gathered: dict[tuple[str, str], list[tuple[Parcel, Piece]]] = defaultdict(list)
    for parcel in parcels:
        for piece in parcel.pieces:
            gathered[(piece.bin, piece.sku)].append((parcel, piece))
    return [
        Take(
            bin=bin_,
            sku=sku,
            title=pairs[0][1].title,
            quantity=sum(piece.quantity for _, piece in pairs),
            orders=tuple((parcel.order.number, piece.quantity) for parcel, piece in pairs),
            notes=tuple(
                f"{parcel.order.number}: {name} {value}"
                for parcel, piece in pairs
                for name, value in piece.properties
            ),
        )
        # Without a bin last: they have to be looked for.
        for (bin_, sku), pairs in sorted(
            gathered.items(), key=lambda pair: (not pair[0][0], pair[0])
        )
    ]


def voices(parcels: Sequence[Parcel]) -> dict[int, Voice]:
    """How the storefronts of these parcels speak, by storefront."""
    return {id_: voice_of(id_) for id_ in {parcel.order.connection_id for parcel in parcels}}
