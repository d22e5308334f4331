"""What everyone who follows parcels promises."""

from entrepot.canon.messages import Flow
from entrepot.canon.tracking import ParcelStatus
from tests.conformance.conftest import Outside

CAPABILITY = "track"


def test_following_twice_is_following_once(outside: Outside) -> None:
    number, carrier = outside.example("example_parcel", outside.simulator)

    first = outside.client.track(number, carrier=carrier)
    books = outside.sizes()
    again = outside.client.track(number, carrier=carrier)

    assert first.external_id == again.external_id
    assert first.tracking_number == number
    assert outside.sizes() == books


def test_what_is_followed_can_be_read_by_its_id(outside: Outside) -> None:
    number, carrier = outside.example("example_parcel", outside.simulator)
    tracker = outside.client.track(number, carrier=carrier)

    assert outside.client.fetch(Flow.TRACKERS, tracker.external_id) is not None
    assert tracker.status in ParcelStatus


def test_a_tracker_that_does_not_exist_is_none(outside: Outside) -> None:
    assert outside.client.fetch(Flow.TRACKERS, "trk_999999999") is None
