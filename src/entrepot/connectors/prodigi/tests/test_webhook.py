"""Callbacks carry no signature: a token in the address, and never more than a hint."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from entrepot.canon.messages import Flow, Hint
from entrepot.canon.orders import Mode
from entrepot.connect.ports import Account, InboundMessage, Secrets
from entrepot.connect.webhook import Refused, WebhookRequest
from entrepot.connectors.prodigi import webhook

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
BODY = (Path(__file__).parent.parent / "fixtures" / "callback_nested.json").read_bytes()
SECRETS = Secrets(path_token="t0k3n-new", signing=("t0k3n-old",))


def callback(*, suffix: str = "", body: bytes = BODY, **query: str) -> WebhookRequest:
    return WebhookRequest(body=body, headers={}, suffix=suffix, query=query)


def test_a_callback_with_the_token_is_a_hint_named_by_its_event() -> None:
    verified = webhook.verify(callback(suffix="t0k3n-new"), SECRETS, now=NOW)

    assert verified.is_hint
    assert verified.topic == "com.prodigi.order.status.stage.changed#InProgress"
    assert verified.dedupe_key == "evt_305174"
    assert verified.sent_at == datetime(2026, 11, 20, 11, 51, 1, 550000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("_case", "request_"),
    [
        ("an order that was submitted before the rotation", callback(suffix="t0k3n-old")),
        ("with a slash at the end", callback(suffix="t0k3n-new/")),
        ("in the query", callback(token="t0k3n-new")),
    ],
)
def test_other_ways_to_carry_a_valid_token(_case: str, request_: WebhookRequest) -> None:
    assert webhook.verify(request_, SECRETS, now=NOW).is_hint


@pytest.mark.parametrize(
    ("_case", "request_"),
    [
        ("none", callback()),
        ("another", callback(suffix="t0k3n")),
        ("another in the query", callback(token="t0k3n-newer")),
        ("not ASCII", callback(suffix="t0k3n-nëw")),
    ],
)
def test_a_wrong_token_is_refused(_case: str, request_: WebhookRequest) -> None:
    with pytest.raises(Refused) as refused:
        webhook.verify(request_, SECRETS, now=NOW)

    assert refused.value.check == "token_mismatch"
    assert "t0k3n" not in str(refused.value)


def test_without_a_token_to_compare_it_is_a_hint_whose_event_id_names_nothing() -> None:
    verified = webhook.verify(callback(), Secrets(), now=NOW)

    assert verified.is_hint
    assert verified.dedupe_key == ""


def test_without_a_token_a_body_that_is_no_callback_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        webhook.verify(callback(body=b"<html>"), Secrets(), now=NOW)

    assert refused.value.check == "body_malformed"


def test_with_the_token_a_body_that_cannot_be_read_is_kept_to_be_parked() -> None:
    request = callback(suffix="t0k3n-new", body=b'{"type": ')

    assert webhook.verify(request, SECRETS, now=NOW).is_hint
    with pytest.raises(ValueError, match=r"^body: not JSON"):
        webhook.normalize(inbound(request.body), Account(mode=Mode.TEST, settings={}))


def test_whatever_a_callback_claims_only_the_id_is_taken_from_it() -> None:
    claims = BODY.replace(b"InProgress", b"Complete").replace(b'"shipments": []', b'"shipments": 7')

    items = webhook.normalize(inbound(claims), Account(mode=Mode.TEST, settings={}))

    assert items == (Hint(flow=Flow.FULFILLMENTS, external_id="ord_901001"),)


def inbound(body: bytes) -> InboundMessage:
    return InboundMessage(source="webhook", topic="", body=body, received_at=NOW)


@pytest.mark.parametrize(
    ("_case", "subject"),
    [
        ("another place at the platform", "../products"),
        ("the root of its host", "../../../status"),
        ("a list instead of one", "?top=100"),
        ("one with more behind it", "ord_1/actions"),
        ("a fragment", "ord_1#"),
        ("written in percent signs", "ord_1%2f..%2f.."),
        ("a sign that no address has", "ord_1\n"),
        ("longer than any address", "o" * 70_000),
        ("only dots", ".."),
    ],
)
def test_a_callback_that_names_no_order_leads_no_call_elsewhere(_case: str, subject: str) -> None:
    """A stranger may send it to the documented address, and our key goes where it leads."""
    body = json.dumps({"type": "com.prodigi.order.created", "id": "evt_1", "subject": subject})
    message = InboundMessage(
        source="webhook", topic="com.prodigi.order.created", body=body.encode(), received_at=NOW
    )

    with pytest.raises(ValueError, match="no id of an order"):
        webhook.normalize(message, Account(mode=Mode.LIVE, settings={}))
    with pytest.raises(Refused) as refused:
        webhook.verify(callback(body=body.encode()), Secrets(), now=NOW)
    kept = webhook.verify(callback(suffix="t0k3n-new", body=body.encode()), SECRETS, now=NOW)

    assert refused.value.check == "body_malformed"
    assert kept.is_hint  # with the token it is kept, to be parked
