"""What the simulated shop keeps: its options, catalog, orders, refunds and notes.

Part of the simulator. Amounts are kept without tax, as the shop keeps them.
"""

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from entrepot.canon.money import exponent_of

SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥", "SEK": "kr", "KWD": "د.ك", "CHF": "CHF"}
ORDER_STATUSES = (
    "pending",
    "processing",
    "on-hold",
    "completed",
    "cancelled",
    "refunded",
    "failed",
    "checkout-draft",
)


@dataclass(frozen=True, slots=True)
class TaxRate:
    """A rate of the shop's tax table, by the country of delivery."""

    id: int
    code: str
    label: str
    percent: Decimal


TAX_RATES = {
    "DE": TaxRate(1, "DE-MWST-1", "MwSt", Decimal(19)),
    "FR": TaxRate(2, "FR-TVA-1", "TVA", Decimal(20)),
    "SE": TaxRate(3, "SE-MOMS-1", "Moms", Decimal(25)),
    "JP": TaxRate(4, "JP-CT-1", "消費税", Decimal(10)),
    "CH": TaxRate(5, "CH-MWST-1", "MwSt", Decimal("8.1")),
}


@dataclass(slots=True, kw_only=True)
class ShopOptions:
    """How one shop is set up.

    `utc_offset` is its site time zone. `sequential_from` turns on the plug-in that numbers orders
    apart from their ids. `tracking_extension` is the Shipment Tracking plug-in. `refuses_put` is a
    firewall that answers 501 to PUT, PATCH and DELETE. `hook_delay` and `update_copies` are bounds:
    seconds until a queued webhook runs, and how often one change sends order.updated. Methods in
    `gateways` pay at once and can refund; all others wait (`bacs`, `cheque`) or pay late (`cod`).
    """

    site_url: str = "https://moewe-prints.example"
    name: str = "Möwe & Söhne Prints"
    currency: str = "EUR"
    prices_include_tax: bool = True
    utc_offset: timedelta = timedelta(hours=1)
    tax_rates: dict[str, TaxRate] = field(default_factory=lambda: dict(TAX_RATES))
    custom_statuses: tuple[str, ...] = ()
    tracking_extension: bool = False
    sequential_from: int | None = None
    refuses_put: bool = False
    hook_delay: tuple[float, float] = (1.0, 20.0)
    update_copies: tuple[int, int] = (2, 4)
    failures_allowed: int = 5
    gateways: tuple[str, ...] = ("stripe", "woocommerce_payments", "ppcp-gateway")
    consumer_key: str = "ck_5f2d0c1e8a7b4963f0e1d2c3b4a5968778695a4b"
    consumer_secret: str = "cs_0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"  # noqa: S105 -- the simulated shop's own
    permissions: str = "read_write"
    version: str = "11.0.1"
    wordpress_version: str = "7.0.4"

    @property
    def quantum(self) -> Decimal:
        """The smallest amount that the shop writes."""
        return Decimal(1).scaleb(-exponent_of(self.currency))


@dataclass(slots=True, kw_only=True)
class Item:
    """A product or a variation (`parent_id`)."""

    id: int
    name: str
    sku: str
    price: Decimal | None
    created_at: datetime
    modified_at: datetime
    parent_id: int = 0
    type: str = "simple"
    virtual: bool = False
    downloadable: bool = False
    stock: int | None = None
    weight: str = ""
    status: str = "publish"
    attributes: tuple[tuple[str, str], ...] = ()
    variations: list[int] = field(default_factory=list)
    total_sales: int = 0


@dataclass(slots=True, kw_only=True)
class Buyer:
    """Who buys, and where it goes."""

    first_name: str = "Änne"
    last_name: str = "Ørsted-Łukasik"
    company: str = ""
    address_1: str = "Straße der Möwen 7"
    address_2: str = "Hinterhaus"
    city: str = "Köln"
    state: str = ""
    postcode: str = "50667"
    country: str = "DE"
    email: str = "aenne@kunden.example"
    phone: str = "+49 221 5550 0142"
    customer_id: int = 0

    def shipping(self) -> dict[str, str]:
        """The address as an order's `shipping`."""
        return {
            "first_name": self.first_name,
            "last_name": self.last_name,
            "company": self.company,
            "address_1": self.address_1,
            "address_2": self.address_2,
            "city": self.city,
            "state": self.state,
            "postcode": self.postcode,
            "country": self.country,
            "phone": self.phone,
        }

    def billing(self) -> dict[str, str]:
        """The address as an order's `billing`."""
        address = self.shipping()
        phone = address.pop("phone")
        return {**address, "email": self.email, "phone": phone}


@dataclass(slots=True, kw_only=True)
class Sale:
    """An order. Lines and metas are kept in the shape in which the API shows them."""

    id: int
    number: str
    status: str
    currency: str
    prices_include_tax: bool
    created_at: datetime
    modified_at: datetime
    order_key: str
    billing: dict[str, str]
    shipping: dict[str, str]
    payment_method: str = ""
    payment_title: str = ""
    transaction_id: str = ""
    customer_id: int = 0
    customer_note: str = ""
    created_via: str = "checkout"
    paid_at: datetime | None = None
    completed_at: datetime | None = None
    lines: list[dict[str, Any]] = field(default_factory=list)
    shipping_lines: list[dict[str, Any]] = field(default_factory=list)
    fee_lines: list[dict[str, Any]] = field(default_factory=list)
    coupon_lines: list[dict[str, Any]] = field(default_factory=list)
    tax_line: dict[str, Any] | None = None
    meta: list[dict[str, Any]] = field(default_factory=list)
    refunds: list["RefundRow"] = field(default_factory=list)
    notes: list["Note"] = field(default_factory=list)
    trackings: list[dict[str, str]] = field(default_factory=list)
    before_trash: str = ""
    hidden_until: datetime | None = None

    def amount(self, *names: str) -> Decimal:
        """The sum of one or more amounts over goods, shipping or fees, as "lines.total"."""
        total = Decimal(0)
        for name in names:
            group, field_name = name.split(".")
            total += sum((Decimal(row[field_name]) for row in getattr(self, group)), Decimal(0))
        return total

    @property
    def total(self) -> Decimal:
        """What the customer pays, tax within."""
        return self.amount(
            "lines.total",
            "lines.total_tax",
            "shipping_lines.total",
            "shipping_lines.total_tax",
            "fee_lines.total",
            "fee_lines.total_tax",
        )

    @property
    def refunded(self) -> Decimal:
        """What was given back."""
        return sum((row.amount for row in self.refunds), Decimal(0))

    def sworn(self) -> dict[str, Any]:
        """What the shop would swear to of this order, as plain JSON values."""
        units = Counter[str]()
        for row in self.lines:
            units[row["sku"]] += row["quantity"]
        return {
            "id": str(self.id),
            "number": self.number,
            "status": self.status,
            "total": str(self.total),
            "currency": self.currency,
            "paid_at": self.paid_at.isoformat() if self.paid_at else None,
            "completed_at": self.completed_at.isoformat() if self.completed_at else None,
            "units": dict(units),
            "transaction_id": self.transaction_id,
            "refunds": [{"amount": str(row.amount), "reason": row.reason} for row in self.refunds],
            "trackings": [row["tracking_number"] for row in self.trackings],
            "notes": [note.text for note in self.notes if "status changed" not in note.text],
            "meta": {row["key"]: row["value"] for row in self.meta},
        }


@dataclass(slots=True, kw_only=True)
class RefundRow:
    """One refund of an order; its lines count backwards."""

    id: int
    created_at: datetime
    amount: Decimal
    reason: str
    lines: list[dict[str, Any]]
    meta: list[dict[str, Any]]
    through_gateway: bool
    hidden_until: datetime | None = None


@dataclass(slots=True, kw_only=True)
class Note:
    """What people in the shop read beside an order; a customer's note was mailed as well."""

    id: int
    created_at: datetime
    text: str
    for_customer: bool
    author: str = "WooCommerce"
    hidden_until: datetime | None = None


@dataclass(slots=True, kw_only=True)
class Hook:
    """A registered webhook."""

    id: int
    name: str
    topic: str
    delivery_url: str
    secret: str
    created_at: datetime
    modified_at: datetime
    status: str = "active"
    failures: int = 0


class Numbers:
    """The shop's counters: one for everything that is a post, and the tables' own."""

    def __init__(self, *, first: int) -> None:
        self._next = {"post": first, "line": first * 3, "meta": first * 23, "note": first * 4}

    def take(self, kind: str) -> int:
        """The next number of a kind; a new kind begins at 1."""
        number = self._next.get(kind, 1)
        self._next[kind] = number + 1
        return number


def secret_word(*parts: object, length: int) -> str:
    """A word that looks random and is the same in every run."""
    digest = hashlib.sha256(":".join(map(str, parts)).encode()).hexdigest()
    letters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    number, word = int(digest, 16), ""
    while len(word) < length:
        number, rest = divmod(number, len(letters))
        word += letters[rest]
    return word
