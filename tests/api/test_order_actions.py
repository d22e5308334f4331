"""What a machine does with an order, and what it is refused."""

from entrepot.access import scope
from entrepot.events.models import Event
from entrepot.orders.models import Hold, Line
from tests.api.calling import Caller, caller
from tests.dashboard.scene import Scene, sell
from tests.dashboard.shares import share

WHY = {"reason": "Kundin rief an"}


def sold(
    shop: Scene, number: str = "20001", *, currency: str = "EUR", total: str = "100.00"
) -> int:
    """A paid order of five units of two lines, nothing of it shipped."""
    order = sell(
        shop, number, customer="Žofie Nováková", country="CZ", total=total, currency=currency,
        lines=[("MUG-1", "Hrnek", 3), ("PC-2", "Pohled", 2)],
        placed=shop.order("10482").placed_at - shop.order("10482").placed_at,
    )  # fmt: skip
    return order.id


def lines_of(shop: Scene, order_id: int) -> list[Line]:
    with scope.merchant(shop.merchant.id):
        return list(Line.objects.filter(order_id=order_id).order_by("position"))


def test_an_order_is_held_and_let_go_on_with_the_machine_named_in_the_journal(
    machine: Caller, shop_day: Scene
) -> None:
    sold(shop_day)

    held = machine.post("/api/v1/orders/20001/hold", WHY).body
    again = machine.post("/api/v1/orders/20001/hold", WHY).body
    hold_id = next(hold["id"] for hold in held["holds"] if hold["lifted_at"] is None)
    lifted = machine.post(f"/api/v1/orders/20001/holds/{hold_id}/lift", WHY).body

    assert (held["is_held"], lifted["is_held"]) == (True, False)
    assert len(again["holds"]) == 1
    with scope.merchant(shop_day.merchant.id):
        hold = Hold.objects.get(id=hold_id)
        event = Event.objects.get(name="order.hold_lifted", order_id=hold.order_id)
    assert hold.opened_by.startswith("api_key:")
    assert (event.actor, event.reason) == (hold.opened_by, "Kundin rief an")


def test_a_hold_is_lifted_only_through_its_own_order(machine: Caller, shop_day: Scene) -> None:
    sold(shop_day)
    held = machine.post("/api/v1/orders/20001/hold", WHY).body
    hold_id = held["holds"][0]["id"]

    answer = machine.post(f"/api/v1/orders/10482/holds/{hold_id}/lift", WHY)

    assert answer.status == 404
    assert machine.get("/api/v1/orders/20001").body["is_held"] is True


def test_some_units_are_cancelled_and_no_more_than_there_are(
    machine: Caller, shop_day: Scene
) -> None:
    mugs, _ = lines_of(shop_day, sold(shop_day))

    part = machine.post(
        "/api/v1/orders/20001/cancel", {**WHY, "units": [{"line_id": mugs.id, "quantity": 2}]}
    )
    many = machine.post(
        "/api/v1/orders/20001/cancel", {**WHY, "units": [{"line_id": mugs.id, "quantity": 4}]}
    )
    stray = machine.post(
        "/api/v1/orders/20001/cancel", {**WHY, "units": [{"line_id": 999_999, "quantity": 1}]}
    )
    whole = machine.post("/api/v1/orders/20001/cancel", WHY)

    assert part.body["units"]["cancelled"] == 2
    assert (many.status, many.body["detail"]) == (
        409,
        "cannot cancel 4 units of MUG-1: 3 have not left yet",
    )
    assert (stray.status, stray.body["detail"]) == (422, "units: order 20001 has no line 999999")
    assert whole.body["status"] == "cancelled"


def test_a_refund_is_wanted_within_what_is_held_and_in_the_currencys_own_decimals(
    machine: Caller, shop_day: Scene
) -> None:
    sold(shop_day, "20002", currency="JPY", total="12000")

    def refund(amount: str, currency: str = "JPY") -> tuple[int, str]:
        money = {"amount": amount, "currency": currency}
        answer = machine.post("/api/v1/orders/20002/refunds", {**WHY, "amount": money})
        return answer.status, answer.body.get("detail", answer.body.get("status"))

    assert refund("5000") == (202, "wanted")
    assert refund("8000")[0] == 409
    assert refund("100.5") == (422, "100.5 JPY has more decimals than JPY knows")
    assert refund("10", "EUR")[0] == 409
    order = machine.get("/api/v1/orders/20002").body
    assert [r["amount"] for r in order["refunds"]] == [{"amount": "5000", "currency": "JPY"}]


def test_an_address_is_changed_and_what_was_typed_is_kept(machine: Caller, shop_day: Scene) -> None:
    sold(shop_day)
    address = {"name": "Žofie Nováková", "line1": "Dlouhá 7", "city": "Brno", "country": "CZ"}

    order = machine.put("/api/v1/orders/20001/address", {**WHY, "address": address}).body

    assert order["customer"]["address"]["line1"] == "Dlouhá 7"
    assert order["customer"]["typed_address"]["line1"] == "Große Möwengasse 12"
    empty = machine.put("/api/v1/orders/20001/address", {**WHY, "address": {}})
    assert empty.status == 409


def test_notes_and_tags_are_kept(machine: Caller, shop_day: Scene) -> None:
    sold(shop_day)

    note = machine.post("/api/v1/orders/20001/notes", {"text": "  Zvonit dvakrát 🔔  "}).body
    tagged = machine.amend("/api/v1/orders/20001/tags", {"add": ["vip", "pátek"]}).body
    fewer = machine.amend("/api/v1/orders/20001/tags", {"add": ["dárek"], "remove": ["vip"]}).body

    assert note["text"] == "Zvonit dvakrát 🔔"
    assert tagged["tags"] == ["pátek", "vip"]
    assert sorted(fewer["tags"]) == ["dárek", "pátek"]


def test_what_people_ship_is_told_once_and_sent_again_with_a_reason(
    machine: Caller, shop_day: Scene
) -> None:
    order_id = sold(shop_day)
    made = share(shop_day, shop_day.order("20001"), lines=[0, 1], provider="hand")
    path = f"/api/v1/fulfillment-orders/{made.id}"
    parcel = {"carrier": "Zásilkovna", "tracking_number": "Z 123 456"}

    first = machine.post(f"{path}/shipments", parcel)
    again = machine.post(f"{path}/shipments", parcel)
    none_left = machine.post(f"{path}/shipments", {"tracking_number": "Z 999"})
    replaced = machine.post(f"{path}/reship", {"reason": "rozbité"})
    no_reason = machine.post(f"{path}/reship", {"reason": ""})

    assert (first.status, again.status) == (201, 201)
    assert first.body["id"] == again.body["id"]
    assert sum(item["quantity"] for item in first.body["items"]) == 5
    assert none_left.status == 409
    assert (replaced.status, replaced.body["replacement_reason"]) == (201, "rozbité")
    assert no_reason.status == 422
    shown = machine.get(f"/api/v1/orders/id:{order_id}").body
    assert shown["units"]["shipped"] == 5


def test_retry_and_refresh_only_defer_work(machine: Caller, shop_day: Scene) -> None:
    retried = machine.post("/api/v1/orders/10482/retry", WHY)
    refreshed = machine.post("/api/v1/orders/10482/refresh")

    assert retried.status == refreshed.status == 202
    assert refreshed.body["jobs"] >= 1


def test_each_action_needs_its_own_scope(shop_day: Scene) -> None:
    sold(shop_day)
    reader = caller(shop_day.merchant, scopes=["orders:read"])

    answers = [
        reader.post("/api/v1/orders/20001/hold", WHY),
        reader.post("/api/v1/orders/20001/refunds", {**WHY, "amount": {}}),
        reader.post("/api/v1/fulfillment-orders/1/shipments", {}),
    ]

    assert [(a.status, a.body["scope"]) for a in answers] == [
        (403, "orders:write"),
        (403, "refunds:write"),
        (403, "fulfillment:write"),
    ]
    assert reader.get("/api/v1/orders/20001").body["is_held"] is False
