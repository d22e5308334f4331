"""The page of an order whose units people pack: what next, who may, and the form for tracking."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from entrepot.access.states import Role
from tests.dashboard.conftest import SignIn
from tests.dashboard.scene import Scene
from tests.dashboard.test_inbox import page_of
from tests.dashboard.test_picklists import packed


def panel_of(page: str) -> str:
    """The words of the panel that says what next."""
    return page.partition('id="next"')[2].partition("</section>")[0]


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.WAREHOUSE])
def test_what_waits_to_be_packed_is_no_nothing_to_do(
    empty_scene: Scene, sign_in: SignIn, role: Role
) -> None:
    packed(empty_scene, "10474", units=4)
    order = empty_scene.orders["10474"]

    page = page_of(sign_in(empty_scene, role), f"/orders/{order.id}/")

    panel = panel_of(page)
    assert "5 units wait to be packed" in panel
    assert "4 × Postkarten „Möwen“, 12er-Satz, 1 × Becher „Möwen“" in panel
    assert f'href="/orders/{order.id}/tracking/"' in panel
    assert 'href="/picklists/"' in panel
    assert "To be packed" in page
    assert "submits" not in page


def test_who_may_not_ship_is_offered_no_tracking(empty_scene: Scene, sign_in: SignIn) -> None:
    packed(empty_scene, "10474", units=4)
    order = empty_scene.orders["10474"]

    panel = panel_of(page_of(sign_in(empty_scene, Role.VIEWER), f"/orders/{order.id}/"))

    assert "5 units wait to be packed" in panel
    assert "tracking/" not in panel


def test_what_cools_off_is_not_said_to_wait_for_packing(
    empty_scene: Scene, sign_in: SignIn
) -> None:
    packed(empty_scene, "10475", units=2, submit_after=timezone.now() + timedelta(minutes=20))

    page = page_of(sign_in(empty_scene), f"/orders/{empty_scene.orders['10475'].id}/")

    assert "wait to be packed" not in panel_of(page)
    assert re.search(r"to be packed <time[^>]*>in (19|20) min", page)


def test_tracking_asks_nothing_that_has_one_answer(empty_scene: Scene, sign_in: SignIn) -> None:
    packed(empty_scene, "10474", units=4)
    address = f"/orders/{empty_scene.orders['10474'].id}/tracking/"
    client = sign_in(empty_scene, Role.WAREHOUSE)

    form = page_of(client, address)
    numbered = page_of(client, f"{address}?preview=1&carrier=GLS&tracking_number=AT-7")

    assert "Of which fulfillment order" not in form
    assert "12er-Satz <span" not in form  # not called optional
    assert "The storefront is told, without a tracking number" in form
    assert "The storefront is told, with the tracking number" in numbered
