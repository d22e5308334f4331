"""Refunds: an amount or the price of units, and one refund however often it is asked for."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client

from entrepot.access import scope
from entrepot.access.states import Role
from entrepot.connections.models import Connection
from entrepot.orders.models import Line, Order
from entrepot.payments.models import PaymentEntry, Refund
from tests.dashboard import scene as scenes
from tests.dashboard.conftest import SignIn
from tests.dashboard.scene import Scene

CSS_OF_SEEN = 'name="seen" value="'


def sold(scene: Scene, number: str, *, mode: str = "live") -> tuple[Order, list[Line]]:
    """Two lines of 40.50 EUR each, of three and of two units, with their delivery for 9.00 EUR."""
    order = scenes.sell(
        scene, number, customer="Žofie Pokusná", country="CZ", total="90.00", currency="EUR",
        lines=[("MUG-11OZ", "Becher „Möwe“", 3), ("PC-MOE-12", "Postkarten", 2)],
        placed=timedelta(hours=3), mode=mode, connection="shop" if mode == "live" else "test",
    )  # fmt: skip
    with scope.merchant(scene.merchant.id):
        return order, list(Line.objects.filter(order=order).order_by("position"))


def refunds_of(scene: Scene, order: Order) -> list[Refund]:
    with scope.merchant(scene.merchant.id):
        return list(Refund.objects.filter(order_id=order.id).order_by("number"))


def seen(client: Client, address: str) -> str:
    """What the form knew when it was drawn."""
    page = client.get(address).content.decode()
    return page.partition(CSS_OF_SEEN)[2].partition('"')[0]


def test_the_price_of_units_goes_back_when_no_amount_is_typed(
    scene: Scene, sign_in: SignIn
) -> None:
    client, (order, (mugs, cards)) = sign_in(scene), sold(scene, "Č-1")
    address = f"/orders/{order.id}/refund/"
    asked = {f"units_{mugs.id}": "2", f"units_{cards.id}": "0", "amount": "", "reason": "zerkratzt"}

    preview = client.get(address, {**asked, "preview": "1"}).content.decode()
    client.post(address, asked)

    (refund,) = refunds_of(scene, order)
    assert "of 3, 13.50\N{NO-BREAK SPACE}EUR each" in preview
    assert "Refund 27.00\N{NO-BREAK SPACE}EUR</button>" in preview
    assert refund.amount == Decimal(27)
    assert [(line["line_id"], line["quantity"]) for line in refund.lines] == [(mugs.id, 2)]


def test_an_amount_that_was_typed_goes_before_the_price_of_units(
    scene: Scene, sign_in: SignIn
) -> None:
    order, (mugs, _) = sold(scene, "Č-2")

    sign_in(scene).post(
        f"/orders/{order.id}/refund/",
        {f"units_{mugs.id}": "3", "amount": "5.25", "reason": "ein Kratzer"},
    )

    (refund,) = refunds_of(scene, order)
    assert (refund.amount, refund.lines[0]["quantity"]) == (Decimal("5.25"), 3)


def test_a_refund_of_nothing_says_what_is_missing(scene: Scene, sign_in: SignIn) -> None:
    order, (mugs, _) = sold(scene, "Č-3")

    answer = sign_in(scene).post(
        f"/orders/{order.id}/refund/", {f"units_{mugs.id}": "0", "amount": "", "reason": "früh"}
    )

    assert answer.status_code == 422
    assert "Type an amount, or say how many units it is for." in answer.content.decode()
    assert refunds_of(scene, order) == []


def test_an_amount_in_other_words_is_answered_with_how_to_write_it(
    scene: Scene, sign_in: SignIn
) -> None:
    order, _ = sold(scene, "Č-4")

    answer = sign_in(scene).post(
        f"/orders/{order.id}/refund/", {"amount": "12,50", "reason": "früh"}
    )

    assert "An amount in digits, as in 12.50." in answer.content.decode()
    assert refunds_of(scene, order) == []


def test_a_form_that_is_sent_twice_is_one_refund(scene: Scene, sign_in: SignIn) -> None:
    client, (order, _) = sign_in(scene), sold(scene, "Č-5")
    address = f"/orders/{order.id}/refund/"
    asked = {"amount": "7.30", "reason": "Ecke geknickt", "seen": seen(client, address)}

    answers = [client.post(address, asked) for _ in range(3)]

    assert [answer["Location"] for answer in answers] == [f"/orders/{order.id}/"] * 3
    assert [refund.amount for refund in refunds_of(scene, order)] == [Decimal("7.3")]


def test_who_did_not_see_another_refund_is_asked_again(scene: Scene, sign_in: SignIn) -> None:
    inga, olafur, (order, _) = sign_in(scene), sign_in(scene, Role.OWNER), sold(scene, "Č-6")
    address = f"/orders/{order.id}/refund/"
    asked = {"amount": "20.00", "reason": "zu spät", "seen": seen(inga, address)}
    theirs = {"amount": "12.50", "reason": "Ecke geknickt", "seen": seen(olafur, address)}

    olafur.post(address, theirs)
    refused = inga.post(address, asked)
    before = len(refunds_of(scene, order))
    again = refused.content.decode().partition(CSS_OF_SEEN)[2].partition('"')[0]
    inga.post(address, {**asked, "seen": again})

    words = refused.content.decode()
    assert refused.status_code == 422
    assert "has a refund of 12.50 EUR since you looked, “Ecke geknickt”" in words
    assert (before, [refund.amount for refund in refunds_of(scene, order)]) == (
        1,
        [Decimal("12.5"), Decimal(20)],
    )


def test_only_a_shop_that_pays_back_itself_is_told_to_restock(
    scene: Scene, sign_in: SignIn
) -> None:
    client = sign_in(scene)
    by_gateway, _ = sold(scene, "Č-7")
    by_shop, (mugs, _) = sold(scene, "Č-8", mode="test")
    address = f"/test/orders/{by_shop.id}/refund/"

    pages = [
        client.get(f"{start}/orders/{order.id}/{name}/").content.decode()
        for start, order in (("", by_gateway), ("/test", by_shop))
        for name in ("refund", "cancel")
    ]
    vague = client.post(address, {"amount": "9.00", "reason": "Größe", "restocks": "on"})
    client.post(address, {f"units_{mugs.id}": "2", "reason": "Größe", "restocks": "on"})

    (refund,) = refunds_of(scene, by_shop)
    assert ['name="restocks"' in page for page in pages] == [False, False, True, True]
    assert "Say how many units the storefront restocks." in vague.content.decode()
    assert (refund.restocks, refund.amount) == (True, Decimal(27))


def test_units_that_have_not_left_are_said_to_be_cancelled_by_their_refund(
    scene: Scene, sign_in: SignIn
) -> None:
    client, (order, (mugs, _)) = sign_in(scene), sold(scene, "Č-9", mode="test")

    page = client.get(
        f"/test/orders/{order.id}/refund/", {f"units_{mugs.id}": "2", "preview": "1"}
    ).content.decode()

    assert "2 units have not left: the shop counts them as given up" in page
    assert "Nothing is cancelled" not in page


def test_money_that_was_taken_outside_is_not_promised_back(scene: Scene, sign_in: SignIn) -> None:
    client, (order, _) = sign_in(scene), sold(scene, "Č-10")
    with scope.merchant(scene.merchant.id):
        PaymentEntry.objects.filter(order_id=order.id).update(
            connection_id=scene.connections["hand"].id
        )

    dialog = client.get(f"/orders/{order.id}/refund/")
    answer = client.post(f"/orders/{order.id}/refund/", {"amount": "5.25", "reason": "bar bezahlt"})
    cancelling = client.get(f"/orders/{order.id}/cancel/").content.decode()

    said = "By hand, Hamburg cannot give money back: do it where it was taken, and note it here."
    assert (dialog.status_code, answer.status_code) == (409, 409)
    assert said in dialog.content.decode()
    assert 'name="refunds"' not in cancelling
    assert refunds_of(scene, order) == []


@pytest.mark.parametrize("pays_back", [False, True])
def test_a_shop_that_only_notes_a_refund_is_not_said_to_pay_it_back(
    scene: Scene, sign_in: SignIn, *, pays_back: bool
) -> None:
    client, (order, _) = sign_in(scene), sold(scene, "Č-11", mode="test")
    with scope.merchant(scene.merchant.id):
        Connection.objects.filter(id=order.connection_id).update(settings={"api_refund": pays_back})
    refund, cancel = (f"/test/orders/{order.id}/{name}/" for name in ("refund", "cancel"))
    asked = {"preview": "1", "amount": "9.30", "refunds": "on", "reason": "Größe"}

    words = [client.get(address, asked).content.decode() for address in (refund, cancel)]

    assert ["moves no money: pay it back there" in one for one in words] == [not pays_back] * 2
    assert ("once: we look first, then send" in words[0]) is pays_back
    assert ("go back where they were taken" in words[1]) is pays_back
