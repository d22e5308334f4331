"""Orders as the interface shows them."""

from datetime import datetime
from typing import Any

from ninja import Schema

from entrepot.api.rest.shapes import AddressShape, MoneyShape


class UnitsShape(Schema):
    """Counters of units; `ordered` includes the cancelled ones."""

    ordered: int
    cancelled: int
    shipped: int
    delivered: int
    returned: int
    elsewhere: int
    nothing_to_ship: int


class AmountsShape(Schema):
    """Where the money stands, in the order's currency; held = captured - refunded - disputed."""

    due: MoneyShape
    authorized: MoneyShape
    captured: MoneyShape
    refunded: MoneyShape
    disputed: MoneyShape


class OrderRow(Schema):
    """An order of a list.

    `id` is the opaque reference, for ever; `order_id` is the integer, `external_id` the
    storefront's own. The three axes are derived from facts. Names of customers are null without
    the scope `personal_data:read`.
    """

    id: str
    order_id: int
    number: str
    external_id: str
    mode: str
    connection_id: int
    channel: str
    placed_at: datetime
    updated_at: datetime
    status: str
    payment_status: str
    fulfillment_status: str
    is_held: bool
    is_disputed: bool
    is_history: bool
    source_status: str
    released_at: datetime | None
    total: MoneyShape
    amounts: AmountsShape
    units: UnitsShape
    country: str
    customer_name: str | None
    tags: list[str]


class LineShape(Schema):
    """One SKU of an order. `unit_price` is before discounts, `total` after them."""

    id: int
    external_id: str
    sku: str
    title: str
    quantity: int
    unit_price: MoneyShape
    discount: MoneyShape
    total: MoneyShape
    is_shippable: bool | None
    properties: list[Any]
    units_cancelled: int
    units_refunded: int
    units_elsewhere: int
    units_shipped: int
    units_delivered: int
    units_returned: int
    is_removed: bool


class TaxShape(Schema):
    """One tax as the source told it; `rate` is a fraction of one."""

    name: str
    rate: str | None
    amount: MoneyShape
    is_included: bool
    remitted_by: str


class HoldShape(Schema):
    """Why an order does or did not proceed; `lifted_at` is null while it holds."""

    id: int
    kind: str
    about: str
    reason: str
    opened_at: datetime
    opened_by: str
    lifted_at: datetime | None
    lifted_by: str
    lift_reason: str


class PaymentShape(Schema):
    """One fact about money; the kind gives the direction. `counts` is false for a repeat."""

    id: int
    kind: str
    external_id: str
    payment_external_id: str
    amount: MoneyShape
    method: str
    card_last4: str
    reason: str
    happened_at: datetime
    counts: bool


class RefundShape(Schema):
    """Money that the hub gives back: wanted, pending, done or failed."""

    id: int
    number: int
    order_id: int
    amount: MoneyShape
    reason: str
    status: str
    external_id: str
    restocks: bool
    tells_customer: bool
    wanted_by: str
    wanted_at: datetime
    ended_at: datetime | None


class PaymentWishShape(Schema):
    """Authorized money that is to be captured, or voided: wanted, done or failed.

    `message` says how it ended.
    """

    id: int
    number: int
    order_id: int
    kind: str
    amount: MoneyShape
    reason: str
    status: str
    message: str
    wanted_by: str
    wanted_at: datetime
    ended_at: datetime | None


class ItemShape(Schema):
    """Units of a line in a fulfillment order."""

    id: int
    line_id: int
    sku: str
    provider_sku: str
    quantity: int
    units_shipped: int
    units_cancelled: int


class TrackingShape(Schema):
    """What a carrier said, in the carrier's order of time."""

    status: str
    source_status: str
    happened_at: datetime
    message: str
    city: str
    region: str
    country: str


class ParcelShape(Schema):
    """One box. `status` follows from all of its tracking updates."""

    id: int
    number: int
    carrier: str
    tracking_number: str
    tracking_url: str
    status: str
    status_at: datetime | None
    estimated_delivery_at: datetime | None
    delivered_at: datetime | None
    tracking: list[TrackingShape]


class ShippedUnits(Schema):
    """Units of a line that are in a shipment."""

    line_id: int
    quantity: int


class ShipmentShape(Schema):
    """Goods that left together."""

    id: int
    number: int
    external_id: str
    status: str
    carrier: str
    service: str
    shipped_at: datetime
    items: list[ShippedUnits]
    parcels: list[ParcelShape]


class FulfillmentOrderShape(Schema):
    """The share of an order that one provider ships.

    `shipping_method` is the provider's word for the one that applies, `chosen_method` the one that
    a person wants instead, `refused_method` the one that the provider would not change to.
    """

    id: int
    share: int
    generation: int
    connection_id: int
    status: str
    is_by_hand: bool
    shipping_method: str
    chosen_method: str
    refused_method: str
    external_id: str
    provider_stage: str
    cost: MoneyShape | None
    replaces_id: int | None
    replacement_reason: str
    planned_at: datetime
    submit_after: datetime
    accepted_at: datetime | None
    ended_at: datetime | None
    items: list[ItemShape]
    shipments: list[ShipmentShape]


class NoteShape(Schema):
    """What a person wrote for colleagues."""

    id: int
    author: str
    text: str
    written_at: datetime


class CustomerShape(Schema):
    """Who bought; only with the scope `personal_data:read`."""

    id: int | None
    name: str
    email: str
    phone: str
    language: str
    address: AddressShape
    typed_address: AddressShape
    billing_address: AddressShape


class OrderShape(OrderRow):
    """An order with everything that belongs to it."""

    source_state: str
    source_version: int
    first_seen_at: datetime
    released_by: str
    total_lines: MoneyShape
    total_discount: MoneyShape
    total_shipping: MoneyShape
    total_fees: MoneyShape
    total_tax: MoneyShape
    computed_total: MoneyShape
    presentment_total: MoneyShape | None
    prices_include_tax: bool
    payment_method: str
    payment_title: str
    shipping_method: str
    shipping_title: str
    checkout_reference: str
    customer_note: str | None
    customer: CustomerShape | None
    lines: list[LineShape]
    taxes: list[TaxShape]
    holds: list[HoldShape]
    payments: list[PaymentShape]
    refunds: list[RefundShape]
    payment_wishes: list[PaymentWishShape]
    fulfillment_orders: list[FulfillmentOrderShape]
    notes: list[NoteShape]
    tracking_page: str


class EventShape(Schema):
    """One thing that happened; `cause` leads to what it follows from, down to raw bytes."""

    id: int
    at: datetime
    name: str
    order_id: int | None
    subject_kind: str
    subject_id: int | None
    actor: str
    cause: str
    reason: str
    data: dict[str, Any]


class MailShape(Schema):
    """A mail to a customer. Its words are in `GET /mails/{id}`."""

    id: int
    order_id: int
    kind: str
    facts: list[str]
    status: str
    reason: str
    subject: str
    language: str
    created_at: datetime
    send_after: datetime
    sent_at: datetime | None
    resends_id: int | None
