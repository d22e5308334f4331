"""Programs list the money that belongs to no known order."""

from datetime import timedelta

from entrepot.payments import unmatched as services
from tests.api.calling import Caller, caller
from tests.dashboard.scene import Scene
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
