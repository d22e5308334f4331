"""Saying where a parcel is, on the page of its order."""

from datetime import timedelta

from entrepot.access import scope
from entrepot.access.states import Role
from entrepot.canon.tracking import ParcelStatus
from entrepot.fulfillment.models import Parcel
from entrepot.orders.models import Order
from tests.dashboard import scene as scenes
from tests.dashboard import shares
from tests.dashboard.conftest import SignIn
from tests.dashboard.scene import Scene
from tests.dashboard.test_inbox import page_of


def on_its_way(scene: Scene) -> tuple[Order, Parcel]:
    order = scenes.sell(
        scene, "20417", customer="Þórdís Ægisdóttir", country="IS", total="8400", currency="JPY",
        lines=[("CNV", "Leinwand", 2), ("PC-2", "Karten", 3)], placed=timedelta(days=9),
    )  # fmt: skip
    share = shares.share(scene, order, provider="hand", status="closed")
    parcel = shares.parcel(scene, share, status="in_transit", number=1, tracking="JD0146")
    return order, parcel


def test_a_lost_parcel_is_said_with_what_it_means_and_how_one_knows(
    empty_scene: Scene, sign_in: SignIn
) -> None:
    order, parcel = on_its_way(empty_scene)
    client, address = sign_in(empty_scene), f"/orders/{order.id}/parcel/"
    asked = {"parcel": parcel.id, "where": "lost", "reason": "Nachforschung ohne Ergebnis"}

    first = page_of(client, address)
    preview = page_of(client, f"{address}?preview=1&parcel={parcel.id}&where=lost")
    without = client.post(address, {**asked, "reason": ""})
    answer = client.post(address, asked)

    assert "Parcel 1, on its way, Nordpost JD0146" in first
    assert "Choose where it is" in first
    assert "not presumed to have arrived" in preview
    assert "Nothing is sent again" in preview
    assert "Record as lost" in preview
    assert (without.status_code, answer.status_code) == (422, 302)
    with scope.merchant(empty_scene.merchant.id):
        assert Parcel.objects.get(id=parcel.id).status == ParcelStatus.LOST
    page = page_of(client, f"/orders/{order.id}/")
    assert f'href="/orders/{order.id}/parcel/"' in page
    assert "Lost" in page


def test_an_order_without_a_parcel_has_none_to_say_anything_of(
    empty_scene: Scene, sign_in: SignIn
) -> None:
    order = scenes.sell(
        empty_scene, "20418", customer="Zoë O’Hara", country="IE", total="84.00", currency="EUR",
        lines=[("CNV", "Leinwand", 2)], placed=timedelta(days=9),
    )  # fmt: skip

    answer = sign_in(empty_scene).get(f"/orders/{order.id}/parcel/")

    assert answer.status_code == 409
    assert "It has no parcel that left" in answer.content.decode()


def test_a_viewer_says_nothing(empty_scene: Scene, sign_in: SignIn) -> None:
    order, parcel = on_its_way(empty_scene)

    answer = sign_in(empty_scene, Role.VIEWER).post(
        f"/orders/{order.id}/parcel/", {"parcel": parcel.id, "where": "lost", "reason": "weg"}
    )

    assert answer.status_code == 403
    with scope.merchant(empty_scene.merchant.id):
        assert Parcel.objects.get(id=parcel.id).status == ParcelStatus.IN_TRANSIT
