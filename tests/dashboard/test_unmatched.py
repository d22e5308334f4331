"""Money that belongs to no known order is a card with two ways out, and found by its id."""

from datetime import timedelta

import pytest

from entrepot.access import scope
from entrepot.access.states import Role
from entrepot.events.models import Event
from entrepot.orders.models import Order
from entrepot.payments.models import PaymentEntry
from tests.dashboard.conftest import SignIn
from tests.dashboard.scene import Scene, sell
from tests.dashboard.troubles import unmatched

PAGE = "/attention/?kind=unmatched"


def unpaid(scene: Scene, number: str, total: str = "64.80", currency: str = "EUR") -> Order:
    """An order that waits for its money."""
    order = sell(
        scene, number, customer="Jørgen Åse", country="DK", total=total, currency=currency,
        lines=[("PRT-LEU-5070", "Leuchtturm", 2)], placed=timedelta(hours=2),
    )  # fmt: skip
    with scope.merchant(scene.merchant.id):
        PaymentEntry.objects.filter(order_id=order.id).delete()
        Order.objects.filter(id=order.id).update(
            amount_captured=0, released_at=None, released_by="", source_state="processing"
        )
    return scene.order(number)


def test_each_unmatched_payment_has_a_card(scene: Scene, sign_in: SignIn) -> None:
    unmatched(scene, "pi_fremd_1", "64.80", method="Klarna", card_last4="4242", refunded="4.80")
    unmatched(scene, "pi_fremd_2", "12000", currency="JPY")
    unmatched(scene, "pi_test_1", "1.10", mode="test")
    client = sign_in(scene)

    page = client.get(PAGE).content.decode()

    for words in ("pi_fremd_1", "64.80", "Klarna", "4242", "Stripe checkout", "4.80"):
        assert words in page
    assert "pi_fremd_2" in page
    assert "12,000" in page
    assert "pi_test_1" not in page
    assert "pi_test_1" in client.get("/test" + PAGE).content.decode()
    home = client.get("/").content.decode()
    assert "Payments without an order" in home


def test_a_match_is_previewed_and_then_done(scene: Scene, sign_in: SignIn) -> None:
    payment = unmatched(scene, "pi_fremd_1", "64.80")
    order = unpaid(scene, "20017")
    client, where = sign_in(scene), f"/attention/payments/{payment.id}/match/"

    preview = client.get(where, {"preview": "1", "order": "20017"}).content.decode()
    assert "Work on it starts" in preview
    assert scene.order("20017").amount_captured == 0
    client.post(where, {"order": "20017", "reason": "He wrote to us"})

    order = scene.order("20017")
    assert (order.payment_status, order.released_by) == ("paid", "paid")
    assert "pi_fremd_1" not in client.get(PAGE).content.decode()
    history = client.get(f"/orders/{order.id}/").content.decode()
    assert "He wrote to us" in history


def test_a_match_says_that_another_currency_does_not_count(scene: Scene, sign_in: SignIn) -> None:
    payment = unmatched(scene, "pi_fremd_1", "7000", currency="JPY")
    unpaid(scene, "20018")

    preview = sign_in(scene).get(
        f"/attention/payments/{payment.id}/match/", {"preview": "1", "order": "20018"}
    )

    assert "Paid in JPY, sold in EUR" in preview.content.decode()


@pytest.mark.parametrize("number", ["no-such-number", "T-7", ""])
def test_a_number_that_names_no_order_of_this_mode_changes_nothing(
    scene: Scene, sign_in: SignIn, number: str
) -> None:
    payment = unmatched(scene, "pi_fremd_1", "64.80")
    sell(
        scene, "T-7", customer="Kokeilija Äijä", country="FI", total="64.80", currency="EUR",
        lines=[("MUG-1", "Muki", 4)], placed=timedelta(hours=2), connection="test", mode="test",
    )  # fmt: skip

    answer = sign_in(scene).post(
        f"/attention/payments/{payment.id}/match/", {"order": number, "reason": "looks like it"}
    )

    assert answer.status_code == 422
    with scope.merchant(scene.merchant.id):
        assert PaymentEntry.objects.get(id=payment.id).order_id is None


def test_of_several_orders_of_one_number_a_reference_chooses(scene: Scene, sign_in: SignIn) -> None:
    payment = unmatched(scene, "pi_fremd_1", "64.80")
    first, second = unpaid(scene, "20019"), unpaid(scene, "20020")
    with scope.merchant(scene.merchant.id):
        Order.objects.filter(id=second.id).update(number="20019")
    client, where = sign_in(scene), f"/attention/payments/{payment.id}/match/"

    asked = client.post(where, {"order": "20019", "reason": "same day"})
    client.post(where, {"order": second.reference, "reason": "same day"})

    assert asked.status_code == 422
    assert first.reference in asked.content.decode()
    with scope.merchant(scene.merchant.id):
        assert PaymentEntry.objects.get(id=payment.id).order_id == second.id


def test_a_dismissed_payment_leaves_the_page_with_its_reason_kept(
    scene: Scene, sign_in: SignIn
) -> None:
    payment = unmatched(scene, "pi_fremd_1", "64.80")
    client, where = sign_in(scene), f"/attention/payments/{payment.id}/dismiss/"

    refused = client.post(where, {"reason": " "})
    client.post(where, {"reason": "Sold at the market, over the same account"})

    assert refused.status_code == 422
    assert "pi_fremd_1" not in client.get(PAGE).content.decode()
    with scope.merchant(scene.merchant.id):
        told = Event.objects.get(name="payment.dismissed")
    assert told.reason == "Sold at the market, over the same account"
    again = client.get(where)
    assert again.status_code == 409


def test_who_may_only_look_is_offered_nothing(scene: Scene, sign_in: SignIn) -> None:
    payment = unmatched(scene, "pi_fremd_1", "64.80")
    client = sign_in(scene, Role.VIEWER)

    assert f"payments/{payment.id}/" not in client.get(PAGE).content.decode()
    assert client.get(f"/attention/payments/{payment.id}/match/").status_code == 403


def test_who_may_not_see_payments_sees_none(scene: Scene, sign_in: SignIn) -> None:
    unmatched(scene, "pi_fremd_1", "64.80")

    page = sign_in(scene, Role.WAREHOUSE).get(PAGE).content.decode()

    assert "pi_fremd_1" not in page


def test_the_search_leads_from_a_payments_id_to_its_card(scene: Scene, sign_in: SignIn) -> None:
    for number in range(25):
        unmatched(scene, f"pi_older_{number}", "1.50", ago=timedelta(days=3))
    unmatched(scene, "pi_fremd_1", "64.80")

    answer = sign_in(scene).get("/search/", {"q": "pi_fremd_1"}, follow=True)

    page = answer.content.decode()
    assert answer.redirect_chain[-1][0].startswith(PAGE)
    assert "pi_fremd_1" in page
    assert "pi_older_3" not in page
