"""Every list of the configuration is saved as CSV, by who may see it and with its filters."""

import csv
import io
import re

import pytest
from django.test import Client

from entrepot.access import keys, scope
from entrepot.access.states import Role
from entrepot.catalog.models import Mapping
from entrepot.dashboard.configuration import LISTS
from entrepot.database.rows import Mode
from entrepot.intake.tables import BYTE_ORDER_MARK
from tests.configuration.conftest import signed_in
from tests.dashboard.scene import Scene


def rows_of(client: Client, path: str) -> list[dict[str, str]]:
    answer = client.get(path)
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/csv; charset=utf-8")
    text = answer.content.decode()
    return list(csv.DictReader(io.StringIO(text.removeprefix(BYTE_ORDER_MARK))))


@pytest.mark.parametrize("model", [model for _, _, model, _ in LISTS])
def test_every_list_has_a_button_for_its_file(owner: Client, model: str) -> None:
    where = f"/admin/{model.replace('_', '/')}/"

    page = owner.get(where).content.decode()

    assert page.count("Export CSV") == 1
    assert f'href="{where}export/"' in page
    assert rows_of(owner, f"{where}export/") is not None


def test_people_are_saved_as_they_are_filtered(scene: Scene, owner: Client) -> None:
    where = "/admin/access/membership/"

    page = owner.get(f"{where}?role__exact=support").content.decode()
    everybody, some = (
        rows_of(owner, f"{where}export/"),
        rows_of(owner, f"{where}export/?role__exact=support"),
    )

    assert re.search(r'href="/admin/access/membership/export/\?role__exact=support"', page)
    assert {row["person"] for row in everybody} >= {"Ólafur Þór", "田辺 ゆき", "Inga Körner"}
    assert [(row["person"], row["role"]) for row in some] == [("Saoirse Ní Bhriain", "Support")]


def test_keys_are_saved_without_their_secrets(scene: Scene, owner: Client) -> None:
    issued = keys.create_api_key(
        merchant_id=scene.merchant.id, name="=Möwe", scopes=["orders:read"], mode=Mode.TEST
    )

    answer = owner.get("/admin/access/apikey/export/").content.decode()

    assert "'=Möwe" in answer
    assert issued.key.prefix in answer
    assert issued.secret.rpartition("_")[2] not in answer


def test_mappings_leave_out_what_leads_to_their_page(scene: Scene, owner: Client) -> None:
    with scope.merchant(scene.merchant.id):
        for sku in ("PRT-1", "MUG-2"):
            Mapping.objects.create(merchant_id=scene.merchant.id, sku=sku, kind="nothing")

    rows = rows_of(owner, "/admin/catalog/mapping/export/?q=MUG")

    assert [row["sku"] for row in rows] == ["MUG-2"]
    assert "<a" not in str(rows)


def test_who_may_not_see_a_list_does_not_get_its_file(scene: Scene) -> None:
    operator = signed_in(scene, Role.OPERATOR)

    assert operator.get("/admin/access/apikey/export/").status_code == 403
    assert operator.get("/admin/access/membership/export/").status_code == 200
