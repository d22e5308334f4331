"""What is asked of Prodigi, in its own words; pure.

Source: Prodigi Print API reference v4.0, "Order object", "Update recipient", "Create quote", read
2026-11.
"""

from typing import Any

import msgspec

from entrepot.canon.fulfillment import FulfillmentRequest, RequestedItem
from entrepot.canon.places import Address
from entrepot.connect.errors import Rejected

METADATA_LIMIT = 2000  # characters; "Order object", metadata
DEFAULT_SIZING = "fillPrintArea"  # the reference's own default


def to_order(request: FulfillmentRequest) -> dict[str, Any]:
    """A request -> body of POST /orders. Empty optional fields are left out.

    Raises:
        Rejected: the metadata is longer than Prodigi takes; nothing was sent.
    """
    metadata = dict(request.metadata)
    if len(msgspec.json.encode(metadata).decode()) > METADATA_LIMIT:
        raise Rejected(
            f"metadata of {request.reference} is longer than {METADATA_LIMIT} characters",
            code="MetadataTooLong",
        )
    body: dict[str, Any] = {
        "merchantReference": request.reference,
        "idempotencyKey": request.idempotency_key,
        "shippingMethod": request.shipping_method,
        "recipient": _recipient(request.recipient, request.email),
        "items": [_item(item) for item in request.items],
        "metadata": metadata,
    }
    if request.callback_url:
        body["callbackUrl"] = request.callback_url
    return body


def to_recipient_change(recipient: Address, email: str) -> dict[str, Any]:
    """A recipient -> body of updateRecipient, which wants every field even when it is empty."""
    address = _recipient(recipient, email)["address"]
    return {
        "name": recipient.name or recipient.company,
        "email": email,
        "phoneNumber": recipient.phone,
        "address": {"line2": "", "stateOrCounty": "", **address},
    }


def to_quote_request(request: FulfillmentRequest, *, currency: str) -> dict[str, Any]:
    """A request -> body of POST /quotes; without a method, so that each method is quoted."""
    return {
        "destinationCountryCode": request.recipient.country,
        "currencyCode": currency,
        "items": [
            {
                "sku": item.provider_sku,
                "copies": item.quantity,
                "attributes": dict(item.attributes),
                "assets": [{"printArea": asset.print_area} for asset in item.assets],
            }
            for item in request.items
        ],
    }


def _recipient(recipient: Address, email: str) -> dict[str, Any]:
    beside = recipient.company if recipient.name else ""  # else it is the name, which must not lack
    address = {
        "line1": recipient.line1,
        # There is no field for a company; a carrier reads it above or beside the street.
        "line2": ", ".join(part for part in (beside, recipient.line2) if part),
        "postalOrZipCode": recipient.postal_code,
        "countryCode": recipient.country,
        "townOrCity": recipient.city,
        "stateOrCounty": recipient.region,
    }
    optional = ("line2", "stateOrCounty")
    shown = {key: value for key, value in address.items() if value or key not in optional}
    contact = {"email": email, "phoneNumber": recipient.phone}
    return {
        "name": recipient.name or recipient.company,
        **{key: value for key, value in contact.items() if value},
        "address": shown,
    }


def _item(item: RequestedItem) -> dict[str, Any]:
    body: dict[str, Any] = {
        "merchantReference": item.reference,
        "sku": item.provider_sku,
        "copies": item.quantity,
        "sizing": item.sizing or DEFAULT_SIZING,
        "attributes": dict(item.attributes),
        "assets": [
            {"printArea": asset.print_area, "url": asset.url}
            | ({"md5Hash": asset.md5} if asset.md5 else {})
            for asset in item.assets
        ],
    }
    if item.customer_price is not None:
        price = item.customer_price.rounded()
        body["recipientCost"] = {"amount": str(price.amount), "currency": price.currency}
    return body
