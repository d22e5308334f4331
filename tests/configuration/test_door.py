"""Who comes into the configuration: the same door, factor and roles as for every page."""

import pytest
from django.test import Client, override_settings
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from entrepot.access import services as access
from entrepot.access.models import Merchant
from entrepot.access.states import Role
from tests.configuration.conftest import signed_in
from tests.dashboard.scene import PASSWORD, Scene

LISTS = (
    "access/merchant", "access/membership", "access/apikey", "obligations/deadlinerule",
    "connections/connection", "catalog/mapping", "catalog/shippingmap", "notifications/template",
)  # fmt: skip


@pytest.mark.parametrize("path", ["", "access/apikey/", "password_change/", "no/such/page/"])
def test_without_a_session_everything_leads_to_the_one_door(scene: Scene, path: str) -> None:
    answer = Client().get(f"/admin/{path}")

    assert answer.status_code == 302
    assert answer["Location"].startswith("/sign-in/?next=%2Fadmin%2F")


def test_djangos_own_sign_in_is_not_there(scene: Scene) -> None:
    person = scene.people[Role.OWNER]
    client = Client()

    shown = client.get("/admin/login/?next=/admin/access/apikey/")
    tried = client.post("/admin/login/", {"username": person.email, "password": PASSWORD})

    assert shown["Location"] == "/sign-in/?next=%2Fadmin%2Faccess%2Fapikey%2F"
    assert tried["Location"].startswith("/sign-in/")
    assert "_auth_user_id" not in client.session


def test_an_owner_and_an_operator_see_what_their_scopes_say(
    owner: Client, operator: Client
) -> None:
    seen = {
        role: [path for path in LISTS if client.get(f"/admin/{path}/").status_code == 200]
        for role, client in (("owner", owner), ("operator", operator))
    }

    assert seen["owner"] == list(LISTS)
    assert seen["operator"] == [path for path in LISTS if path != "access/apikey"]


@pytest.mark.parametrize("role", [Role.WAREHOUSE, Role.SUPPORT, Role.VIEWER])
def test_other_roles_are_told_who_can_help(scene: Scene, role: Role) -> None:
    client = signed_in(scene, role)

    answers = [client.get(f"/admin/{path}") for path in ("", *(f"{one}/" for one in LISTS))]

    assert {answer.status_code for answer in answers} == {403}
    assert "Ólafur Þór" in answers[0].content.decode()


def test_djangos_own_flags_open_nothing(scene: Scene) -> None:
    nobody = access.create_user(email="root@seemoewe.example", name="Wurzel")
    nobody.is_staff = nobody.is_superuser = True
    nobody.save()
    client = Client()
    client.force_login(nobody, backend="django.contrib.auth.backends.ModelBackend")

    assert client.get("/admin/").status_code == 403
    assert client.get("/admin/access/membership/").status_code == 403


def test_the_second_factor_is_asked_for_here_as_well(scene: Scene) -> None:
    person = scene.people[Role.OWNER]
    device = TOTPDevice.objects.create(user=person, name="x", confirmed=True)
    client = Client()
    client.post("/sign-in/", {"email": person.email, "password": PASSWORD})

    before = client.get("/admin/access/apikey/")
    client.post("/sign-in/code/", {"code": f"{totp(device.bin_key):06}"})
    after = client.get("/admin/access/apikey/")

    assert before["Location"].startswith("/sign-in/code/?next=%2Fadmin")
    assert after.status_code == 200


def test_a_role_that_needs_a_second_factor_sets_it_up_first(owner: Client) -> None:
    with override_settings(SECOND_FACTOR_ROLES=["owner"]):
        answer = owner.get("/admin/")

    assert answer["Location"].startswith("/sign-in/second-factor/")


def test_lists_of_libraries_are_not_there(owner: Client) -> None:
    """They would show every merchant's sign-ins and devices."""
    for path in ("axes/accessattempt", "otp_totp/totpdevice", "auth/group", "access/user"):
        assert owner.get(f"/admin/{path}/").status_code == 404, path


def test_a_list_shows_the_merchant_that_one_works_for(
    scene: Scene, owner: Client, other_merchant: Merchant
) -> None:
    person = scene.people[Role.OWNER]
    access.grant_role(person.id, merchant_id=other_merchant.id, role=Role.OWNER)

    first = owner.get("/admin/access/merchant/").content.decode()
    owner.post("/merchant/", {"merchant": other_merchant.id})
    second = owner.get("/admin/access/merchant/").content.decode()

    names = ("Seemöwe Prints", "喫茶 さくら")
    assert [name in first for name in names] == [True, False]
    assert [name in second for name in names] == [False, True]


def test_nothing_is_added_changed_or_deleted_past_the_services(scene: Scene, owner: Client) -> None:
    for path in LISTS:
        assert owner.get(f"/admin/{path}/add/").status_code == 403, path
        assert owner.post(f"/admin/{path}/add/", {"name": "x"}).status_code == 403, path
    merchant = f"/admin/access/merchant/{scene.merchant.id}"
    assert owner.post(f"{merchant}/change/", {"name": "Gestohlen"}).status_code == 403
    assert owner.post(f"{merchant}/delete/", {"post": "yes"}).status_code == 403
    assert "Seemöwe Prints" in owner.get(f"{merchant}/change/").content.decode()


def test_pages_obey_a_policy_and_lead_to_the_work_and_back(scene: Scene, owner: Client) -> None:
    page = owner.get("/admin/access/membership/")
    html = page.content.decode()
    work = owner.get("/").content.decode()

    policy = page["Content-Security-Policy"]
    assert "script-src 'self' 'unsafe-eval'" in policy
    assert "script-src 'self' 'unsafe-eval' 'unsafe-inline'" not in policy
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    for address in ('href="/connections/"', 'href="/mappings/"', 'href="/messages/"'):
        assert address in html
    assert 'href="/admin/"' in work
    assert 'href="/admin/"' not in signed_in(scene, Role.VIEWER).get("/").content.decode()


def test_one_changes_ones_own_password_by_the_same_rules(scene: Scene, owner: Client) -> None:
    person = scene.people[Role.OWNER]
    fields = {"old_password": PASSWORD}

    weak = owner.post(
        "/admin/password_change/",
        {**fields, "new_password1": "kurz", "new_password2": "kurz"},
    )
    done = owner.post(
        "/admin/password_change/",
        {**fields, "new_password1": "Nordwind um fünf", "new_password2": "Nordwind um fünf"},
    )

    assert weak.status_code == 200
    assert done["Location"] == "/admin/password_change/done/"
    assert owner.get("/admin/").status_code == 200
    person.refresh_from_db()
    assert person.check_password("Nordwind um fünf")
