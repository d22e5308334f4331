"""Long words of platforms stay within their card, on a phone and at a desk."""

import pytest

from entrepot.access import scope
from entrepot.canon.payments import PaymentFactKind
from entrepot.connections.models import Connection
from entrepot.customers.models import Customer, PostalAddress
from entrepot.orders.models import Hold, Order
from entrepot.payments.models import PaymentEntry
from tests.browser.conftest import OpenWindow
from tests.browser.test_pages import named
from tests.dashboard.scene import Scene

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
