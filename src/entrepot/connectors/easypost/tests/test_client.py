"""The client against the simulator, over HTTP on loopback."""

from dataclasses import replace
from datetime import timedelta

import pytest

from entrepot.canon.messages import Flow
from entrepot.canon.orders import Mode
from entrepot.canon.tracking import ParcelStatus
from entrepot.connect.errors import (
    Misconfigured,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Unavailable,
)
from entrepot.connect.http import Http
from entrepot.connect.ports import Account
from entrepot.connect.simulator import Clock, Request, Response
from entrepot.connectors.easypost.client import ADDRESS, Client, base_url
from entrepot.connectors.easypost.simulator import (
    PRODUCTION_KEY,
    EasyPostSimulator,
    example_account,
)
from tests.serving import serve

URL = "https://hub.example/hooks/9"


def test_following_a_parcel_twice_makes_one_tracker(
    client: Client, simulator: EasyPostSimulator
) -> None:
    simulator.announce("RN123456785GB", "royalmail")

    first = client.track("RN123456785GB", carrier="Royal Mail")
    again = client.track("RN123456785GB", carrier="royalmail")

    assert first.external_id == again.external_id
    assert first.carrier == "RoyalMail"
    assert len(simulator.trackers) == 1


def test_a_number_that_no_carrier_knows_yet_is_refused_with_their_code(
    client: Client, simulator: EasyPostSimulator
) -> None:
    with pytest.raises(Rejected) as refused:
        client.track("15141173909288", carrier="dpd")

    assert refused.value.code == "TRACKER.CREATE.ERROR"
    assert simulator.trackers == {}


def test_the_documented_test_codes_have_their_status(client: Client) -> None:
    statuses = [
        client.track(f"EZ{number}00000000{number}", carrier="USPS").status for number in range(1, 8)
    ]

    assert statuses == [
        ParcelStatus.PRE_TRANSIT,
        ParcelStatus.IN_TRANSIT,
        ParcelStatus.OUT_FOR_DELIVERY,
        ParcelStatus.DELIVERED,
        ParcelStatus.RETURNING,
        ParcelStatus.EXCEPTION,
        ParcelStatus.UNKNOWN,
    ]


def test_a_parcel_that_was_followed_long_ago_is_looked_up_and_not_followed_twice(
    client: Client, simulator: EasyPostSimulator
) -> None:
    simulator.announce("RN123456785GB", "royalmail")
    first = client.track("RN123456785GB", carrier="royalmail")
    simulator.clock.advance(timedelta(days=30))  # by now the same code would make a second one

    again = client.track("RN123456785GB", carrier="royalmail")

    assert again.external_id == first.external_id
    assert len(simulator.trackers) == 1


class LosesFirstWrite(EasyPostSimulator):
    """Does what the first write asks, and its answer never arrives whole."""

    def __init__(self, clock: Clock, answer: Response | None) -> None:
        super().__init__(clock)
        self._answers = [answer]

    def handle(self, request: Request) -> Response | None:
        answer = super().handle(request)
        return self._answers.pop() if request.method == "POST" and self._answers else answer


@pytest.mark.parametrize(
    ("_case", "answer"),
    [("the connection is cut", None), ("a page comes instead", Response(200, b"<html>"))],
)
def test_a_lost_answer_is_unknown_and_asking_again_finds_the_tracker(
    _case: str, answer: Response | None
) -> None:
    simulator = LosesFirstWrite(Clock(), answer)
    simulator.announce("1Z999AA10123456784", "ups")
    with serve(simulator) as address:
        account = example_account(address)
        client = Client(Http(base_url(account)), account)

        with pytest.raises(OutcomeUnknown):
            client.track("1Z999AA10123456784", carrier="ups")

        assert len(simulator.trackers) == 1
        found = client.track("1Z999AA10123456784", carrier="ups")
    assert list(simulator.trackers) == [found.external_id]


def test_a_tracker_that_does_not_exist_is_none(client: Client) -> None:
    assert client.fetch(Flow.TRACKERS, "trk_nobody") is None


def test_a_webhook_is_registered_repaired_and_removed(
    client: Client, simulator: EasyPostSimulator
) -> None:
    [made] = client.subscribe(url=URL, secret="první")
    simulator.webhooks[made.external_id]["disabled_at"] = "2026-11-20T10:00:00Z"
    assert [each.is_active for each in client.subscriptions()] == [False]

    [repaired] = client.subscribe(url=URL, secret="druhé")

    assert repaired.external_id == made.external_id
    assert repaired.secret == "druhé"
    assert [(each.url, each.is_active, each.secret) for each in client.subscriptions()] == [
        (URL, True, "")
    ]
    assert simulator.webhooks[made.external_id]["secret"] == "druhé"
    client.unsubscribe(made.external_id)
    client.unsubscribe(made.external_id)
    assert client.subscriptions() == []


def test_of_two_webhooks_with_our_address_one_stays_and_others_are_left_alone(
    client: Client, simulator: EasyPostSimulator
) -> None:
    client.subscribe(url="https://someone.example/else", secret="x")
    [ours] = client.subscribe(url=URL, secret="a")
    twin = {**simulator.webhooks[ours.external_id], "id": "hook_twin"}
    simulator.webhooks["hook_twin"] = twin

    client.subscribe(url=URL, secret="b")

    assert [each.url for each in client.subscriptions()] == ["https://someone.example/else", URL]


def test_ping_tells_the_mode_of_the_key_and_that_no_webhook_is_there(
    client: Client, account: Account
) -> None:
    assert client.ping().warnings == ("No webhook is registered: news comes by polling alone.",)
    client.subscribe(url=URL, secret="a")
    assert (client.ping().mode, client.ping().warnings) == (Mode.TEST, ())

    live = replace(account, mode=Mode.LIVE)
    with pytest.raises(Misconfigured, match="the key is a test key"):
        Client(Http(base_url(live)), live).ping()


def test_keys_of_the_two_modes_see_their_own(
    client: Client, account: Account, simulator: EasyPostSimulator
) -> None:
    simulator.announce("EZTWO", "dpd")
    tracker = client.track("EZTWO", carrier="dpd")
    live = Account(mode=Mode.LIVE, settings={**account.settings, "api_key": PRODUCTION_KEY})
    other = Client(Http(base_url(live)), live)

    assert other.fetch(Flow.TRACKERS, tracker.external_id) is None
    assert other.track("EZTWO", carrier="dpd").external_id != tracker.external_id
    simulator.revoke(PRODUCTION_KEY)
    with pytest.raises(Misconfigured):
        other.ping()


def test_a_pull_reads_all_pages_and_keeps_what_changed(
    client: Client, simulator: EasyPostSimulator
) -> None:
    for number in range(5):
        simulator.announce(f"CODE{number}", "dpd", fate="stuck" if number else "delivered")
        client.track(f"CODE{number}", carrier="dpd")
    simulator.clock.advance(timedelta(days=10))
    simulator.scan("CODE3", "in_transit")

    assert pulled(client, since=None) == ["CODE4", "CODE3", "CODE2", "CODE1", "CODE0"]
    assert pulled(client, since=simulator.clock.now() - timedelta(hours=1)) == ["CODE3"]


def pulled(client: Client, *, since: object) -> list[str]:
    codes, cursor = [], ""
    for _ in range(20):
        page = client.pull(Flow.TRACKERS, cursor=cursor, since=since, limit=2)  # type: ignore[arg-type]
        codes += [item.body.split(b'"tracking_code":"')[1][:5].decode() for item in page.items]
        cursor = page.cursor
        if page.is_last:
            assert page.read_until is not None
            return codes
    raise AssertionError("the run does not end")


def test_a_limit_is_told_with_its_wait_and_a_failed_read_is_unavailable(
    client: Client, simulator: EasyPostSimulator
) -> None:
    simulator.faults.rate_limited = 1.0
    with pytest.raises(RateLimited) as limited:
        client.ping()
    assert limited.value.retry_after == timedelta(seconds=11)

    simulator.faults.rate_limited, simulator.faults.server_error = 0.0, 1.0
    with pytest.raises(Unavailable):
        client.fetch(Flow.TRACKERS, "trk_1")


def test_without_a_setting_calls_go_to_easypost_itself() -> None:
    assert base_url(Account(mode=Mode.LIVE, settings={"base_url": ""})) == ADDRESS
