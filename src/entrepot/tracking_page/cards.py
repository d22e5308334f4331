"""What a customer sees of an order: parcels as cards, with their steps, contents and news."""

from dataclasses import dataclass, field

from entrepot.canon.tracking import ParcelStatus

ARRIVED = {ParcelStatus.DELIVERED, ParcelStatus.PRESUMED_DELIVERED}
# status -> (word of its chip, icon, role, group of the headline)
LOOKS: dict[ParcelStatus, tuple[str, str, str, str]] = {
    ParcelStatus.UNKNOWN: ("moving", "truck", "info", "moving"),
    ParcelStatus.PRE_TRANSIT: ("moving", "truck", "info", "moving"),
    ParcelStatus.IN_TRANSIT: ("moving", "truck", "info", "moving"),
    ParcelStatus.OUT_FOR_DELIVERY: ("out_for_delivery", "truck", "info", "moving"),
    ParcelStatus.AVAILABLE_FOR_PICKUP: ("pickup", "box", "info", "moving"),
    ParcelStatus.DELIVERY_ATTEMPTED: ("attempted", "clock", "warn", "late"),
    ParcelStatus.DELAYED: ("late", "clock", "warn", "late"),
    ParcelStatus.EXCEPTION: ("exception", "clock", "warn", "late"),
    ParcelStatus.DELIVERED: ("delivered", "check", "good", "arrived"),
    ParcelStatus.PRESUMED_DELIVERED: ("presumed_delivered", "clock", "good", "arrived"),
    ParcelStatus.RETURNING: ("returning", "clock", "warn", "trouble"),
    ParcelStatus.RETURNED: ("returned", "clock", "warn", "trouble"),
    ParcelStatus.LOST: ("lost", "clock", "bad", "trouble"),
}
# The words for what became of the goods of a parcel that did not reach its customer.
SENT_AGAIN, CAME_AGAIN = "sent_again", "came_again"
ORDER_OF_GROUPS = ("trouble", "late", "moving", "made", "arrived", "replaced")


@dataclass(frozen=True, slots=True)
class Step:
    """One of the five steps: done, now, or empty."""

    word: str
    detail: str = ""
    state: str = ""
    role: str = "good"


@dataclass(frozen=True, slots=True)
class Item:
    """Units of one thing, with its variations as the shop told them."""

    title: str
    sku: str
    quantity: int
    variations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class News:
    """One thing that the carrier said, with its place and time."""

    words: str
    at: str
    iso: str
    role: str
    icon: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One parcel, on its way or still to come."""

    number: int
    group: str
    chip: str
    icon: str
    role: str
    promise: str
    note: str
    steps: tuple[Step, ...]
    items: tuple[Item, ...]
    is_begun: bool = True
    together: str = ""
    carrier: str = ""
    tracking_number: str = ""
    tracking_url: str = ""
    news: tuple[News, ...] = ()

    @property
    def is_urgent(self) -> bool:
        """Whether it asks for a look: only then does the card have a coloured edge."""
        return self.role in {"warn", "bad"}


@dataclass
class Cards:
    """All parcels of an order, those in trouble first, and what needs none."""

    cards: list[Card] = field(default_factory=list)
    without: list[tuple[Item, str]] = field(default_factory=list)

    @property
    def total(self) -> int:
        """How many parcels there are, as far as is known."""
        return len(self.cards)

    @property
    def has_all_arrived(self) -> bool:
        """Whether there is nothing left to wait for."""
        come = self.number_in("arrived") + self.number_in("replaced")
        return bool(self.cards) and come == self.total

    def number_in(self, group: str) -> int:
        """How many parcels are in a group of the headline."""
        return sum(card.group == group for card in self.cards)
