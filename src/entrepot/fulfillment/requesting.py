"""What is asked of a provider: the request of a share, and what its price is asked for first."""

from typing import Any

from entrepot.canon.fulfillment import FulfillmentRequest, RequestedAsset, RequestedItem
from entrepot.canon.money import Money
from entrepot.catalog import artwork
from entrepot.connections.queries import connection_of, hook_url
from entrepot.customers.queries import address_of, email_of
from entrepot.fulfillment import costs
from entrepot.fulfillment.costs import Quoting
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.fulfillment.references import idempotency_key, item_reference, share_reference
from entrepot.fulfillment.states import Status
from entrepot.orders.models import Order


def request_of(fulfillment_order: FulfillmentOrder, order: Order) -> FulfillmentRequest:
    """The request of a share as it stands now; two calls make the same one.

    But for the links to print files, which carry the day on which they end.
    """
    sale: dict[str, Any] = {
        "account": order.account,
        "mode": order.mode,
        "external_id": order.external_id,
        "share": fulfillment_order.share,
        "generation": fulfillment_order.generation,
    }
    connection = connection_of(fulfillment_order.connection_id)
    lines = {line.id: line for line in order.lines.all()}
    items = sorted(fulfillment_order.items.all(), key=lambda item: item.position)
    links = artwork.links_of(
        asset["asset_id"] for item in items for asset in item.assets if asset.get("asset_id")
    )
    return FulfillmentRequest(
        reference=share_reference(**sale),
        idempotency_key=idempotency_key("submit", **sale),
        recipient=address_of(_goes_to(fulfillment_order, order)),
        email=email_of(order.customer_id),
        shipping_method=fulfillment_order.shipping_method,
        callback_url=hook_url(connection),
        items=tuple(
            RequestedItem(
                reference=item_reference(item.position),
                provider_sku=item.provider_sku,
                quantity=item.quantity,
                attributes=tuple(sorted(item.attributes.items())),
                sizing=item.sizing,
                assets=tuple(
                    RequestedAsset(
                        print_area=asset["print_area"],
                        url=links.get(asset.get("asset_id"), asset["url"]),
                        md5=asset.get("md5", ""),
                    )
                    for asset in item.assets
                ),
                customer_price=Money(lines[item.line_id].unit_price, order.currency),
                title=lines[item.line_id].title,
            )
            for item in items
        ),
        metadata=(("order", order.number),),
    )


def quote_wanted(order: Order) -> Quoting | None:
    """The first share of an order without a price; one of the same goods is taken over."""
    for share in costs.unquoted(order):
        request = request_of(share, order)
        if not costs.recall_quote(share, request, currency=order.currency):
            return Quoting(
                fulfillment_order_id=share.id,
                connection_id=share.connection_id,
                request=request,
                currency=order.currency,
            )
    return None


def _goes_to(fulfillment_order: FulfillmentOrder, order: Order) -> int | None:
    """The address that the provider was given; before it has it, the one that applies now."""
    if fulfillment_order.status in (Status.OPEN, Status.ON_HOLD):
        return order.address_id
    return fulfillment_order.sent_address_id or order.address_id
