"""The carriers: parcels move with the clock and tell it by signed events."""

import json
from datetime import timedelta

import pytest
from easypost.util import validate_webhook

from entrepot.canon.tracking import ParcelStatus
from entrepot.connectors.easypost.client import Client
from entrepot.connectors.easypost.simulator import EasyPostSimulator
from entrepot.connectors.easypost.tests.conftest import read_tracker

URL = "https://hub.example/hooks/9"


def statuses_told(simulator: EasyPostSimulator, secret: str) -> list[str]:
    simulator.tick()
    told = []
    for delivery in simulator.due_deliveries():
        headers = {"X-Hmac-Signature": delivery.headers["x-hmac-signature"]}
        told.append(validate_webhook(delivery.body, headers, secret)["result"]["status"])
    return told


@pytest.mark.parametrize(
    ("fate", "told", "status"),
    [
        ("delivered", ["delivered"], ParcelStatus.DELIVERED),
        ("failure", ["failure", "delivered"], ParcelStatus.DELIVERED),
        ("return_to_sender", ["failure", "return_to_sender"], ParcelStatus.RETURNING),
        ("stuck", [], ParcelStatus.OUT_FOR_DELIVERY),
    ],
)
def test_a_parcel_travels_by_the_clock_and_each_scan_is_a_signed_event(
    fate: str, told: list[str], status: ParcelStatus, client: Client, simulator: EasyPostSimulator
) -> None:
    client.subscribe(url=URL, secret="žluťoučký")
    simulator.announce("15141173909288", "dpd", fate=fate)
    tracker = client.track("15141173909288", carrier="dpd")
    simulator.clock.advance(timedelta(days=4))

    assert statuses_told(simulator, "žluťoučký") == [
        "pre_transit",
        "in_transit",
        "in_transit",
        "in_transit",
        "out_for_delivery",
        *told,
    ]
    read = read_tracker(client, tracker.external_id)
    assert read is not None
    assert read.status is status
    assert len(read.updates) == 5 + len(told)


def test_events_repeat_and_overtake_each_other_by_the_dial(
    client: Client, simulator: EasyPostSimulator
) -> None:
    simulator.faults.reseed(5)
    simulator.faults.double_webhook = 1.0
    simulator.faults.delay_webhook = 1.0
    simulator.faults.delay_seconds = 4 * 86400.0
    client.subscribe(url=URL, secret="s")
    simulator.announce("15141173909288", "dpd")
    client.track("15141173909288", carrier="dpd")
    simulator.clock.advance(timedelta(days=3))
    simulator.tick()  # every scan is made now, and its events are under way
    simulator.clock.advance(timedelta(days=30))

    ids = [json.loads(delivery.body)["id"] for delivery in simulator.due_deliveries()]

    assert len(ids) == 2 * len(set(ids)) == 12
    assert list(dict.fromkeys(ids)) != sorted(set(ids))


def test_a_late_scan_takes_its_place_among_the_earlier_ones(
    client: Client, simulator: EasyPostSimulator
) -> None:
    simulator.announce("15141173909288", "dpd")
    tracker = client.track("15141173909288", carrier="dpd")
    simulator.clock.advance(timedelta(days=4))
    simulator.tick()

    simulator.scan("15141173909288", "in_transit", at=simulator.clock.now() - timedelta(days=3))

    read = read_tracker(client, tracker.external_id)
    assert read is not None
    assert read.status is ParcelStatus.DELIVERED
    assert [each.happened_at for each in read.updates] == sorted(
        each.happened_at for each in read.updates
    )


def test_a_new_tracker_can_be_hidden_from_look_ups_for_a_while(
    client: Client, simulator: EasyPostSimulator
) -> None:
    simulator.faults.invisible, simulator.faults.invisible_seconds = 1.0, 600.0
    simulator.announce("15141173909288", "dpd")
    tracker = client.track("15141173909288", carrier="dpd")

    assert read_tracker(client, tracker.external_id) is None
    simulator.clock.advance(timedelta(seconds=601))
    assert read_tracker(client, tracker.external_id) is not None
