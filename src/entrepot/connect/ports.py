"""The capabilities of a platform, as small protocols; asked for by capability, never by name.

A platform folder offers: `manifest.toml`; `webhook.py` with `verify` and `normalize` (pure);
`client.py` with `Client(http, account)` that implements the protocols its manifest lists;
`simulator.py` with `build(clock) -> Simulator`. `connect/registry.py` finds them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol, runtime_checkable

from entrepot.canon.fulfillment import (
    CancelReceipt,
    ChangeReceipt,
    FulfillmentRequest,
    ProviderOrder,
    Quote,
)
from entrepot.canon.messages import CanonicalItem, Flow
from entrepot.canon.money import Money
from entrepot.canon.orders import Mode
from entrepot.canon.payments import (
    CheckoutRequest,
    CheckoutSession,
    PaymentFact,
    RefundReceipt,
    RefundRequest,
)
from entrepot.canon.places import Address
from entrepot.canon.tracking import TrackerSnapshot
from entrepot.connect.webhook import Verified, WebhookRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A connection as its connector sees it: settings (the secrets among them) and mode.

    `settings` has a value for each key of the manifest; `identity` is the platform's own name of
    the account (site URL, account id), empty until a ping has told.
    """

    mode: Mode
    settings: Mapping[str, Any]
    identity: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What verifies a connection's webhooks: current secrets first, then those rotating out.

    `path_token` is the unguessable part of the address, for platforms that sign nothing.
    """

    signing: tuple[str, ...] = ()
    path_token: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundMessage:
    """Raw bytes that were accepted earlier, with what is needed to understand them.

    `source` is "webhook", "poll" or "import". `headers` keep lower-case names; for polled bodies
    they are empty and `topic` is the flow's name.
    """

    source: str
    topic: str
    body: bytes
    received_at: datetime
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PulledItem:
    """One thing of a page: its raw JSON, and a key that names this version of it."""

    topic: str
    dedupe_key: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of a pull. `cursor` continues it; it is opaque to everybody but the connector.

    `is_last` says that the flow has been read up to `read_until`.
    """

    items: tuple[PulledItem, ...]
    cursor: str
    is_last: bool
    read_until: datetime | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PingResult:
    """The cheapest proof that the credentials work.

    `identity` is the platform's own identity of the account; `clock_offset` its clock minus ours.
    """

    identity: str
    name: str
    mode: Mode | None
    api_version: str = ""
    warnings: tuple[str, ...] = ()
    clock_offset: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A webhook as it is registered at the platform. `secret` only when it was just made."""

    external_id: str
    url: str
    topics: tuple[str, ...]
    is_active: bool
    secret: str = ""
    api_version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenParcel:
    """A parcel that the storefront is told about. Items are (line external id, quantity)."""

    reference: str
    carrier: str
    service: str
    tracking_number: str
    tracking_url: str
    shipped_at: datetime
    items: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteBack:
    """News for a storefront about one of its orders.

    `reference` marks our write so that its echo is recognised. `completes_order` is set when every
    shippable line has left, and only then may the shop's order be completed.
    """

    reference: str
    order_external_id: str
    parcels: tuple[WrittenParcel, ...]
    completes_order: bool
    note: str = ""
    tell_customer: bool = False
    cancels_order: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteBackReceipt:
    """What was found and what was written. `was_there` means that nothing had to be done."""

    was_there: bool
    external_ids: tuple[str, ...]
    message: str
    source_version: int | None = None


class Connector(Protocol):
    """What every platform's client can do."""

    def ping(self) -> PingResult:
        """Prove that the credentials and their scopes work, as cheaply as can be."""
        ...


@runtime_checkable
class Pulls(Protocol):
    """Reads what a platform has: the truth, where webhooks are hints."""

    def pull(self, flow: Flow, *, cursor: str, since: datetime | None, limit: int) -> Page:
        """Read the next page of a flow, changed since an instant (with the connector's overlap)."""
        ...

    def fetch(self, flow: Flow, external_id: str) -> PulledItem | None:
        """Read one thing again; None when the platform does not have it."""
        ...


@runtime_checkable
class Subscribes(Protocol):
    """Registers the hub's webhooks."""

    def subscriptions(self) -> list[Subscription]:
        """All webhooks registered at the account, ours and others'."""
        ...

    def subscribe(self, *, url: str, secret: str) -> list[Subscription]:
        """Register what this connector wants at `url`; existing ones of that URL are repaired."""
        ...

    def unsubscribe(self, external_id: str) -> None:
        """Remove one; removing an absent one changes nothing."""
        ...


@runtime_checkable
class WritesBack(Protocol):
    """A storefront that can be told what happened."""

    def write_back(self, news: WriteBack) -> WriteBackReceipt:
        """Look first, then write what is missing; repeating it writes nothing twice."""
        ...

    def find_write_back(self, news: WriteBack) -> WriteBackReceipt | None:
        """Look only: the receipt if all of it is there, else None."""
        ...


@runtime_checkable
class Fulfills(Protocol):
    """A provider that makes and ships."""

    def quote(self, request: FulfillmentRequest, *, currency: str) -> list[Quote]:
        """Ask what it would cost, one quote per shipping method. Nothing is ordered."""
        ...

    def submit(self, request: FulfillmentRequest) -> ProviderOrder:
        """Hand the request over. Repeatable where the manifest says so."""
        ...

    def find(self, request: FulfillmentRequest) -> ProviderOrder | None:
        """Look up by reference what became of a submission; None when nothing is found."""
        ...

    def read(self, external_id: str) -> ProviderOrder | None:
        """Read one of the provider's orders; None when it does not exist."""
        ...

    def cancel(self, external_id: str) -> CancelReceipt:
        """Ask to cancel. A cancelled order answers CANCELLED again."""
        ...


@runtime_checkable
class ChangesRecipient(Protocol):
    """A provider that may change where an accepted order goes."""

    def change_recipient(
        self, external_id: str, *, recipient: Address, email: str
    ) -> ChangeReceipt:
        """Ask to send it elsewhere."""
        ...


@runtime_checkable
class ChangesShipping(Protocol):
    """A provider that may change how an accepted order is shipped, and tells how it is."""

    def read(self, external_id: str) -> ProviderOrder | None:
        """Read one of the provider's orders, its `shipping_method` told; None without one."""
        ...

    def change_shipping(self, external_id: str, *, shipping_method: str) -> ChangeReceipt:
        """Ask for another shipping method, by the provider's own word. Repeatable."""
        ...


@runtime_checkable
class OpensCheckouts(Protocol):
    """A gateway with a payment page."""

    def open_checkout(self, request: CheckoutRequest) -> CheckoutSession:
        """Open a page for a cart. The same idempotency key answers with the same page."""
        ...

    def find_checkout(self, request: CheckoutRequest) -> CheckoutSession | None:
        """Look up by reference what became of an opening."""
        ...


@runtime_checkable
class Refunds(Protocol):
    """Where money was taken and can be given back."""

    def refund(self, request: RefundRequest) -> RefundReceipt:
        """Give money back."""
        ...

    def find_refund(self, request: RefundRequest) -> RefundReceipt | None:
        """Look up by our reference what became of a refund; None when nothing is found."""
        ...


@runtime_checkable
class Captures(Protocol):
    """A gateway that authorizes first."""

    def capture(
        self, payment_external_id: str, *, amount: Money, idempotency_key: str
    ) -> PaymentFact:
        """Take authorized money."""
        ...

    def void(self, payment_external_id: str, *, idempotency_key: str) -> PaymentFact:
        """Let authorized money go."""
        ...

    def read_payment(self, payment_external_id: str) -> tuple[PaymentFact, ...]:
        """All facts of one payment, as they stand."""
        ...


@runtime_checkable
class Tracks(Protocol):
    """A carrier, or one that speaks for many."""

    def track(self, tracking_number: str, *, carrier: str) -> TrackerSnapshot:
        """Begin to follow a parcel, or read it if it is followed already."""
        ...


class WebhookModule(Protocol):
    """`webhook.py` of a platform folder: two pure functions."""

    def verify(self, request: WebhookRequest, secrets: Secrets, *, now: datetime) -> Verified:
        """Authenticate raw bytes, or raise `Refused`. Must not parse more than it needs."""
        ...

    def normalize(self, message: InboundMessage, account: Account) -> tuple[CanonicalItem, ...]:
        """Turn raw bytes into canonical values; raise ValueError with what is wrong and where."""
        ...
