"""An unsent order whose money went back says so, and is to be cancelled rather than released."""

from datetime import timedelta
from decimal import Decimal

import pytest

from entrepot.access import scope
from entrepot.fulfillment.readiness import shortfall
from entrepot.orders.holds import open_holds
from entrepot.orders.models import Hold, Order
from entrepot.orders.services import lift_hold, lift_similar_holds
from entrepot.orders.states import HoldKind
from tests.dashboard.conftest import SignIn
from tests.dashboard.scene import Scene, sell


def refund(scene: Scene, number: str, amount: Decimal | None = None) -> Order:
    """Give back all that was captured, or so much of it, and ask whether the rest covers it."""
    with scope.merchant(scene.merchant.id):
        order = Order.objects.get(id=scene.orders[number].id)
        back = order.amount_captured if amount is None else amount
        Order.objects.filter(id=order.id).update(
            amount_refunded=back, amount_due=order.total, released_by="paid"
        )
        order.refresh_from_db()
        hold = shortfall(order)
        assert hold is not None
        open_holds([hold])
    return order


def panel(page: str) -> str:
    return page.partition('id="next"')[2].partition("</section>")[0]


@pytest.fixture
def number(scene: Scene) -> str:
    """An order that was paid, and of which nothing has left."""
    sell(
        scene, "20021", customer="Jørgen Åse", country="DK", total="64.80", currency="EUR",
        lines=[("PRT-LEU-5070", "Leuchtturm", 2)], placed=timedelta(hours=2),
    )  # fmt: skip
    return "20021"


def test_its_page_names_the_refund_and_proposes_to_cancel(
    scene: Scene, sign_in: SignIn, number: str
) -> None:
    order = refund(scene, number)
    client = sign_in(scene)

    page = client.get(f"/orders/{order.id}/").content.decode()
    listed = client.get(f"/orders/?find={number}").content.decode()

    assert "Held: Refunded in full" in page
    assert "Paid amount differs" not in panel(page)
    assert panel(page).count("Refunded in full") == 1
    assert panel(page).index("Cancel …") < panel(page).index("Release hold …")
    assert "btn primary" in panel(page).partition("Cancel …")[0]
    assert "btn primary" not in panel(page).partition("Cancel …")[2]
    assert "Refunded in full" in listed


def test_its_release_is_asked_for_with_a_warning(
    scene: Scene, sign_in: SignIn, number: str
) -> None:
    order = refund(scene, number)

    asked = sign_in(scene).get(f"/orders/{order.id}/release/").content.decode()

    assert "Refunded in full: it would be made and sent for nothing" in asked
    assert f"{order.amount_refunded:.2f}" in asked


def test_what_has_left_is_not_proposed_to_be_cancelled(scene: Scene, sign_in: SignIn) -> None:
    order = refund(scene, "10480")
    client = sign_in(scene)

    page = client.get(f"/orders/{order.id}/").content.decode()
    asked = client.get(f"/orders/{order.id}/release/").content.decode()

    assert "btn primary" not in panel(page).partition("Release hold …")[2]
    assert "made and sent for nothing" not in panel(page) + asked


def test_a_part_that_went_back_is_named_too(scene: Scene, sign_in: SignIn, number: str) -> None:
    with scope.merchant(scene.merchant.id):
        paid = Order.objects.get(id=scene.orders[number].id).amount_captured
    order = refund(scene, number, paid - Decimal("1.10"))
    client = sign_in(scene)

    asked = client.get(f"/orders/{order.id}/release/").content.decode()
    page = client.get(f"/orders/{order.id}/").content.decode()

    assert "Of what was paid, went back" in asked
    assert "made and sent for nothing" not in asked
    assert "Held: Paid amount differs from the total" in page


def test_its_card_offers_to_cancel_it_and_no_release_of_all(
    scene: Scene, sign_in: SignIn, number: str
) -> None:
    order = refund(scene, number)
    refund(scene, "10497", Decimal("20.00"))

    page = sign_in(scene).get("/attention/?kind=hold").content.decode()

    card = page.partition("Paid amount differs")[2].partition("</section>")[0]
    assert f"/orders/{order.id}/cancel/" in card
    assert "Release all" not in card


def test_it_is_not_released_among_others_of_its_cause(scene: Scene, number: str) -> None:
    sell(
        scene, "20022", customer="Søren Ærø", country="DK", total="64.80", currency="EUR",
        lines=[("PRT-LEU-5070", "Leuchtturm", 3)], placed=timedelta(hours=1),
    )  # fmt: skip
    for_nothing, in_part = refund(scene, number), refund(scene, "20022", Decimal(20))
    merchant_id = scene.merchant.id

    freed = lift_similar_holds(merchant_id, kind=HoldKind.TOTALS, by="user:1", reason="so gewollt")
    chosen = Hold.objects.filter(order_id=for_nothing.id, lifted_at=None)
    with scope.merchant(merchant_id):
        left = list(chosen.values_list("id", flat=True))
    alone = [lift_hold(merchant_id, hold_id, by="user:1", reason="Geschenk") for hold_id in left]

    assert (freed, len(left), alone) == ([in_part.id], 1, [[for_nothing.id]])
