"""Programs list the money that belongs to no known order, match it and dismiss it."""

from datetime import timedelta

from entrepot.access import scope
from entrepot.events.models import Event
from entrepot.orders.models import Order
from entrepot.payments import unmatched as services
from tests.api.calling import Caller, caller
from tests.dashboard.scene import Scene, sell
from tests.dashboard.troubles import unmatched

LIST = "/api/v1/payments?unmatched=true"


def test_unmatched_payments_are_listed_page_by_page(shop_day: Scene, machine: Caller) -> None:
    for number in range(5):
        unmatched(shop_day, f"pi_fremd_{number}", "12.345", currency="KWD", card_last4="4242")
    done = unmatched(shop_day, "pi_known", "3.00", ago=timedelta(days=2))
    services.dismiss_payment(shop_day.merchant.id, done.id, by="user:1", reason="Trinkgeld")

    first = machine.get(f"{LIST}&limit=3")
    second = machine.get(f"{LIST}&limit=3&cursor={first.body['next']}")

    listed = [one["payment_external_id"] for one in [*first.body["data"], *second.body["data"]]]
    assert listed == [f"pi_fremd_{number}" for number in (4, 3, 2, 1, 0)]
    assert second.body["next"] is None
    assert first.body["data"][0]["amount"] == {"amount": "12.345", "currency": "KWD"}
    assert first.body["data"][0]["external_id"] == "ch_pi_fremd_4"
    assert first.body["data"][0]["card_last4"] == "4242"


def test_each_key_sees_its_own_mode_and_merchant(
    shop_day: Scene, machine: Caller, test_machine: Caller, stranger: Caller
) -> None:
    unmatched(shop_day, "pi_live", "7.25")
    unmatched(shop_day, "pi_test", "8.50", mode="test")

    seen = [
        [one["payment_external_id"] for one in each.get(LIST).body["data"]]
        for each in (machine, test_machine, stranger)
    ]

    assert seen == [["pi_live"], ["pi_test"], []]


def test_money_is_for_keys_that_may_read_payments(shop_day: Scene) -> None:
    refused = caller(shop_day.merchant, scopes=["orders:read"]).get(LIST)
    admitted = caller(shop_day.merchant, scopes=["payments:read"]).get(LIST)

    assert (refused.status, admitted.status) == (403, 200)


def test_there_is_no_list_of_all_payments(machine: Caller, shop_day: Scene) -> None:
    assert machine.get("/api/v1/payments?unmatched=false").status == 422


def unpaid(shop: Scene, number: str) -> Order:
    """An order of five units that nobody has paid yet."""
    return sell(
        shop, number, customer="Žofie Nováková", country="CZ", total="52.00", currency="EUR",
        lines=[("MUG-1", "Hrnek", 3), ("PC-2", "Pohled", 2)], placed=timedelta(hours=1),
        captured=False, released=False,
    )  # fmt: skip


def test_a_payment_is_matched_to_an_order_that_its_caller_names(
    shop_day: Scene, machine: Caller
) -> None:
    payment = unmatched(shop_day, "pi_fremd_8", "52.00")
    order = unpaid(shop_day, "40001")
    asked = {"order": "40001", "reason": "Stejné jméno na výpisu"}

    first, again = [machine.post(f"/api/v1/payments/{payment.id}/match", asked) for _ in range(2)]

    assert (first.status, again.status) == (200, 200)
    assert first.body["id"] == order.reference
    assert first.body["payment_status"] == "paid"
    assert machine.get(LIST).body["data"] == []
    with scope.merchant(shop_day.merchant.id):
        (told,) = Event.objects.filter(name="payment.captured", order_id=order.id)
    assert told.actor.startswith("api_key:")
    assert told.reason == "Stejné jméno na výpisu"


def test_a_payment_of_another_order_is_not_matched_again(shop_day: Scene, machine: Caller) -> None:
    payment = unmatched(shop_day, "pi_fremd_9", "52.00")
    unpaid(shop_day, "40002")
    unpaid(shop_day, "40003")
    address = f"/api/v1/payments/{payment.id}"
    machine.post(f"{address}/match", {"order": "40002", "reason": "Výpis"})

    refused = machine.post(f"{address}/match", {"order": "40003", "reason": "Omyl"})
    not_dismissed = machine.post(f"{address}/dismiss", {"reason": "Omyl"})

    said = "the payment belongs to order 40002 by now"
    assert [(one.status, one.body["detail"]) for one in (refused, not_dismissed)] == [
        (409, said)
    ] * 2


def test_a_payment_is_dismissed_with_a_reason_and_once(shop_day: Scene, machine: Caller) -> None:
    payment = unmatched(shop_day, "pi_fremd_10", "7.250", currency="KWD")
    address = f"/api/v1/payments/{payment.id}/dismiss"

    without = machine.post(address, {})
    first, again = [machine.post(address, {"reason": "Vstupné"}) for _ in range(2)]

    assert (without.status, first.status, again.status) == (422, 200, 200)
    assert first.body["amount"] == {"amount": "7.250", "currency": "KWD"}
    assert first.body["dismissed_at"] is not None
    assert again.body == first.body
    assert machine.get(LIST).body["data"] == []


def test_a_payment_of_the_other_mode_or_merchant_is_not_there(
    shop_day: Scene, machine: Caller, test_machine: Caller, stranger: Caller
) -> None:
    payment = unmatched(shop_day, "pi_fremd_11", "52.00")
    order = unpaid(shop_day, "40004")
    address = f"/api/v1/payments/{payment.id}"

    asked = [
        (one.post(f"{address}/match", {"order": order.reference, "reason": "x"}).status,
         one.post(f"{address}/dismiss", {"reason": "x"}).status)
        for one in (test_machine, stranger)
    ]  # fmt: skip
    reader = caller(shop_day.merchant, scopes=["payments:read"])
    not_allowed = reader.post(f"{address}/dismiss", {"reason": "x"}).status

    assert asked == [(404, 404), (404, 404)]
    assert not_allowed == 403
    assert len(machine.get(LIST).body["data"]) == 1
