"""Erasing a customer from the order's page: who may, what it shows before, and what is left."""

from django.test import Client

from entrepot.access import scope
from entrepot.access.states import Role
from entrepot.customers.models import Customer
from entrepot.orders.models import Order
from tests.dashboard.conftest import SignIn
from tests.dashboard.scene import Scene


def done_order(scene: Scene) -> Order:
    """An order of the day of whose customer nothing is under way."""
    with scope.merchant(scene.merchant.id):
        busy = Order.objects.filter(status="open").values("customer_id")
        done = Order.objects.filter(mode="live", status="closed", customer_id__isnull=False)
        found = done.exclude(customer_id__in=busy).order_by("id").first()
    assert found is not None
    return found


def page_of(client: Client, order: Order) -> str:
    return client.get(f"/orders/{order.id}/").content.decode()


def test_only_who_may_erase_is_offered_it(scene: Scene, sign_in: SignIn) -> None:
    order = done_order(scene)

    assert "Erase customer" in page_of(sign_in(scene, Role.OWNER), order)
    assert "Erase customer" not in page_of(sign_in(scene, Role.OPERATOR), order)
    refused = sign_in(scene, Role.OPERATOR).post(f"/orders/{order.id}/erase/", {"reason": "já"})
    assert refused.status_code == 403
    with scope.merchant(scene.merchant.id):
        assert Customer.objects.filter(erased_at__isnull=False).count() == 0


def test_a_preview_says_what_goes_and_what_stays_and_the_page_says_it_afterwards(
    scene: Scene, sign_in: SignIn
) -> None:
    order, owner = done_order(scene), sign_in(scene, Role.OWNER)
    with scope.merchant(scene.merchant.id):
        name = Customer.objects.get(id=order.customer_id or 0).name
    address = f"/orders/{order.id}/erase/"

    preview = owner.get(address).content.decode()

    assert "go, for good" in preview
    assert "Nothing is erased at the shop or the provider" in preview
    assert name in page_of(owner, order)

    owner.post(address, {"reason": "auf Wunsch, Art. 17"})

    page = page_of(owner, order)
    assert name not in page
    assert "Erased " in page
    assert "The customer was erased" in page
    assert "Nothing personal is known" in owner.get(address).content.decode()


def test_a_customer_who_is_still_needed_is_not_erased(scene: Scene, sign_in: SignIn) -> None:
    owner, order = sign_in(scene, Role.OWNER), scene.order("10482")

    shown = owner.get(f"/orders/{order.id}/erase/")

    assert shown.status_code == 409
    assert "still needed for 10482" in shown.content.decode()
