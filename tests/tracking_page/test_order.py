"""The customer's page of one order: parcels, promises, money, language, and what stays hidden."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.utils import timezone

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.access.signing import make_token
from entrepot.customers.models import Customer
from entrepot.fulfillment.models import Parcel
from entrepot.notifications.links import tracking_page, tracking_token
from entrepot.notifications.models import Mail, MailStop, StoreVoice
from entrepot.tracking_page.words import WORDS
from tests.dashboard import scene as scenes
from tests.dashboard import shares, troubles
from tests.dashboard.conftest import empty_scene, scene
from tests.dashboard.scene import Scene

__all__ = ["empty_scene", "scene"]
HIDDEN = re.compile(r"\b(attempts?|obligations?|providers?|holds?|held|parked)\b", re.IGNORECASE)


def opened(scene: Scene, number: str, query: str = "", **headers: str) -> str:
    """The page that the mailed link of an order opens."""
    token = tracking_token(scene.merchant.id, scene.orders[number].id)
    answer = Client().get(f"/t/{token}/{query}", headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


def text_of(page: str) -> str:
    """What is read on a page."""
    body = page[page.index("<main") :]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def test_the_mailed_link_leads_here(scene: Scene) -> None:
    token = tracking_token(scene.merchant.id, scene.orders["10482"].id)

    assert Client().get(tracking_page(token).removeprefix("http://testserver")).status_code == 200


def test_each_parcel_has_a_card_with_its_steps_and_contents(scene: Scene) -> None:
    text = text_of(opened(scene, "10482", "?lang=en"))

    assert "One parcel has arrived, one is late, and one is still being made." in text
    assert re.search(r"Parcel 2 of 3 +Late", text)
    assert "We do not know yet when it arrives." in text
    assert re.search(r"Nordpost last saw it on .+ in Hannover\.", text)
    assert re.search(r"Confirmed .+ Being made .+ Shipped .+ Late +Delivered", text)
    assert re.search(r"Parcel 3 of 3 +Being made", text)
    assert re.search(r"Fähre um sechs, canvas 60 × 80 cm +1 piece", text)
    assert re.search(r"Parcel 1 of 3 +Delivered", text)
    assert "needs no parcel" in text
    assert text.index("Parcel 2 of 3") < text.index("Parcel 3 of 3") < text.index("Parcel 1 of 3")


def test_it_speaks_the_customers_language_and_writes_money_as_there(scene: Scene) -> None:
    german = opened(scene, "10482")
    english = opened(scene, "10482", "?lang=en")

    assert '<html lang="de"' in german
    assert "Ein Paket ist da, eines verspätet sich und eines entsteht noch." in text_of(german)
    assert "187,40\N{NO-BREAK SPACE}€" in german
    assert "\N{MINUS SIGN}12,00\N{NO-BREAK SPACE}€" in german
    assert "Zeitzone: Mitteleuropäische Zeit." in german
    assert '<html lang="en"' in english


def test_a_language_that_the_page_lacks_is_english_and_not_half_of_each(scene: Scene) -> None:
    with scope.merchant(scene.merchant.id):
        Customer.objects.update(language="is")

    page = opened(scene, "10482")

    assert '<html lang="en"' in page
    assert "We do not know yet when it arrives." in page


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_customer_never_reads_the_hubs_own_words(scene: Scene, language: str) -> None:
    for number in scene.orders:
        page = opened(scene, number, f"?lang={language}")

        assert HIDDEN.search(text_of(page)) is None, number


def test_a_held_order_only_says_that_it_is_being_checked(empty_scene: Scene) -> None:
    scenes.sell(
        empty_scene,
        "10479",
        customer="Kwame Òkè",
        country="GH",
        total="240.00",
        currency="USD",
        lines=[("CNV-1", "Fähre um sechs", 3)],
        placed=timedelta(hours=5),
    )
    troubles.hold(empty_scene, "10479", "duplicate_suspected", "Same cart as 10478")

    text = text_of(opened(empty_scene, "10479", "?lang=en"))

    assert "We are checking your order. It goes on soon." in text
    assert "10478" not in text


def test_an_unpaid_order_waits_for_its_payment(empty_scene: Scene) -> None:
    scenes.sell(
        empty_scene,
        "10480",
        customer="Lotte 🌷 van Dijk",
        country="NL",
        total="18400",
        currency="JPY",
        lines=[("CNV-1", "Fähre um sechs", 3)],
        placed=timedelta(hours=5),
        captured=False,
        released=False,
    )

    text = text_of(opened(empty_scene, "10480", "?lang=en"))

    assert "We wait for your payment." in text
    assert re.search(r"¥.?18[.,]400", text)


def test_it_is_small_private_and_not_for_search_engines(scene: Scene) -> None:
    token = tracking_token(scene.merchant.id, scene.orders["10482"].id)

    answer = Client().get(f"/t/{token}/")

    sheet = Path(str(finders.find("tracking.css"))).stat().st_size
    script = Path(str(finders.find("entrepot-theme.js"))).stat().st_size
    assert len(answer.content) + sheet + script < 50_000
    assert answer.headers["X-Robots-Tag"].startswith("noindex")
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert "script-src" not in answer.headers["Content-Security-Policy"]
    assert "<script>" not in answer.content.decode()


def test_the_tokens_of_the_two_stylesheets_are_the_same() -> None:
    colors = re.compile(r"(--[a-z0-9-]+):\s*(light-dark\([^)]+\))")
    own, whole = (
        dict(colors.findall(Path(str(finders.find(name))).read_text()))
        for name in ("tracking.css", "entrepot.css")
    )

    assert len(own) > 15
    assert {name: whole[name] for name in own} == own


def test_the_store_lends_its_colour_and_logo(scene: Scene) -> None:
    with scope.merchant(scene.merchant.id):
        StoreVoice.objects.create(
            merchant_id=scene.merchant.id,
            storefront_id=scene.connections["shop"].id,
            sender_name="Seemöwe Prints",
            sender_email="moin@seemoewe.example",
            reply_to="moin@seemoewe.example",
            logo_url="https://shop.seemoewe.example/logo.png",
            color="#173a5e",
        )
    token = tracking_token(scene.merchant.id, scene.orders["10482"].id)

    answer = Client().get(f"/t/{token}/")
    style = Client().get("/track/style/173a5e.css")
    foreign = Client().get("/track/style/red;.css")

    assert 'href="/track/style/173a5e.css"' in answer.content.decode()
    assert "https://shop.seemoewe.example" in answer.headers["Content-Security-Policy"]
    assert re.fullmatch(
        r":root \{ --store: light-dark\(#173a5e, #[0-9a-f]{6}\); \}\n", style.content.decode()
    )
    assert foreign.status_code == 404


def test_a_logos_address_adds_nothing_else_to_the_pages_policy(scene: Scene) -> None:
    with scope.merchant(scene.merchant.id):
        StoreVoice.objects.create(
            merchant_id=scene.merchant.id,
            storefront_id=scene.connections["shop"].id,
            logo_url="https://a.example; script-src *; style-src 'unsafe-inline'/logo.png",
        )
    token = tracking_token(scene.merchant.id, scene.orders["10482"].id)

    policy = Client().get(f"/t/{token}/").headers["Content-Security-Policy"]

    assert "script-src" not in policy
    assert policy.startswith("default-src 'self'; img-src 'self' data:; frame-ancestors")


def test_one_click_stops_the_mails(scene: Scene) -> None:
    order = scene.orders["10482"]
    token = tracking_token(scene.merchant.id, order.id)
    client = Client(enforce_csrf_checks=True)

    asked = client.get(f"/t/{token}/mails/")
    clicked = client.post(f"/t/{token}/mails/", {"List-Unsubscribe": "One-Click"})
    again = client.post(f"/t/{token}/mails/")

    assert asked.status_code == 200
    assert clicked.status_code == 204
    assert again.status_code == 302
    with scope.merchant(scene.merchant.id):
        assert MailStop.objects.filter(order_id=order.id).count() == 1
        assert not Mail.objects.filter(order_id=order.id, status="waiting").exists()
    assert "You get no more mails about this order." in opened(scene, "10482", "?lang=en")


def test_an_expired_or_damaged_link_offers_the_look_up(scene: Scene) -> None:
    order_id = scene.orders["10482"].id
    values = {"merchant": scene.merchant.id, "order": order_id}
    expired = make_token("tracking", values, lifetime=timedelta(seconds=-1))
    whole = tracking_token(scene.merchant.id, order_id)

    old = Client().get(f"/t/{expired}/")
    damaged = Client().get(f"/t/{whole[:-4]}/")
    for_something_else = Client().get(
        f"/t/{make_token('sign-in', values, lifetime=timedelta(days=1))}/"
    )

    assert old.status_code == 410
    assert 'name="email"' in old.content.decode()
    assert damaged.status_code == 404
    assert for_something_else.status_code == 404


def test_a_link_of_one_merchant_opens_nothing_of_another(
    scene: Scene, other_merchant: Merchant
) -> None:
    values = {"merchant": other_merchant.id, "order": scene.orders["10482"].id}
    token = make_token("tracking", values, lifetime=timedelta(days=1))

    assert Client().get(f"/t/{token}/").status_code == 404


def test_both_languages_say_everything() -> None:
    assert set(WORDS["de"]) == set(WORDS["en"])


def test_a_promise_that_is_over_is_late_whatever_the_carrier_says(empty_scene: Scene) -> None:
    order = scenes.sell(
        empty_scene,
        "10501",
        customer="Zoë Ryś",
        country="BE",
        total="31.500",
        currency="KWD",
        lines=[("CNV-1", "Affiche", 2)],
        placed=timedelta(days=6),
    )
    share = shares.share(empty_scene, order, status="closed")
    shares.parcel(
        empty_scene,
        share,
        number=1,
        status="in_transit",
        tracking="NP 1",
        estimated_delivery_at=timezone.now() - timedelta(days=1),
    )

    text = text_of(opened(empty_scene, "10501", "?lang=en"))

    assert "Your parcel is late." in text
    assert "KWD" in text
    assert re.search(r"31[.,]500", text)


def test_a_customer_who_has_everything_is_promised_no_more_mails(empty_scene: Scene) -> None:
    order = scenes.sell(
        empty_scene, "10502", customer="Zoë Ryś", country="BE", total="62.00", currency="EUR",
        lines=[("CNV-1", "Affiche", 2)], placed=timedelta(days=6),
    )  # fmt: skip
    share = shares.share(empty_scene, order, status="closed")
    for number, status in ((1, "delivered"), (2, "in_transit")):
        shares.parcel(empty_scene, share, number=number, status=status, tracking=f"NP {number}")

    before = text_of(opened(empty_scene, "10502", "?lang=en")).partition("Your order")[0]
    with scope.merchant(empty_scene.merchant.id):
        Parcel.objects.filter(order_id=order.id).update(status="delivered")
    after = text_of(opened(empty_scene, "10502", "?lang=en")).partition("Your order")[0]

    assert "We mail you whenever something changes." in before
    assert "Everything has arrived." in after
    assert "We mail you" not in after
