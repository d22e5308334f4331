"""The simulated Prodigi's answers and callbacks, as JSON values."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from entrepot.canon.money import Money
from entrepot.connectors.prodigi import catalog
from entrepot.connectors.prodigi.books import (
    Order,
    Phase,
    Shipment,
    cost,
    details_of,
    written,
)

HOSTS = {"sandbox": "https://api.sandbox.prodigi.com", "production": "https://api.prodigi.com"}
ADDRESS = ("line1", "line2", "postalOrZipCode", "countryCode", "townOrCity", "stateOrCounty")
STATUS_FILTERS: dict[str, Callable[[Order], bool]] = {
    "draft": lambda order: order.phase is Phase.PAUSED,
    "awaitingpayment": lambda order: order.needs_payment and order.stage == "InProgress",
    "inprogress": lambda order: order.stage == "InProgress" and not order.needs_payment,
    "complete": lambda order: order.stage == "Complete",
    "cancelled": lambda order: order.stage == "Cancelled",
}


def order_body(order: Order, *, now: datetime, issues: list[dict[str, Any]]) -> dict[str, Any]:
    """An order as GET shows it, every field there."""
    recipient = order.asked["recipient"]
    address = recipient["address"]
    broken = {issue["objectId"] for issue in issues if "Downloaded" in issue["errorCode"]}
    return {
        "id": order.id,
        "created": written(order.created_at),
        "lastUpdated": written(order.updated_at),
        "callbackUrl": order.asked.get("callbackUrl"),
        "merchantReference": order.asked.get("merchantReference"),
        "shippingMethod": order.asked["shippingMethod"],
        "idempotencyKey": order.asked.get("idempotencyKey"),
        "status": {"stage": order.stage, "issues": issues, "details": details_of(order, now)},
        "charges": order.charges,
        "shipments": [_shipment(shipment) for shipment in order.shipments],
        "recipient": {
            "name": recipient["name"],
            "email": recipient.get("email"),
            "phoneNumber": recipient.get("phoneNumber"),
            "address": {name: address.get(name) for name in ADDRESS},
        },
        "items": [_item(item, order=order, broken=broken) for item in order.items],
        "packingSlip": None,
        "metadata": order.asked.get("metadata"),
    }


def booked_item(asked: dict[str, Any], next_id: Callable[[str], str]) -> dict[str, Any]:
    """An item of a new order with the ids that it gets; SKUs are echoed in upper case."""
    return {
        "id": next_id("ori"),
        "merchantReference": asked.get("merchantReference"),
        "sku": asked["sku"].strip().upper(),
        "copies": asked["copies"],
        "sizing": asked["sizing"],
        "attributes": asked.get("attributes") or {},
        "assets": [
            {
                "id": next_id("ast"),
                "printArea": asset["printArea"],
                "md5Hash": asset.get("md5Hash"),
                "url": asset["url"],
            }
            for asset in asked.get("assets") or ()
        ],
        "recipientCost": asked.get("recipientCost"),
    }


def event(
    order: dict[str, Any], *, event_id: str, change: str, at: datetime, is_nested: bool
) -> dict[str, Any]:
    """A CloudEvent; in callbacks the phone has another name than in answers."""
    recipient = dict(order["recipient"])
    recipient["mobilePhoneNumber"] = recipient.pop("phoneNumber")
    shown = {**order, "recipient": recipient}
    return {
        "specversion": "1.0",
        "type": f"com.prodigi.order.{change}",
        "source": "http://api.prodigi.com/v4.0/Orders/",
        "id": event_id,
        "time": written(at),
        "datacontenttype": "application/json",
        "data": {"order": shown} if is_nested else shown,
        "subject": order["id"],
    }


def quote(asked: dict[str, Any], *, method: str, currency: str) -> dict[str, Any]:
    """One method's price, a shipment per lab."""
    country = asked["destinationCountryCode"].upper()
    service = catalog.service_to(country, method)
    items, goods = [], Money.zero(currency)
    by_lab: dict[int, list[str]] = {}
    for index, item in enumerate(asked["items"]):
        sku = item["sku"].strip().upper()
        unit = catalog.unit_cost(sku, currency)
        goods += unit * item["copies"]
        item_id = f"qit_{index + 1:032x}"
        by_lab.setdefault(catalog.family_of(sku).lab, []).append(item_id)
        areas = [{"printArea": asset["printArea"]} for asset in item.get("assets") or ()]
        items.append(
            {
                "id": item_id,
                "sku": sku,
                "copies": item["copies"],
                "unitCost": cost(unit),
                "attributes": item.get("attributes") or {},
                "assets": areas,
            }
        )
    carriage = catalog.shipping_cost(country, method, currency=currency)
    warning = {
        "errorCode": "destinationCountryCode.UsSalesTaxWarning",
        "description": "Prices may be subject to US sales tax.",
    }
    return {
        "shipmentMethod": method,
        "costSummary": {"items": cost(goods), "shipping": cost(carriage * len(by_lab))},
        "shipments": [
            {
                "carrier": {"name": service.carrier, "service": service.service},
                "fulfillmentLocation": {
                    "countryCode": service.lab_country,
                    "labCode": f"{service.lab_country.lower()}{lab}",
                },
                "cost": cost(carriage),
                "items": item_ids,
            }
            for lab, item_ids in sorted(by_lab.items())
        ],
        "items": items,
        "issues": [warning] if country == "US" else [],
    }


def product(sku: str) -> dict[str, Any]:
    """A product as the catalogue shows it."""
    wanted = catalog.family_of(sku).required_attribute
    choices = {"wrap": ["Black", "ImageWrap", "White"], "color": ["black", "natural", "white"]}
    attributes = {wanted: choices[wanted]} if wanted else {}
    return {
        "sku": sku,
        "description": f"Simulated product {sku}",
        "productDimensions": {"width": 10, "height": 10, "units": "in"},
        "attributes": attributes,
        "printAreas": {"default": {"required": True}},
        "variants": [{"attributes": {}, "shipsTo": sorted(catalog.EUROPE | {"GB", "US", "JP"})}],
    }


def read(values: list[str] | None) -> datetime | None:
    """An instant from a filter; ValueError when it is none."""
    if not values:
        return None
    instant = datetime.fromisoformat(values[0])
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant


def money(row: dict[str, str]) -> Money:
    """An amount in the platform's own form -> money."""
    return Money.of(row["amount"], row["currency"])


def _item(item: dict[str, Any], *, order: Order, broken: set[str]) -> dict[str, Any]:
    if item["id"] in broken and order.phase is Phase.STUCK:
        status, asset_status = "Invalid", "Error"
    elif order.phase in {Phase.PAUSED, Phase.DOWNLOADING, Phase.STUCK}:
        status, asset_status = "NotYetDownloaded", "InProgress"
    else:
        status, asset_status = "Ok", "Complete"
    assets = [{**asset, "status": asset_status} for asset in item["assets"]]
    return {**item, "status": status, "assets": assets}


def _shipment(shipment: Shipment) -> dict[str, Any]:
    if shipment.is_cancelled:
        status = "Cancelled"
    else:
        status = "Shipped" if shipment.shipped_at else "Processing"
    number = shipment.tracking_number
    return {
        "id": shipment.id,
        "status": status,
        "dispatchDate": written(shipment.shipped_at) if shipment.shipped_at else None,
        "carrier": {"name": shipment.service.carrier, "service": shipment.service.service},
        "fulfillmentLocation": {
            "countryCode": shipment.service.lab_country,
            "labCode": shipment.lab,
        },
        "tracking": {"number": number, "url": f"https://track.prodigi.example/{number}"}
        if number
        else None,
        "items": [{"itemId": item_id} for item_id in shipment.item_ids],
    }
