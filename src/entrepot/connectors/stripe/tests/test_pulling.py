"""What Stripe has, polled as events page by page or read by its id."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from entrepot.canon.messages import Flow
from entrepot.connect.errors import RateLimited, Unavailable, UnexpectedResponse
from entrepot.connect.ports import Account, PulledItem
from entrepot.connect.simulator import Clock
from entrepot.connectors.stripe.client import OVERLAP, Client
from entrepot.connectors.stripe.events import Position, to_page
from entrepot.connectors.stripe.simulator import StripeSimulator
from entrepot.connectors.stripe.tests.conftest import HOOK, normalized, paid, refund_of


def pulled(client: Client, clock: Clock, *, limit: int, hours: int = 1) -> list[PulledItem]:
    """All events since some hours ago, page after page."""
    items: list[PulledItem] = []
    since, cursor = clock.now() - timedelta(hours=hours), ""
    while True:
        page = client.pull(Flow.PAYMENTS, cursor=cursor, since=since, limit=limit)
        items += page.items
        if page.is_last:
            assert page.cursor == ""
            assert page.read_until is not None
            assert page.read_until >= clock.now() - timedelta(seconds=2)
            return items
        cursor = page.cursor


def test_polled_events_are_the_webhooks_under_the_same_key(
    client: Client, account: Account, simulator: StripeSimulator, clock: Clock
) -> None:
    client.subscribe(url=HOOK, secret="")
    for number in range(4):
        simulator.pay_outside(1000 + number, "sek", card="4242424242424242")
    simulator.pay_outside(777, "usd", card="4000000000000002")
    bodies = {
        item["id"]: item
        for item in map(_event, [delivery.body for delivery in simulator.due_deliveries()])
    }

    items = pulled(client, clock, limit=3)

    assert {item.dedupe_key for item in items} == set(bodies)
    assert len(items) == len(bodies)
    for item in items:
        assert item.topic == bodies[item.dedupe_key]["type"]
        assert _event(item.body)["data"] == bodies[item.dedupe_key]["data"]
        assert normalized(item.body, account, source="poll")


def test_a_pull_begins_at_its_instant_less_the_overlap(
    client: Client, simulator: StripeSimulator, clock: Clock
) -> None:
    simulator.pay_outside(1000, "sek")
    clock.advance(timedelta(hours=5))
    simulator.pay_outside(2000, "sek")

    before = client.pull(
        Flow.PAYMENTS, cursor="", since=clock.now() - timedelta(hours=5) + OVERLAP / 2, limit=50
    )
    after = client.pull(Flow.PAYMENTS, cursor="", since=clock.now() - timedelta(hours=2), limit=50)

    assert [len(page.items) for page in (before, after)] == [4, 2]


def test_a_pull_has_read_up_to_where_it_began_however_long_it_took() -> None:
    content = b'{"data": [{"id": "evt_9", "type": "x", "created": 500}], "has_more": false}'
    headers = {"date": "Fri, 20 Nov 2026 09:00:00 GMT"}

    first = to_page(content, headers={}, position=Position(since=100))
    told = to_page(content, headers=headers, position=Position(since=100))
    last = to_page(
        content, headers=headers, position=Position(since=100, until=400, after="evt_10")
    )
    empty = to_page(b'{"data": [], "has_more": false}', headers={}, position=Position(since=100))

    assert [page.read_until for page in (first, told, last, empty)] == [
        datetime.fromtimestamp(500, UTC),
        datetime(2026, 11, 20, 9, tzinfo=UTC),
        datetime.fromtimestamp(400, UTC),
        datetime.fromtimestamp(100, UTC),
    ]


@pytest.mark.parametrize("content", [b"<html>", b"[]", b'{"data": [{"id": 1}], "has_more": false}'])
def test_what_is_no_list_of_events_is_not_guessed_at(content: bytes) -> None:
    with pytest.raises(UnexpectedResponse):
        to_page(content, headers={}, position=Position())


def test_a_pull_without_a_beginning_reads_all_there_is(
    client: Client, simulator: StripeSimulator
) -> None:
    simulator.pay_outside(1000, "sek")

    page = client.pull(Flow.PAYMENTS, cursor="", since=None, limit=50)

    assert len(page.items) == 2
    assert page.is_last


def test_a_broken_poll_is_safe_to_repeat(client: Client, simulator: StripeSimulator) -> None:
    for fault, error in (
        ("rate_limited", RateLimited),
        ("server_error", Unavailable),
        ("unreachable", Unavailable),
    ):
        setattr(simulator.faults, fault, 1.0)
        with pytest.raises(error):
            client.pull(Flow.PAYMENTS, cursor="", since=None, limit=5)
        setattr(simulator.faults, fault, 0.0)


def test_what_is_not_there_is_none(client: Client) -> None:
    assert client.fetch(Flow.CHECKOUTS, "cs_test_unknown") is None
    assert client.fetch(Flow.PAYMENTS, "pi_unknown") is None
    assert client.fetch(Flow.PAYMENTS, "ch_unknown") is None


def test_an_unchanged_thing_that_is_read_again_has_the_same_key(
    client: Client, simulator: StripeSimulator
) -> None:
    payment = paid(client, simulator)

    first, second = client.fetch(Flow.PAYMENTS, payment), client.fetch(Flow.PAYMENTS, payment)
    client.refund(refund_of(payment, "20"))
    third = client.fetch(Flow.PAYMENTS, payment)

    assert first == second
    assert first is not None
    assert third is not None
    assert first.dedupe_key != third.dedupe_key


def _event(body: bytes) -> dict[str, Any]:
    return dict(json.loads(body))
