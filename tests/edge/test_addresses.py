"""Whose a delivery is: by its own, a former or a documented address, and by who signed it.

Also when a connection is stopped, archived or given a new secret while the edge knows it.
"""

import json
from collections.abc import Callable

import httpx
import pytest
from django.utils import timezone

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.connections import faults
from entrepot.connections import services as connections
from entrepot.connections.models import Connection
from entrepot.edge.reminders import UNPROVED_AT_ONCE
from entrepot.inbox.models import InboxMessage
from tests.connections.accounts import (
    SHOP_SECRET,
    a_gateway,
    a_print_house,
    fresh,
    hook_path,
    signed_by_shop,
)
from tests.edge.conftest import ORDER, SIGNED, messages


def test_an_address_of_nobody_is_unknown(edge: httpx.Client, shop: Connection) -> None:
    paths = ["/hooks/nobody", "/hooks/", "/hooks/a b", "/api/webhooks/nobody", "/hooks/ü"]

    answers = [edge.post(path, content=ORDER, headers=SIGNED) for path in paths]

    assert [one.status_code for one in answers] == [404] * 5
    assert messages(shop) == []


def test_a_callback_without_signature_is_proved_by_its_address_and_is_a_hint(
    edge: httpx.Client, merchant: Merchant
) -> None:
    house = a_print_house(merchant)
    body = json.dumps(
        {
            "id": "evt_1",
            "type": "com.prodigi.order.status.stage.changed#Complete",
            "subject": "ord_7",
        }
    ).encode()

    answers = [
        edge.post(hook_path(house), content=body),
        edge.post(f"{hook_path(house)}/{house.token}", content=body),
        edge.post(f"{hook_path(house)}/guessed", content=body),
    ]

    (message,) = messages(house)
    assert [one.status_code for one in answers] == [200, 200, 401]
    assert message.is_hint
    assert message.repeats == 1


def test_a_former_address_keeps_working(edge: httpx.Client, merchant: Merchant) -> None:
    house = a_print_house(merchant)
    former = hook_path(house)
    body = b'{"id": "evt_2", "type": "com.prodigi.order.shipments", "subject": "ord_8"}'
    edge.post(former, content=body)

    changed = connections.rotate_token(house.id, merchant_id=merchant.id)

    assert hook_path(changed) != former
    assert edge.post(former, content=body).json() == {"status": "duplicate"}
    assert edge.post(hook_path(changed), content=body).json() == {"status": "duplicate"}


def test_an_unsigned_body_at_a_documented_address_is_only_a_hint(
    edge: httpx.Client, merchant: Merchant
) -> None:
    house = a_print_house(merchant)
    forged = b'{"id": "evt_3", "type": "com.prodigi.order.shipments", "subject": "ord_9"}'
    true_one = b'{"id": "evt_3", "type": "com.prodigi.order.shipments", "subject": "ord_1"}'

    answers = [
        edge.post("/api/webhooks/prodigi", content=forged),
        edge.post("/api/webhooks/prodigi", content=forged),
        edge.post(hook_path(house), content=true_one),
    ]

    assert [one.json()["status"] for one in answers] == ["stored", "duplicate", "stored"]
    assert [one.is_hint for one in messages(house)] == [True, True]


@pytest.mark.parametrize(
    ("_case", "body"),
    [
        ("not JSON", b"<html>"),
        ("truncated", b'{"type": "com.prodigi.order.status'),
        ("not UTF-8", b'{"type": "\xff\xfe"}'),
        ("deeply nested", b"[" * 50_000),
        ("a number where an object should be", b"17"),
    ],
)
def test_unsigned_bytes_at_a_documented_address_are_refused_in_words(
    edge: httpx.Client, merchant: Merchant, _case: str, body: bytes
) -> None:
    house = a_print_house(merchant)

    answer = edge.post("/api/webhooks/prodigi", content=body)

    assert (answer.status_code, answer.json()["check"]) == (400, "body_malformed")
    assert messages(house) == []


def test_a_documented_address_needs_exactly_one_connection_that_can_be_meant(
    edge: httpx.Client, merchant: Merchant, other_merchant: Merchant
) -> None:
    a_print_house(merchant)
    second = a_print_house(other_merchant)
    body = b'{"id": "evt_4", "type": "com.prodigi.order.shipments", "subject": "ord_2"}'

    ambiguous = edge.post("/api/webhooks/prodigi", content=body)
    connections.archive(second.id, merchant_id=other_merchant.id, reason="moved")
    alone = _until(lambda: edge.post("/api/webhooks/prodigi", content=body), 200)

    assert (ambiguous.status_code, alone.status_code) == (404, 200)
    assert "connection's own" in ambiguous.json()["reason"]


def test_at_a_documented_address_the_signature_says_whose_it_is(
    edge: httpx.Client, merchant: Merchant, other_merchant: Merchant
) -> None:
    mine = a_gateway(merchant, secret="whsec_mine")
    theirs = a_gateway(other_merchant, secret="whsec_theirs")
    body = b'{"id": "evt_5", "object": "event", "type": "charge.succeeded", "livemode": false}'

    answer = edge.post(
        "/api/webhooks/stripe",
        content=body,
        headers={"Stripe-Signature": stripe_signature(body, "whsec_theirs")},
    )
    refused = edge.post("/api/webhooks/stripe", content=body, headers={"Stripe-Signature": "t=1"})

    assert (answer.status_code, refused.status_code) == (200, 401)
    assert [one.topic for one in messages(theirs)] == ["charge.succeeded"]
    assert messages(mine) == []


def test_two_connections_with_one_secret_cannot_share_a_documented_address(
    edge: httpx.Client, merchant: Merchant, other_merchant: Merchant
) -> None:
    both = [a_gateway(merchant, secret="whsec_s"), a_gateway(other_merchant, secret="whsec_s")]
    body = b'{"id": "evt_6", "object": "event", "type": "charge.succeeded"}'

    answer = edge.post(
        "/api/webhooks/stripe",
        content=body,
        headers={"Stripe-Signature": stripe_signature(body, "whsec_s")},
    )

    assert answer.status_code == 404
    assert [messages(one) for one in both] == [[], []]


def stripe_signature(body: bytes, secret: str) -> str:
    """As the official client signs; a stale one is refused by the connector's own tests."""
    import stripe  # noqa: PLC0415 -- slow import

    seconds = int(timezone.now().timestamp())
    signature = stripe.WebhookSignature._compute_signature(f"{seconds}.{body.decode()}", secret)
    return f"t={seconds},v1={signature}"


@pytest.mark.parametrize(
    ("_case", "expected"),
    [("observing", 200), ("live", 200), ("paused", 200), ("misconfigured", 200), ("archived", 404)],
)
def test_a_stopped_connection_still_stores_and_an_archived_one_is_gone(
    edge: httpx.Client, shop: Connection, _case: str, expected: int
) -> None:
    assert edge.get(hook_path(shop)).status_code == 200  # the edge remembers it from here on
    match _case:
        case "live":
            connections.go_live(shop.id, merchant_id=shop.merchant_id)
        case "paused":
            connections.go_live(shop.id, merchant_id=shop.merchant_id)
            connections.pause(shop.id, merchant_id=shop.merchant_id, reason="a person")
        case "misconfigured":
            faults.refuse_ping(shop.id, merchant_id=shop.merchant_id, reason="401")
        case "archived":
            connections.archive(shop.id, merchant_id=shop.merchant_id, reason="closed")
        case _:
            assert fresh(shop).status == "observing"

    _until(lambda: edge.get(hook_path(shop)), expected)
    answer = edge.post(hook_path(shop), content=ORDER, headers=SIGNED)

    assert answer.status_code == expected
    assert len(messages(shop)) == (1 if expected == 200 else 0)


def test_a_new_secret_is_believed_at_once_and_the_old_one_for_a_while(
    edge: httpx.Client, shop: Connection
) -> None:
    edge.post(hook_path(shop), content=ORDER, headers=SIGNED)
    connections.rotate_secret(
        shop.id, merchant_id=shop.merchant_id, name="webhook_signing", text="the-new-one-✓"
    )
    body = ORDER + b"\n"

    new = _until(
        lambda: edge.post(
            hook_path(shop), content=body, headers=signed_by_shop(body, secret="the-new-one-✓")
        ),
        200,
    )
    old = edge.post(
        hook_path(shop),
        content=body + b"\n",
        headers=signed_by_shop(body + b"\n", secret=SHOP_SECRET),
    )

    assert (new.status_code, old.status_code) == (200, 200)


def _until(ask: Callable[[], httpx.Response], wanted: int) -> httpx.Response:
    """Ask until a change has been heard; it takes a moment, and 5 s at the most."""
    answer = ask()
    for _ in range(400):
        if answer.status_code == wanted:
            break
        answer = ask()
    return answer


def test_what_nobody_signed_is_taken_within_bounds_and_the_connections_own_address_beside_it(
    edge: httpx.Client, merchant: Merchant
) -> None:
    house = a_print_house(merchant)
    event = '{"id": "evt_%d", "type": "com.prodigi.order.shipments", "subject": "ord_%d"}'
    bodies = [(event % (number, number)).encode() for number in range(UNPROVED_AT_ONCE + 30)]

    answers = [edge.post("/api/webhooks/prodigi", content=body) for body in bodies]
    own = edge.post(hook_path(house), content=bodies[-1])

    refused = [one for one in answers if one.status_code == 429]
    assert [one.status_code for one in answers[:UNPROVED_AT_ONCE]] == [200] * UNPROVED_AT_ONCE
    assert 10 < len(refused) <= 30
    assert refused[0].headers["retry-after"] == "60"
    assert own.json() == {"status": "stored"}
    with scope.merchant(merchant.id):
        stored = InboxMessage.objects.filter(connection_id=house.id).count()
    assert stored == len(bodies) - len(refused) + 1
