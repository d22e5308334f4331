"""Money as facts: what a gateway or a shop says happened, and what we ask of a gateway."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from entrepot.canon.money import Money


class PaymentFactKind(StrEnum):
    """One entry of the ledger. Amounts are always positive; the kind gives the direction."""

    PENDING = "pending"  # a delayed method was started
    AUTHORIZED = "authorized"
    CAPTURED = "captured"
    FAILED = "failed"
    VOIDED = "voided"  # an authorization was let go
    REFUND_PENDING = "refund_pending"
    REFUNDED = "refunded"
    REFUND_FAILED = "refund_failed"  # takes back the refund of the same external id
    DISPUTED = "disputed"
    DISPUTE_WON = "dispute_won"
    DISPUTE_LOST = "dispute_lost"
    REVIEW_OPENED = "review_opened"
    REVIEW_CLOSED = "review_closed"


REFUND_KINDS = (
    PaymentFactKind.REFUND_PENDING,
    PaymentFactKind.REFUNDED,
    PaymentFactKind.REFUND_FAILED,
)


def refund_named(number: str) -> str:
    """The external id of a refund whose platform numbers refunds together with other things."""
    return f"refund:{number}"


def refund_ids(word: str) -> list[str]:
    """The external ids that a person may mean who says a refund's id as the platform shows it."""
    name = word.strip().lstrip("#")
    return [name, refund_named(name)]


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundedLine:
    """How many units of a line a refund paid back."""

    line_external_id: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFact:
    """One thing that happened to money.

    `external_id` names the fact at its source for ever (charge, refund, dispute id); repeated
    with the same kind it is the same fact. `payment_external_id` names the payment it belongs to.
    `checkout_reference` is the hub's own checkout reference where the payment carries it;
    `match_ids` are all ids under which a shop may know this payment.
    """

    kind: PaymentFactKind
    external_id: str
    payment_external_id: str
    amount: Money
    happened_at: datetime
    method: str = ""
    card_last4: str = ""
    reason: str = ""
    checkout_reference: str = ""
    match_ids: tuple[str, ...] = ()
    refunded_lines: tuple[RefundedLine, ...] = ()
    own_reference: str = ""  # the hub's reference when the hub itself asked for it
    email: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutLine:
    """One position of a cart that goes to a payment page."""

    sku: str
    title: str
    quantity: int
    unit_price: Money
    is_shippable: bool = True
    image_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutShipping:
    """A delivery that the customer may choose on the payment page."""

    code: str
    title: str
    price: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutRequest:
    """A cart, as the hub snapshotted it, that a gateway is asked to sell.

    `reference` is the hub's own and comes back with every fact; `idempotency_key` makes the
    request repeatable. `discount` is for the whole cart.
    """

    reference: str
    idempotency_key: str
    lines: tuple[CheckoutLine, ...]
    shipping_options: tuple[CheckoutShipping, ...]
    currency: str
    success_url: str
    cancel_url: str
    email: str = ""
    allowed_countries: tuple[str, ...] = ()
    discount: Money | None = None
    expires_at: datetime | None = None
    metadata: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutSession:
    """The gateway's page for one cart."""

    external_id: str
    url: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRequest:
    """Money to give back. `reference` is the hub's own for this refund, and rides along."""

    reference: str
    idempotency_key: str
    payment_external_id: str
    order_external_id: str
    amount: Money
    reason: str = ""
    lines: tuple[RefundedLine, ...] = ()
    restock: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundReceipt:
    """What the gateway says of a refund. `kind` is REFUNDED, REFUND_PENDING or REFUND_FAILED."""

    external_id: str
    kind: PaymentFactKind
    amount: Money
    happened_at: datetime
