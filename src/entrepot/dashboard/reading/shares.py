"""The lines of one order by fulfillment order, with what left of each and where the parcels are."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.utils import timezone

from entrepot.canon.money import Money
from entrepot.catalog.models import Asset
from entrepot.dashboard.reading.cancelled import beside_shares, cancelled_by_item
from entrepot.dashboard.reading.parcels import (
    Box,
    Step,
    boxes_of,
    delivered_by_item,
    sent_of,
    waiting_steps,
)
from entrepot.dashboard.wording import Chip
from entrepot.dashboard.words_of_states import FULFILLMENT_ORDER, chip_of
from entrepot.fulfillment.models import (
    FulfillmentItem,
    FulfillmentOrder,
)
from entrepot.fulfillment.states import Status
from entrepot.orders.models import Line, Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Artwork:
    """A print file of an item: where it goes, how large it is, whether it is safe to send."""

    print_area: str
    size: str
    status: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """Units of one line inside a share; counts are None where they do not apply."""

    id: int
    line_id: int
    title: str
    sku: str
    properties: list[tuple[str, str]]
    sent_as: str
    sizing: str
    bin: str
    artworks: list[Artwork]
    ordered: int
    shipped: int | None
    delivered: int | None
    amount: Money
    cancelled: int = 0
    chip: Chip | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one provider makes or ships of the order."""

    row: FulfillmentOrder | None
    title: str
    chip: Chip | None
    items: list[Item]
    boxes: list[Box] = field(default_factory=list)
    waiting: str = ""
    waiting_steps: list[Step] = field(default_factory=list)
    summary: str = ""
    cost: Money | None = None
    issues: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def is_on_its_way_again(self) -> bool:
        """Whether it sends units once more, and has not arrived yet."""
        if self.row is None or self.row.replaces_id is None or self.row.status == Status.CANCELLED:
            return False
        return bool(self.waiting) or any(box.is_coming for box in self.boxes)

    @property
    def way(self) -> str:
        """By which shipping method it goes, and by which a person wants it to."""
        if self.row is None or not self.row.shipping_method:
            return ""
        now, chosen = self.row.shipping_method, self.row.chosen_method
        if chosen in ("", now) or self.row.status == Status.CANCELLED:
            return f"by {now}"
        said = "refused" if chosen == self.row.refused_method else "asked for"
        return f"by {now}, {chosen} {said}"

    @property
    def is_cooling_off(self) -> bool:
        """Whether it may still be changed freely, since nothing of it is to leave yet."""
        return self.row is not None and self.row.submit_after > timezone.now()

    @property
    def anchor(self) -> str:
        """Its place on the page."""
        return f"share-{self.row.id}" if self.row else "unplanned"


def shares_of(
    order: Order, names: Mapping[int, str], *, due: Mapping[int, datetime]
) -> list[Share]:
    """The shares of an order in the order in which they were planned, then what has none.

    `due` is the open deadline for shipping by fulfillment order.
    """
    lines = {line.id: line for line in Line.objects.filter(order=order).order_by("position", "id")}
    rows = list(FulfillmentOrder.objects.filter(order_id=order.id).order_by("share"))
    items = list(
        FulfillmentItem.objects.filter(fulfillment_order__in=rows).order_by("position", "id")
    )
    sent = sent_of(order.id)
    boxes = boxes_of(order, rows, items=items, lines=lines, sent=sent)
    delivered = delivered_by_item(sent)
    artworks = _artworks(items)
    cancelled = cancelled_by_item(lines.values(), rows, items=items)
    shares = [
        _share(
            row,
            order,
            [item for item in items if item.fulfillment_order_id == row.id],
            lines=lines,
            boxes=boxes.get(row.id, []),
            delivered=delivered,
            cancelled=cancelled,
            artworks=artworks,
            names=names,
            due_at=due.get(row.id),
        )
        for row in rows
    ]
    beside = {line.id: beside_shares(line, items, cancelled=cancelled) for line in lines.values()}
    rest = _unplanned(order, list(lines.values()), beside)
    return shares + ([rest] if rest else [])


def _share(
    row: FulfillmentOrder,
    order: Order,
    items: list[FulfillmentItem],
    *,
    lines: Mapping[int, Line],
    boxes: list[Box],
    delivered: Mapping[int, int],
    cancelled: Mapping[int, int],
    artworks: Mapping[int, list[Artwork]],
    names: Mapping[int, str],
    due_at: datetime | None,
) -> Share:
    units = sum(item.quantity for item in items)
    shipped = sum(item.units_shipped for item in items)
    arrived = sum(delivered.get(item.id, 0) for item in items)
    rest = units - shipped - sum(item.units_cancelled for item in items)
    is_waiting = rest > 0 and row.status not in {Status.CANCELLED, Status.CLOSED}
    said = (
        f"{arrived} of {units} units delivered"
        if arrived
        else f"{shipped} of {units} units shipped"
    )
    return Share(
        row=row,
        title=names.get(row.connection_id, f"connection {row.connection_id}"),
        chip=chip_of(FULFILLMENT_ORDER, row.status),
        items=[
            replace(
                _item(item, order, lines.get(item.line_id), delivered, artworks),
                cancelled=cancelled.get(item.id, 0),
            )
            for item in items
        ],
        boxes=boxes,
        waiting=_waiting(items, lines) if is_waiting else "",
        waiting_steps=waiting_steps(order, row, due_at=due_at) if is_waiting else [],
        summary=said,
        cost=Money(row.cost, row.cost_currency) if row.cost is not None else None,
        issues=[issue for issue in row.details.get("issues", []) if isinstance(issue, dict)],
    )


def _item(
    item: FulfillmentItem,
    order: Order,
    line: Line | None,
    delivered: Mapping[int, int],
    artworks: Mapping[int, list[Artwork]],
) -> Item:
    units = item.quantity // max(item.units_per_line, 1)
    return Item(
        id=item.id,
        line_id=item.line_id,
        title=line.title if line else item.sku,
        sku=item.sku,
        properties=_properties(line),
        sent_as=item.provider_sku,
        sizing=item.sizing,
        bin=item.bin,
        artworks=artworks.get(item.id, []),
        ordered=item.quantity,
        shipped=item.units_shipped,
        delivered=delivered.get(item.id, 0),
        amount=_part_of(line, units, order.currency),
    )


def _unplanned(order: Order, lines: list[Line], beside: Mapping[int, int]) -> Share | None:
    """Lines, or units of them, that no provider has; `beside` are cancelled ones by line."""
    items = []
    for line in lines:
        for units, chip in (
            (line.units_nothing, Chip("neutral", "ring", "Nothing to ship")),
            (line.units_elsewhere, Chip("neutral", "ring", "Fulfilled elsewhere")),
            (beside[line.id], Chip("neutral", "x", "Cancelled")),
            (max(line.units_open, 0), Chip("neutral", "clock", "No provider yet")),
        ):
            if units:
                items.append(_unplanned_item(order, line, units, chip))
    if not items:
        return None
    waits = any(item.chip and item.chip.word == "No provider yet" for item in items)
    title = "Not routed yet" if waits else "Without a provider"
    return Share(row=None, title=title, chip=None, items=items)


def _unplanned_item(order: Order, line: Line, units: int, chip: Chip) -> Item:
    return Item(
        id=0,
        line_id=line.id,
        title=line.title,
        sku=line.sku,
        properties=_properties(line),
        sent_as="",
        sizing="",
        bin="",
        artworks=[],
        ordered=units,
        shipped=None,
        delivered=None,
        amount=_part_of(line, units, order.currency),
        chip=chip,
    )


def _part_of(line: Line | None, units: int, currency: str) -> Money:
    """What the customer pays for some of a line's units."""
    if line is None or not line.quantity:
        return Money.zero(currency)
    return Money(line.total * units / line.quantity, currency).rounded()


def _properties(line: Line | None) -> list[tuple[str, str]]:
    """What the customer chose, as the storefront told it: name and value."""
    told = line.properties if line else []
    return [
        (str(pair[0]), str(pair[1])) for pair in told if isinstance(pair, list) and len(pair) == 2
    ]


def _artworks(items: list[FulfillmentItem]) -> dict[int, list[Artwork]]:
    """The print files of each item; sizes are known once a file was copied."""
    wanted = {item.id: [a for a in item.assets if isinstance(a, dict)] for item in items}
    urls = {str(asset.get("url", "")) for assets in wanted.values() for asset in assets}
    known = {asset.url: asset for asset in Asset.objects.filter(url__in=urls)}
    found: dict[int, list[Artwork]] = {}
    for item_id, assets in wanted.items():
        found[item_id] = [
            _artwork(str(asset.get("print_area", "")), known.get(str(asset.get("url", ""))))
            for asset in assets
        ]
    return found


def _artwork(print_area: str, asset: Asset | None) -> Artwork:
    size = ""
    if asset is not None and asset.width_px and asset.height_px:
        size = f"{asset.width_px:,} × {asset.height_px:,} px"
    return Artwork(
        print_area=print_area,
        size=size,
        status=asset.status if asset else "waiting",
        reason=asset.reason if asset else "",
    )


def _waiting(items: list[FulfillmentItem], lines: Mapping[int, Line]) -> str:
    """What of a share has not left: "1 × Fähre um sechs"."""
    left = []
    for item in items:
        units = item.quantity - item.units_shipped - item.units_cancelled
        line = lines.get(item.line_id)
        if units > 0:
            left.append(f"{units} × {line.title if line else item.sku}")
    return ", ".join(left)
