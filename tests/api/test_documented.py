"""The calls of the document, as written there, with a key."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from entrepot.access import scope
from entrepot.api.interfaces.shapes import history_rows
from entrepot.database import sql
from entrepot.events.models import Event
from entrepot.notifications.news import NewNotification, tell
from entrepot.orders.models import Note, Order
from entrepot.tasks.queue import decode
from tests.api.calling import Caller
from tests.dashboard.scene import Scene, sell
from tests.dashboard.shares import share

NOW = timedelta(0)


def sold(shop: Scene, number: str = "30001", **more: Any) -> int:
    order = sell(
        shop, number, customer="Šárka Žáčková", country="CZ", total="187.40", currency="EUR",
        lines=[("MUG-1", "Hrnek", 3), ("PC-2", "Pohled", 2)], placed=NOW, **more,
    )  # fmt: skip
    return order.id


def test_get_orders_management_lists_orders(machine: Caller, shop_day: Scene) -> None:
    sold(shop_day)

    first = machine.get("/api/orders/management", limit=2).body
    second = machine.get(
        "/api/orders/management", limit=2, cursor=first["pagination"]["next_cursor"]
    ).body
    by_mail = machine.get("/api/orders/management", customer="mareike@seemail.example").body
    by_name = machine.get("/api/orders/management", customer="Žáčková").body
    later = machine.get("/api/orders/management", dateFrom=_tomorrow()).body

    newest = first["orders"][0]
    assert (newest["order_number"], newest["total_amount"], newest["currency"]) == (
        "30001",
        18740,
        "EUR",
    )
    assert newest["customer_email"] == "30001@mail.example"
    assert first["pagination"]["has_more"] is True
    assert not {o["id"] for o in first["orders"]} & {o["id"] for o in second["orders"]}
    assert [order["order_number"] for order in by_mail["orders"]] == ["10482"]
    assert [order["order_number"] for order in by_name["orders"]] == ["30001"]
    assert later["orders"] == []


def test_each_order_has_one_word_and_each_word_finds_its_orders(
    machine: Caller, shop_day: Scene
) -> None:
    rows = machine.get("/api/orders/management", limit=200).body["orders"]
    words = {row["status"] for row in rows}

    assert len(words) >= 6
    for word in words:
        found = machine.get("/api/orders/management", limit=200, status=word).body["orders"]
        assert [o["id"] for o in found] == [o["id"] for o in rows if o["status"] == word], word
    assert machine.get("/api/orders/management", status="sent").status == 422


def test_a_date_is_that_whole_day_where_the_merchant_is(machine: Caller, shop_day: Scene) -> None:
    """In Auckland the 27th begins at 11:00 UTC of the 26th."""
    with scope.merchant(shop_day.merchant.id):
        shop_day.merchant.time_zone = "Pacific/Auckland"
        shop_day.merchant.save(update_fields=["time_zone"])
        orders = Order.objects.filter(mode=shop_day.order("10482").mode)
        orders.update(placed_at=datetime(2026, 11, 20, 9, 0, tzinfo=UTC))
        for number, day, hour in (("10482", 26, 11), ("10481", 27, 10), ("10483", 27, 11)):
            at = datetime(2026, 11, day, hour, 0, tzinfo=UTC)
            orders.filter(id=shop_day.order(number).id).update(placed_at=at)

    found = machine.get(
        "/api/orders/management", date_from="2026-11-27", date_to="2026-11-27"
    ).body["orders"]

    assert sorted(row["order_number"] for row in found) == ["10481", "10482"]
    assert machine.get("/api/orders/management", date_from="2026-11-27T09:00").status == 422


def test_the_history_tells_what_an_order_became_and_not_what_it_still_was(
    shop_day: Scene,
) -> None:
    with scope.merchant(shop_day.merchant.id):
        order = shop_day.order("10482")
        order.amount_captured = Decimal("30.00")
        told = [
            ("order.imported", {}),
            ("payment.captured", {}),
            ("shipment.recorded", {}),
            ("shipment.recorded", {}),
            ("payment.refunded", {"amount": "12.50"}),
            ("parcel.delivered", {}),
            ("parcel.delivered", {}),
            ("payment.refunded", {"amount": "17.50"}),
        ]
        events = [Event(name=name, data=data, at=order.placed_at) for name, data in told]

        words = [row.status for row in history_rows(events, order)]

    assert words == ["pending", "paid", "shipped", "delivered", "refunded"]


def test_patch_orders_management_updates_an_order(machine: Caller, shop_day: Scene) -> None:
    order_id = sold(shop_day)
    share(shop_day, shop_day.order("30001"), lines=[0, 1], provider="hand")

    noted = machine.amend("/api/orders/management", {"orderId": order_id, "notes": "Zvonit 2×"})
    held = machine.amend("/api/orders/management", {"id": "30001", "status": "on_hold"})
    tracked = machine.amend(
        "/api/orders/management",
        {"order_id": order_id, "trackingNumber": "Z 77", "carrier": "Zásilkovna"},
    )
    again = machine.amend(
        "/api/orders/management", {"order_id": order_id, "tracking_number": "Z 77"}
    )
    delivered = machine.amend(
        "/api/orders/management", {"order_id": order_id, "status": "delivered"}
    )

    assert [a.status for a in (noted, held, tracked, again, delivered)] == [200] * 5
    assert held.body["order"]["status"] == "on_hold"
    assert tracked.body["order"]["tracking_number"] == "Z 77"
    assert delivered.body["order"]["status"] == "delivered"
    with scope.merchant(shop_day.merchant.id):
        assert Note.objects.get(order_id=order_id).text == "Zvonit 2×"
        shipped = Event.objects.filter(name="shipment.recorded", order_id=order_id)
        assert [event.actor[:8] for event in shipped] == ["api_key:"]


@pytest.mark.parametrize("wish", [{"status": "on_hold"}, {"action": "hold"}])
def test_patch_orders_management_puts_no_reason_into_a_mouth(
    machine: Caller, shop_day: Scene, wish: dict[str, str]
) -> None:
    order_id = sold(shop_day)

    machine.amend("/api/orders/management", {"orderId": order_id, **wish})

    with scope.merchant(shop_day.merchant.id):
        (event,) = Event.objects.filter(name="order.held", order_id=order_id)
    assert event.reason == "no reason was given"


@pytest.mark.parametrize("action", ["refresh", "refresh_prodigi", "sync"])
def test_patch_orders_management_reads_prodigi_again(
    machine: Caller, shop_day: Scene, action: str
) -> None:
    order = shop_day.order("10482")

    answer = machine.amend("/api/orders/management", {"orderId": order.id, "action": action})

    assert answer.status == 200, answer.text
    with scope.system():
        waiting = sql.fetch("SELECT payload FROM pgqueuer WHERE entrypoint = 'inbox.reread'")
    told = [decode(bytes(payload)).args for (payload,) in waiting]
    assert shop_day.connections["prodigi"].id in {row["connection_id"] for row in told}
    assert all(row["merchant_id"] == shop_day.merchant.id for row in told)


@pytest.mark.parametrize(
    ("_case", "body", "status"),
    [
        ("money is not moved by a word", {"status": "refunded"}, 409),
        ("nor is it paid by one", {"status": "pending"}, 409),
        ("an unknown word", {"status": "sent"}, 422),
        ("an unknown action", {"action": "explode"}, 422),
        ("nothing to do", {}, 422),
        ("tracking of what a provider ships", {"tracking_number": "T 1"}, 409),
        ("delivered, and nothing has left", {"status": "delivered"}, 409),
    ],
)
def test_what_a_word_cannot_do_is_refused_and_changes_nothing(
    machine: Caller, shop_day: Scene, _case: str, body: dict[str, Any], status: int
) -> None:
    order_id = sold(shop_day)
    before = machine.get(f"/api/orders/id:{order_id}/status").body

    answer = machine.amend("/api/orders/management", {"order_id": order_id, "notes": "x", **body})

    expected = 200 if not body else status
    assert answer.status == expected, answer.text
    after = machine.get(f"/api/orders/id:{order_id}/status").body
    if body:
        assert after == before


def test_get_and_post_order_status(machine: Caller, shop_day: Scene) -> None:
    order = shop_day.order("10482")

    by = [
        machine.get(f"/api/orders/{key}/status").body
        for key in (order.reference, "10482", f"id:{order.id}", order.id)
    ]
    refreshed = machine.post("/api/orders/10482/status")

    assert by[0] == by[1] == by[2] == by[3]
    assert by[0]["order"]["id"] == order.id
    assert [item["quantity"] for item in by[0]["items"]] == [2, 1, 3, 1]
    assert len(by[0]["tracking"]) == 2
    assert by[0]["dropship_orders"][0]["provider"] == "prodigi"
    assert {row["status"] for row in by[0]["status_history"]} >= {"pending", "processing"}
    assert by[0]["logs"][0]["action"] == "order.imported"
    assert (refreshed.status, refreshed.body["success"]) == (200, True)


def test_post_dropship_answers_with_the_order_that_is_there(
    machine: Caller, shop_day: Scene
) -> None:
    order_id = sold(shop_day)
    made = share(shop_day, shop_day.order("30001"), lines=[0, 1], provider="prodigi")

    first = machine.post("/api/dropship/prodigi", {"orderId": order_id})
    forced = machine.post("/api/dropship/prodigi", {"order_id": "30001", "force_sync": True})
    read = machine.get("/api/dropship/prodigi", orderId=order_id)
    by_theirs = machine.get("/api/dropship/prodigi", prodigi_order_id=made.external_id)

    for answer in (first, forced, read, by_theirs):
        assert answer.status == 200, answer.text
        assert answer.body["prodigi_order_id"] == made.external_id
        assert answer.body["reference"] == "shop.example/30001/1/1"
        assert answer.body["already_exists"] is True
    with scope.merchant(shop_day.merchant.id):
        assert not Event.objects.filter(name="attempt.intended", order_id=order_id).exists()


def test_post_dropship_says_why_an_order_cannot_go(machine: Caller, shop_day: Scene) -> None:
    order_id = sold(shop_day)
    machine.post("/api/v1/orders/30001/hold", {"reason": "Zákaznice přemýšlí"})

    held = machine.post("/api/dropship/prodigi", {"orderId": order_id})
    nobody = machine.post("/api/dropship/prodigi", {"orderId": 987_654})
    nothing = machine.get("/api/dropship/prodigi", orderId=order_id)

    assert (held.status, held.body["detail"]) == (409, "order 30001 is held: Zákaznice přemýšlí")
    assert nobody.status == 404
    assert nothing.status == 404


def test_get_patch_delete_notifications(machine: Caller, shop_day: Scene) -> None:
    with scope.merchant(shop_day.merchant.id):
        tell(
            NewNotification(
                merchant_id=shop_day.merchant.id, mode="live", kind="shipped", fact=f"shipment:{n}",
                title=f"Unterwegs {n}", message="…",
            )
            for n in (1, 2, 3)
        )  # fmt: skip

    shown = machine.get("/api/notifications").body
    one, two, three, *alerts = [row["id"] for row in shown["notifications"]]
    marked = machine.amend("/api/notifications", {"notificationIds": [one]}).body
    unread = machine.get("/api/notifications", unread_only=True).body
    removed = machine.delete("/api/notifications", id=two).body
    rest = machine.amend("/api/notifications", {"markAllAsRead": True}).body
    none = machine.amend("/api/notifications", {})

    assert (shown["unread_count"], len(alerts)) == (5, 2)
    assert [row["type"] for row in shown["notifications"]] == ["order_shipped"] * 3 + ["alert"] * 2
    assert (marked["updated"], marked["unread_count"]) == (1, 4)
    assert [row["id"] for row in unread["notifications"]] == [two, three, *alerts]
    assert (removed["updated"], rest["updated"], rest["unread_count"]) == (1, 3, 0)
    assert none.status == 422


def test_get_admin_health(machine: Caller, shop_day: Scene) -> None:
    health = machine.get("/api/admin/health").body

    assert health["status"] in {"healthy", "degraded", "unhealthy"}
    assert health["checks"]["database"]["status"] == "healthy"
    assert {"retries", "orders", "notifications", "connections", "lanes"} <= set(health["checks"])
    assert "Prodigi" in {row["name"] for row in health["checks"]["connections"]}


def test_post_admin_health_process_pending_retries(machine: Caller, shop_day: Scene) -> None:
    raw = b'{"action": "process_pending_retries"}'

    before = deferred_all()
    answer = machine.send("POST", "/api/admin/health", raw)

    assert (answer.status, answer.body["success"]) == (200, True)
    assert answer.body["result"]["processed"] == deferred_all() - before
    assert answer.body["result"]["processed"] > 0


@pytest.mark.parametrize(
    "action",
    [
        "clean_up_old_operations",
        "cleanup_old_operations",
        "purge_old_notifications",
        "archive_completed_orders",
        "get_retry_statistics",
    ],
)
def test_post_admin_health_knows_the_other_actions(
    machine: Caller, shop_day: Scene, action: str
) -> None:
    answer = machine.post("/api/admin/health", {"action": action})

    assert (answer.status, answer.body["action"]) == (200, action)


def test_an_unknown_action_is_refused_with_the_known_ones(machine: Caller, shop_day: Scene) -> None:
    answer = machine.post("/api/admin/health", {"action": "drop_tables"})

    assert answer.status == 422
    assert "process_pending_retries" in answer.body["detail"]


def test_get_status_needs_no_key(database: str) -> None:
    answer = Caller("").get("/api/status")

    assert (answer.status, answer.body["status"]) == (200, "operational")
    assert set(answer.body) == {"status", "timestamp"}


def deferred_all() -> int:
    with scope.system():
        return int(sql.fetch_value("SELECT count(*) FROM pgqueuer"))


def _tomorrow() -> str:
    return (timezone.now() + timedelta(days=1)).isoformat()
