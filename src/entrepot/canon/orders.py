"""An order as its source told it: the canonical form that every storefront is mapped to."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from entrepot.canon.customers import CustomerSnapshot
from entrepot.canon.money import Money
from entrepot.canon.payments import PaymentFact
from entrepot.canon.places import Address


class Mode(StrEnum):
    """Whether money and goods are real. The two never meet."""

    LIVE = "live"
    TEST = "test"


class PaymentWord(StrEnum):
    """What the source says about payment as a whole; amounts are told by payment facts."""

    UNPAID = "unpaid"
    PENDING = "pending"  # a delayed method was chosen; the money is on its way
    AUTHORIZED = "authorized"
    PAID = "paid"
    ON_TERMS = "on_terms"  # cash on delivery, invoice: ships before it is paid
    NOT_REQUIRED = "not_required"
    UNKNOWN = "unknown"


class SourceState(StrEnum):
    """What the source wants to happen with the order."""

    DRAFT = "draft"  # a basket, or an order that is still being written: not ours yet
    AWAITING = "awaiting"  # placed, waiting for payment or for someone in the shop
    ON_HOLD = "on_hold"  # the shop stopped it on purpose
    PROCESSING = "processing"  # to be fulfilled
    COMPLETED = "completed"  # the shop says everything has left
    CANCELLED = "cancelled"
    REFUNDED = "refunded"
    FAILED = "failed"
    DELETED = "deleted"
    UNKNOWN = "unknown"  # a state of a plug-in that nobody mapped


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxLine:
    """One tax, never recomputed.

    `rate` is a fraction of one (0.19); `line_external_id` is empty
    for taxes of the whole order; `remitted_by` is "merchant" or "channel".
    """

    name: str
    rate: Decimal | None
    amount: Money
    is_included: bool
    line_external_id: str = ""
    remitted_by: str = "merchant"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSnapshot:
    """One SKU and how many.

    `unit_price` is before discounts; `total` is what the customer pays for the line after
    discounts, without tax that is added on top. `is_shippable` is None when the source does not
    say. `properties` are the line's own words (personalisation, artwork), in the source's order.
    """

    external_id: str
    sku: str
    title: str
    quantity: int
    unit_price: Money
    total: Money
    discount: Money | None = None
    is_shippable: bool | None = None
    product_external_id: str = ""
    variant_external_id: str = ""
    refunded_quantity: int = 0
    fulfilled_elsewhere_quantity: int = 0
    image_url: str = ""
    weight_g: int | None = None
    properties: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippingLine:
    """A delivery that the customer chose and paid for."""

    title: str
    method_code: str
    price: Money
    external_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Discount:
    """A coupon or rule that lowered the price; `amount` is positive."""

    code: str
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee:
    """An amount beside goods and shipping: gift wrap, small-order fee. May be negative."""

    title: str
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTotals:
    """The source's own totals; they are authoritative and never recomputed.

    `lines` is the sum of the lines after discounts; `discount` is positive and already taken off.
    `tax` counts once, be it included or added (`OrderSnapshot.prices_include_tax`). An order whose
    facts of refunds add up to `refunded` names all of them: what it named before and names no more
    was taken back.
    """

    lines: Money
    discount: Money
    shipping: Money
    fees: Money
    tax: Money
    total: Money
    refunded: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSnapshot:
    """The whole order at one version.

    `version` grows with each change at the source (microseconds since 1970 of its own modified
    clock); `birth_mark` stays the same for the life of the order and differs when a reinstalled
    shop hands out the same id again; `is_test` is None when the source cannot tell.
    `source_status` keeps the source's own word beside `state`.
    """

    external_id: str
    number: str
    state: SourceState
    source_status: str
    placed_at: datetime
    version: int
    currency: str
    totals: OrderTotals
    lines: tuple[LineSnapshot, ...]
    customer: CustomerSnapshot
    shipping_address: Address
    payment: PaymentWord
    billing_address: Address = field(default_factory=Address)
    birth_mark: str = ""
    is_test: bool | None = None
    prices_include_tax: bool = False
    payment_method: str = ""
    payment_title: str = ""
    transaction_ids: tuple[str, ...] = ()
    paid_at: datetime | None = None
    cancelled_at: datetime | None = None
    shipping_lines: tuple[ShippingLine, ...] = ()
    discounts: tuple[Discount, ...] = ()
    fees: tuple[Fee, ...] = ()
    tax_lines: tuple[TaxLine, ...] = ()
    payment_facts: tuple[PaymentFact, ...] = ()
    presentment_total: Money | None = None
    customer_note: str = ""
    is_gift: bool = False
    channel: str = ""
    checkout_reference: str = ""
    own_marks: tuple[str, ...] = ()  # references that the hub itself wrote there (echo recognition)
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDeleted:
    """The source no longer has the order."""

    external_id: str
