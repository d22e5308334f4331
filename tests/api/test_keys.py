"""Who is let in: keys, addresses, expiry, rates."""

from datetime import timedelta

from django.utils import timezone

from entrepot.access import keys, scope
from entrepot.access.models import Merchant
from entrepot.database import sql
from tests.api.calling import Caller, caller

READING = ["orders:read"]


def test_a_wrong_a_revoked_and_an_expired_key_are_refused(merchant: Merchant) -> None:
    issued = keys.create_api_key(merchant_id=merchant.id, name="Kasse", scopes=READING)
    wrong = issued.secret[:-1] + ("0" if issued.secret[-1] != "0" else "1")
    expired = caller(merchant, expires_at=timezone.now() - timedelta(seconds=1))

    assert Caller(issued.secret).get("/api/v1/orders").status == 200
    keys.revoke_api_key(issued.key.id, merchant_id=merchant.id)

    for one in (Caller(wrong), Caller(issued.secret), expired, Caller("ek_live_x"), Caller("é")):
        answer = one.get("/api/v1/orders")
        assert answer.status == 401
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert one.token[20:] not in answer.text or len(one.token) < 20


def test_a_key_works_from_its_addresses_only(merchant: Merchant) -> None:
    office = caller(merchant, allowed_addresses=["198.51.100.0/24", "2001:db8::/32"])

    statuses = [
        office.send("GET", "/api/v1/orders", address=address).status
        for address in ("198.51.100.9", "2001:db8::7", "::ffff:198.51.100.9", "203.0.113.7")
    ]

    assert statuses == [200, 200, 200, 401]


def test_a_rotated_key_and_its_successor_both_work(merchant: Merchant) -> None:
    issued = keys.create_api_key(merchant_id=merchant.id, name="Kasse", scopes=READING)
    successor = keys.rotate_api_key(issued.key.id, merchant_id=merchant.id)

    for secret in (issued.secret, successor.secret):
        assert Caller(secret).get("/api/v1/orders").status == 200


def test_a_key_that_calls_too_often_is_told_to_wait(merchant: Merchant) -> None:
    slow = caller(merchant, rate_limit_per_minute=3)
    other = caller(merchant, rate_limit_per_minute=3)

    statuses = [slow.get("/api/v1/orders").status for _ in range(5)]
    refused = slow.get("/api/v1/orders")

    assert statuses[:3] == [200, 200, 200]
    assert statuses[3:] == [429, 429]
    assert 1 <= int(refused.headers["Retry-After"]) <= 20
    assert "3 times a minute" in refused.body["detail"]
    assert other.get("/api/v1/orders").status == 200


def test_a_bucket_fills_again_as_time_goes_by(merchant: Merchant) -> None:
    slow = caller(merchant, rate_limit_per_minute=2)
    while slow.get("/api/v1/orders").status == 200:
        continue
    with scope.merchant(merchant.id):
        sql.run("UPDATE api_rate_bucket SET refilled_at = refilled_at - interval '30 seconds'")

    assert [slow.get("/api/v1/orders").status for _ in range(2)] == [200, 429]
