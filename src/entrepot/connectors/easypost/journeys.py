"""The simulated carriers: parcels, the journeys that they make, and who follows them."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

TEST_CODES = {
    "EZ1000000001": "pre_transit",
    "EZ2000000002": "in_transit",
    "EZ3000000003": "out_for_delivery",
    "EZ4000000004": "delivered",
    "EZ5000000005": "return_to_sender",
    "EZ6000000006": "failure",
    "EZ7000000007": "unknown",
}

# (share of the journey, status, detail, message), and how it ends by fate.
JOURNEY = (
    (0.0, "pre_transit", "label_created", "Shipping label created"),
    (0.15, "in_transit", "received_at_origin_facility", "Accepted at origin facility"),
    (0.45, "in_transit", "departed_facility", "Departed sorting centre"),
    (0.75, "in_transit", "arrived_at_destination", "Arrived in destination town"),
    (0.9, "out_for_delivery", "out_for_delivery", "Out for delivery"),
)
ENDINGS = {
    "delivered": ((1.0, "delivered", "arrived_at_destination", "Delivered, front door"),),
    "failure": (
        (1.0, "failure", "delivery_exception", "Delivery attempted, nobody there"),
        (1.4, "delivered", "arrived_at_destination", "Delivered to a neighbour"),
    ),
    "return_to_sender": (
        (1.0, "failure", "refused", "Refused by the recipient"),
        (1.3, "return_to_sender", "return", "On its way back to the sender"),
    ),
    "stuck": (),
}


Scan = tuple[datetime, str, str, str]  # when, status, detail, message


@dataclass(slots=True, kw_only=True)
class Dials:
    """How long a journey takes (sandbox time), and how often it ends badly (0 to 1).

    For `same_tracker_for` the same code is answered with its tracker; later a second one is made.
    """

    journey: timedelta = timedelta(days=2)
    same_tracker_for: timedelta = timedelta(days=3)
    failure: float = 0.0
    return_to_sender: float = 0.0


@dataclass(slots=True, kw_only=True)
class Parcel:
    """What a carrier knows. `scans` are oldest first."""

    code: str
    carrier: str
    starts_at: datetime
    fate: str
    journey: timedelta
    steps_done: int = 0
    scans: list[Scan] = field(default_factory=list)

    @property
    def steps(self) -> tuple[tuple[float, str, str, str], ...]:
        """The whole journey with its ending."""
        return JOURNEY + ENDINGS[self.fate]

    @property
    def is_over(self) -> bool:
        """Nothing more happens by itself."""
        return self.steps_done >= len(self.steps)

    def due(self, now: datetime) -> Scan | None:
        """The next scan, if its time has come."""
        if self.is_over:
            return None
        share, status, detail, message = self.steps[self.steps_done]
        at = self.starts_at + self.journey * share
        return (at, status, detail, message) if at <= now else None


@dataclass(slots=True, kw_only=True)
class Tracker:
    """Somebody follows a parcel."""

    id: str
    mode: str
    parcel: Parcel
    created_at: datetime
    updated_at: datetime
    visible_at: datetime
