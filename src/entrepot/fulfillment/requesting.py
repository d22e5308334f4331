"""What is asked of a provider: the request of a share, and what its price is asked for first."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from entrepot.canon.fulfillment import FulfillmentRequest, RequestedAsset, RequestedItem
from entrepot.canon.money import Money
from entrepot.canon.places import Address
from entrepot.catalog import artwork
from entrepot.connections.queries import connection_of, hook_url
from entrepot.customers.queries import address_of, email_of
from entrepot.fulfillment import costs
from entrepot.fulfillment.costs import Quoting
from entrepot.fulfillment.models import FulfillmentItem, FulfillmentOrder
from entrepot.fulfillment.references import (
    ShareOfSale,
    idempotency_key,
    item_reference,
    share_reference,
)
from entrepot.fulfillment.states import Status
from entrepot.orders.models import Line, Order


def share_of_sale(fulfillment_order: FulfillmentOrder, order: Order) -> ShareOfSale:
    """What a share is called by at its provider, in this generation; see `references`."""
    return ShareOfSale(
        account=order.account,
        mode=order.mode,
        external_id=order.external_id,
        share=fulfillment_order.share,
        generation=fulfillment_order.generation,
    )


def request_of(fulfillment_order: FulfillmentOrder, order: Order) -> FulfillmentRequest:
    """The request of a share as it stands now; two calls make the same one.

    But for the links to print files, which carry the day on which they end.
    """
    sale = share_of_sale(fulfillment_order, order)
    connection = connection_of(fulfillment_order.connection_id)
    lines = {line.id: line for line in order.lines.all()}
    items = sorted(fulfillment_order.items.all(), key=lambda item: item.position)
    links = artwork.links_of(_files_of([fulfillment_order]))
    pieces = _pieces_of_kits(items, lines)
    return FulfillmentRequest(
        reference=share_reference(**sale),
        idempotency_key=idempotency_key("submit", **sale),
        recipient=_recipient(fulfillment_order, order),
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
                customer_price=_paid_for_one(
                    lines[item.line_id], order.currency, pieces=pieces.get(item.line_id, 1)
                ),
                title=lines[item.line_id].title,
            )
            for item in items
        ),
        metadata=(("order", order.number),),
    )


def quotes_wanted(
    orders: Sequence[Order], *, known: Sequence[FulfillmentOrder] = ()
) -> dict[int, Quoting]:
    """By order, its first share without a price; one of the same goods is taken over.

    Of the shares in `known` these very rows are used, so that their later saving keeps the price.
    """
    by_order = {order.id: order for order in orders}
    unquoted = costs.unquoted(orders, known=known)
    artwork.links_of(_files_of([*unquoted, *known]))  # read together, for each of their requests
    waiting = [(share, request_of(share, by_order[share.order_id])) for share in unquoted]
    wanted: dict[int, Quoting] = {}
    for share, request in costs.still_unquoted(waiting, by_order):
        quoting = Quoting(
            merchant_id=share.merchant_id,
            fulfillment_order_id=share.id,
            connection_id=share.connection_id,
            request=request,
            currency=by_order[share.order_id].currency,
        )
        wanted.setdefault(share.order_id, quoting)
    return wanted


def _files_of(shares: Sequence[FulfillmentOrder]) -> list[int]:
    """The print files of shares, by id."""
    return [
        asset["asset_id"]
        for share in shares
        for item in share.items.all()
        for asset in item.assets
        if asset.get("asset_id")
    ]


def _paid_for_one(line: Line, currency: str, *, pieces: int) -> Money | None:
    """What the customer paid for one piece, after discounts; None for nothing. Customs go by it."""
    if line.quantity == 0 or line.total <= 0:
        return None
    return Money(line.total / (line.quantity * pieces), currency).rounded()


def _pieces_of_kits(items: Sequence[FulfillmentItem], lines: Mapping[int, Line]) -> dict[int, int]:
    """By line that was sold as a kit, the pieces in one unit of it, whoever makes them."""
    kits = {
        item.line_id
        for item in items
        if item.units_per_line > 1 or item.sku != lines[item.line_id].sku
    }
    if not kits:
        return {}
    parts = FulfillmentItem.objects.filter(line_id__in=kits)
    alive = parts.exclude(fulfillment_order__status=Status.CANCELLED)
    counted: dict[int, int] = {}
    for line_id, _, count in set(alive.values_list("line_id", "sku", "units_per_line")):
        counted[line_id] = counted.get(line_id, 0) + count
    return counted


def _recipient(fulfillment_order: FulfillmentOrder, order: Order) -> Address:
    """Where it goes, with the telephone of the bill when a checkout asks for that one only."""
    recipient = address_of(_goes_to(fulfillment_order, order))
    if recipient.phone or order.billing_address_id is None:
        return recipient
    return replace(recipient, phone=address_of(order.billing_address_id).phone)


def _goes_to(fulfillment_order: FulfillmentOrder, order: Order) -> int | None:
    """The address that the provider was given; before it has it, the one that applies now."""
    if fulfillment_order.status in (Status.OPEN, Status.ON_HOLD):
        return order.address_id
    return fulfillment_order.sent_address_id or order.address_id
