"""What the dialogs of the configuration change, each through its service, with its author."""

import re
from typing import Any

import pytest
from django.test import Client

from entrepot.access import keys, scope
from entrepot.access import services as access
from entrepot.access.models import ApiKey, Membership, Merchant
from entrepot.access.second_factor import confirm_factor, has_second_factor, waiting_factor
from entrepot.access.states import Role
from entrepot.events.models import Event
from entrepot.obligations.models import DeadlineRule
from tests.configuration.conftest import signed_in
from tests.dashboard.scene import Scene

SENT = {"_form_submitted": "on"}


def press(client: Client, path: str, **fields: Any) -> Any:
    """Send a dialog as htmx does."""
    return client.post(f"/admin/{path}", {**SENT, **fields}, headers={"HX-Request": "true"})


def membership(scene: Scene, role: Role) -> Membership:
    with scope.merchant(scene.merchant.id):
        return Membership.objects.get(user=scene.people[role])


def test_a_dialog_is_opened_first_and_changes_nothing(scene: Scene, owner: Client) -> None:
    person = membership(scene, Role.VIEWER)

    for path in ("take_role", "change_role", "make_link"):
        opened = owner.get(f"/admin/access/membership/{person.id}/{path}/")
        assert opened.status_code == 200, path
        assert 'method="post"' in opened.content.decode(), path

    assert membership(scene, Role.VIEWER).role == Role.VIEWER


def test_an_owner_changes_and_takes_a_role(scene: Scene, owner: Client) -> None:
    person = membership(scene, Role.VIEWER)

    changed = press(owner, f"access/membership/{person.id}/change_role/", role="support")
    after = membership(scene, Role.VIEWER).role
    taken = press(owner, f"access/membership/{person.id}/take_role/")

    assert changed["HX-Redirect"] == taken["HX-Redirect"] == "/admin/access/membership/"
    assert after == Role.SUPPORT
    with scope.merchant(scene.merchant.id):
        assert not Membership.objects.filter(user=scene.people[Role.VIEWER]).exists()
        told = Event.objects.filter(name__in=["user.role_granted", "user.role_revoked"])
        actors = list(told.order_by("-id").values_list("name", "actor")[:2])
    mine = f"user:{scene.people[Role.OWNER].id}"
    assert actors == [("user.role_revoked", mine), ("user.role_granted", mine)]


def test_the_last_owner_stays_and_the_page_says_why(scene: Scene, owner: Client) -> None:
    person = membership(scene, Role.OWNER)

    press(owner, f"access/membership/{person.id}/change_role/", role="viewer")

    assert membership(scene, Role.OWNER).role == Role.OWNER
    assert "last owner" in owner.get("/admin/access/membership/").content.decode()


@pytest.mark.parametrize("path", ["invite/", "{}/change_role/", "{}/take_role/", "{}/make_link/"])
def test_an_operator_sees_people_and_changes_none(
    scene: Scene, operator: Client, path: str
) -> None:
    person = membership(scene, Role.VIEWER)
    address = "access/membership/" + path.format(person.id)

    answer = press(operator, address, role="owner", email="x@y.example", name="X")

    assert answer.status_code == 403
    assert membership(scene, Role.VIEWER).role == Role.VIEWER


def test_somebody_new_is_invited_and_sets_a_password(scene: Scene, owner: Client) -> None:
    answer = press(
        owner,
        "access/membership/invite/",
        email="Zoe@seemoewe.example",
        name="Zoë Ryś",
        role="warehouse",
    )
    link = re.search(r"http://testserver(/sign-in/password/[^<\s]+)", answer.content.decode())
    assert link is not None
    new = Client()

    weak = new.post(link[1], {"password": "kurz", "again": "kurz"})
    other = new.post(link[1], {"password": "Sturm über Rügen", "again": "Sturm über Fehmarn"})
    done = new.post(link[1], {"password": "Sturm über Rügen", "again": "Sturm über Rügen"})
    again = new.post(link[1], {"password": "Flaute über Rügen", "again": "Flaute über Rügen"})
    came = new.post("/sign-in/", {"email": "zoe@seemoewe.example", "password": "Sturm über Rügen"})

    assert (weak.status_code, other.status_code) == (400, 400)
    assert done["Location"] == "/sign-in/"
    assert again.status_code == 404
    assert came["Location"] == "/"
    assert new.get("/picklists/").status_code == 200
    assert new.get("/admin/").status_code == 403


def test_a_link_takes_a_lost_second_factor_off(scene: Scene, owner: Client) -> None:
    user = scene.people[Role.SUPPORT]
    device = waiting_factor(user)
    device.confirmed = True
    device.save()
    person = membership(scene, Role.SUPPORT)

    answer = press(owner, f"access/membership/{person.id}/make_link/", takes_factor_off="on")
    link = re.search(r"http://testserver(/sign-in/password/[^<\s]+)", answer.content.decode())
    assert link is not None
    Client().post(link[1], {"password": "Ebbe bei Vollmond", "again": "Ebbe bei Vollmond"})

    assert not has_second_factor(user)
    assert not confirm_factor(device, "000000")


def test_a_link_opens_nobody_who_works_for_others_as_well(
    scene: Scene, owner: Client, other_merchant: Merchant
) -> None:
    """Or one merchant's owner could take over an account of another merchant."""
    user = scene.people[Role.SUPPORT]
    person = membership(scene, Role.SUPPORT)
    before = press(owner, f"access/membership/{person.id}/make_link/")
    access.grant_role(user.id, merchant_id=other_merchant.id, role=Role.OWNER)
    after = press(owner, f"access/membership/{person.id}/make_link/")
    password = user.password

    for answer in (before, after):
        link = re.search(r"http://testserver(/sign-in/password/[^<\s]+)", answer.content.decode())
        assert link is not None
        tried = Client().post(link[1], {"password": "Strandgut am 3.", "again": "Strandgut am 3."})
        assert tried.status_code == 404
    user.refresh_from_db()
    assert user.password == password


def test_an_account_that_one_merchant_made_opens_no_other(
    scene: Scene, owner: Client, other_merchant: Merchant
) -> None:
    """Or whoever invites somebody first, and sets the password, works for the second as well."""
    known = access.create_user(email="jo@hafen.example", name="Jo", password="Sturm am Priel")
    access.grant_role(known.id, merchant_id=other_merchant.id, role=Role.OWNER)

    link = invited(owner, "jo@hafen.example")
    stranger, other = Client(), Client()
    other.post("/sign-in/", {"email": "jo@hafen.example", "password": "Sturm am Priel"})
    tried = stranger.post(link, {"password": "Strandgut am 3.", "again": "Strandgut am 3."})
    wrong = owner.post(link)
    before = roles_of(scene, known.id)
    accepted = other.post(link)

    assert tried["Location"].startswith("/sign-in/?next=")
    assert (wrong.status_code, before) == (404, [])
    assert accepted["Location"] == "/"
    assert roles_of(scene, known.id) == [Role.WAREHOUSE]
    with scope.merchant(scene.merchant.id):
        Membership.objects.filter(user=known).delete()
        access.grant_role(known.id, merchant_id=scene.merchant.id, role=Role.VIEWER)
    access.revoke_role(known.id, merchant_id=scene.merchant.id)
    assert other.post(link).status_code == 404
    assert roles_of(scene, known.id) == []


def test_who_works_for_nobody_any_more_begins_with_a_new_password(
    scene: Scene, owner: Client, other_merchant: Merchant
) -> None:
    known = access.create_user(email="jo@hafen.example", name="Jo", password="Sturm am Priel")
    before = Client()
    before.post("/sign-in/", {"email": "jo@hafen.example", "password": "Sturm am Priel"})

    link = invited(owner, "jo@hafen.example")
    opened = Client().get(link)
    weak = Client().post(link, {"password": "kurz", "again": "kurz"})
    done = Client().post(link, {"password": "Strandgut am 3.", "again": "Strandgut am 3."})

    assert "Warehouse" in opened.content.decode()
    assert (weak.status_code, done["Location"]) == (400, "/")
    assert roles_of(scene, known.id) == [Role.WAREHOUSE]
    assert before.get("/picklists/")["Location"].startswith("/sign-in/")
    known.refresh_from_db()
    assert known.check_password("Strandgut am 3.")


def invited(owner: Client, email: str) -> str:
    """The link for somebody whom the hub knows."""
    answer = press(owner, "access/membership/invite/", email=email, name="Jo", role="warehouse")
    link = re.search(r"http://testserver(/sign-in/join/[^<\s]+)", answer.content.decode())
    assert link is not None
    return link[1]


def roles_of(scene: Scene, user_id: int) -> list[str]:
    with scope.merchant(scene.merchant.id):
        return list(Membership.objects.filter(user_id=user_id).values_list("role", flat=True))


def test_a_key_is_made_shown_once_rotated_and_revoked(scene: Scene, owner: Client) -> None:
    made = press(
        owner,
        "access/apikey/make_key/",
        name="Waage ü",
        mode="live",
        scopes=["orders:read", "fulfillment:write"],
        allowed_addresses="203.0.113.0/24\n2001:db8::7",
        rate_limit_per_minute="90",
        days="30",
    ).content.decode()
    secret = re.search(r"ek_live_[0-9a-f]{12}_[0-9a-f]{64}", made)
    assert secret is not None
    key = keys.authenticate_api_key(secret[0], address="203.0.113.9")
    rotated = press(owner, f"access/apikey/{key.id}/rotate/", days="3").content.decode()
    revoked = press(owner, f"access/apikey/{key.id}/revoke/", reason="verloren")

    assert (key.name, sorted(key.scopes)) == ("Waage ü", ["fulfillment:write", "orders:read"])
    assert (key.rate_limit_per_minute, key.expires_at is not None) == (90, True)
    successor = re.search(r"ek_live_[0-9a-f]{12}_[0-9a-f]{64}", rotated)
    assert successor is not None
    assert keys.authenticate_api_key(successor[0], address="2001:db8::7").name == "Waage ü"
    assert revoked["HX-Redirect"] == "/admin/access/apikey/"
    with pytest.raises(keys.KeyRefused, match="revoked"):
        keys.authenticate_api_key(secret[0], address="203.0.113.9")
    listed = owner.get("/admin/access/apikey/").content.decode()
    assert secret[0] not in listed
    assert key.prefix in listed


@pytest.mark.parametrize(
    ("_case", "changed"),
    [
        ("no scope", {"scopes": []}),
        ("a scope that is not there", {"scopes": ["everything"]}),
        ("no name", {"name": ""}),
        ("a mode that is not there", {"mode": "both"}),
        ("addresses that are none", {"allowed_addresses": "the office"}),
        ("no calls at all", {"rate_limit_per_minute": "0"}),
    ],
)
def test_a_key_that_cannot_be_is_not_made(
    scene: Scene, owner: Client, _case: str, changed: dict[str, Any]
) -> None:
    told = {
        "name": "x", "mode": "live", "scopes": ["orders:read"], "rate_limit_per_minute": "60",
        "allowed_addresses": "", **changed,
    }  # fmt: skip

    answer = press(owner, "access/apikey/make_key/", **told)

    assert answer.status_code == 200
    with scope.merchant(scene.merchant.id):
        assert not ApiKey.objects.exists()


def test_a_merchant_is_changed_and_the_journal_says_what(scene: Scene, owner: Client) -> None:
    address = f"access/merchant/{scene.merchant.id}/settle/"
    opened = owner.get(f"/admin/{address}").content.decode()
    told = {"name": "Seemöwe & Töchter", "time_zone": "Asia/Kolkata", "locale": "de"}

    answer = press(owner, address, mode="test", **told)

    assert 'value="Seemöwe Prints"' in opened
    assert answer["HX-Redirect"] == "/admin/access/merchant/"
    with scope.merchant(scene.merchant.id):
        row = Merchant.objects.get()
        event = Event.objects.filter(name="merchant.changed").get()
    assert (row.name, row.time_zone, row.locale, row.mode) == (*told.values(), "test")
    assert event.data == {"fields": ["locale", "mode", "name", "time_zone"]}
    assert event.actor == f"user:{scene.people[Role.OWNER].id}"


def test_a_deadline_is_set_and_returns_to_the_default(scene: Scene, owner: Client) -> None:
    press(owner, "obligations/deadlinerule/set_deadline/", kind="submit", minutes="150")
    listed = owner.get("/admin/obligations/deadlinerule/").content.decode()
    press(owner, "obligations/deadlinerule/set_deadline/", kind="write_back", minutes="45")
    press(owner, "obligations/deadlinerule/set_deadline/", kind="submit")

    assert "2 h 30 min" in listed
    assert "15 min" in listed
    with scope.merchant(scene.merchant.id):
        rules = list(DeadlineRule.objects.values_list("kind", "seconds"))
    assert rules == [("write_back", 2700)]


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.SUPPORT])
def test_settings_are_changed_by_owners_only(scene: Scene, role: Role) -> None:
    client = signed_in(scene, role)

    answers = [
        press(client, "obligations/deadlinerule/set_deadline/", kind="submit", minutes="1"),
        press(client, "access/apikey/make_key/", name="x", mode="live", scopes=["orders:read"]),
        press(client, f"access/merchant/{scene.merchant.id}/settle/", name="Gestohlen"),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    with scope.merchant(scene.merchant.id):
        assert not DeadlineRule.objects.exists()
        assert Merchant.objects.get().name == "Seemöwe Prints"


def test_what_has_pages_of_its_own_leads_there(scene: Scene, owner: Client) -> None:
    connection = scene.connections["prodigi"].id
    test = scene.connections["test"].id

    listed = owner.get("/admin/connections/connection/").content.decode()

    assert f'href="/connections/{connection}/?next=%2Fadmin%2Fconnections%2F' in listed
    assert f'href="/test/connections/{test}/?next=' in listed
