"""What one message from outside turns out to say: the closed set that intake applies."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from entrepot.canon.catalog import ProductDeleted, ProductSnapshot
from entrepot.canon.fulfillment import ProviderOrder
from entrepot.canon.orders import OrderDeleted, OrderSnapshot
from entrepot.canon.payments import PaymentFact
from entrepot.canon.tracking import TrackerSnapshot


class Flow(StrEnum):
    """Kinds of things that are read from a platform."""

    ORDERS = "orders"
    PRODUCTS = "products"
    PAYMENTS = "payments"
    CHECKOUTS = "checkouts"
    FULFILLMENTS = "fulfillments"
    TRACKERS = "trackers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """Something changed; read it with our own credentials before believing anything."""

    flow: Flow
    external_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """Understood and of no consequence for us, with the reason."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutNews:
    """What became of a checkout that the hub opened. `order` is set once it is complete."""

    reference: str
    external_id: str
    outcome: str  # "completed", "expired", "open"
    order: OrderSnapshot | None = None
    happened_at: datetime | None = None


CanonicalItem = (
    OrderSnapshot
    | OrderDeleted
    | PaymentFact
    | CheckoutNews
    | ProviderOrder
    | TrackerSnapshot
    | ProductSnapshot
    | ProductDeleted
    | Hint
    | Ignored
)
