"""A customer's token: limited to that customer's own, whoever signed it."""

import base64
import hashlib
import hmac
import json
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.test import Client

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.api.models import RateBucket
from entrepot.database import sql
from entrepot.monitoring.retention import remove_old
from entrepot.notifications.links import tracking_token
from entrepot.notifications.news import NewNotification, tell
from entrepot.orders.models import Order
from tests.api.calling import Caller
from tests.dashboard.scene import Scene

MAREIKE = "mareike@seemail.example"


def signed(secret: str, claims: dict[str, Any], **header: Any) -> str:
    """A token as a shop signs it, by the standard and nothing of ours."""

    def part(content: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")

    head = part({"alg": "HS256", "typ": "JWT", **header})
    text = f"{head}.{part(claims)}"
    digest = hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def soon() -> int:
    return int(time.time()) + 600


@pytest.fixture
def secret(machine: Caller, shop_day: Scene) -> str:
    """The secret of the shop's connection, as the merchant gets it."""
    connection = shop_day.connections["shop"].id
    made = machine.post(f"/api/v1/connections/{connection}/customer-token-secret").body
    assert made["key_id"] == str(connection)
    return str(made["secret"])


@pytest.fixture
def kid(shop_day: Scene) -> str:
    return str(shop_day.connections["shop"].id)


@pytest.fixture
def news(shop_day: Scene) -> None:
    """One piece of news for the customer of 10482, one for another, one for operators."""
    with scope.merchant(shop_day.merchant.id):
        mine, others = shop_day.order("10482"), _other(shop_day)
        tell(
            NewNotification(
                merchant_id=shop_day.merchant.id, mode="live", kind="shipped", fact="shipment:1",
                title="Unterwegs", message="Bestellung", order_id=order.id, customer_id=customer,
            )
            for order, customer in (
                (mine, mine.customer_id), (others, others.customer_id), (mine, None),
            )
        )  # fmt: skip


def _other(shop: Scene) -> Any:
    mine = shop.order("10482")
    return next(
        order
        for order in shop.orders.values()
        if order.mode == "live" and order.customer_id not in {mine.customer_id, None}
    )


def test_a_shops_token_opens_that_customers_own_orders_only(
    secret: str, kid: str, shop_day: Scene, news: None
) -> None:
    customer = Caller(signed(secret, {"email": MAREIKE, "exp": soon()}, kid=kid))

    own = customer.get("/api/orders/10482/status")
    others = customer.get(f"/api/orders/{_other(shop_day).reference}/status")
    shown = customer.get("/api/notifications").body

    assert own.status == 200
    assert own.body["order"]["customer_email"] == MAREIKE
    assert (own.body["logs"], own.body["dropship_orders"]) == ([], [])
    assert others.status == 404
    assert (len(shown["notifications"]), shown["unread_count"]) == (1, 1)


def test_a_mailed_link_opens_its_order_only(shop_day: Scene, news: None) -> None:
    order = shop_day.order("10482")
    customer = Caller(tracking_token(shop_day.merchant.id, order.id))

    assert customer.get("/api/orders/10482/status").status == 200
    assert customer.get(f"/api/orders/id:{_other(shop_day).id}/status").status == 404
    assert len(customer.get("/api/notifications").body["notifications"]) == 1


def test_what_was_looked_up_opens_its_page_and_not_the_interface(
    shop_day: Scene, news: None
) -> None:
    order = shop_day.order("10482")
    asked = Client().post("/track/", {"number": order.number, "email": MAREIKE})
    looked_up = Caller(asked.headers["Location"].strip("/").rpartition("/")[2])

    answers = [
        looked_up.get(f"/api/orders/{order.id}/status"),
        looked_up.get("/api/notifications"),
        looked_up.delete("/api/notifications", {"delete_all": True}),
    ]

    assert asked.status_code == 302
    assert Client().get(asked.headers["Location"]).status_code == 200
    assert [answer.status for answer in answers] == [401, 401, 401]
    kept = Caller(tracking_token(shop_day.merchant.id, order.id)).get("/api/notifications").body
    assert len(kept["notifications"]) == 1


def test_a_customer_marks_and_removes_their_own_news_only(
    secret: str, kid: str, machine: Caller, shop_day: Scene, news: None
) -> None:
    customer = Caller(signed(secret, {"email": MAREIKE, "exp": soon()}, kid=kid))
    operators = machine.get("/api/notifications").body["notifications"]

    stray = customer.amend("/api/notifications", {"ids": [row["id"] for row in operators]})
    marked = customer.amend("/api/notifications", {"markAllAsRead": True})
    removed = customer.delete("/api/notifications", {"all": True})

    assert (stray.body["updated"], marked.body["updated"], removed.body["updated"]) == (0, 1, 1)
    assert machine.get("/api/notifications").body["unread_count"] == len(operators) == 3


def test_a_customer_does_nothing_that_is_the_merchants(
    secret: str, kid: str, shop_day: Scene
) -> None:
    customer = Caller(signed(secret, {"email": MAREIKE, "exp": soon()}, kid=kid))

    answers = [
        customer.get("/api/orders/management"),
        customer.amend("/api/orders/management", {"order_id": "10482", "notes": "x"}),
        customer.post("/api/orders/10482/status"),
        customer.get("/api/dropship/prodigi", orderId="10482"),
        customer.get("/api/admin/health"),
        customer.get("/api/v1/orders"),
    ]

    assert [answer.status for answer in answers] == [401] * len(answers)


def test_an_order_without_a_known_customer_shows_no_news_of_operators(
    shop_day: Scene, news: None
) -> None:
    order = shop_day.order("10482")
    with scope.merchant(shop_day.merchant.id):
        Order.objects.filter(id=order.id).update(customer_id=None)
    customer = Caller(tracking_token(shop_day.merchant.id, order.id))

    assert customer.get("/api/notifications").body["notifications"] == []
    assert customer.amend("/api/notifications", {"markAllAsRead": True}).body["updated"] == 0


@pytest.mark.parametrize(
    ("_case", "claims", "header"),
    [
        ("expired", {"email": MAREIKE, "exp": 1_700_000_000}, {}),
        ("without an end", {"email": MAREIKE}, {}),
        ("an end in a year", {"email": MAREIKE, "exp": 4_000_000_000}, {}),
        ("naming nobody", {"exp": None}, {}),
        ("unsigned by its own word", {"email": MAREIKE}, {"alg": "none"}),
        ("of another algorithm", {"email": MAREIKE}, {"alg": "HS512"}),
        ("without a connection", {"email": MAREIKE}, {"kid": ""}),
        ("of nobody's connection", {"email": MAREIKE}, {"kid": "999999999"}),
        ("of an odd connection", {"email": MAREIKE}, {"kid": "9" * 40}),
        ("with a NUL", {"sub": "a\x00b"}, {}),
        ("with an odd end", {"email": MAREIKE, "exp": "soon"}, {}),
    ],
)
def test_a_token_that_proves_nothing_is_refused(
    secret: str, kid: str, _case: str, claims: dict[str, Any], header: dict[str, Any]
) -> None:
    full = {"exp": soon(), **claims} if _case != "without an end" else claims
    token = signed(secret, full, **{"kid": kid, **header})

    answer = Caller(token).get("/api/orders/10482/status")

    assert answer.status == 401, answer.text


def test_a_token_of_another_secret_or_with_a_changed_part_is_refused(
    secret: str, kid: str, shop_day: Scene
) -> None:
    good = signed(secret, {"email": MAREIKE, "exp": soon()}, kid=kid)
    head, body, signature = good.split(".")
    forged = signed(secret, {"email": "eve@example.org", "exp": soon()}, kid=kid).split(".")[1]
    bad = [
        signed("another secret", {"email": MAREIKE, "exp": soon()}, kid=kid),
        f"{head}.{forged}.{signature}",
        f"{head}.{body}.",
        f"{head}.{body}.!!!",
        "a.b.c",
        "not-a-token",
        "é.é.é",
    ]

    for token in bad:
        assert Caller(token).get("/api/orders/10482/status").status == 401, token
    assert Caller(good).get("/api/orders/10482/status").status == 200


def test_a_rotated_secret_stays_good_and_an_archived_shops_does_not(
    machine: Caller, secret: str, kid: str
) -> None:
    old = Caller(signed(secret, {"email": MAREIKE, "exp": soon()}, kid=kid))

    machine.post(f"/api/v1/connections/{kid}/customer-token-secret")
    rotated = old.get("/api/orders/10482/status").status
    machine.post(f"/api/v1/connections/{kid}/archive", {"reason": "shop closed"})
    archived = old.get("/api/orders/10482/status").status

    assert (rotated, archived) == (200, 401)


def test_a_customer_who_calls_too_often_is_told_to_wait(
    secret: str, kid: str, shop_day: Scene, machine: Caller
) -> None:
    """Whichever of the shop's tokens they use; nobody else waits for them."""
    first, second = (
        Caller(signed(secret, {"email": MAREIKE, "exp": soon() + at}, kid=kid)) for at in range(2)
    )
    unknown = [
        Caller(signed(secret, {"email": f"{name}@example.org", "exp": soon()}, kid=kid))
        for name in ("aoi", "zoë")
    ]

    _spend(first)
    refused = second.get("/api/orders/10482/status")
    _spend(unknown[0])

    assert refused.status == 429
    assert 3590 <= int(refused.headers["Retry-After"]) <= 3601
    assert "60 times a minute" in refused.body["detail"]
    assert unknown[0].get("/api/notifications").status == 429
    assert unknown[1].get("/api/notifications").status == 200
    assert machine.get("/api/notifications").status == 200


def test_a_mailed_link_that_calls_too_often_waits_alone(shop_day: Scene) -> None:
    links = [
        Caller(tracking_token(shop_day.merchant.id, order.id))
        for order in (shop_day.order("10482"), _other(shop_day))
    ]

    _spend(links[0])

    assert links[0].get("/api/notifications").status == 429
    assert links[1].get("/api/notifications").status == 200


def test_a_token_that_proves_nothing_spends_no_customers_calls(
    secret: str, kid: str, shop_day: Scene
) -> None:
    forged = Caller(signed("another secret", {"email": MAREIKE, "exp": soon()}, kid=kid))
    for _ in range(61):
        assert forged.get("/api/notifications").status == 401

    with scope.merchant(shop_day.merchant.id):
        assert RateBucket.objects.exclude(customer="").count() == 0


def test_rates_of_idle_customers_are_removed(shop_day: Scene) -> None:
    link = Caller(tracking_token(shop_day.merchant.id, shop_day.order("10482").id))
    _spend(link)
    with scope.merchant(shop_day.merchant.id):
        sql.run("UPDATE api_rate_bucket SET refilled_at = refilled_at - interval '26 hours'")

    assert remove_old()["rates of idle callers"] >= 1
    assert link.get("/api/notifications").status == 200


def _spend(customer: Caller) -> None:
    """Call once, of sixty, and put off for an hour when the rest may be spent."""
    assert customer.get("/api/notifications").status == 200
    with scope.system():
        bucket = RateBucket.objects.exclude(customer="").latest("id")
        assert bucket.tokens == 59
        RateBucket.objects.filter(id=bucket.id).update(
            tokens=1, refilled_at=Now() + timedelta(hours=1)
        )


def test_a_customer_of_one_merchant_is_nobody_at_another(
    secret: str, kid: str, shop_day: Scene, other_merchant: Merchant
) -> None:
    customer = Caller(signed(secret, {"email": "nobody@example.org", "exp": soon()}, kid=kid))

    assert customer.get("/api/orders/10482/status").status == 404
    assert customer.get("/api/notifications").body["notifications"] == []
