"""What only a person can tell: what became of an effect, and what left the house by hand."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect

from entrepot.access import scope
from entrepot.attempts.models import Attempt
from entrepot.fulfillment.models import Parcel, Shipment
from entrepot.notifications.models import Mail
from entrepot.payments.models import Refund
from tests.browser.conftest import OpenWindow
from tests.browser.driving import Window, photograph
from tests.browser.test_pages import stand
from tests.dashboard.conftest import SignIn
from tests.dashboard.scene import Scene
from tests.dashboard.test_picklists import packed

pytestmark = pytest.mark.timeout(300)
LOST = "The connection broke after 3,110 bytes had gone out."


def lost(scene: Scene, number: str, kind: str, **more: Any) -> Attempt:
    """An effect on an order whose answer was lost, and about which nothing outside can tell."""
    with scope.merchant(scene.merchant.id):
        return Attempt.objects.create(
            **{
                "merchant_id": scene.merchant.id,
                "mode": "live",
                "kind": kind,
                "order_id": scene.orders[number].id,
                "subject_kind": kind,
                "reference": f"shop.seemoewe.example/{number}/{kind}/1",
                "idempotency_key": f"{kind}-{number}",
                "status": "unknown",
                "called_at": timezone.now() - timedelta(minutes=18),
                "unknown_since": timezone.now() - timedelta(minutes=17),
                "needs_person": True,
                "message": LOST,
                **more,
            }
        )


def refund_lost(scene: Scene, client: Client) -> int:
    """A refund of 10482 whose answer was lost."""
    address = f"/orders/{scene.orders['10482'].id}/refund/"
    client.post(address, {"amount": "31.20", "reason": "late"})
    with scope.merchant(scene.merchant.id):
        refund = Refund.objects.get()
    pay = scene.connections["pay"].id
    lost(scene, "10482", "refund", subject_id=refund.id, connection_id=pay)
    return int(refund.id)


def mail_lost(scene: Scene) -> int:
    """A mail about 10482 of which nobody knows whether it was taken."""
    with scope.merchant(scene.merchant.id):
        mail = Mail.objects.filter(order_id=scene.orders["10482"].id).latest("id")
        Mail.objects.filter(id=mail.id).update(status="unknown", sent_at=None)
    lost(scene, "10482", "mail", subject_id=mail.id)
    return int(mail.id)


def write_back_lost(scene: Scene) -> int:
    """A shipment of 10468 of which nobody knows whether the shop was told."""
    with scope.merchant(scene.merchant.id):
        shipment = Shipment.objects.get(order_id=scene.orders["10468"].id)
    shop = scene.connections["shop"].id
    # Told once without the tracking number, and now with it.
    lost(scene, "10468", "write_back", subject_id=shipment.id, connection_id=shop, generation=2)
    return int(shipment.id)


def say(opened: Window, heading: str, word: str, **fields: str) -> str:
    """Press a card's button, fill its dialog in, and confirm; returns what is said then."""

    def said(page: Page) -> str:
        card = page.get_by_role("region", name=heading)
        card.get_by_role("link", name=word).click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text(heading)
        for name, value in fields.items():
            dialog.locator(f"[name={name}]").fill(value)
        photograph(page, f"decide-{heading}", is_whole=False)
        with page.expect_navigation():
            dialog.locator("button.primary").click()
        return page.locator(".toast").inner_text()

    return opened.do(said)


def test_each_doubt_is_settled_from_what_needs_attention(
    scene: Scene, window: OpenWindow, sign_in: SignIn
) -> None:
    refund, mail = refund_lost(scene, sign_in(scene)), mail_lost(scene)
    shipment = write_back_lost(scene)
    opened = window(scene)
    stand(opened, {"doubts": "/attention/?kind=unknown"}, lambda path: path)

    toasts = [
        say(opened, "Mail about 10482", "It did not …", reason="their log has no such mail"),
        say(
            opened,
            "Refund of 10482 at Stripe checkout",
            "It happened …",
            external_id="re_91",
            reason="seen at Stripe",
        ),
        say(opened, "Write-back of 10468 to Seemöwe Shop", "It happened …", reason="it has it"),
    ]
    left = opened.do(lambda page: (page.url.rpartition("/attention/")[2], page.inner_text("main")))

    assert [toast.partition(":")[0] for toast in toasts] == ["10482", "10482", "10468"]
    assert left[0] == "?kind=unknown"
    assert "Waits for your word" not in left[1]
    with scope.merchant(scene.merchant.id):
        back = Refund.objects.get(id=refund)
        assert (back.status, back.external_id) == ("done", "re_91")
        assert Mail.objects.get(id=mail).status == "unknown"
        ends = dict(Attempt.objects.exclude(kind="submit").values_list("kind", "status"))
        assert Shipment.objects.get(id=shipment).written_back_at is not None
    assert ends == {"refund": "accepted", "mail": "not_sent", "write_back": "accepted"}


def test_what_left_by_hand_is_told_in_parts_and_without_scripts(
    empty_scene: Scene, window: OpenWindow
) -> None:
    packed(empty_scene, "10474", units=4)
    order = empty_scene.orders["10474"]
    opened = window(empty_scene, java_script_enabled=False)
    stand_alone = window(empty_scene)
    stand(
        stand_alone,
        {"by-hand": f"/orders/{order.id}/", "add-tracking": f"/orders/{order.id}/tracking/"},
        lambda path: path,
    )

    def typed(page: Page) -> str:
        page.get_by_label("Carrier").fill("Österreichische Post")
        page.get_by_role("textbox", name="Tracking number").fill("AT 11 22")
        units = page.get_by_role("spinbutton")
        units.first.fill("3")
        photograph(page, "add-tracking-typed")
        with page.expect_navigation():
            page.locator("main button.primary").click()
        return page.inner_text("main")

    opened.go(f"/orders/{order.id}/tracking/")
    words = opened.do(typed)

    with scope.merchant(empty_scene.merchant.id):
        parcel = Parcel.objects.get()
    assert (parcel.tracking_number, parcel.carrier) == ("AT 11 22", "Österreichische Post")
    assert "AT 11 22" in words
    assert "1 unit waits to be packed" in words
