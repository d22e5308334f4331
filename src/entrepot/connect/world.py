"""The world around a simulator, for the sandbox: who sells, buys, pays and ships there.

A platform's folder may offer `world.py` with `places(clock, run) -> list[Place]`: each place is one
simulated account. What passes between platforms passes as plain values of this module, so that no
platform knows another: a provider's printed `Label`s are announced to carriers, a shop's customer
pays at a gateway.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from entrepot.canon.money import Money
from entrepot.connect.simulator import Simulator


class Turn(StrEnum):
    """What is special about a sale."""

    PLAIN = "plain"
    COUPON = "coupon"
    PARTLY_REFUNDED = "partly_refunded"
    REFUNDED = "refunded"
    UNMAPPED = "unmapped_sku"
    NO_ARTWORK = "missing_artwork"
    LOST_ARTWORK = "artwork_gone"
    BAD_ADDRESS = "refused_address"
    DECLINED = "declined_card"
    DELAYED = "delayed_payment"
    ABANDONED = "abandoned"
    ON_DELIVERY = "cash_on_delivery"
    EDITED = "edited"
    CANCELLED = "cancelled"
    SEEN_TWICE = "seen_at_both"
    VIRTUAL = "virtual_line"


@dataclass(frozen=True, slots=True, kw_only=True)
class Good:
    """Something the merchant sells. `prices` are amounts in major units by currency.

    `made_as` is the word by which providers know how to make it; empty for what nobody mapped.
    `asks_artwork` goods are printed from the customer's own file.
    """

    sku: str
    title: str
    prices: Mapping[str, str]
    made_as: str = ""
    is_virtual: bool = False
    asks_artwork: bool = False
    artwork_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A customer, and where the parcel goes."""

    first_name: str
    last_name: str
    email: str
    phone: str
    line1: str
    city: str
    postal_code: str
    country: str
    line2: str = ""
    state: str = ""

    @property
    def name(self) -> str:
        """The whole name."""
        return f"{self.first_name} {self.last_name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CartLine:
    """Units of a good, with the customer's own file where it asks for one."""

    good: Good
    quantity: int
    artwork_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """One sale that the sandbox wants to happen. `number` tells the sales of a run apart."""

    number: int
    turn: Turn
    customer: Person
    lines: tuple[CartLine, ...]
    currency: str
    coupon_percent: int = 0
    is_express: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """Something that somebody does some sandbox time after the sale."""

    after: timedelta
    act: Callable[[], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sold:
    """What became of a sale at once, and what follows."""

    external_id: str
    later: tuple[Later, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A number that a provider printed on a parcel, and when it left."""

    tracking_number: str
    carrier: str
    left_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a provider makes a good."""

    provider_sku: str
    sizing: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


class NoBusinessHere(LookupError):
    """A simulated account was asked for what its platform does not do."""

    def __init__(self, place: "Place", what: str) -> None:
        super().__init__(f"{place.mount} cannot {what}: its platform is of another kind")


class Place:
    """One simulated account: its address in the sandbox, its people, and what it would swear to.

    Everything beyond the constructor has an empty answer by default; a platform overrides what it
    has. `currencies` are those that it sells in: a storefront's own, or all that a gateway takes.
    """

    # Names of methods of the simulator that may be called from outside the sandbox, with JSON
    # values as arguments.
    ACTIONS: frozenset[str] = frozenset()

    def __init__(self, *, mount: str, name: str, simulator: Simulator) -> None:
        self.mount = mount
        self.name = name
        self.simulator = simulator
        self.currencies: tuple[str, ...] = ()
        self.language = "en"

    def settings(self, base_url: str) -> dict[str, Any]:
        """What a hub's connection to this account, served at `base_url`, is given."""
        return {}

    def shipping_methods(self) -> dict[bool, str]:
        """A provider's words for the usual (False) and for the fast service (True)."""
        return {}

    def recipes(self) -> dict[str, Recipe]:
        """A provider's recipes by `Good.made_as`."""
        return {}

    def open(self, goods: Sequence[Good]) -> None:
        """Begin business: put goods on the shelves, set how fast things go."""

    def sell(self, sale: Sale, take_payment: Callable[[Money, str], str]) -> Sold:
        """A storefront: let a customer buy. `take_payment` pays elsewhere; the payment's id."""
        raise NoBusinessHere(self, "sell")

    def take_payment(self, amount: Money, note: str) -> str:
        """A gateway: a shop's own page took money; the payment's id there."""
        raise NoBusinessHere(self, "take payments")

    def pay(self, page_url: str, sale: Sale) -> Sold:
        """A gateway: a customer arrives at the payment page of a checkout and does as they do."""
        raise NoBusinessHere(self, "be paid at")

    def labels(self) -> Sequence[Label]:
        """A provider: every label so far, oldest first; only ever longer."""
        return ()

    def announce(self, label: Label) -> None:
        """A carrier: a parcel with this number is on its way. Repeating it changes nothing."""

    def sworn(self) -> dict[str, list[dict[str, Any]]]:
        """What this account would swear to, as plain JSON values under generic names.

        `sales`: external_id, number, reference (a checkout's), is_paid, is_cancelled, units (by
        SKU), total, currency, transaction_id, trackings. `payments`: external_id, amount,
        currency, refunded. `works`: external_id, reference, is_live (not cancelled), has_left,
        units. `parcels`: tracking_number, status, trackers.
        """
        return {}


def by_capability(places: Sequence[Place], method: str) -> list[Place]:
    """The places that have an answer of their own to a method."""
    return [place for place in places if getattr(type(place), method) is not getattr(Place, method)]
