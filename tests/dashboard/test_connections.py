"""Connections: tiles, one connection, its form made from the manifest, and its moves."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from entrepot.access import scope
from entrepot.access.states import Role
from entrepot.catalog.services import MappingWish, map_sku
from entrepot.connections.models import Connection, Credential, HistoryImport
from entrepot.connections.states import Status
from entrepot.events.models import Event
from tests.dashboard import scene as scenes
from tests.dashboard.conftest import SignIn
from tests.dashboard.scene import Scene
from tests.dashboard.test_inbox import page_of
from tests.serving import serve


def refreshed(scene: Scene, code: str) -> Connection:
    """A connection as it is now."""
    with scope.merchant(scene.merchant.id):
        return Connection.objects.get(id=scene.connections[code].id)


def test_the_tiles_show_every_connection_of_the_mode(empty_scene: Scene, sign_in: SignIn) -> None:
    page = page_of(sign_in(empty_scene), "/connections/")

    assert "Seemöwe Shop" in page
    assert "Boutique Mouette" in page
    assert "Seemöwe Shop, test" not in page

    assert "1 observing and 5 live" in page


def test_an_observing_storefront_says_what_would_happen(
    empty_scene: Scene, sign_in: SignIn
) -> None:
    with scope.merchant(empty_scene.merchant.id):
        Connection.objects.filter(id=empty_scene.connections["boutique"].id).update(
            created_at=timezone.now() - timedelta(days=4), live_since=None
        )
        map_sku(
            empty_scene.merchant.id,
            "AFF-PHARE-A2",
            wish=MappingWish(
                kind="provider",
                provider_connection_id=empty_scene.connections["prodigi"].id,
                provider_sku="GLOBAL-FAP-16X24",
                unit_cost=Decimal("4.79"),
                cost_currency="EUR",
            ),
            by="user:1",
        )
    for number, name, country, total, currency, sku, captured in (
        ("2207", "Aurélie Noël", "FR", "52.00", "EUR", "AFF-PHARE-A2", True),
        ("2206", "Zoë Ryś", "BE", "31.50", "EUR", "AFF-BRUME-A2", True),
        ("2205", "יעל ברק", "CH", "96.50", "CHF", "AFF-PHARE-A2", True),
        ("2204", "Ærling Öst", "SE", "410.00", "SEK", "AFF-PHARE-A2", False),
    ):
        scenes.sell(
            empty_scene,
            number,
            customer=name,
            country=country,
            total=total,
            currency=currency,
            lines=[(sku, "Affiche", 3)],
            placed=timedelta(hours=5),
            connection="boutique",
            captured=captured,
            released=False,
            is_history=True,
        )
    client = sign_in(empty_scene)

    page = page_of(client, f"/connections/{empty_scene.connections['boutique'].id}/")
    text = re.sub(r"<[^>]+>|\s+", " ", page)

    assert re.search(r"Orders seen\s+4\s", text)
    assert re.search(r"Would submit\s+2\s+to Prodigi\s*,\s*28.74.EUR", text)
    assert re.search(r"Would write back\s+2\s", text)
    assert re.search(r"Would hold\s+1\s+1 SKU not mapped", text)
    assert "SKU AFF-BRUME-A2 is not mapped" in text
    assert "Wait for its payment" in text


def test_an_observing_provider_to_whom_nothing_would_go_says_so(
    empty_scene: Scene, sign_in: SignIn
) -> None:
    row = empty_scene.connections["prodigi"]
    with scope.merchant(empty_scene.merchant.id):
        Connection.objects.filter(id=row.id).update(status=Status.OBSERVING)

    page = page_of(sign_in(empty_scene), f"/connections/{row.id}/")

    assert "<p>No fulfillment order waits to be submitted.</p>" in page


def test_only_an_owner_presses_go_live_and_says_why(empty_scene: Scene, sign_in: SignIn) -> None:
    connection_id = empty_scene.connections["boutique"].id
    path = f"/connections/{connection_id}/go-live/"

    refused = sign_in(empty_scene, Role.OPERATOR).post(path, {"reason": "we are ready"})
    preview = page_of(sign_in(empty_scene, Role.OWNER), path)
    still = refreshed(empty_scene, "boutique").status
    sign_in(empty_scene, Role.OWNER).post(path, {"reason": "the previews are right"})

    assert refused.status_code == 403
    assert "Orders placed from this moment on" in preview
    assert "Orders placed before stay history" in preview
    assert still == Status.OBSERVING
    assert refreshed(empty_scene, "boutique").status == Status.LIVE
    with scope.merchant(empty_scene.merchant.id):
        event = Event.objects.get(name="connection.went_live")
    assert event.reason == "the previews are right"
    assert event.actor == f"user:{empty_scene.people[Role.OWNER].id}"


@pytest.mark.parametrize(
    ("name", "status"), [("pause", Status.PAUSED), ("observe", Status.OBSERVING)]
)
def test_a_live_connection_can_be_stopped(
    empty_scene: Scene, sign_in: SignIn, name: str, status: Status
) -> None:
    client = sign_in(empty_scene, Role.OWNER)

    client.post(
        f"/connections/{empty_scene.connections['prodigi'].id}/{name}/", {"reason": "wrong paper"}
    )

    assert refreshed(empty_scene, "prodigi").status == status


def test_what_is_needed_is_not_called_optional_and_no_choice_is_made_for_anybody(
    empty_scene: Scene, sign_in: SignIn
) -> None:
    client = sign_in(empty_scene, Role.OWNER)

    page = page_of(client, "/connections/add/prodigi/")
    added = client.post(
        "/connections/add/prodigi/",
        {
            "name": "Druckhaus",
            "setting-api_key": "neun",
            "setting-environment": "",
            "untested": "1",
        },
    )

    assert re.search(r'<option value="" selected>\s*not told\s*</option>', page)
    assert re.search(r">API key</label>", page)
    assert re.search(r'name="setting-api_key"[^>]* required', page)
    assert added.status_code == 302


def test_the_form_is_made_of_the_manifest_and_keeps_secrets_sealed(
    empty_scene: Scene, sign_in: SignIn
) -> None:
    client = sign_in(empty_scene, Role.OWNER)

    page = page_of(client, "/connections/add/woocommerce/")
    added = client.post(
        "/connections/add/woocommerce/",
        {
            "name": "Möwe Markt",
            "setting-base_url": "https://markt.seemoewe.example",
            "setting-consumer_key": "ck_nine",
            "setting-consumer_secret": "cs_ten",
            "setting-on_terms_methods": "cod, invoice",
            "setting-status_map": "vorkasse-ok = processing",
            "untested": "1",
        },
    )

    assert "Consumer key" in page
    assert 'type="password"' in page
    assert added.status_code == 302
    with scope.merchant(empty_scene.merchant.id):
        row = Connection.objects.get(name="Möwe Markt")
        sealed = {one.name: bytes(one.sealed) for one in Credential.objects.filter(connection=row)}
    assert row.settings["on_terms_methods"] == ["cod", "invoice"]
    assert row.settings["status_map"] == {"vorkasse-ok": "processing"}
    assert row.status == Status.OBSERVING
    assert set(sealed) == {"consumer_key", "consumer_secret"}
    assert not any(b"ck_nine" in one for one in sealed.values())
    shown = page_of(client, f"/connections/{row.id}/settings/")
    assert "ck_nine" not in shown
    assert "Leave empty to keep it." in shown


def test_wrong_settings_are_named_under_their_fields(empty_scene: Scene, sign_in: SignIn) -> None:
    client = sign_in(empty_scene, Role.OWNER)

    answer = client.post(
        "/connections/add/woocommerce/",
        {"name": "Möwe Markt", "setting-base_url": "ftp://x", "untested": "1"},
    )
    page = answer.content.decode()

    assert answer.status_code == 422
    assert "is not an http or https address" in page
    assert "Consumer key is needed" in page


async def _refuse(_scope: dict[str, Any], _receive: Any, send: Any) -> None:
    body = b'{"code":"woocommerce_rest_cannot_view","message":"Consumer key is invalid."}'
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 401, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def test_credentials_that_the_platform_refuses_are_not_saved(
    empty_scene: Scene, sign_in: SignIn
) -> None:
    client = sign_in(empty_scene, Role.OWNER)

    with serve(_refuse) as address:
        answer = client.post(
            "/connections/add/woocommerce/",
            {
                "name": "Möwe Markt",
                "setting-base_url": address,
                "setting-consumer_key": "ck_nine",
                "setting-consumer_secret": "cs_ten",
            },
        )

    assert answer.status_code == 422
    assert "Consumer key is invalid" in answer.content.decode()
    assert "Save without a test" in answer.content.decode()
    with scope.merchant(empty_scene.merchant.id):
        assert not Connection.objects.filter(name="Möwe Markt").exists()


def test_the_merchants_choices_are_kept_beside_the_settings(
    empty_scene: Scene, sign_in: SignIn
) -> None:
    connection_id = empty_scene.connections["shop"].id
    client = sign_in(empty_scene, Role.OWNER)

    client.post(
        f"/connections/{connection_id}/settings/",
        {
            "policy": "1",
            "release_states": "processing, vorkasse-ok",
            "terms_methods": "cod",
            "cooling_off_minutes": "12",
            "ceiling_mails": "300",
        },
    )

    assert refreshed(empty_scene, "shop").policy == {
        "release_states": ["processing", "vorkasse-ok"],
        "terms_methods": ["cod"],
        "cooling_off_seconds": 720,
        "hourly_ceilings": {"mails": 300},
    }


def test_a_signing_secret_rotates_with_an_overlap(empty_scene: Scene, sign_in: SignIn) -> None:
    connection_id = empty_scene.connections["shop"].id
    client = sign_in(empty_scene, Role.OWNER)
    path = f"/connections/{connection_id}/rotate/"

    client.post(path, {"name": "webhook_signing", "text": "first", "hours": "24"})
    client.post(path, {"name": "webhook_signing", "text": "zweites", "hours": "24"})
    page = page_of(client, f"/connections/{connection_id}/")

    with scope.merchant(empty_scene.merchant.id):
        rows = Credential.objects.filter(connection_id=connection_id, name="webhook_signing")
        expiring = [row.expires_at for row in rows.order_by("id")]
    assert expiring[0] is not None
    assert expiring[1] is None
    assert "the former one until" in page
    assert "zweites" not in page


def test_history_is_imported_with_progress_and_can_be_stopped(
    empty_scene: Scene, sign_in: SignIn
) -> None:
    connection_id = empty_scene.connections["shop"].id
    client = sign_in(empty_scene, Role.OWNER)

    client.post(f"/connections/{connection_id}/import/", {"flow": "orders", "since": "2026-01-01"})
    with scope.merchant(empty_scene.merchant.id):
        HistoryImport.objects.update(done=2300, total=10_000)
        begun = HistoryImport.objects.get()
    page = page_of(client, f"/connections/{connection_id}/")
    part = client.get(
        f"/connections/{connection_id}/?imports=1", headers={"HX-Request": "true"}
    ).content.decode()
    client.post(f"/connections/{connection_id}/import/", {"stop": begun.id})

    assert "2,300 of 10,000 read" in page
    assert 'value="23"' in part
    assert "<html" not in part
    with scope.merchant(empty_scene.merchant.id):
        assert HistoryImport.objects.get().finished_at is not None


def test_every_connection_has_a_page_of_its_own(empty_scene: Scene, sign_in: SignIn) -> None:
    client = sign_in(empty_scene)

    for code, row in empty_scene.connections.items():
        prefix = "/test" if row.mode == "test" else ""
        page = page_of(client, f"{prefix}/connections/{row.id}/")
        assert row.name in page, code
        assert page_of(client, f"{prefix}/connections/{row.id}/calls/")


def test_what_sells_is_offered_first_then_what_ships(empty_scene: Scene, sign_in: SignIn) -> None:
    page = page_of(sign_in(empty_scene, Role.OWNER), "/connections/add/")

    names = re.findall(r'<a class="tile"[^>]*><span class="strong">([^<]+)', page)
    assert names == ["Direct", "WooCommerce", "By hand", "Prodigi", "Stripe", "EasyPost"]
