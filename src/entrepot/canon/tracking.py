"""What a carrier says happened to a parcel, and when."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from entrepot.canon.places import Place


class ParcelStatus(StrEnum):
    """Where a parcel is. `unknown` means exactly that; it never replaces a known one."""

    UNKNOWN = "unknown"
    PRE_TRANSIT = "pre_transit"
    IN_TRANSIT = "in_transit"
    OUT_FOR_DELIVERY = "out_for_delivery"
    AVAILABLE_FOR_PICKUP = "available_for_pickup"
    DELIVERY_ATTEMPTED = "delivery_attempted"
    DELAYED = "delayed"
    EXCEPTION = "exception"
    DELIVERED = "delivered"
    PRESUMED_DELIVERED = "presumed_delivered"
    RETURNING = "returning"
    RETURNED = "returned"
    LOST = "lost"
    VOIDED = "voided"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackingUpdate:
    """One scan. Two updates with the same (happened_at, status, message) are one."""

    status: ParcelStatus
    source_status: str
    happened_at: datetime
    message: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackerSnapshot:
    """A carrier's whole word about one tracking number, oldest update first."""

    external_id: str
    tracking_number: str
    carrier: str
    status: ParcelStatus
    source_status: str
    updated_at: datetime
    updates: tuple[TrackingUpdate, ...]
    estimated_delivery_at: datetime | None = None
    public_url: str = ""
