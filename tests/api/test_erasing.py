"""Erasing a customer by a program: its own scope, one customer in all orders, and no way back."""

from entrepot.access import scope
from entrepot.events.models import Event
from entrepot.orders.models import Order
from tests.api.calling import Caller, caller
from tests.dashboard.scene import Scene

WHY = {"reason": "žádost o výmaz"}


def done_order(shop: Scene) -> Order:
    with scope.merchant(shop.merchant.id):
        busy = Order.objects.filter(status="open").values("customer_id")
        done = Order.objects.filter(mode="live", status="closed", customer_id__isnull=False)
        found = done.exclude(customer_id__in=busy).order_by("id").first()
    assert found is not None
    return found


def test_a_customer_is_erased_once_with_its_own_scope(machine: Caller, shop_day: Scene) -> None:
    order = done_order(shop_day)
    path = f"/api/v1/orders/{order.number}/erasures"
    weaker = caller(shop_day.merchant, scopes=["orders:read", "orders:write", "personal_data:read"])
    before = machine.get(f"/api/v1/orders/{order.number}").body

    assert weaker.post(path, WHY).status == 403
    erased, again = machine.post(path, WHY), machine.post(path, WHY)

    assert (erased.status, again.status) == (200, 409)
    assert order.number in erased.body["orders"]
    assert erased.body["counts"]["addresses"] > 0
    after = machine.get(f"/api/v1/orders/{order.number}").body
    assert before["customer"]["name"]
    assert (after["customer"]["name"], after["customer"]["email"]) == ("", "")
    assert after["customer"]["address"]["country"] == before["customer"]["address"]["country"]
    assert after["total"] == before["total"]
    with scope.merchant(shop_day.merchant.id):
        told = Event.objects.filter(name="customer.erased", order_id=order.id).get()
    assert (told.reason, told.actor[:8]) == ("žádost o výmaz", "api_key:")


def test_a_customer_of_an_order_under_way_is_refused_with_its_number(machine: Caller) -> None:
    refused = machine.post("/api/v1/orders/10482/erasures", WHY)

    assert refused.status == 409
    assert "10482" in refused.body["detail"]
