"""Orders as the interface shows them."""

from decimal import Decimal

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.intake.tables import safe
from entrepot.orders.models import Order
from entrepot.payments.models import PaymentEntry
from tests.api.calling import Caller, caller
from tests.dashboard.scene import Scene, sell


def test_a_list_is_read_to_its_end_by_key_without_a_repeat(
    machine: Caller, shop_day: Scene
) -> None:
    seen: list[str] = []
    cursor = ""
    while True:
        page = machine.get("/api/v1/orders", limit=3, cursor=cursor).body
        seen += [order["number"] for order in page["data"]]
        if page["next"] is None:
            break
        cursor = page["next"]

    live = [order for order in shop_day.orders.values() if order.mode == "live"]
    live.sort(key=lambda order: (order.placed_at, order.id), reverse=True)
    assert seen == [order.number for order in live]


def test_a_live_key_sees_no_test_order_and_a_test_key_no_live_one(
    machine: Caller, test_machine: Caller, shop_day: Scene
) -> None:
    test_orders = {order.number for order in shop_day.orders.values() if order.mode == "test"}
    live = machine.get("/api/v1/orders", limit=200).body["data"]
    test = test_machine.get("/api/v1/orders", limit=200).body["data"]

    assert {order["number"] for order in test} == test_orders
    assert {order["mode"] for order in live} == {"live"}
    assert machine.get(f"/api/v1/orders/{next(iter(test_orders))}").status == 404


def test_an_order_is_found_by_reference_number_and_integer(
    machine: Caller, shop_day: Scene
) -> None:
    order = shop_day.order("10482")

    by = [
        machine.get(f"/api/v1/orders/{key}").body
        for key in (order.reference, "10482", "number:10482", f"id:{order.id}")
    ]

    assert {row["id"] for row in by} == {order.reference}
    assert by[0]["order_id"] == order.id


def test_a_text_that_names_two_orders_names_neither(machine: Caller, shop_day: Scene) -> None:
    one = shop_day.order("10482")
    other = sell(
        shop_day, str(one.id), customer="Íris", country="IS", total="9000", currency="ISK",
        lines=[("MUG-1", "Becher", 4)], placed=one.placed_at - one.placed_at,
    )  # fmt: skip

    answer = machine.get(f"/api/v1/orders/{one.id}")

    assert answer.status == 409
    assert {row["id"] for row in answer.body["orders"]} == {one.reference, other.reference}
    assert machine.get(f"/api/v1/orders/id:{one.id}").body["number"] == "10482"
    assert machine.get(f"/api/v1/orders/number:{one.id}").body["id"] == other.reference


def test_an_order_has_its_lines_money_parcels_and_customer(
    machine: Caller, shop_day: Scene
) -> None:
    order = machine.get("/api/v1/orders/10482").body

    assert order["total"] == {"amount": "187.40", "currency": "EUR"}
    assert [line["quantity"] for line in order["lines"]] == [2, 1, 3, 1]
    assert order["customer"]["email"] == "mareike@seemail.example"
    assert order["customer"]["address"]["line1"] == "Große Möwengasse 12"
    assert sum(len(f["shipments"]) for f in order["fulfillment_orders"]) >= 2
    assert order["tracking_page"].startswith("http://testserver/t/")


def test_without_the_right_to_personal_data_nobody_is_named(shop_day: Scene) -> None:
    blind = caller(shop_day.merchant, scopes=["orders:read"])

    order = blind.get("/api/v1/orders/10482").body
    row = blind.get("/api/v1/orders").body["data"][0]
    asked = blind.get("/api/v1/orders", email="mareike@seemail.example")

    assert (order["customer"], order["customer_name"], order["customer_note"]) == (None, None, None)
    assert order["tracking_page"] == ""
    assert row["customer_name"] is None
    assert (asked.status, asked.body["scope"]) == (403, "personal_data:read")


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ({"email": "Mareike@seemail.example"}, {"10482"}),
        ({"find": "süßkind"}, {"10482"}),
        ({"currency": "SEK", "status": "cancelled", "is_held": True}, set()),
    ],
)
def test_filters_narrow_a_list(
    machine: Caller, shop_day: Scene, query: dict[str, object], numbers: set[str]
) -> None:
    found = machine.get("/api/v1/orders", **query).body["data"]

    assert {order["number"] for order in found} == numbers


def test_every_filter_agrees_with_the_rows(machine: Caller, shop_day: Scene) -> None:
    rows = machine.get("/api/v1/orders", limit=200).body["data"]

    for name in ("status", "payment_status", "fulfillment_status", "is_held"):
        for value in {row[name] for row in rows}:
            found = machine.get("/api/v1/orders", limit=200, **{name: value}).body["data"]
            assert [row["id"] for row in found] == [r["id"] for r in rows if r[name] == value]
    with_cards = machine.get("/api/v1/orders", sku="PC-MOE*", limit=200).body["data"]
    assert "10482" in {row["number"] for row in with_cards}
    assert len(with_cards) < len(rows)


def test_a_longer_list_takes_no_more_queries(machine: Caller, shop_day: Scene) -> None:
    def queries(limit: int) -> int:
        with CaptureQueriesContext(connections["default"]) as captured:
            assert len(machine.get("/api/v1/orders", limit=limit).body["data"]) == limit
        return len(captured)

    assert queries(2) == queries(12)


def test_a_refunds_id_finds_its_order(machine: Caller, shop_day: Scene) -> None:
    order = shop_day.order("10482")
    with scope.merchant(shop_day.merchant.id):
        for external_id in ("re_3Nf8", "refund:7713"):
            PaymentEntry.objects.create(
                merchant_id=shop_day.merchant.id, mode="live", account=order.account,
                connection_id=order.connection_id, order_id=order.id, kind="refunded",
                external_id=external_id, payment_external_id="pi_1", amount=Decimal("3.20"),
                currency=order.currency, is_from_gateway=True, happened_at=order.placed_at,
            )  # fmt: skip

    found = [
        [row["number"] for row in machine.get("/api/v1/orders", find=written).body["data"]]
        for written in ("re_3Nf8", "#7713", "7714")
    ]

    assert found == [["10482"], ["10482"], []]


def test_an_export_runs_nothing_in_a_spreadsheet(machine: Caller, shop_day: Scene) -> None:
    sell(
        shop_day, "=HYPERLINK(1)", customer="@SUM(A1) Łucja", country="PL", total="12.50",
        currency="PLN", lines=[("MUG-1", "Kubek", 3)],
        placed=shop_day.order("10482").placed_at - shop_day.order("10482").placed_at,
    )  # fmt: skip

    answer = machine.get("/api/v1/orders.csv")

    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "'=HYPERLINK(1)" in answer.text
    assert "'@SUM(A1) Łucja" in answer.text
    assert ",12.50,PLN" in answer.text
    assert [safe(cell) for cell in ("-12.50", -3, "-cmd", "+1 x")] == [
        "-12.50",
        "-3",
        "'-cmd",
        "'+1 x",
    ]


def test_the_timeline_says_what_happened_and_why(machine: Caller, shop_day: Scene) -> None:
    first = machine.get("/api/v1/orders/10482/events", limit=1).body
    rest = machine.get("/api/v1/orders/10482/events", cursor=first["next"]).body

    names = [event["name"] for event in [*first["data"], *rest["data"]]]
    assert "order.imported" in names
    assert len(names) == len({e["id"] for e in [*first["data"], *rest["data"]]})
    imported = next(e for e in rest["data"] if e["name"] == "order.imported")
    assert imported["cause"].startswith("inbox:")


def test_another_merchants_key_finds_nothing(
    stranger: Caller, shop_day: Scene, other_merchant: Merchant
) -> None:
    order = shop_day.order("10482")

    assert stranger.get("/api/v1/orders").body == {"data": [], "next": None}
    for key in ("10482", order.reference, f"id:{order.id}"):
        assert stranger.get(f"/api/v1/orders/{key}").status == 404
    with scope.merchant(other_merchant.id):
        assert not Order.objects.exists()
