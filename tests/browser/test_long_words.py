"""Long words of platforms stay within their card, on a phone and at a desk."""

from datetime import timedelta

import pytest
from django.utils import timezone

from entrepot.access import scope
from entrepot.canon.payments import PaymentFactKind
from entrepot.connections.models import Connection
from entrepot.customers.models import Customer, PostalAddress
from entrepot.fulfillment.models import FulfillmentItem, FulfillmentOrder
from entrepot.obligations import services as obligations
from entrepot.obligations.services import NewObligation
from entrepot.obligations.states import Kind
from entrepot.orders.models import Hold, Line, Order
from entrepot.payments.models import PaymentEntry
from tests.browser.conftest import OpenWindow
from tests.browser.test_pages import named
from tests.dashboard.scene import Scene
from tests.dashboard.test_picklists import packed

SESSION = "cs_test_a1ad82e641987c22d461b84cb7c5fefa2af840f24f90a8522168f5eaf8"
LINK = "http://files.seemoewe.example/artwork/2026/missing/posters/retro-a3-without-bleed.png"
# Cards whose content reaches beyond their edge, and not to be scrolled.
SPILT = """
[...document.querySelectorAll(".card")].filter(card => card.scrollWidth > card.clientWidth + 1)
    .filter(card => getComputedStyle(card).overflowX === "visible")
    .map(card => card.innerText.slice(0, 60))
"""


@pytest.mark.parametrize("width", [360, 1440])
@pytest.mark.parametrize("path", ["/attention/", "/orders/{10482}/"])
def test_long_words_of_platforms_stay_in_their_card(
    scene: Scene, window: OpenWindow, path: str, width: int
) -> None:
    with scope.merchant(scene.merchant.id):
        Order.objects.filter(id=scene.orders["10482"].id).update(external_id=SESSION)
        Hold.objects.update(reason=f"{LINK} answered 404")
        PaymentEntry.objects.filter(kind=PaymentFactKind.REFUNDED).update(
            reason="requested_by_the_customer", external_id=f"re_{SESSION}"
        )
    opened = window(scene)

    look = opened.look(named(scene, path), width=width, shot=f"long-words-{path}-{width}")

    assert look.overflow <= 0
    assert opened.do(lambda page: page.evaluate(SPILT)) == []


def test_a_desk_shows_every_column_of_the_orders_with_long_names(
    scene: Scene, window: OpenWindow
) -> None:
    with scope.merchant(scene.merchant.id):
        PostalAddress.objects.update(name="Maximiliane Freifrau von Österreich-Łukasiewicz")
        Customer.objects.update(name="Maximiliane Freifrau von Österreich-Łukasiewicz")
        Connection.objects.filter(mode="live").update(name="Druckhaus Möwe & Söhne, Lübeck")
    opened = window(scene)

    opened.look("/orders/", width=1425, shot="orders-long-names")
    hidden = opened.do(
        lambda page: page.locator(".scroll").evaluate("e => e.scrollWidth - e.clientWidth")
    )

    assert hidden <= 0
    assert opened.torn(1425) == []


@pytest.fixture
def long_parcel(empty_scene: Scene) -> Scene:
    """What is packed by hand for somebody with a long name, and in words that do not end."""
    packed(empty_scene, "10474", units=12)
    long = "Wilhelmina Theodora von Hohenstein-Schwarzenberg zu Löwenstein-Wertheim"
    title = "„Donaudampfschifffahrtsgesellschaftskapitän bei Windstärke zwölf am Süderoog“"
    sku = "PRT-VERY-LONG-SKU-2026-LIMITED-EDITION-A2-FRAMED-OAK"
    with scope.merchant(empty_scene.merchant.id):
        PostalAddress.objects.update(name=long)
        Customer.objects.update(name=long)
        Line.objects.filter(sku="MUG-MOE").update(title=title, sku=sku)
        FulfillmentItem.objects.filter(sku="MUG-MOE").update(sku=sku)
        Order.objects.update(shipping_title="DHL Paket mit Wunschnachbar und Sendungsverfolgung")
        Connection.objects.filter(code="hand").update(name="Werkstatt Köln-Ehrenfeld, Hinterhaus")
        due_at = timezone.now() + timedelta(days=5)
        for share in FulfillmentOrder.objects.all():
            promise = NewObligation(
                merchant_id=share.merchant_id,
                mode=share.mode,
                kind=Kind.SHIP,
                subject_kind="fulfillment_order",
                subject_id=share.id,
                order_id=share.order_id,
                due_at=due_at,
            )
            obligations.open_many([promise])
    return empty_scene


def test_a_desk_shows_the_button_of_every_parcel_that_is_packed(
    long_parcel: Scene, window: OpenWindow
) -> None:
    opened = window(long_parcel)

    opened.look("/picklists/", width=1425, shot="picklists-long-names")
    hidden = opened.do(
        lambda page: page.locator(".scroll").evaluate("e => e.scrollWidth - e.clientWidth")
    )

    assert hidden <= 0


# How far the first two parts of each sheet's head are apart in height, and the narrowest SKU.
PAPER = """
[
    Math.max(...[...document.querySelectorAll(".sheet > header")].map(head =>
        Math.abs(head.children[0].getBoundingClientRect().top
            - head.children[1].getBoundingClientRect().top))),
    Math.min(...[...document.querySelectorAll(".sheet td.mono")].map(e => e.clientWidth)),
]
"""


def test_paper_has_its_sums_beside_its_name_and_room_for_skus(
    long_parcel: Scene, window: OpenWindow
) -> None:
    opened = window(long_parcel)

    opened.look("/picklists/print/", width=1425, shot="paper-long-names")
    apart, narrowest = opened.do(lambda page: page.evaluate(PAPER))

    assert apart < 8
    assert narrowest > 130
