"""What the hub asks of a provider, and what a provider says of its order."""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from entrepot.canon.money import Money
from entrepot.canon.places import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedAsset:
    """One file for one print area. `md5` is lower-case hex, or empty when unknown."""

    print_area: str
    url: str
    md5: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedItem:
    """One provider product and how many. `reference` names our line share at the provider."""

    reference: str
    provider_sku: str
    quantity: int
    attributes: tuple[tuple[str, str], ...] = ()
    sizing: str = ""
    assets: tuple[RequestedAsset, ...] = ()
    customer_price: Money | None = None
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FulfillmentRequest:
    """A share of an order, as it is handed to a provider.

    `reference` derives from the sale (account, external id, share, generation) and is what both
    sides look it up by; `idempotency_key` is remembered by providers that can.
    `shipping_method` is the provider's own word, from the merchant's map.
    """

    reference: str
    idempotency_key: str
    recipient: Address
    email: str
    items: tuple[RequestedItem, ...]
    shipping_method: str
    callback_url: str = ""
    metadata: tuple[tuple[str, str], ...] = ()

    def fingerprint(self) -> str:
        """Hash of what would be made and where it would go: provider SKUs, counts, recipient.

        Providers that echo an order can be compared by it, so only echoed content counts:
        case of SKUs, order of items and white space do not.
        """
        return content_fingerprint(
            recipient=self.recipient,
            counts=tuple((item.provider_sku, item.quantity) for item in self.items),
        )


def content_fingerprint(*, recipient: Address, counts: tuple[tuple[str, int], ...]) -> str:
    """The fingerprint of (provider SKU, quantity) pairs and a recipient; 32 hex digits."""
    summed: dict[str, int] = {}
    for sku, quantity in counts:
        summed[sku.strip().upper()] = summed.get(sku.strip().upper(), 0) + quantity
    place = (
        recipient.name,
        recipient.line1,
        recipient.line2,
        recipient.city,
        recipient.region,
        recipient.postal_code,
        recipient.country,
    )
    content = [sorted(summed.items()), [" ".join(part.split()).casefold() for part in place]]
    encoded = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return hashlib.sha256(encoded).hexdigest()[:32]


class ProviderStage(StrEnum):
    """How far a provider is with its order."""

    ON_HOLD = "on_hold"  # theirs: a pause window, a draft
    AWAITING_PAYMENT = "awaiting_payment"  # they want money before they go on
    IN_PRODUCTION = "in_production"
    COMPLETE = "complete"  # every shipment has left
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"  # a word that we do not know


class IssueKind(StrEnum):
    """What is wrong with an order at the provider, by what a person can do about it."""

    PAYMENT_NEEDED = "payment_needed"
    ASSET_FAILED = "asset_failed"
    ASSET_RETRYING = "asset_retrying"
    ITEM_UNAVAILABLE = "item_unavailable"
    PARTLY_CANCELLED = "partly_cancelled"
    ADDRESS_REFUSED = "address_refused"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderIssue:
    """A typed case; `code` and `message` are the provider's own words.

    `units` are those of the item that will not be made, while the provider goes on with the rest.
    """

    kind: IssueKind
    code: str
    message: str
    item_reference: str = ""
    action_url: str = ""
    units: int = 0


class ShipmentState(StrEnum):
    """What a provider says of one shipment."""

    PROCESSING = "processing"
    SHIPPED = "shipped"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippedItem:
    """Units of one of our lines inside a shipment, by the reference that we gave the item."""

    item_reference: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentSnapshot:
    """Goods leaving together. Tracking is empty for untracked mail."""

    external_id: str
    state: ShipmentState
    carrier: str
    service: str
    tracking_number: str
    tracking_url: str
    shipped_at: datetime | None
    items: tuple[ShippedItem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What the provider charges the merchant; `external_id` makes it count once."""

    external_id: str
    kind: str
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderOrder:
    """A provider's order, as it says it is now.

    `external_id` is theirs, `reference` ours as they echo it. `fingerprint` is of the content they
    echo, or empty when they do not echo enough to compare. `shipping_method` is their word for the
    one that applies, empty when they do not tell. `updated_at` orders versions.
    """

    external_id: str
    reference: str
    stage: ProviderStage
    source_stage: str
    updated_at: datetime | None
    issues: tuple[ProviderIssue, ...] = ()
    shipments: tuple[ShipmentSnapshot, ...] = ()
    charges: tuple[Charge, ...] = ()
    fingerprint: str = ""
    shipping_method: str = ""
    item_ids: tuple[tuple[str, str], ...] = field(default=())  # (our reference, their id)
    is_replay: bool = False  # the provider recognised the key and made nothing new


class CancelAnswer(StrEnum):
    """What came of asking a provider to cancel."""

    CANCELLED = "cancelled"
    TOO_LATE = "too_late"  # it goes on; what ships will ship
    PARTLY = "partly"


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelReceipt:
    """The answer, with the provider's words and its order afterwards when it told."""

    answer: CancelAnswer
    message: str
    order: ProviderOrder | None


class ChangeAnswer(StrEnum):
    """What came of asking a provider to change a recipient or a shipping method."""

    CHANGED = "changed"
    PARTLY = "partly"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeReceipt:
    """The answer with the provider's words."""

    answer: ChangeAnswer
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What a provider would charge for one shipping method."""

    shipping_method: str
    items: Money
    shipping: Money
    tax: Money | None
    total: Money
    warnings: tuple[str, ...] = ()
