"""Panels when things are not as they should be."""

from entrepot.access import scope
from entrepot.connections.models import Connection
from entrepot.dashboard.reading import panel
from entrepot.database import sql
from tests.dashboard.conftest import SignIn
from tests.dashboard.scene import Scene


def test_a_panel_that_cannot_be_read_takes_only_itself(empty_scene: Scene) -> None:
    with scope.merchant(empty_scene.merchant.id):
        broken = panel.read("flow", lambda: sql.fetch("SELECT 1 / 0"))
        whole = panel.read("names", Connection.objects.count)

    assert broken.content is None
    assert broken.error_id.startswith("err-")
    assert whole.content == 7


def test_a_list_says_which_storefront_is_missing(scene: Scene, sign_in: SignIn) -> None:
    with scope.merchant(scene.merchant.id):
        Connection.objects.filter(code="boutique").update(
            status="misconfigured", status_reason="401: key revoked"
        )

    page = sign_in(scene).get("/orders/").content.decode()

    assert "<bdi>Boutique Mouette</bdi> is missing: misconfigured" in page
    assert "401: key revoked" in page
