"""What is shipped by hand: the list, its paper, and tracking typed in or by CSV."""

import re
from datetime import timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from entrepot.access import scope
from entrepot.access.states import Role
from entrepot.connections.models import Connection
from entrepot.customers.models import PostalAddress
from entrepot.fulfillment.models import FulfillmentOrder, Parcel, Shipment
from entrepot.fulfillment.states import Status
from tests.dashboard import scene as scenes
from tests.dashboard import shares, troubles
from tests.dashboard.conftest import SignIn
from tests.dashboard.scene import Scene
from tests.dashboard.test_inbox import page_of


def packed(scene: Scene, number: str, *, units: int, status: str = "open", **more: Any) -> int:
    """An order whose lines are shipped by hand; returns the share."""
    order = scenes.sell(
        scene,
        number,
        customer="Anaïs Müller-Çelik",
        country="AT",
        city="Wien",
        total="64.00",
        currency="EUR",
        lines=[
            ("PC-MOE-12", "Postkarten „Möwen“, 12er-Satz", units),
            ("MUG-MOE", "Becher „Möwen“", 1),
        ],
        placed=timedelta(hours=3),
    )
    return shares.share(scene, order, provider="hand", status=status, lines=[0, 1], **more).id


def post(client: Client, path: str, **data: object) -> None:
    """A form that was taken."""
    assert client.post(path, data).status_code == 302


def test_the_list_keeps_held_and_cooling_ones_apart(empty_scene: Scene, sign_in: SignIn) -> None:
    packed(empty_scene, "10474", units=4)
    packed(empty_scene, "10475", units=2, submit_after=timezone.now() + timedelta(minutes=20))
    packed(empty_scene, "10476", units=3)
    troubles.hold(empty_scene, "10476", "person", "customer asked to wait")

    page = page_of(sign_in(empty_scene, Role.WAREHOUSE), "/picklists/")
    ready, _, waiting = page.partition("Not yet")

    assert "10474" in ready
    assert "10475" not in ready
    assert "10476" not in ready
    assert "Cooling off" in waiting
    assert "Held" in waiting


def test_paper_gathers_by_bin_and_a_slip_follows_for_each(
    empty_scene: Scene, sign_in: SignIn
) -> None:
    first = packed(empty_scene, "10474", units=4)
    second = packed(empty_scene, "10491", units=3)

    page = page_of(
        sign_in(empty_scene, Role.WAREHOUSE), f"/picklists/print/?share={first}&share={second}"
    )
    text = re.sub(r"<[^>]+>|\s+", " ", page)

    assert "9 units" in text
    assert re.search(r"H-04-2\s+PC-MOE-12\s+Postkarten „Möwen“, 12er-Satz\s+7\s", text)
    assert re.search(r"10474\s+×4\s*,\s+10491\s+×3", text)
    assert text.count("Lieferschein") == 2
    assert re.search(r"Bestellt am\s+\d+\. \w+ 20\d\d\s+Versand\s+Versand versichert", text)
    assert "AUSTRIA" in text
    assert "64.00" not in text
    assert page.count('class="sheet"') == 3


def test_a_slip_of_an_order_by_hand_comes_from_the_merchant(
    empty_scene: Scene, sign_in: SignIn
) -> None:
    packed(empty_scene, "H-Ä7", units=4)
    with scope.merchant(empty_scene.merchant.id):
        Connection.objects.filter(id=empty_scene.connections["shop"].id).update(
            platform="direct", name="Orders by hand and by program"
        )

    page = page_of(sign_in(empty_scene, Role.WAREHOUSE), "/picklists/print/")

    slip = page.partition("Lieferschein")[0].rpartition('class="sheet"')[2]
    assert "Seemöwe Prints" in slip
    assert "Orders by hand" not in page


def test_a_slip_writes_the_town_as_its_country_does(empty_scene: Scene, sign_in: SignIn) -> None:
    packed(empty_scene, "10474", units=4)
    with scope.merchant(empty_scene.merchant.id):
        PostalAddress.objects.update(
            country="US", city="Springfield", region="IL", postal_code="62704"
        )

    page = page_of(sign_in(empty_scene, Role.WAREHOUSE), "/picklists/print/")

    assert "Springfield, IL 62704 UNITED STATES" in re.sub(r"(<[^>]+>|\s)+", " ", page)


def test_entering_the_carrier_ships_all_that_is_left(empty_scene: Scene, sign_in: SignIn) -> None:
    share_id = packed(empty_scene, "10474", units=4)
    client = sign_in(empty_scene, Role.WAREHOUSE)
    told = {"share": share_id, "carrier": "Nordpost", "tracking_number": "NP 0047 1188 2"}

    post(client, "/picklists/ship/", **told)
    post(client, "/picklists/ship/", **told)

    with scope.merchant(empty_scene.merchant.id):
        assert FulfillmentOrder.objects.get(id=share_id).status == Status.CLOSED
        assert [one.tracking_number for one in Parcel.objects.all()] == ["NP 0047 1188 2"]
    assert empty_scene.order("10474").units_shipped == 5


def test_a_held_order_is_not_shipped_by_typing(empty_scene: Scene, sign_in: SignIn) -> None:
    share_id = packed(empty_scene, "10476", units=3)
    troubles.hold(empty_scene, "10476", "person", "customer asked to wait")
    client = sign_in(empty_scene, Role.WAREHOUSE)

    post(client, "/picklists/ship/", share=share_id, carrier="Nordpost", tracking_number="NP 1")

    with scope.merchant(empty_scene.merchant.id):
        assert not Shipment.objects.exists()


def test_a_file_of_tracking_numbers_is_previewed_row_by_row(
    empty_scene: Scene, sign_in: SignIn
) -> None:
    packed(empty_scene, "10474", units=4)
    packed(empty_scene, "10475", units=2)
    client = sign_in(empty_scene, Role.WAREHOUSE)
    rows = "order;carrier;tracking number\n#10474;Nordpost;NP 1\n10475;;NP 2\n99999;Nordpost;NP 3\n"

    preview = client.post("/picklists/tracking/", {"text": rows}).content.decode()
    with scope.merchant(empty_scene.merchant.id):
        before = Shipment.objects.count()
    post(client, "/picklists/tracking/", text=rows, record="1")

    assert "Record 1 parcel" in preview
    assert "no carrier" in preview
    assert "no share of it waits" in preview
    assert before == 0
    with scope.merchant(empty_scene.merchant.id):
        assert [one.tracking_number for one in Parcel.objects.all()] == ["NP 1"]


def test_an_order_that_a_file_names_twice_leaves_once_and_the_preview_says_so(
    empty_scene: Scene, sign_in: SignIn
) -> None:
    packed(empty_scene, "10474", units=4)
    packed(empty_scene, "10475", units=2)
    client = sign_in(empty_scene, Role.WAREHOUSE)
    rows = (
        "order;carrier;tracking_number\n10474;日本郵便;EG 1\n10474;日本郵便;EG 1\n"
        "10475;Nordpost;NP 5\n#10475;Nordpost;NP 6\n"
    )

    preview = client.post("/picklists/tracking/", {"text": rows}).content.decode()
    answer = client.post("/picklists/tracking/", {"text": rows, "record": "1"}, follow=True)

    assert "Record 2 parcels" in preview
    assert "row 2 says the same" in preview
    assert "row 4 sends all of it: enter a further parcel on the order’s page" in preview
    assert "2 parcels recorded." in answer.content.decode()
    with scope.merchant(empty_scene.merchant.id):
        found = Parcel.objects.order_by("tracking_number")
        assert [one.tracking_number for one in found] == ["EG 1", "NP 5"]


def test_a_viewer_packs_nothing(empty_scene: Scene, sign_in: SignIn) -> None:
    assert sign_in(empty_scene, Role.VIEWER).get("/picklists/").status_code == 403


def test_a_slip_does_not_let_its_reader_expect_a_second_parcel(
    empty_scene: Scene, sign_in: SignIn
) -> None:
    first = packed(empty_scene, "10474", units=4)
    second = packed(empty_scene, "10475", units=2)

    page = page_of(
        sign_in(empty_scene, Role.WAREHOUSE), f"/picklists/print/?share={first}&share={second}"
    )

    heads = re.findall(r'<header class="row apart paper-top">.*?</header>', page)
    feet = re.findall(r'<footer class="xs paper-foot">.*?</footer>', page)
    assert len(heads) == len(feet) == 2
    assert not any(re.search(r"\d/2", head) for head in heads)
    assert [bool(re.search(rf"PL-[\d-]+, no. {at}<", foot)) for at, foot in enumerate(feet, 1)] == [
        True,
        True,
    ]
