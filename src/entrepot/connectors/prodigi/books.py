"""What the simulated Prodigi believes: orders, their shipments, and how time moves them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from entrepot.canon.money import Money
from entrepot.connectors.prodigi import catalog

DOWNLOAD_TRIES = 10


class Phase(StrEnum):
    """How far an order is, in the simulator's own terms."""

    PAUSED = "paused"
    DOWNLOADING = "downloading"
    STUCK = "stuck"  # an asset failed for good
    PREPARING = "preparing"
    PRODUCING = "producing"
    COMPLETE = "complete"
    CANCELLED = "cancelled"


@dataclass(slots=True, kw_only=True)
class Dials:
    """How fast a life goes (sandbox time), and what is demanded of new orders.

    `pause_window` None means no window; `timedelta.max` one without an end, released by hand.
    `labs_apart` is how much later each further lab begins, so that a cancellation can be partial.
    """

    pause_window: timedelta | None = None
    download: timedelta = timedelta(minutes=1)
    preparation: timedelta = timedelta(minutes=2)
    labs_apart: timedelta = timedelta(minutes=10)
    production: timedelta = timedelta(minutes=30)
    needs_payment: bool = False
    currency: str = "GBP"


@dataclass(slots=True, kw_only=True)
class Shipment:
    """One lab's parcel. `tracking_number` is empty for letters, and until it has left."""

    id: str
    lab: str
    item_ids: list[str]
    service: catalog.Service
    is_tracked: bool
    starts_at: datetime
    ships_at: datetime
    tracking_number: str = ""
    shipped_at: datetime | None = None
    is_cancelled: bool = False

    @property
    def is_open(self) -> bool:
        """Neither left nor cancelled."""
        return self.shipped_at is None and not self.is_cancelled

    @property
    def has_left(self) -> bool:
        """Gone, with a label that holds."""
        return self.shipped_at is not None and not self.is_cancelled


@dataclass(slots=True, kw_only=True)
class Order:
    """An order in the books. `asked` is the body that made it, SKUs already in upper case."""

    id: str
    environment: str
    asked: dict[str, Any]
    items: list[dict[str, Any]]
    created_at: datetime
    updated_at: datetime
    due_at: datetime
    visible_at: datetime
    phase: Phase
    tries: int = 0
    is_mended: bool = False  # the missing file is there now
    needs_payment: bool = False
    shipments: list[Shipment] = field(default_factory=list)
    charges: list[dict[str, Any]] = field(default_factory=list)

    @property
    def reference(self) -> str:
        """The merchant's own reference."""
        return str(self.asked.get("merchantReference") or "")

    @property
    def key(self) -> str:
        """The idempotency key, or empty."""
        return str(self.asked.get("idempotencyKey") or "")

    @property
    def stage(self) -> str:
        """As the platform writes it."""
        return {Phase.COMPLETE: "Complete", Phase.CANCELLED: "Cancelled"}.get(
            self.phase, "InProgress"
        )

    def is_in_production(self, now: datetime) -> bool:
        """Some lab has begun, so that the order as a whole cannot be changed any more."""
        return self.phase is Phase.COMPLETE or any(
            not shipment.is_cancelled and shipment.starts_at <= now for shipment in self.shipments
        )

    def missing_assets(self, can_download: Callable[[str], bool]) -> list[tuple[str, str]]:
        """(item id, URL) of files that cannot be fetched."""
        if self.is_mended:
            return []
        return [
            (item["id"], asset["url"])
            for item in self.items
            for asset in item["assets"]
            if not can_download(asset["url"])
        ]


def written(instant: datetime) -> str:
    """An instant in the platform's own form."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def cost(money: Money) -> dict[str, str]:
    """An amount in the platform's own form."""
    return {"amount": str(money.amount), "currency": money.currency}


def details_of(order: Order, now: datetime) -> dict[str, str]:
    """The five steps with the platform's words."""
    if order.phase is Phase.CANCELLED or not order.shipments:
        begun = order.phase is Phase.DOWNLOADING and order.tries > 0
        downloads = {Phase.STUCK: "Error", Phase.PREPARING: "Complete"}.get(
            order.phase, "InProgress" if begun else "NotStarted"
        )
        rest = dict.fromkeys(
            ("printReadyAssetsPrepared", "allocateProductionLocation", "inProduction", "shipping"),
            "NotStarted",
        )
        return {"downloadAssets": downloads, **rest}
    live = [shipment for shipment in order.shipments if not shipment.is_cancelled]
    started = sum(shipment.starts_at <= now for shipment in live)
    left = sum(shipment.shipped_at is not None for shipment in live)
    producing = "Complete" if left == len(live) else "InProgress" if started else "NotStarted"
    shipping = "Complete" if left == len(live) else "InProgress" if left else "NotStarted"
    return {
        "downloadAssets": "Complete",
        "printReadyAssetsPrepared": "Complete",
        "allocateProductionLocation": "Complete",
        "inProduction": producing,
        "shipping": shipping,
    }


def issues_of(
    order: Order, *, unavailable: set[str], can_download: Callable[[str], bool]
) -> list[dict[str, Any]]:
    """What stands in the way, with the platform's words."""
    if order.phase in {Phase.COMPLETE, Phase.CANCELLED}:
        return []
    issues: list[dict[str, Any]] = []
    if order.tries:
        is_final = order.tries >= DOWNLOAD_TRIES
        for item_id, url in order.missing_assets(can_download):
            said = f"download attempt {order.tries} of {DOWNLOAD_TRIES} failed"
            issues.append(
                {
                    "objectId": item_id,
                    "errorCode": "order.items.assets."
                    + ("FailedToDownloaded" if is_final else "NotDownloaded"),
                    "description": f"Warning: {said} for 'default' asset on item '{item_id}' "
                    f"at location '{url}'",
                }
            )
    issues += [
        {
            "objectId": item["id"],
            "errorCode": "order.items.ItemUnavailable",
            "description": f"{item['sku']} is currently unavailable",
        }
        for item in order.items
        if item["sku"] in unavailable or item["sku"].endswith("-GONE")
    ]
    if order.needs_payment:
        pay_at = f"https://dashboard.prodigi.example/payment/{order.id.removeprefix('ord_')}"
        due = _goods(order, "GBP")
        issues.append(
            {
                "objectId": order.id,
                "errorCode": "RequiresPaymentAuthorisation",
                "description": f"Payment authorisation required for '{order.id}' "
                f"({due.amount}{due.currency}) please use the following URL to make payment: "
                f"{pay_at}",
                "authorisationDetails": {
                    "authorisationUrl": pay_at,
                    "paymentDetails": cost(due),
                },
            }
        )
    return issues


def allocate(order: Order, *, now: datetime, dials: Dials, next_id: Callable[[str], str]) -> None:
    """Hand the items to their labs and charge for them."""
    country = order.asked["recipient"]["address"]["countryCode"].upper()
    method = order.asked["shippingMethod"]
    by_lab: dict[tuple[int, bool], list[str]] = {}
    for item in order.items:
        family = catalog.family_of(item["sku"])
        by_lab.setdefault((family.lab, family.is_tracked), []).append(item["id"])
    for index, ((lab, is_tracked), item_ids) in enumerate(sorted(by_lab.items())):
        service = catalog.service_to(country, method)
        starts_at = now + dials.labs_apart * (index + 1)
        order.shipments.append(
            Shipment(
                id=next_id("shp"),
                lab=f"{service.lab_country.lower()}{lab}",
                item_ids=item_ids,
                service=service,
                is_tracked=is_tracked,
                starts_at=starts_at,
                ships_at=starts_at + dials.production,
            )
        )
    goods = _goods(order, dials.currency)
    carriage = catalog.shipping_cost(country, method, currency=dials.currency) * len(
        order.shipments
    )
    for kind, amount in (("Item", goods), ("Shipping", carriage)):
        charge(order, kind=kind, amount=amount, next_id=next_id)


def reroute(order: Order, method: str, *, now: datetime, next_id: Callable[[str], str]) -> None:
    """Have what no lab has begun yet carried by another service, and charge the difference.

    Invented: the reference does not say what becomes of the charges.
    """
    country = order.asked["recipient"]["address"]["countryCode"].upper()
    currencies = [row["totalCost"]["currency"] for row in order.charges]
    for shipment in order.shipments:
        if shipment.is_open and shipment.starts_at > now:
            shipment.service = catalog.service_to(country, method)
            before, after = (
                catalog.shipping_cost(country, word, currency=currencies[0])
                for word in (order.asked["shippingMethod"], method)
            )
            charge(order, kind="Shipping", amount=after - before, next_id=next_id)


def charge(order: Order, *, kind: str, amount: Money, next_id: Callable[[str], str]) -> None:
    """Book a charge, or with a negative amount a credit."""
    order.charges.append(
        {
            "id": next_id("chg"),
            "chargeType": kind,
            "prodigiInvoiceNumber": None,
            "totalCost": cost(amount),
            "items": [
                {"id": next_id("chi"), "itemId": None, "shipmentId": None, "cost": cost(amount)}
            ],
        }
    )


def _goods(order: Order, currency: str) -> Money:
    total = Money.zero(currency)
    for item in order.items:
        total += catalog.unit_cost(item["sku"], currency) * item["copies"]
    return total
