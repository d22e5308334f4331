"""What to ask a provider before a SKU becomes its product: one unit, to where it is bought."""

import hashlib
from dataclasses import dataclass

from entrepot.canon.fulfillment import FulfillmentRequest, RequestedAsset, RequestedItem
from entrepot.canon.money import Money
from entrepot.canon.places import Address
from entrepot.catalog.queries import ANY_METHOD, provider_methods_of
from entrepot.catalog.services import MappingWish
from entrepot.customers.queries import address_of
from entrepot.fulfillment.costs import can_quote
from entrepot.orders.models import Line, Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One unit of a product to the country of the last sale, and what that sale brought for one.

    `method` is the provider's word for the way that this sale was to be shipped, empty where nobody
    has mapped it. `key` names what is asked: another wish, another key.
    """

    merchant_id: int
    connection_id: int
    request: FulfillmentRequest
    currency: str
    sold_for: Money
    number: str
    country: str
    method: str

    @property
    def key(self) -> str:
        """Names what is asked, so that a page knows whether the answer was for this."""
        item = self.request.items[0]
        said = (self.connection_id, item, self.country, self.currency, self.method)
        return hashlib.sha256(repr(said).encode()).hexdigest()[:16]


def question_of(merchant_id: int, sku: str, *, wish: MappingWish, mode: str) -> Question | None:
    """What to ask; None where the provider cannot quote, or nobody bought the SKU yet."""
    connection_id = wish.provider_connection_id
    if connection_id is None or not wish.provider_sku or not can_quote(connection_id):
        return None
    line = (
        Line.objects.filter(sku=sku, order__mode=mode, removed_at=None)
        .select_related("order")
        .order_by("-id")
        .first()
    )
    country = address_of(line.order.address_id).country if line is not None else ""
    if line is None or not country:
        return None
    method = _method_of(merchant_id, line.order, connection_id)
    item = RequestedItem(
        reference="price",
        provider_sku=wish.provider_sku,
        quantity=1,
        attributes=tuple(sorted((wish.attributes or {}).items())),
        sizing=wish.sizing,
        assets=tuple(
            RequestedAsset(print_area=one.print_area, url=one.url) for one in wish.artwork
        ),
    )
    return Question(
        merchant_id=merchant_id,
        connection_id=connection_id,
        # Nobody is named: a price depends on the country alone.
        request=FulfillmentRequest(
            reference="",
            idempotency_key="",
            recipient=Address(country=country),
            email="",
            items=(item,),
            shipping_method=method,
        ),
        currency=line.order.currency,
        sold_for=Money(line.unit_price, line.order.currency),
        number=line.order.number,
        country=country,
        method=method,
    )


def _method_of(merchant_id: int, order: Order, connection_id: int) -> str:
    known = provider_methods_of(merchant_id)
    where = (order.connection_id, connection_id)
    return known.get((*where, order.shipping_method)) or known.get((*where, ANY_METHOD)) or ""
