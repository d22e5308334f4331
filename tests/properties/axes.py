"""The status axes in plain Python: the oracle that the database is held against."""

from dataclasses import dataclass
from decimal import Decimal

from entrepot.orders.states import FulfillmentStatus, OrderStatus, PaymentStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """The counters of an order, as its row holds them."""

    units_ordered: int = 0
    units_cancelled: int = 0
    units_nothing: int = 0
    units_elsewhere: int = 0
    units_shipped: int = 0
    units_delivered: int = 0
    amount_due: Decimal = Decimal(0)
    amount_pending: Decimal = Decimal(0)
    amount_authorized: Decimal = Decimal(0)
    amount_captured: Decimal = Decimal(0)
    amount_refunded: Decimal = Decimal(0)
    is_on_terms: bool = False
    is_source_cancelled: bool = False


def order_status(counters: Counters) -> OrderStatus:
    """Cancelled when every unit or the sale is; closed when all arrived and money is settled."""
    to_ship = counters.units_ordered - counters.units_cancelled - counters.units_nothing
    if counters.is_source_cancelled:
        return OrderStatus.CANCELLED
    if counters.units_ordered == 0:
        return OrderStatus.OPEN
    if counters.units_cancelled >= counters.units_ordered:
        return OrderStatus.CANCELLED
    has_arrived = counters.units_delivered + counters.units_elsewhere >= to_ship
    is_settled = counters.is_on_terms or counters.amount_captured >= counters.amount_due
    return OrderStatus.CLOSED if has_arrived and is_settled else OrderStatus.OPEN


def payment_status(counters: Counters) -> PaymentStatus:
    """Where the money stands; a refund outranks what was captured."""
    captured, refunded = counters.amount_captured, counters.amount_refunded
    if refunded > 0:
        is_all = refunded >= captured
        return PaymentStatus.REFUNDED if is_all else PaymentStatus.PARTIALLY_REFUNDED
    if counters.amount_due <= 0 and captured == 0:
        return PaymentStatus.NOT_REQUIRED
    if captured >= counters.amount_due:
        return PaymentStatus.PAID
    if captured > 0:
        return PaymentStatus.PARTIALLY_PAID
    if counters.amount_authorized > 0 and counters.amount_authorized >= counters.amount_due:
        return PaymentStatus.AUTHORIZED
    return PaymentStatus.PENDING if counters.amount_pending > 0 else PaymentStatus.UNPAID


def fulfillment_status(counters: Counters) -> FulfillmentStatus:
    """Where the goods stand, by units."""
    to_ship = counters.units_ordered - counters.units_cancelled - counters.units_nothing
    left = counters.units_shipped + counters.units_elsewhere
    if to_ship <= 0:
        return FulfillmentStatus.NOT_REQUIRED
    if counters.units_delivered > 0 and (
        counters.units_delivered + counters.units_elsewhere >= to_ship
    ):
        return FulfillmentStatus.DELIVERED
    if left >= to_ship:
        return FulfillmentStatus.SHIPPED
    return FulfillmentStatus.PARTIALLY_SHIPPED if left > 0 else FulfillmentStatus.UNFULFILLED
