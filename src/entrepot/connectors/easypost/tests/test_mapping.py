"""Trackers as EasyPost shows them, in our words: golden files and what they cannot show."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from entrepot.canon.orders import Mode
from entrepot.canon.tracking import ParcelStatus
from entrepot.connect.ports import Account, InboundMessage
from entrepot.connect.reading import Node
from entrepot.connectors.easypost import mapping, webhook

FIXTURES = Path(__file__).parent.parent / "fixtures"
ACCOUNT = Account(mode=Mode.TEST, settings={})


def normalized(name: str) -> list[Any]:
    """A fixture read by the door that everything comes through, as plain values."""
    message = InboundMessage(
        source="webhook" if name.startswith("event") else "poll",
        topic="trackers",
        body=(FIXTURES / f"{name}.json").read_bytes(),
        received_at=datetime(2026, 11, 24, tzinfo=UTC),
    )
    items = webhook.normalize(message, ACCOUNT)
    return [{"is": type(item).__name__, **json.loads(msgspec.json.encode(item))} for item in items]


def tracker_of(**changes: Any) -> Node:
    body = json.loads((FIXTURES / "tracker_on_its_way.json").read_text())
    return Node(body | changes, "")


@pytest.mark.parametrize(
    "name", sorted(path.stem for path in FIXTURES.glob("*.json") if ".expected" not in path.name)
)
def test_a_golden_file_reads_as_it_did(name: str) -> None:
    expected = json.loads((FIXTURES / f"{name}.expected.json").read_text())

    assert normalized(name) == expected


def test_updates_come_oldest_first_and_a_repeated_one_is_one() -> None:
    tracker = mapping.to_tracker(tracker_of())

    assert [(each.source_status, each.happened_at.isoformat()) for each in tracker.updates] == [
        ("pre_transit", "2026-11-21T18:00:00+00:00"),
        ("in_transit", "2026-11-22T03:10:00+00:00"),
        ("out_for_delivery", "2026-11-23T06:45:00+00:00"),
    ]


@pytest.mark.parametrize(
    ("status", "detail", "expected"),
    [
        ("unknown", "", ParcelStatus.UNKNOWN),
        ("pre_transit", "label_created", ParcelStatus.PRE_TRANSIT),
        ("in_transit", "departed_facility", ParcelStatus.IN_TRANSIT),
        ("in_transit", "weather_delay", ParcelStatus.DELAYED),
        ("out_for_delivery", "", ParcelStatus.OUT_FOR_DELIVERY),
        ("available_for_pickup", "", ParcelStatus.AVAILABLE_FOR_PICKUP),
        ("delivered", "", ParcelStatus.DELIVERED),
        ("return_to_sender", "return", ParcelStatus.RETURNING),
        ("failure", "delivery_exception", ParcelStatus.DELIVERY_ATTEMPTED),
        ("failure", "lost", ParcelStatus.LOST),
        ("failure", "something_new", ParcelStatus.EXCEPTION),
        ("cancelled", "", ParcelStatus.VOIDED),
        ("error", "", ParcelStatus.UNKNOWN),
        ("something_new", "lost", ParcelStatus.UNKNOWN),
    ],
)
def test_a_status_and_its_detail_say_where_a_parcel_is(
    status: str, detail: str, expected: ParcelStatus
) -> None:
    tracker = mapping.to_tracker(tracker_of(status=status, status_detail=detail))

    assert (tracker.status, tracker.source_status) == (expected, status)


@pytest.mark.parametrize(
    ("word", "theirs"),
    [
        ("usps", "USPS"),
        ("Royal Mail", "RoyalMail"),
        ("royalmail", "RoyalMail"),
        ("DHL Express", "DHLExpress"),
        ("Poštová pošta", ""),
        ("", ""),
    ],
)
def test_carriers_are_named_in_their_words_or_left_to_be_detected(word: str, theirs: str) -> None:
    assert mapping.carrier_word(word) == theirs


@pytest.mark.parametrize(
    ("_case", "changes", "said"),
    [
        ("no id", {"id": ""}, r"^id: expected text, found an empty one"),
        ("no code", {"tracking_code": None}, r"^tracking_code: expected text, found null"),
        ("a bad instant", {"updated_at": "soon"}, r"^updated_at: expected an ISO 8601 instant"),
        ("a scan that is none", {"tracking_details": [7]}, r"^tracking_details\[0\]: expected an"),
        ("a scan without time", {"tracking_details": [{}]}, r"^tracking_details\[0\]\.datetime: "),
    ],
)
def test_what_cannot_be_read_is_named_by_its_path(
    _case: str, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        mapping.to_tracker(tracker_of(**changes))
