"""Stripe's signature: what is believed, what is refused and why; judged by Stripe's own client."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from entrepot.canon.messages import Ignored
from entrepot.canon.orders import Mode
from entrepot.connect.ports import Account, Secrets
from entrepot.connect.simulator import Clock
from entrepot.connect.webhook import Refused, Verified, WebhookRequest, hmac_sha256_hex
from entrepot.connectors.stripe import simulator as stripe_simulator
from entrepot.connectors.stripe import webhook
from entrepot.connectors.stripe.tests.conftest import normalized

NOW = datetime.fromtimestamp(1795600060, UTC)
SECRET = "whsec_test_secret"
# The vector of the platform's fact sheet, made by Stripe's own code.
BODY = b'{"id":"evt_1","object":"event"}'
SIGNATURE = "t=1795600050,v1=cb09d3ce379ebe697954f00f19074b2d1bde9ca6b4f7b2ddd63117650ff27253"


def believed(
    body: bytes = BODY,
    *,
    signature: str = SIGNATURE,
    signing: tuple[str, ...] = (SECRET,),
    now: datetime = NOW,
) -> Verified:
    headers: Mapping[str, str] = {"stripe-signature": signature} if signature else {}
    return webhook.verify(
        WebhookRequest(body=body, headers=headers), Secrets(signing=signing), now=now
    )


def signed_by_stripe(body: bytes, secret: str, at: datetime) -> str:
    header: str = stripe.WebhookSignature.generate_signature_header(
        body.decode(), secret, int(at.timestamp())
    )
    return header


def test_the_known_vector_is_believed() -> None:
    assert believed() == Verified(
        topic="", dedupe_key="evt_1", sent_at=datetime.fromtimestamp(1795600050, UTC)
    )


@given(body=st.text(max_size=60), secret=st.from_regex(r"whsec_[A-Za-z0-9]{1,40}", fullmatch=True))
def test_whatever_stripes_own_client_signs_is_believed(body: str, secret: str) -> None:
    raw = body.encode()

    verified = believed(raw, signature=signed_by_stripe(raw, secret, NOW), signing=(secret,))

    assert verified.sent_at == NOW


def test_the_topic_and_the_event_id_come_from_the_body() -> None:
    body = b'{"id": "evt_9", "type": "payment_intent.succeeded", "data": {"object": 1}}'

    verified = believed(body, signature=signed_by_stripe(body, SECRET, NOW))

    assert (verified.topic, verified.dedupe_key) == ("payment_intent.succeeded", "evt_9")
    assert not verified.is_hint


def test_while_a_secret_rotates_either_one_is_believed() -> None:
    other = signed_by_stripe(BODY, "whsec_new", NOW).partition("v1=")[2]
    both = f"{SIGNATURE},v1={other},v0=deadbeef"
    signed_now = f"t={int(NOW.timestamp())},v1={'0' * 64},v1={other}"

    assert believed(signature=both).dedupe_key == "evt_1"
    assert believed(signature=signed_now, signing=("whsec_new",)).dedupe_key == "evt_1"
    assert believed(signing=("whsec_new", SECRET)).dedupe_key == "evt_1"


@pytest.mark.parametrize("body", [b"", b"not JSON", b"\xff\x00", b"[1, 2]", b"{"])
def test_a_signed_body_that_is_no_event_is_kept(body: bytes) -> None:
    signed = b"%d." % int(NOW.timestamp()) + body
    mark = hmac_sha256_hex(SECRET.encode(), signed)

    assert believed(body, signature=f"t={int(NOW.timestamp())},v1={mark}").dedupe_key == ""


@pytest.mark.parametrize(
    ("_case", "change", "check"),
    [
        ("no header", {"signature": ""}, "signature_missing"),
        ("no secret", {"signing": ()}, "secret_missing"),
        ("an empty secret", {"signing": ("",)}, "secret_missing"),
        ("another secret", {"signing": ("whsec_other",)}, "signature_mismatch"),
        ("another body", {"body": BODY + b" "}, "signature_mismatch"),
        ("a truncated body", {"body": BODY[:-1]}, "signature_mismatch"),
        ("only v0", {"signature": SIGNATURE.replace("v1", "v0")}, "signature_malformed"),
        ("no instant", {"signature": SIGNATURE.partition(",")[2]}, "timestamp_missing"),
        ("an instant in words", {"signature": "t=now,v1=00"}, "signature_malformed"),
        ("digits that are none", {"signature": "t=١٢٣,v1=00"}, "signature_malformed"),
        ("an endless instant", {"signature": f"t={'9' * 40},v1=00"}, "signature_malformed"),
        ("a signature of letters", {"signature": "t=1795600050,v1=né"}, "signature_mismatch"),
        ("another instant", {"signature": SIGNATURE.replace("050", "051")}, "signature_mismatch"),
        ("nonsense", {"signature": "nonsense"}, "timestamp_missing"),
        ("301 seconds old", {"now": NOW + timedelta(seconds=291)}, "timestamp_stale"),
    ],
)
def test_what_is_not_proven_is_refused_with_its_cause(
    _case: str, change: dict[str, Any], check: str
) -> None:
    with pytest.raises(Refused) as caught:
        believed(**change)

    assert caught.value.check == check
    assert SECRET not in str(caught.value)


def test_300_seconds_are_not_too_old() -> None:
    assert believed(now=NOW + timedelta(seconds=290)).dedupe_key == "evt_1"


@given(header=st.text(max_size=80))
def test_no_header_can_break_the_check(header: str) -> None:
    with pytest.raises(Refused):
        believed(signature=header)


def test_an_event_of_stripes_own_fixture_kind_is_ignored_when_it_is_not_about_money() -> None:
    account = Account(mode=Mode.TEST, settings={})
    body = {
        "id": "evt_3",
        "object": "event",
        "type": "product.created",
        "created": 1795600050,
        "livemode": False,
        "data": {"object": {"id": "prod_1", "object": "product"}},
    }

    (item,) = normalized(json.dumps(body).encode(), account)

    assert item == Ignored(reason="product.created: not about a payment")


def test_stripes_own_client_believes_the_simulator() -> None:
    simulator = stripe_simulator.build(Clock())
    simulator.add_endpoint("https://hub.example/hooks/1", secret="whsec_by_hand")
    simulator.pay_outside(129900, "sek", description="Beställning 1043")

    events = [
        stripe.Webhook.construct_event(
            delivery.body, delivery.headers["Stripe-Signature"], "whsec_by_hand"
        )
        for delivery in simulator.due_deliveries()
    ]

    assert [event.type for event in events] == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
    ]
    assert events[-1].data.object["amount_received"] == 129900


def test_while_a_secret_is_rolled_both_owners_believe_the_simulator() -> None:
    clock = Clock()
    simulator = stripe_simulator.build(clock)
    endpoint = simulator.add_endpoint("https://hub.example/hooks/1", secret="whsec_old")
    new = simulator.roll_secret(endpoint["id"], overlap=timedelta(hours=2))
    simulator.pay_outside(4000, "eur")

    delivery = simulator.due_deliveries()[0]
    header = delivery.headers["Stripe-Signature"]

    assert header.count("v1=") == 2
    for secret in ("whsec_old", new):
        verified = believed(delivery.body, signature=header, signing=(secret,), now=clock.now())
        assert verified.topic == "payment_intent.created"
        assert stripe.Webhook.construct_event(delivery.body, header, secret)
    clock.advance(timedelta(hours=3))
    late = simulator.outbox.signature(endpoint["id"], delivery.body)
    assert late.count("v1=") == 1
    with pytest.raises(Refused):
        believed(delivery.body, signature=late, signing=("whsec_old",), now=clock.now())
