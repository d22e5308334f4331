"""What the edge answers, and what it has stored when it does, over real HTTP."""

import gzip
import json
import socket
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx
import pytest

from entrepot.access import scope
from entrepot.connections.models import Connection
from entrepot.inbox import queries, services
from entrepot.inbox.models import InboxMessage, Refusal
from tests.connections.accounts import events_of, fresh, hook_path, signed_by_shop
from tests.edge.conftest import ORDER, SIGNED, messages


def refusals(connection: Connection) -> list[Refusal]:
    with scope.merchant(connection.merchant_id):
        return queries.refusals(connection.merchant_id)


def body_of(connection: Connection, message_id: int) -> bytes:
    with scope.merchant(connection.merchant_id):
        return services.open_body(InboxMessage.objects.get(id=message_id))


def test_a_signed_delivery_is_committed_before_it_is_answered(
    edge: httpx.Client, shop: Connection
) -> None:
    answer = edge.post(hook_path(shop), content=ORDER, headers=SIGNED)

    (message,) = messages(shop)
    assert (answer.status_code, answer.json()) == (200, {"status": "stored"})
    assert body_of(shop, message.id) == ORDER
    assert (message.topic, message.source, message.is_hint) == ("order.updated", "webhook", False)


def test_the_same_delivery_again_is_success_and_stored_once(
    edge: httpx.Client, shop: Connection
) -> None:
    answers = [edge.post(hook_path(shop), content=ORDER, headers=SIGNED) for _ in range(3)]

    (message,) = messages(shop)
    assert [one.json()["status"] for one in answers] == ["stored", "duplicate", "duplicate"]
    assert {one.status_code for one in answers} == {200}
    assert message.repeats == 2


@pytest.mark.parametrize(
    ("_case", "headers", "check"),
    [
        ("unsigned", {}, "signature_missing"),
        ("signed for another body", signed_by_shop(ORDER + b" "), "signature_mismatch"),
        ("signed with another secret", signed_by_shop(ORDER, secret="x"), "signature_mismatch"),
        ("not a signature", {"X-WC-Webhook-Signature": "häh"}, "signature_malformed"),
    ],
)
def test_what_is_not_proved_is_refused_and_kept_for_people(
    edge: httpx.Client, shop: Connection, _case: str, headers: dict[str, str], check: str
) -> None:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]

    answer = edge.post(hook_path(shop), content=ORDER, headers=raw)

    (kept,) = refusals(shop)
    assert (answer.status_code, answer.json()["check"]) == (401, check)
    assert (kept.check_failed, kept.status_code, bytes(kept.beginning)) == (check, 401, ORDER)
    assert messages(shop) == []


def test_the_third_refusal_in_a_row_alarms_and_a_good_one_ends_the_row(
    edge: httpx.Client, shop: Connection
) -> None:
    for number in (1, 2):
        edge.post(hook_path(shop), content=b"%d" % number)
    edge.post(hook_path(shop), content=ORDER, headers=SIGNED)
    after_good_one = fresh(shop).refused_in_a_row
    for number in (3, 4, 5, 6):
        edge.post(hook_path(shop), content=b"%d" % number)

    alarms = [name for name, _, _ in events_of(shop) if name == "connection.deliveries_refused"]
    assert after_good_one == 0
    assert fresh(shop).refused_in_a_row == 4
    assert alarms == ["connection.deliveries_refused"]


def test_an_unknown_topic_with_a_valid_signature_is_taken(
    edge: httpx.Client, shop: Connection
) -> None:
    headers = {**SIGNED, "X-WC-Webhook-Topic": "action.woocommerce_tea_time"}

    answer = edge.post(hook_path(shop), content=ORDER, headers=headers)

    (message,) = messages(shop)
    assert answer.status_code == 200
    assert message.topic == "action.woocommerce_tea_time"


def test_the_unsigned_ping_is_answered_and_leaves_no_message(
    edge: httpx.Client, shop: Connection
) -> None:
    answer = edge.post(
        hook_path(shop),
        content=b"webhook_id=3",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )

    assert (answer.status_code, answer.json()) == (200, {"status": "pong"})
    assert messages(shop) == []
    assert refusals(shop) == []


@pytest.mark.parametrize(
    ("_case", "body"),
    [
        ("empty", b""),
        ("not JSON", b"<html>"),
        ("truncated JSON", ORDER[:40]),
        ("NUL in text", b'{"id": 5, "note": "a\\u0000b\x00"}'),
        ("not UTF-8", b'{"id": "\xff\xfe"}'),
        ("compressed", gzip.compress(ORDER, mtime=0)),
        ("wrong types", b'{"id": {"a": [1, 2, 2.5]}, "total": true}'),
        ("deeply nested", b"[" * 50_000),
    ],
)
def test_signed_bytes_are_kept_whatever_they_are(
    edge: httpx.Client, shop: Connection, _case: str, body: bytes
) -> None:
    answer = edge.post(hook_path(shop), content=body, headers=signed_by_shop(body))

    (message,) = messages(shop)
    assert answer.status_code == 200
    assert body_of(shop, message.id) == body


def test_a_body_of_fifty_megabytes_is_too_large(edge: httpx.Client, shop: Connection) -> None:
    body = b"x" * (50 * 1024 * 1024)

    announced = edge.post(hook_path(shop), content=body, headers=signed_by_shop(b""))
    streamed = edge.post(
        hook_path(shop), content=(body[:65536] for _ in range(800)), headers=signed_by_shop(b"")
    )

    assert [announced.status_code, streamed.status_code] == [413, 413]
    assert "larger than 2097152 bytes" in announced.json()["reason"]
    assert messages(shop) == []
    assert edge.post(hook_path(shop), content=ORDER, headers=SIGNED).status_code == 200


def test_a_large_body_within_the_limit_is_kept_whole(edge: httpx.Client, shop: Connection) -> None:
    body = json.dumps({"id": 1, "note": "ß" * 700_000}, ensure_ascii=False).encode()

    answer = edge.post(hook_path(shop), content=body, headers=signed_by_shop(body))

    (message,) = messages(shop)
    assert answer.status_code == 200
    assert body_of(shop, message.id) == body


def test_a_body_that_breaks_off_is_not_stored_and_hurts_nobody(
    edge: httpx.Client, shop: Connection
) -> None:
    where = urlsplit(str(edge.base_url))
    with socket.create_connection((where.hostname or "", where.port or 0)) as half:
        head = f"POST {hook_path(shop)} HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n"
        half.sendall(head.encode() + ORDER)

    answer = edge.post(hook_path(shop), content=ORDER, headers=SIGNED)

    assert answer.json() == {"status": "stored"}
    assert len(messages(shop)) == 1


def test_probes_are_answered_and_other_methods_are_not_allowed(
    edge: httpx.Client, shop: Connection
) -> None:
    path = hook_path(shop)

    answers = [edge.request(method, path) for method in ("GET", "HEAD", "PUT", "DELETE")]

    assert [one.status_code for one in answers] == [200, 200, 405, 405]
    assert answers[2].headers["allow"] == "GET, HEAD, POST"
    assert edge.get("/hooks/nobody").status_code == 404


def test_many_at_once_are_all_stored_and_each_once(edge: httpx.Client, shop: Connection) -> None:
    bodies = [b'{"id": %d}' % (number % 150) for number in range(300)]

    def deliver(body: bytes) -> str:
        answer = edge.post(hook_path(shop), content=body, headers=signed_by_shop(body))
        return str(answer.json()["status"])

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(deliver, bodies))

    with scope.merchant(shop.merchant_id):
        assert InboxMessage.objects.count() == 150
    assert sorted(set(answers)) == ["duplicate", "stored"]
    assert answers.count("stored") == 150
