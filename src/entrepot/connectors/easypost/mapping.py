"""EasyPost's trackers to canonical values; pure.

Source: EasyPost API v2, "Trackers", "Tracker Object", and the official client 10.7, read 2026-11.
The list of statuses and details is from memory of that page; a word that is not listed is unknown.
"""

import re
from datetime import datetime

from entrepot.canon.orders import Mode
from entrepot.canon.places import Place
from entrepot.canon.tracking import ParcelStatus, TrackerSnapshot, TrackingUpdate
from entrepot.connect.reading import Node

STATUSES = {
    "unknown": ParcelStatus.UNKNOWN,
    "pre_transit": ParcelStatus.PRE_TRANSIT,
    "in_transit": ParcelStatus.IN_TRANSIT,
    "out_for_delivery": ParcelStatus.OUT_FOR_DELIVERY,
    "available_for_pickup": ParcelStatus.AVAILABLE_FOR_PICKUP,
    "delivered": ParcelStatus.DELIVERED,
    "return_to_sender": ParcelStatus.RETURNING,
    "failure": ParcelStatus.EXCEPTION,  # or what the detail says, below
    "cancelled": ParcelStatus.VOIDED,
    "error": ParcelStatus.UNKNOWN,  # EasyPost could not read the carrier; nothing about the parcel
}

# (status, status_detail) that says more than the status alone.
DETAILS = {
    ("failure", "delivery_exception"): ParcelStatus.DELIVERY_ATTEMPTED,
    ("failure", "held"): ParcelStatus.DELIVERY_ATTEMPTED,  # nobody there; held at the depot
    ("failure", "lost"): ParcelStatus.LOST,
    ("in_transit", "delayed"): ParcelStatus.DELAYED,
    ("in_transit", "weather_delay"): ParcelStatus.DELAYED,
}

# Our and other platforms' words for carriers -> EasyPost's, compared by letters and digits alone.
CARRIERS = {
    "usps": "USPS",
    "ups": "UPS",
    "fedex": "FedEx",
    "dhl": "DHLExpress",
    "dhlexpress": "DHLExpress",
    "royalmail": "RoyalMail",
    "dpd": "DPD",
    "dpduk": "DPDUK",
    "canadapost": "CanadaPost",
    "australiapost": "AustraliaPost",
    "evri": "Evri",
    "hermes": "Hermes",
    "postnl": "PostNL",
    "gls": "GLS",
}

MODES = {"test": Mode.TEST, "production": Mode.LIVE}


def carrier_word(carrier: str) -> str:
    """EasyPost's word for a carrier; empty when it is not known, so that EasyPost detects it."""
    return CARRIERS.get(re.sub(r"[^a-z0-9]", "", carrier.casefold()), "")


def to_tracker(body: Node, *, told_at: datetime | None = None) -> TrackerSnapshot:
    """A Tracker -> canonical, oldest update first; the same update told twice is one.

    `told_at` stands in for a tracker that does not say when it changed.

    Raises:
        ValueError: with the path of the field that cannot be read.
    """
    word = body["status"].text_or_empty()
    updates = {to_update(row): None for row in body["tracking_details"]}
    return TrackerSnapshot(
        external_id=body["id"].text(),
        tracking_number=body["tracking_code"].text(),
        carrier=body["carrier"].text_or_empty(),
        status=_status(word, body["status_detail"].text_or_empty()),
        source_status=word,
        updated_at=body["updated_at"].instant_or_none() or told_at or body["updated_at"].instant(),
        updates=tuple(sorted(updates, key=lambda update: update.happened_at)),
        estimated_delivery_at=body["est_delivery_date"].instant_or_none(),
        public_url=body["public_url"].text_or_empty(),
    )


def to_update(row: Node) -> TrackingUpdate:
    """A TrackingDetail -> canonical."""
    word, place = row["status"].text_or_empty(), row["tracking_location"]
    return TrackingUpdate(
        status=_status(word, row["status_detail"].text_or_empty()),
        source_status=word,
        happened_at=row["datetime"].instant(),
        message=row["message"].text_or_empty(),
        place=Place(
            city=place["city"].text_or_empty(),
            region=place["state"].text_or_empty(),
            country=place["country"].text_or_empty(),
            postal_code=place["zip"].text_or_empty(),
        ),
    )


def mode_of(body: Node) -> Mode | None:
    """Whether an object is of a test or a production key; None when it does not say."""
    return MODES.get(body["mode"].text_or_empty())


def _status(word: str, detail: str) -> ParcelStatus:
    exact = DETAILS.get((word, detail))
    return exact or STATUSES.get(word, ParcelStatus.UNKNOWN)
