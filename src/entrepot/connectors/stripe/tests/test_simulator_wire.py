"""The simulated Stripe on the wire: refusals, remembered keys, modes, pages, and its webhooks."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from entrepot.canon.messages import Flow
from entrepot.connect.ports import Account
from entrepot.connect.simulator import Clock
from entrepot.connectors.stripe.client import Client
from entrepot.connectors.stripe.deliveries import LIVE_RETRIES, TEST_RETRIES
from entrepot.connectors.stripe.simulator import StripeSimulator
from entrepot.connectors.stripe.tests.conftest import HOOK, paid, refund_of

FORM = {
    "mode": "payment",
    "success_url": "https://butik.example/tack",
    "line_items[0][quantity]": "3",
    "line_items[0][price_data][currency]": "sek",
    "line_items[0][price_data][unit_amount]": "14900",
    "line_items[0][price_data][product_data][name]": "Räksmörgås",
}


@pytest.fixture
def wire(account: Account) -> Iterator[httpx.Client]:
    """Stripe without our client in between."""
    with httpx.Client(
        base_url=str(account.settings["base_url"]),
        headers={"Authorization": "Bearer sk_test_wire"},
        trust_env=False,
    ) as client:
        yield client


def error_of(response: httpx.Response) -> dict[str, Any]:
    return dict(response.json()["error"])


@pytest.mark.parametrize(
    ("_case", "change", "param", "code"),
    [
        ("no mode", {"mode": None}, "mode", "parameter_missing"),
        ("no address to return to", {"success_url": None}, "success_url", "parameter_missing"),
        ("a word that is unknown", {"mode": "barter"}, "mode", "parameter_invalid_enum"),
        ("a field that is unknown", {"colour": "red"}, "colour", "parameter_unknown"),
        (
            "an amount in words",
            {"line_items[0][price_data][unit_amount]": "many"},
            "line_items[0][price_data][unit_amount]",
            "parameter_invalid_integer",
        ),
        (
            "no quantity to speak of",
            {"line_items[0][quantity]": "0"},
            "line_items[0][quantity]",
            "parameter_invalid_integer",
        ),
        ("too little", {"line_items[0][price_data][unit_amount]": "1"}, None, "amount_too_small"),
        ("a coupon that is not there", {"discounts[0][coupon]": "x"}, None, "resource_missing"),
        (
            "a country where Stripe ships nothing",
            {"shipping_address_collection[allowed_countries][]": "KP"},
            None,
            "parameter_invalid_enum",
        ),
    ],
)
def test_a_wrong_parameter_is_refused_by_name_and_nothing_is_made(
    wire: httpx.Client,
    simulator: StripeSimulator,
    *,
    _case: str,
    change: dict[str, str | None],
    param: str | None,
    code: str,
) -> None:
    form = {name: value for name, value in {**FORM, **change}.items() if value is not None}

    response = wire.post("/v1/checkout/sessions", data=form)

    assert 400 <= response.status_code <= 404
    assert error_of(response)["code"] == code
    assert param is None or error_of(response)["param"] == param
    assert simulator.books["sessions"] == {}


def test_a_key_remembers_its_first_answer_for_a_day(
    wire: httpx.Client, simulator: StripeSimulator, clock: Clock
) -> None:
    headers = {"Idempotency-Key": "k-1"}

    first = wire.post("/v1/checkout/sessions", data=FORM, headers=headers)
    second = wire.post("/v1/checkout/sessions", data=FORM, headers=headers)
    other = wire.post("/v1/checkout/sessions", data={**FORM, "locale": "sv"}, headers=headers)
    clock.advance(timedelta(hours=25))
    forgotten = wire.post("/v1/checkout/sessions", data=FORM, headers=headers)

    assert first.json() == second.json()
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert (other.status_code, error_of(other)["type"]) == (400, "idempotency_error")
    assert forgotten.json()["id"] != first.json()["id"]
    assert len(simulator.books["sessions"]) == 2


def test_a_key_does_not_remember_what_was_refused_before_it_began(
    wire: httpx.Client, simulator: StripeSimulator
) -> None:
    headers = {"Idempotency-Key": "k-1"}

    refused = wire.post("/v1/checkout/sessions", data={**FORM, "mode": "barter"}, headers=headers)
    done = wire.post("/v1/checkout/sessions", data=FORM, headers=headers)

    assert (refused.status_code, done.status_code) == (400, 200)


def test_every_answer_has_a_request_id(wire: httpx.Client) -> None:
    answers = [
        wire.get("/v1/events"),
        wire.get("/v1/moon"),
        wire.get("/v1/events", headers={"Authorization": ""}),
    ]

    assert [answer.status_code for answer in answers] == [200, 404, 401]
    assert len({answer.headers["Request-Id"] for answer in answers}) == 3


def test_a_key_may_come_as_the_user_of_basic(wire: httpx.Client) -> None:
    answer = wire.get("/v1/account", auth=("sk_test_1", ""), headers={"Authorization": ""})

    assert answer.status_code == 200


def test_another_version_is_refused(wire: httpx.Client) -> None:
    answer = wire.get("/v1/account", headers={"Stripe-Version": "2011-01-01"})

    assert (answer.status_code, error_of(answer)["type"]) == (400, "invalid_request_error")


def test_live_and_test_never_see_each_other(wire: httpx.Client, simulator: StripeSimulator) -> None:
    live = simulator.pay_outside(5000, "usd", livemode=True)["id"]

    answer = wire.get(f"/v1/payment_intents/{live}")

    assert answer.status_code == 404
    assert "a similar object exists in live mode" in error_of(answer)["message"]
    assert wire.get("/v1/payment_intents").json()["data"] == []


def test_lists_are_paged_both_ways(wire: httpx.Client, simulator: StripeSimulator) -> None:
    made = [simulator.pay_outside(1000 + number, "sek")["id"] for number in range(7)]
    newest_first = list(reversed(made))

    first = wire.get("/v1/payment_intents", params={"limit": 3}).json()
    second = wire.get(
        "/v1/payment_intents", params={"limit": 3, "starting_after": first["data"][-1]["id"]}
    ).json()
    back = wire.get(
        "/v1/payment_intents", params={"limit": 2, "ending_before": second["data"][-1]["id"]}
    ).json()

    assert [row["id"] for row in first["data"]] == newest_first[:3]
    assert [row["id"] for row in second["data"]] == newest_first[3:6]
    assert [row["id"] for row in back["data"]] == newest_first[3:5]
    assert [first["has_more"], second["has_more"], back["has_more"]] == [True, True, True]
    assert wire.get("/v1/payment_intents", params={"limit": 101}).status_code == 400
    assert wire.get("/v1/payment_intents", params={"starting_after": "pi_x"}).status_code == 404


def test_a_new_object_may_miss_in_lists_and_never_by_its_id(
    client: Client, simulator: StripeSimulator, clock: Clock
) -> None:
    payment = paid(client, simulator)
    simulator.faults.invisible = 1.0
    made = client.refund(refund_of(payment, "20"))

    assert client.find_refund(refund_of(payment, "20")) is None
    assert client.refund(refund_of(payment, "20")) == made
    clock.advance(timedelta(minutes=11))
    assert client.find_refund(refund_of(payment, "20")) == made


# -- deliveries --


@pytest.mark.parametrize(
    ("livemode", "retries"), [(False, TEST_RETRIES), (True, LIVE_RETRIES)], ids=["test", "live"]
)
def test_what_is_not_taken_comes_again_signed_anew(
    simulator: StripeSimulator, clock: Clock, *, livemode: bool, retries: tuple[timedelta, ...]
) -> None:
    simulator.add_endpoint(
        HOOK, secret="whsec_1", topics=("payment_intent.succeeded",), livemode=livemode
    )
    simulator.pay_outside(9900, "sek", livemode=livemode)
    signatures, bodies = [], set()

    for wait in (timedelta(0), *retries):
        clock.advance(wait)
        (delivery,) = simulator.due_deliveries()
        signatures.append(delivery.headers["Stripe-Signature"])
        bodies.add(delivery.body)
        simulator.delivered(delivery, 503)
    clock.advance(timedelta(days=30))

    assert simulator.due_deliveries() == []
    assert len(set(signatures)) == len(retries) + 1
    assert len(bodies) == 1


def test_an_event_that_was_taken_is_not_pending_any_more(
    client: Client, simulator: StripeSimulator
) -> None:
    simulator.add_endpoint(HOOK, secret="whsec_1", topics=("payment_intent.succeeded",))
    simulator.pay_outside(9900, "sek")
    (delivery,) = simulator.due_deliveries()
    pending = [event["pending_webhooks"] for event in simulator.books["events"].values()]

    simulator.delivered(delivery, 200)

    assert sum(pending) == 1
    assert {event["pending_webhooks"] for event in simulator.books["events"].values()} == {0}
    assert simulator.deliveries == []


def test_doubled_and_lost_webhooks_are_the_platforms_vices(
    client: Client, simulator: StripeSimulator
) -> None:
    simulator.add_endpoint(HOOK, secret="whsec_1", topics=("payment_intent.succeeded",))
    simulator.faults.double_webhook = 1.0
    simulator.pay_outside(9900, "sek")
    simulator.clock.advance(timedelta(seconds=6))
    doubled = simulator.due_deliveries()
    simulator.faults.lose_webhook = 1.0
    simulator.pay_outside(9900, "sek")
    page = client.pull(Flow.PAYMENTS, cursor="", since=None, limit=50)

    assert len(doubled) == 2
    assert doubled[0].body == doubled[1].body
    assert simulator.due_deliveries() == []
    assert [item.topic for item in page.items].count("payment_intent.succeeded") == 2


def test_only_its_mode_and_topics_go_to_an_endpoint(simulator: StripeSimulator) -> None:
    simulator.add_endpoint(HOOK, secret="whsec_1", topics=("charge.succeeded",))
    simulator.add_endpoint(HOOK, secret="whsec_2", livemode=True)
    simulator.pay_outside(9900, "sek")

    (delivery,) = simulator.due_deliveries()

    assert b'"charge.succeeded"' in delivery.body
