"""Who may see what: sign-in, second factor, roles, merchants, personal data."""

import re
from datetime import timedelta

import pytest
from django.test import Client, override_settings
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from entrepot.access import scope
from entrepot.access import services as access
from entrepot.access.models import Merchant
from entrepot.access.states import Role
from entrepot.connections.models import EffectPause
from entrepot.events import outbox
from entrepot.events.models import Event
from entrepot.inbox.models import InboxMessage
from tests.dashboard import troubles
from tests.dashboard.conftest import SignIn
from tests.dashboard.scene import PASSWORD, Scene


def test_a_person_signs_in_and_lands_where_they_wanted_to_go(empty_scene: Scene) -> None:
    client = Client()
    email = empty_scene.people[Role.OPERATOR].email

    answer = client.post(
        "/sign-in/", {"email": email.upper(), "password": PASSWORD, "back": "/orders/?state=held"}
    )

    assert answer["Location"] == "/orders/?state=held"
    assert client.get("/orders/").status_code == 200


def test_a_wrong_password_says_nothing_about_who_exists(empty_scene: Scene) -> None:
    known = empty_scene.people[Role.OPERATOR].email

    answers = [
        Client().post("/sign-in/", {"email": email, "password": "not this one"})
        for email in (known, "nobody@seemoewe.example")
    ]

    said = [re.sub(r'value="[^"]*"', "", answer.content.decode()) for answer in answers]
    assert [answer.status_code for answer in answers] == [400, 400]
    assert said[0] == said[1]
    assert "No person has this e-mail address and password." in said[0]


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "javascript:1"])
def test_signing_in_leads_nowhere_else(empty_scene: Scene, elsewhere: str) -> None:
    email = empty_scene.people[Role.OPERATOR].email

    answer = Client().post("/sign-in/", {"email": email, "password": PASSWORD, "back": elsewhere})

    assert answer["Location"] == "/"


def test_signing_out_ends_it(scene: Scene, sign_in: SignIn) -> None:
    client = sign_in(scene)

    client.post("/sign-out/")

    assert client.get("/")["Location"].startswith("/sign-in/")


def test_a_second_factor_is_set_up_and_asked_for(empty_scene: Scene) -> None:
    client, again = Client(), Client()
    person = empty_scene.people[Role.OPERATOR]
    told = {"email": person.email, "password": PASSWORD}
    client.post("/sign-in/", told)
    page = client.get("/sign-in/second-factor/").content.decode()
    device = TOTPDevice.objects.get(user=person)

    client.post("/sign-in/second-factor/", {"code": f"{totp(device.bin_key):06}"})
    again.post("/sign-in/", told)
    asked = again.get("/orders/")

    assert 'src="data:image/svg+xml' in page
    assert client.get("/").status_code == 200
    assert asked["Location"] == "/sign-in/code/?next=%2Forders%2F"
    assert again.post("/sign-in/code/", {"code": "000000"}).status_code == 400


def test_a_role_can_be_made_to_have_a_second_factor(empty_scene: Scene, sign_in: SignIn) -> None:
    owner, operator = sign_in(empty_scene, Role.OWNER), sign_in(empty_scene)

    with override_settings(SECOND_FACTOR_ROLES=["owner"]):
        sent, let_in = owner.get("/"), operator.get("/")

    assert sent["Location"].startswith("/sign-in/second-factor/")
    assert let_in.status_code == 200


def test_somebody_without_a_role_is_told_who_can_grant_one(empty_scene: Scene) -> None:
    stranger = access.create_user(email="new@seemoewe.example", name="Noor")
    client = Client()
    client.force_login(stranger, backend="django.contrib.auth.backends.ModelBackend")

    answer = client.get("/")

    assert answer.status_code == 403
    assert "You have no role yet" in answer.content.decode()


def test_nobody_sees_another_merchants_order(scene: Scene, other_merchant: Merchant) -> None:
    outsider = access.create_user(email="yuki@sakura.example", name="ゆき")
    access.grant_role(outsider.id, merchant_id=other_merchant.id, role=Role.OWNER)
    client = Client()
    client.force_login(outsider, backend="django.contrib.auth.backends.ModelBackend")
    order = scene.orders["10482"]

    for address in (
        f"/orders/{order.id}/",
        "/orders/10482/",
        f"/orders/{order.reference}/",
        f"/orders/{order.id}/refund/",
    ):
        assert client.get(address).status_code == 404, address
    assert client.post(f"/orders/{order.id}/reveal/").status_code == 404
    assert "10482" not in client.get("/orders/").content.decode()
    assert client.get("/search/", {"q": "10482"})["Location"] == "/orders/?find=10482"


def test_a_person_with_two_merchants_chooses_one(
    scene: Scene, sign_in: SignIn, other_merchant: Merchant
) -> None:
    person = scene.people[Role.OPERATOR]
    access.grant_role(person.id, merchant_id=other_merchant.id, role=Role.VIEWER)
    client = sign_in(scene)

    client.post("/merchant/", {"merchant": str(other_merchant.id)})
    there = client.get("/").content.decode()
    client.post("/merchant/", {"merchant": "999999"})

    assert "<bdi>喫茶 さくら</bdi>, live" in there
    assert "JST" in there
    assert "<bdi>喫茶 さくら</bdi>, live" in client.get("/").content.decode()


def test_names_are_hidden_from_roles_that_may_not_see_them(scene: Scene, sign_in: SignIn) -> None:
    viewer = sign_in(scene, Role.VIEWER)

    for address in ("/", "/orders/", "/attention/", f"/orders/{scene.orders['10482'].id}/"):
        page = viewer.get(address).content.decode()
        assert "Süßkind" not in page, address
        assert "Möwengasse" not in page, address


def test_contacts_are_masked_until_revealed_and_the_journal_keeps_who_looked(
    scene: Scene, sign_in: SignIn
) -> None:
    client, order = sign_in(scene), scene.orders["10482"]
    masked = client.get(f"/orders/{order.id}/").content.decode()

    shown = client.post(f"/orders/{order.id}/reveal/").content.decode()

    with scope.merchant(scene.merchant.id):
        (event,) = Event.objects.filter(name="customer.revealed", order_id=order.id)
    assert "mareike@seemail.example" not in masked
    assert "m•••@seemail.example" in masked
    assert "mareike@seemail.example" in shown
    assert event.actor == f"user:{scene.people[Role.OPERATOR].id}"
    assert "mareike" not in client.get(f"/orders/{order.id}/").content.decode()


def test_a_viewer_may_not_reveal(scene: Scene, sign_in: SignIn) -> None:
    answer = sign_in(scene, Role.VIEWER).post(f"/orders/{scene.orders['10482'].id}/reveal/")

    assert answer.status_code == 403


def test_a_panel_says_when_it_is_not_for_the_role(scene: Scene, sign_in: SignIn) -> None:
    page = sign_in(scene, Role.WAREHOUSE).get(f"/orders/{scene.orders['10482'].id}/")

    assert "Payments are not for your role" in page.content.decode()
    assert "ch_10482" not in page.content.decode()


def test_pausing_shows_on_every_page_until_resumed(scene: Scene, sign_in: SignIn) -> None:
    client = sign_in(scene)

    client.post("/pause/", {"flows": ["submissions", "mails"], "reason": "wrong paper"})
    page = client.get("/orders/").content.decode()
    stop = re.search(r'name="resume" value="(\d+)"', page)
    assert stop is not None
    answer = client.post("/pause/", {"resume": stop[1], "back": "/orders/?state=held"})

    assert page.count("paused</b>") == 2
    assert 'by <bdi>Inga Körner</bdi>: “<span dir="auto">wrong paper</span>”' in page
    assert answer["Location"] == "/orders/?state=held"
    assert client.get("/orders/").content.decode().count("paused</b>") == 1


def test_pausing_everything_needs_a_reason(scene: Scene, sign_in: SignIn) -> None:
    client = sign_in(scene)

    refused = client.post("/pause/", {"everything": "1", "reason": ""})
    client.post("/pause/", {"everything": "1", "reason": "stocktaking"})

    with scope.merchant(scene.merchant.id):
        (stop,) = EffectPause.objects.all()
    assert refused.status_code == 422
    assert (stop.flow, stop.connection_id, stop.reason) == ("", None, "stocktaking")


def test_support_has_no_pause_button(scene: Scene, sign_in: SignIn) -> None:
    client = sign_in(scene, Role.SUPPORT)

    assert "/pause/" not in client.get("/").content.decode()
    assert client.get("/pause/").status_code == 403


def test_a_page_sends_nothing_inline_and_asks_no_other_server(
    scene: Scene, sign_in: SignIn
) -> None:
    answer = sign_in(scene).get(f"/orders/{scene.orders['10482'].id}/")
    page = answer.content.decode()

    outside = re.findall(r'(?:src|<link[^>]* href)="(https?:[^"]+)"', page)
    assert "default-src 'self'" in answer["Content-Security-Policy"]
    assert re.findall(r"<script(?![^>]* src=)", page) == []
    assert re.findall(r"\sstyle=", page) == []
    assert re.findall(r"\son[a-z]+=", page) == []
    assert outside == []


def test_a_session_that_ended_takes_the_whole_page_to_sign_in(scene: Scene) -> None:
    answer = Client().get(
        f"/orders/{scene.orders['10482'].id}/refund/", headers={"HX-Request": "true"}
    )

    assert answer["HX-Redirect"] == "/sign-in/"


def test_an_order_is_found_by_number_and_reference(scene: Scene, sign_in: SignIn) -> None:
    client, order = sign_in(scene), scene.orders["E-7KQ2MD"]

    answers = [client.get(f"/orders/{key}/") for key in ("E-7KQ2MD", order.reference)]

    assert {answer["Location"] for answer in answers} == {f"/orders/{order.id}/"}


def test_the_causes_of_an_entry_lead_down_to_raw_bytes(scene: Scene, sign_in: SignIn) -> None:
    client, order = sign_in(scene), scene.orders["E-7KQ2MD"]

    page = client.get(f"/orders/{order.id}/?timeline=full").content.decode()

    history = page.partition('id="timeline"')[2]
    assert "Raw bytes" in history
    assert "webhook order.updated, 5,244 bytes" in history
    assert "shop.seemoewe.example/E-7KQ2MD/1/1" in history
    assert "POST https://api.prodigi.example/v4.0/Orders" in history
    assert "no answer after 25,000 ms" in history


def test_a_timeline_that_is_compact_says_repeats_once(scene: Scene, sign_in: SignIn) -> None:
    for about in ("a", "b", "c"):
        troubles.hold(scene, "10484", "person", "look again", about=about)
    client, order = sign_in(scene), scene.orders["10484"]

    compact = client.get(f"/orders/{order.id}/").content.decode()
    full = client.get(f"/orders/{order.id}/?timeline=full").content.decode()

    assert "Held. Held by a person, 3 times." in compact
    assert full.count("Held. Held by a person.") == 3


def test_a_timeline_tells_parcels_apart(scene: Scene, sign_in: SignIn) -> None:
    order = scene.orders["10484"]
    with scope.merchant(scene.merchant.id):
        for parcel, number in enumerate(("NP 4711", "NP 4712", "")):
            outbox.record(
                "parcel.delivered",
                merchant_id=scene.merchant.id,
                mode=order.mode,
                order_id=order.id,
                subject=("parcel", parcel),
                data={"status": "delivered", "tracking_number": number},
            )

    page = sign_in(scene).get(f"/orders/{order.id}/").content.decode()

    told = re.findall(r"Parcel[^<.]*delivered[^<.]*", page.partition('id="timeline"')[2])
    assert told == ["Parcel delivered", "Parcel NP 4712 delivered", "Parcel NP 4711 delivered"]


def test_times_are_those_of_the_merchant(scene: Scene, sign_in: SignIn) -> None:
    page = sign_in(scene).get(f"/orders/{scene.orders['10482'].id}/").content.decode()

    placed = re.search(r'<dt>Placed</dt><dd><time datetime="([^"]+)" title="([^"]+)">([^<]+)', page)
    assert placed is not None
    assert placed[2].endswith(" UTC")
    assert placed[3].endswith((" CET", " CEST"))


def test_a_retention_that_took_the_bytes_is_said(scene: Scene, sign_in: SignIn) -> None:
    order = scene.orders["10484"]
    with scope.merchant(scene.merchant.id):
        InboxMessage.objects.filter(received_at__gte=order.placed_at - timedelta(days=400)).delete()

    page = sign_in(scene).get(f"/orders/{order.id}/?timeline=full").content.decode()

    assert "removed by retention" in page


@pytest.mark.parametrize(
    ("came_from", "link"),
    [
        ("http://testserver/orders/?status=held", "/orders/"),
        ("http://testserver//elsewhere.example/orders/", "/"),
        ("http://elsewhere.example/orders/", "/"),
        ("", "/"),
    ],
)
def test_a_form_that_outlived_its_session_is_answered_in_words(
    scene: Scene, came_from: str, link: str
) -> None:
    order = scene.orders["10497"]
    client = Client(enforce_csrf_checks=True)
    client.force_login(
        scene.people[Role.OPERATOR], backend="django.contrib.auth.backends.ModelBackend"
    )

    answer = client.post(
        f"/orders/{order.id}/hold/",
        {"reason": "Größe falsch"},
        headers={"referer": came_from},
    )

    words = answer.content.decode()
    assert answer.status_code == 403
    assert "This page is too old to be sent" in words
    assert f'href="{link}">Open it again' in words
    assert scene.order("10497").is_held is False
