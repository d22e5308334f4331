"""What has left can be sent again, not cancelled; a button waits until something is chosen."""

from decimal import Decimal

import pytest

from entrepot.access import scope
from entrepot.fulfillment.models import FulfillmentItem, FulfillmentOrder
from tests.dashboard import shares, troubles
from tests.dashboard.conftest import SignIn
from tests.dashboard.scene import Scene


def test_what_has_left_in_full_cannot_be_cancelled(scene: Scene, sign_in: SignIn) -> None:
    answer = sign_in(scene).get(f"/orders/{scene.orders['10480'].id}/cancel/")

    assert answer.status_code == 409
    assert "Everything has left" in answer.content.decode()


@pytest.mark.parametrize(("number", "is_offered"), [("10480", False), ("10482", True)])
def test_only_what_has_not_left_offers_to_be_cancelled(
    scene: Scene, sign_in: SignIn, number: str, *, is_offered: bool
) -> None:
    page = sign_in(scene).get(f"/orders/{scene.orders[number].id}/").content.decode()

    assert ("Cancel …" in page) is is_offered
    assert "Refund …" in page


def test_a_reship_sends_the_units_that_were_named(scene: Scene, sign_in: SignIn) -> None:
    order = scene.orders["10482"]
    with scope.merchant(scene.merchant.id):
        share = FulfillmentOrder.objects.get(order_id=order.id, share=1)
        item = FulfillmentItem.objects.get(fulfillment_order=share, position=0)

    sign_in(scene).post(
        f"/orders/{order.id}/reship/",
        {"share": share.id, f"units_{item.id}": "2", "reason": "lost on the way"},
    )

    with scope.merchant(scene.merchant.id):
        again = FulfillmentOrder.objects.get(order_id=order.id, replaces_id=share.id)
        (sent,) = again.items.all()
    assert (sent.sku, sent.quantity) == ("PRT-LEU-5070", 2)
    assert again.replacement_reason == "lost on the way"


def test_a_form_that_is_sent_twice_is_one_reship(scene: Scene, sign_in: SignIn) -> None:
    client, order = sign_in(scene), scene.orders["10482"]
    address = f"/orders/{order.id}/reship/"
    with scope.merchant(scene.merchant.id):
        share = FulfillmentOrder.objects.get(order_id=order.id, share=1)
        item = FulfillmentItem.objects.get(fulfillment_order=share, position=0)
    known = client.get(address).content.decode().partition('name="seen" value="')[2]
    asked = {"share": share.id, f"units_{item.id}": "2", "seen": known.partition('"')[0]}

    answers = [client.post(address, {**asked, "reason": "nass geworden"}) for _ in range(3)]
    other = client.post(address, {**asked, "reason": "auch zerkratzt"})
    told = other.content.decode().partition('name="seen" value="')[2].partition('"')[0]
    client.post(address, {**asked, "reason": "auch zerkratzt", "seen": told})

    with scope.merchant(scene.merchant.id):
        made = FulfillmentOrder.objects.filter(order_id=order.id, replaces_id=share.id)
        reasons = list(made.order_by("share").values_list("replacement_reason", flat=True))
    assert [answer.status_code for answer in answers] == [302] * 3
    assert other.status_code == 422
    assert "“nass geworden”. Sent once more, this one is made as well" in other.content.decode()
    assert reasons == ["nass geworden", "auch zerkratzt"]


def test_what_was_sent_again_has_not_arrived_with_the_rest(scene: Scene, sign_in: SignIn) -> None:
    client, order = sign_in(scene), scene.orders["E-4TN9XB"]
    address = f"/orders/{order.id}/"
    with scope.merchant(scene.merchant.id):
        first = FulfillmentOrder.objects.get(order_id=order.id)

    before = client.get(address).content.decode()
    shares.share(scene, order, number=2, replaces_id=first.id)
    after = client.get(address).content.decode()

    assert "Everything has arrived." in before
    assert "Everything has arrived." not in after
    assert "What was sent again is under way." in after


def test_what_left_after_it_was_cancelled_is_not_offered_to_be_cancelled(
    scene: Scene, sign_in: SignIn
) -> None:
    order = scene.orders["10497"]
    troubles.hold(scene, "10497", "shipped_after_cancel", "failed to cancel")
    client = sign_in(scene)
    open_one = client.get(f"/orders/{order.id}/").content.decode()
    client.post(f"/orders/{order.id}/cancel/", {"reason": "doppelt bestellt"})

    page = client.get(f"/orders/{order.id}/").content.decode()

    panels = [one.partition('id="next"')[2].partition("</section>")[0] for one in (open_one, page)]
    assert scene.order("10497").status == "cancelled"
    assert ["Release hold …" in panel for panel in panels] == [True, True]
    assert ["Cancel …" in panel for panel in panels] == [True, False]


def test_a_reship_says_what_it_costs_also_before_the_provider_has_charged(
    scene: Scene, sign_in: SignIn
) -> None:
    order = scene.orders["10482"]
    with scope.merchant(scene.merchant.id):
        share = FulfillmentOrder.objects.get(order_id=order.id, share=1)
        items = list(FulfillmentItem.objects.filter(fulfillment_order=share).order_by("position"))
        whole = sum(item.quantity for item in items)
        FulfillmentOrder.objects.filter(id=share.id).update(
            cost=None, quoted_cost=Decimal(9 * whole), quote_currency="EUR"
        )
    units = f"units_{items[0].id}"
    asked = {"share": str(share.id), units: "2", "reason": "lost", "preview": "1"}

    preview = sign_in(scene).get(f"/orders/{order.id}/reship/", asked).content.decode()

    assert "18.00\N{NO-BREAK SPACE}EUR" in preview


def test_a_reship_waits_until_units_are_chosen(scene: Scene, sign_in: SignIn) -> None:
    order = scene.orders["10482"]
    with scope.merchant(scene.merchant.id):
        share = FulfillmentOrder.objects.get(order_id=order.id, share=1)
        item = FulfillmentItem.objects.get(fulfillment_order=share, position=0)
    client, address = sign_in(scene), f"/orders/{order.id}/reship/"
    asked = {"share": str(share.id), f"units_{item.id}": "2", "preview": "1"}

    first = client.get(address).content.decode()
    chosen = client.get(address, asked).content.decode()

    assert "disabled>Choose units to reship</button>" in first
    assert "no units</button>" not in first
    assert '">Reship 2 units</button>' in chosen


def test_a_release_waits_until_a_hold_is_chosen(scene: Scene, sign_in: SignIn) -> None:
    order = scene.orders["10479"]
    client, address = sign_in(scene), f"/orders/{order.id}/release/"

    first = client.get(address).content.decode()
    none = client.get(address, {"preview": "1", "reason": "gone"}).content.decode()

    assert '">Lift 1 hold</button>' in first
    assert "disabled>Choose holds to lift</button>" in none


def test_a_reship_of_nothing_is_refused(scene: Scene, sign_in: SignIn) -> None:
    order = scene.orders["10482"]
    with scope.merchant(scene.merchant.id):
        share = FulfillmentOrder.objects.get(order_id=order.id, share=1)

    answer = sign_in(scene).post(
        f"/orders/{order.id}/reship/", {"share": share.id, "reason": "lost"}
    )

    assert "Name at least one unit" in answer.content.decode()
